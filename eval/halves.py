"""Whole notes as questions: each note's first half is asked, its second half is to be found.

A site has no judgements for "notes like this one"; two halves of one note are alike for certain.
What is indexed are the second halves alone and without titles, so that no question stands in the
index word for word.
"""

from __future__ import annotations

from dataclasses import replace

from eval.benchmark import Benchmark, Text
from indexing.errors import InvalidInput

SHORTEST = 40  # words of a note: less makes a question, not half a note
SPLIT = "test"


def halves(name: str, corpus: tuple[Text, ...], every: int) -> Benchmark:
    """Return a benchmark that asks for the rest of every `every`-th note.

    Notes whose first half another note shares are relevant to each other's question: copies are
    as good an answer. Raises: InvalidInput where no note is long enough.
    """
    cut = {text.doc_id: _cut(text.text) for text in corpus if len(text.text.split()) >= SHORTEST}
    if not cut:
        raise InvalidInput(f"{name}: no text has {SHORTEST} words, there is nothing to halve")
    alike: dict[str, list[str]] = {}
    for doc_id, (first, _) in cut.items():
        alike.setdefault(" ".join(first.split()), []).append(doc_id)
    topics = {doc_id: cut[doc_id][0] for doc_id in list(cut)[::every]}
    qrels = {
        doc_id: dict.fromkeys(alike[" ".join(first.split())], 1) for doc_id, first in topics.items()
    }
    rest = tuple(
        replace(text, title="", text=cut[text.doc_id][1]) for text in corpus if text.doc_id in cut
    )
    return Benchmark(f"{name}-halves", rest, topics, qrels)


def _cut(text: str) -> tuple[str, str]:
    """Cut in the middle, between two words."""
    middle = len(text) // 2
    at = text.find(" ", middle)
    at = middle if at < 0 else at
    return text[:at].strip(), text[at:].strip()
