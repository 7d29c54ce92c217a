"""Pairs of texts that mean the same, for teaching an encoder: what a corpus, a terminology and
judgements say of it."""

from __future__ import annotations

import hashlib
import heapq
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count, islice, zip_longest
from operator import itemgetter

from eval.benchmark import Benchmark, Text
from indexing.language.passages import LIMIT, passages
from indexing.language.sections import sections
from indexing.language.terminology import NameKind, Terminology
from indexing.ports import Encoder

LEAST_CHARACTERS = 40  # of a body: less says too little to be told apart from others
SHARES = {"judged": 8, "title": 1, "synonym": 1}
_TAUGHT = frozenset({NameKind.SYNONYM, NameKind.LAY})  # abbreviations mean several things


@dataclass(frozen=True, slots=True)
class Pair:
    """Two texts that should lie near each other. `kind`: title, synonym or judged. Two pairs that
    share a `group` say nothing against each other's texts, nor do two of which one's `own` text is
    among what the other's question was judged to be answered by too (`also`)."""

    kind: str
    left: str
    right: str
    group: str
    own: str = ""
    also: frozenset[str] = frozenset()


def pairs(
    sets: Sequence[tuple[str, Benchmark]],
    terminology: Terminology | None,
    encoder: Encoder,
    most: int,
) -> list[Pair]:
    """Return at most `most` pairs, of each kind by its share while there are some, in an order
    that data and encoder decide."""
    sources = {
        "judged": _judged(sets, encoder),
        "title": sorted(_titles(sets), key=_draw),
        "synonym": sorted(_synonyms(terminology), key=_draw) if terminology is not None else (),
    }
    turns = [
        zip(count(0, 1 / SHARES[kind]), source, strict=False) for kind, source in sources.items()
    ]
    return [pair for _, pair in islice(heapq.merge(*turns, key=itemgetter(0)), most)]


def counted(found: Sequence[Pair]) -> dict[str, int]:
    """Count the pairs of each kind."""
    return dict(sorted(Counter(pair.kind for pair in found).items()))


def split(found: Sequence[Pair], share: float) -> tuple[list[Pair], list[Pair]]:
    """Hold out a share of the groups; return what teaches and what judges."""
    out = {pair.group: held(pair.group, share) for pair in found}
    return [p for p in found if not out[p.group]], [p for p in found if out[p.group]]


def held(group: str, share: float) -> bool:
    """Say whether a group is held out, drawn by a hash."""
    return hashlib.sha256(b"held" + _bytes(group)).digest()[0] < 256 * share


def passages_of(text: Text) -> list[str]:
    """Return a document's passages as an index encodes them."""
    prefix = f"{text.title}. " if text.title else ""
    cut = passages(text.text, sections(text.text))
    return [prefix + text.text[part.start : part.end] for part in cut]


def asked_in(read: Benchmark) -> list[str]:
    """Return the judged questions."""
    return [read.topics[topic] for topic in read.qrels]


def _titles(sets: Sequence[tuple[str, Benchmark]]) -> Iterator[Pair]:
    for name, read in sets:
        for text in read.corpus:
            title, body = text.title.strip(), text.text.strip()
            if title and len(body) >= LEAST_CHARACTERS and not body.startswith(title):
                yield Pair("title", title, body[:LIMIT], f"{name}/{text.doc_id}")


def _judged(sets: Sequence[tuple[str, Benchmark]], encoder: Encoder) -> Iterator[Pair]:
    """Take each question with what was judged right for it, each question once a round: a broad
    one has hundreds of answers, and would be most of the pairs. The best come first, among them the
    nearest: what a far one has to do with the question, its text seldom says. A document stands
    for itself by the passage nearest to the question."""
    questions = list[list[Pair]]()
    for name, read in sets:
        texts = {f"{name}/{text.doc_id}": passages_of(text) for text in read.corpus}
        rows = {own: encoder.encode(parts) for own, parts in texts.items() if parts}
        for topic, asked in zip(read.qrels, encoder.encode(asked_in(read)), strict=True):
            grades = {f"{name}/{each}": grade for each, grade in read.qrels[topic].items()}
            near = {
                own: rows[own] @ asked for own, grade in grades.items() if grade > 0 and own in rows
            }
            question, group, also = read.topics[topic], f"{name}?{topic}", frozenset(near)
            questions.append([
                Pair("judged", question, texts[own][near[own].argmax()], group, own, also)
                for own in sorted(near, key=lambda own: (-grades[own], -float(near[own].max())))
            ])  # fmt: skip
    rounds = zip_longest(*sorted(filter(None, questions), key=lambda found: _draw(found[0])))
    return (pair for turn in rounds for pair in turn if pair is not None)


def _synonyms(terminology: Terminology) -> Iterator[Pair]:
    for concept_id in terminology.concept_ids():
        preferred = terminology.concept(concept_id).name
        for name in terminology.names(concept_id):
            if name.kind in _TAUGHT and name.text.casefold() != preferred.casefold():
                yield Pair("synonym", name.text, preferred, concept_id)


def _draw(pair: Pair) -> bytes:
    whole = "\0".join((pair.kind, pair.group, pair.left, pair.right))
    return hashlib.sha256(_bytes(whole)).digest()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
