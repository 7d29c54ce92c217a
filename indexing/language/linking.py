"""Concepts by meaning: the vectors of a terminology's names, made piece by piece and kept on disk.

`<folder>/<model>-<version>/<number>.npy` holds the vectors of one piece of the names, those of the
concepts that the shipped seed knows first. What was made stays when a process is stopped; a reader
takes what is there. Nothing here delays a start: somebody with time to spare calls `grow`.

Where a vector engine holds them all (`concept_space`), it is asked for the nearest, and a process
reads the pieces of what may be offered alone.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from indexing.analysis import stems
from indexing.language.concept_space import ConceptSpace
from indexing.language.linkable import LinkableNames
from indexing.language.placed_names import PlacedNames
from indexing.language.terminology import SemanticType, Terminology
from indexing.language.terminology.compile import TYPES
from indexing.language.terminology.nearest import NameIndex
from indexing.ports import Encoder, Vectors

PIECE: Final = 1024  # names per file
LONGEST: Final = 120  # code points of a text that is linked; longer ones are no name
WIDEST_MARGIN: Final = 0.2  # beyond it the second concept says nothing more

_DRUGS: Final = frozenset({SemanticType.DRUG, SemanticType.DRUG_CLASS})


class Signs(NamedTuple):
    """What a link's confidence is told by. `margin`: to the next concept's cosine; `support`: the
    cosine of the concept's second nearest name, 0 for none; `shared`: share of word stems that
    text and nearest name have in common; `single`: the text is one word; `drug`: the concept is
    one."""

    cosine: float
    margin: float
    support: float
    shared: float
    single: bool
    drug: bool


@dataclass(frozen=True, slots=True)
class Confidence:
    """A logistic model over `Signs`, and the probability from which nine links in ten are right."""

    weights: tuple[float, ...]  # the constant first
    gate: float

    def of(self, signs: Signs) -> float:
        """Return how likely the link is right, 0 to 1."""
        z = self.weights[0] + sum(
            w * float(s) for w, s in zip(self.weights[1:], signs, strict=True)
        )
        return float(1 / (1 + np.exp(-z)))


# By the beginning of the model's name: fitted on the names of one half of the seed's concepts,
# precision measured on the other half, both by `python -m eval.linking`. The gate that the fitted
# half chose with all names loaded (.69) gave .885 on the other half of the seed alone, and was
# raised to where that gives .919. A model that is not named here has not been measured: nothing is
# offered by it.
CONFIDENCE: Final[Mapping[str, Confidence]] = {
    "minilm-l6": Confidence((-6.546, 5.357, 9.019, 1.009, 1.101, -0.086, -0.229), 0.72),
}


@dataclass(frozen=True, slots=True)
class Link:
    """A concept near a text: `name` is its nearest name, `cosine` how near."""

    concept_id: str
    name: str
    cosine: float


class Linker:
    """Finds concepts by the meaning of their names; safe to share between threads.

    `folder` None keeps the vectors in memory alone. `space` is where an engine holds them. `only`
    are the rows of the names that it is about, None for all of them.
    """

    def __init__(
        self, terminology: Terminology, encoder: Encoder, folder: Path | None,
        space: ConceptSpace | None = None, only: Sequence[int] | None = None,
    ) -> None:  # fmt: skip
        self._terminology, self._encoder = terminology, encoder
        self._root, self.space = folder, space
        self.linked = LinkableNames(terminology, only)
        self._lock = threading.Lock()
        self._pieces: dict[int, NDArray[np.float16]] = {}
        self._growing: list[NDArray[np.float16]] = []  # of the first piece that is missing
        found = (c for name, c in CONFIDENCE.items() if encoder.model.startswith(name))
        self.confidence = next(found, None)

    @property
    def names(self) -> NDArray[np.int64]:
        """The rows of the names that have a vector, in the order of the vectors: first those of
        the concepts that the seed knows, `common` of them."""
        return self.linked.rows

    @property
    def common(self) -> int:
        """How many of `names` belong to concepts that the shipped seed knows: what is offered.

        Among rare diseases and laboratory findings a near name is mostly another's: with them the
        nearest concept is never right in nine cases of ten, however near.
        """
        return self.linked.common

    @cached_property
    def _folder(self) -> Path | None:
        if self._root is None:
            return None
        return self._root / f"{self._encoder.model}-{self._terminology.version}"

    @property
    def model(self) -> str:
        """The model that the vectors are of."""
        return self._encoder.model

    @property
    def made(self) -> int:
        """How many names have their vector, those of the seed's concepts first."""
        here = self._here()
        return len(self.names) if self._placed else here

    @property
    def _placed(self) -> bool:
        """Whether an engine holds all of them."""
        return self.space is not None and self.space.whole

    def _here(self) -> int:
        """Return how many names have theirs in this process, without a gap."""
        self._look()
        made, number = 0, 0
        while (piece := self._pieces.get(number)) is not None:
            made += len(piece)
            number += 1
        return made

    @property
    def ready(self) -> bool:
        """Whether every name that may be offered has its vector."""
        return self.confidence is not None and self._here() >= self.common

    def grow(self, names: int = 64) -> int:
        """Make the vectors of some more names; return how many, 0 when all are made.

        One caller at a time; what another process makes meanwhile is taken up.
        """
        made = self._here()
        if made >= (self.common if self._placed else len(self.names)):
            return 0
        rows = self.linked.texts(made, made + PIECE)
        done = sum(map(len, self._growing))
        if done >= len(rows):  # the other process was quicker with this piece, or it is a new one
            self._growing, done = [], 0
        some = rows[done : done + names]
        self._growing.append(self._encoder.encode(some).astype(np.float16))
        if done + len(some) == len(rows):
            self._keep(made // PIECE, np.concatenate(self._growing))
            self._growing = []
        return len(some)

    def _keep(self, number: int, piece: NDArray[np.float16]) -> None:
        if self._folder is not None:
            _write(self._folder / f"{number}.npy", piece)
        with self._lock:
            self._pieces[number] = piece
        if self._here() == len(self.names):
            self._sweep()

    def nearest(self, text: str, limit: int = 10) -> list[Link]:
        """Return the concepts whose names are nearest in meaning, best first, among those whose
        vectors are made. A text that is too long to name anything is near nothing.

        Raises:
            EngineUnavailable: an engine holds them and does not answer.
        """
        vector = self.vector(text)
        return [] if vector is None or not self.made else self.nearest_to(vector, limit)

    def named(self, text: str, limit: int) -> list[tuple[str, float]]:
        """Return (concept, score in (0, 1]) of the names most like a text by their words, as
        `Terminology.search`. Raises: EngineUnavailable: an engine holds them and does not answer.
        """
        return self._terminology.search(text, limit, self._wordings if self.worded else None)

    @property
    def worded(self) -> bool:
        """Whether an engine holds every name and finds it by its words."""
        return self.space is not None and self.space.words is not None and self.space.whole

    @cached_property
    def _wordings(self) -> NameIndex:
        assert self.space is not None
        return NameIndex(PlacedNames(self._terminology, [self.space]))

    def vector(self, text: str) -> Vectors | None:
        """Return a text's vector, None for what cannot name anything."""
        text = " ".join(text.split())
        return self._encoder.encode([text])[0] if text and len(text) <= LONGEST else None

    def nearest_to(self, vector: Vectors, limit: int) -> list[Link]:
        """As `nearest`, of a vector. Raises: EngineUnavailable."""
        if not len(self.names):
            return []
        if self.space is None or not self.space.whole:
            return self._nearest(self._scores(vector, len(self.names)), limit)
        found = self.space.nearest(vector, limit)
        return [
            Link(near.concept_id, self.linked.name(near.concept_id, near.number), near.cosine)
            for near in found if near.cosine > 0 and near.concept_id in self._terminology
        ]  # fmt: skip

    def vectors(self, start: int, stop: int) -> Vectors:
        """Return the vectors of `names[start:stop]` at unit length; made anew where they are lost,
        so that what an engine lacks can always be brought in again."""
        found = [np.empty((0, self._encoder.dimension), np.float32)]
        while start < stop:
            number, at = divmod(start, PIECE)
            end = min(stop, (number + 1) * PIECE)
            piece = self._piece(number)
            if piece is None:
                found.append(self._encoder.encode(self.linked.texts(start, end)))
            else:
                found.append(piece[at : at + end - start].astype(np.float32))
            start = end
        return _unit(np.concatenate(found))

    def _piece(self, number: int) -> NDArray[np.float16] | None:
        if (piece := self._pieces.get(number)) is not None or self._folder is None:
            return piece
        path = self._folder / f"{number}.npy"
        rows = len(self.names[number * PIECE : (number + 1) * PIECE])
        return _read(path, rows) if path.is_file() else None

    def _nearest(self, scores: NDArray[np.float32], limit: int) -> list[Link]:
        """As `_best`, of each concept its nearest name alone: most near names are not read."""
        compiled, found = self._terminology.compiled, dict[int, Link]()
        most = min(len(scores), 24 * limit)
        order = np.argpartition(scores, len(scores) - most)[len(scores) - most :]
        order = order[np.argsort(-scores[order], kind="stable")]
        rows = self.names[order]
        for owner, row, score in zip(
            self.linked.owners[rows].tolist(), rows.tolist(), scores[order].tolist(), strict=True
        ):
            if score <= 0 or len(found) == limit:
                break
            if owner not in found:
                link = Link(compiled.ids[owner], compiled.name_texts[row], min(score, 1.0))
                found[owner] = link
        return list(found.values())

    def sure(self, text: str) -> Link | None:
        """Return the concept that a text most likely describes, None where that is not likely
        enough, or not known yet because the vectors are still being made."""
        text = " ".join(text.split())
        if self.confidence is None or not text or len(text) > LONGEST or not self.ready:
            return None
        found = self.judged(text, self._encoder.encode([text])[0])
        if found is None or self.confidence.of(found[1]) < self.confidence.gate:
            return None
        return found[0]

    def judged(
        self, text: str, vector: Vectors, without: Sequence[int] = ()
    ) -> tuple[Link, Signs] | None:
        """Return the nearest of the seed's concepts with the signs that its confidence is told by.

        `without` are places in `names` that do not count: what an evaluation withholds.
        """
        scores = self._scores(vector, self.common)
        scores[list(without)] = -1.0
        best = self._best(scores, 2)
        if not best:
            return None
        concept, name, cosines = best[0]
        mine, theirs = set(stems(text)), set(stems(name))
        kind = TYPES[self._terminology.compiled.types[self._terminology.row(concept)]]
        second = best[1][2][0] if len(best) > 1 else 0.0
        signs = Signs(
            cosines[0],
            min(cosines[0] - second, WIDEST_MARGIN),
            cosines[1] if len(cosines) > 1 else 0.0,
            len(mine & theirs) / max(1, len(mine | theirs)),
            len(mine) == 1,
            kind in _DRUGS,
        )
        return Link(concept, name, cosines[0]), signs

    def _best(
        self, scores: NDArray[np.float32], limit: int
    ) -> list[tuple[str, str, tuple[float, ...]]]:
        """Return (concept, its nearest name, the cosines of its near names) of the best."""
        compiled = self._terminology.compiled
        most = min(len(scores), 24 * limit)  # one concept may have many near names
        if not most:
            return []
        order = np.argpartition(-scores, most - 1)[:most]
        found: dict[int, tuple[str, list[float]]] = {}
        for place in order[np.argsort(-scores[order], kind="stable")]:
            row = self.names[place]
            cosine = min(float(scores[place]), 1.0)
            if cosine > 0:
                owner = int(self.linked.owners[row])
                found.setdefault(owner, (compiled.name_texts[row], []))[1].append(cosine)
        return [
            (compiled.ids[owner], name, tuple(cosines))
            for owner, (name, cosines) in list(found.items())[:limit]
        ]

    @cached_property
    def _offerable(self) -> Vectors:
        """The vectors of the seed's concepts in one piece; asked for once they are all made."""
        pieces = [self._pieces[n] for n in range(-(-self.common // PIECE))]
        return _unit(np.concatenate(pieces)[: self.common])

    @cached_property
    def _whole(self) -> Vectors:
        """The vectors of every name in one piece: turning them anew takes 0.1 s each time."""
        pieces = [self._pieces[n] for n in range(-(-len(self.names) // PIECE))]
        return _unit(np.concatenate(pieces))

    def _scores(self, vector: Vectors, names: int) -> NDArray[np.float32]:
        """Return the cosines of the first `names` names, -1 where a vector is not made yet."""
        if names == self.common and self._here() >= names > 0:
            return self._offerable @ vector
        if names == len(self.names) and self._here() >= names > 0:
            return self._whole @ vector
        scores = np.full(names, -1.0, dtype=np.float32)
        for number, piece in list(self._pieces.items()):
            start = number * PIECE
            if start < names:
                # Turned to float32 piece by piece: it takes 0.1 s, and half the memory.
                part = _unit(piece[: names - start]) @ vector
                scores[start : start + len(part)] = part
        return scores

    def _look(self) -> None:
        """Take up the pieces that this or another process has made since."""
        pieces = -(-(self.common if self._placed else len(self.names)) // PIECE)
        if self._folder is None or len(self._pieces) >= pieces or not self._folder.is_dir():
            return
        for number in range(pieces):
            if number not in self._pieces and (found := self._piece(number)) is not None:
                with self._lock:
                    self._pieces[number] = found

    def _sweep(self) -> None:
        """Drop the vectors of this model for terminologies that are no longer in force."""
        if self._folder is None or self._root is None:
            return
        for other in self._root.glob(f"{self._encoder.model}-*"):
            if other != self._folder:
                shutil.rmtree(other, ignore_errors=True)


def _unit(rows: NDArray[np.floating]) -> Vectors:
    """Return rows at unit length: in 16 bits they are some 1e-4 off, and every engine that holds
    them measures by the angle alone."""
    whole = rows.astype(np.float32)
    made: Vectors = whole / np.maximum(np.linalg.norm(whole, axis=1, keepdims=True), 1e-12)
    return made


def _read(path: Path, rows: int) -> NDArray[np.float16] | None:
    """Return a piece; None for a damaged file, which is made again."""
    try:
        found: NDArray[np.float16] = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return found if found.ndim == 2 and len(found) == rows else None


def _write(path: Path, made: NDArray[np.float16]) -> None:
    """Write a piece so that no reader meets half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
    with os.fdopen(handle, "wb") as out:
        np.save(out, made)
    Path(name).replace(path)
