"""Pairs of texts that mean the same, for teaching an encoder: what a corpus, a terminology and
judgements say of it."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, zip_longest

import numpy as np

from eval.benchmark import Benchmark
from indexing.language.terminology import NameKind, Terminology

MOST_CHARACTERS = 1_200  # of a body: what a passage holds, and the model reads
LEAST_CHARACTERS = 40  # of a body: less says too little to be told apart from others
POOL = 64  # batches that are cut from one lot, sorted by length: less is padding, more is chance
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
    sets: Sequence[tuple[str, Benchmark]], terminology: Terminology | None, most: int
) -> list[Pair]:
    """Return at most `most` pairs, as many of each kind as there are, in an order drawn by hashes:
    the same data gives the same pairs."""
    sources: list[Iterable[Pair]] = [_titles(sets), _judged(sets)]
    if terminology is not None:
        sources.append(_synonyms(terminology))
    drawn = [sorted(source, key=_draw) for source in sources]
    mixed = (pair for row in zip_longest(*drawn) for pair in row if pair is not None)
    return list(islice(mixed, most))


def counted(found: Sequence[Pair]) -> dict[str, int]:
    """Count the pairs of each kind."""
    return dict(sorted(Counter(pair.kind for pair in found).items()))


def lessons(found: Sequence[Pair], size: int, seed: int) -> list[list[Pair]]:
    """Cut pairs into batches of one kind and of like length, in an order drawn by `seed`: a name
    beside an abstract costs an abstract, and is told from it by its length alone."""
    order = np.random.default_rng(seed)
    kinds = defaultdict[str, list[Pair]](list)
    for at in order.permutation(len(found)):
        kinds[found[at].kind].append(found[at])
    cut = [
        batch
        for _, own in sorted(kinds.items())
        for start in range(0, len(own), POOL * size)
        for batch in batches(sorted(own[start : start + POOL * size], key=_length), size)
    ]
    return [cut[at] for at in order.permutation(len(cut))]


def batches(found: Sequence[Pair], size: int) -> Iterator[list[Pair]]:
    """Cut pairs into batches in which no group and no text stands twice, and none that answers
    another's question: every other text of a batch is taken for a wrong answer."""
    waiting = list(found)
    while waiting:
        batch, later = list[Pair](), list[Pair]()
        taken, barred = set[str](), set[str]()
        for pair in waiting:
            own = {pair.group, pair.left, pair.right, pair.own} - {""}
            if len(batch) < size and not (own & taken or own & barred or pair.also & taken):
                batch.append(pair)
                taken |= own
                barred |= pair.also
            else:
                later.append(pair)
            if len(batch) == size:
                break
        waiting = later + waiting[len(batch) + len(later) :]
        yield batch


def _length(pair: Pair) -> int:
    return len(pair.left) + len(pair.right)


def split(found: Sequence[Pair], share: float) -> tuple[list[Pair], list[Pair]]:
    """Hold out a share of the groups, drawn by a hash; return what teaches and what judges."""
    held = [p for p in found if hashlib.sha256(b"held" + _bytes(p.group)).digest()[0] < 256 * share]
    out = {pair.group for pair in held}
    return [pair for pair in found if pair.group not in out], held


def _titles(sets: Sequence[tuple[str, Benchmark]]) -> Iterator[Pair]:
    for name, read in sets:
        for text in read.corpus:
            title, body = text.title.strip(), text.text.strip()
            if title and len(body) >= LEAST_CHARACTERS and not body.startswith(title):
                yield Pair("title", title, body[:MOST_CHARACTERS], f"{name}/{text.doc_id}")


def _judged(sets: Sequence[tuple[str, Benchmark]]) -> Iterator[Pair]:
    """Take each question with what was judged best for it, as a passage is encoded."""
    for name, read in sets:
        texts = {text.doc_id: text for text in read.corpus}
        for topic, judged in read.qrels.items():
            best = max(judged.values(), default=0)
            also = frozenset(f"{name}/{doc_id}" for doc_id, grade in judged.items() if grade > 0)
            for doc_id, grade in judged.items():
                if grade == best > 0 and (text := texts.get(doc_id)) is not None:
                    whole = f"{text.title}. {text.text}" if text.title else text.text
                    question = read.topics[topic]
                    cut, own = whole[:MOST_CHARACTERS], f"{name}/{doc_id}"
                    yield Pair("judged", question, cut, f"{name}?{topic}", own, also)


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
