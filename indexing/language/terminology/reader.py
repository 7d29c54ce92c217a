"""Read a compiled terminology: immutable, shared between threads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property

from indexing.errors import NotFound
from indexing.language.terminology import graph as walks
from indexing.language.terminology.compile import EDGE_KINDS, NAME_KINDS, TYPES
from indexing.language.terminology.compiled import Compiled
from indexing.language.terminology.facts import code_system, namespace
from indexing.language.terminology.forms import Forms
from indexing.language.terminology.lexicon import CASED, FREE, Keyer
from indexing.language.terminology.model import Addition, Code, Concept, Edge, EdgeKind, Name
from indexing.language.terminology.nearest import HeldNames, NameIndex
from indexing.language.terminology.seed import NAMESPACE

_KEPT = 20_000  # names and concepts looked up; questions ask for the same again and again
_LONGEST = 200  # characters of a name that is kept: records may say anything


class Terminology:
    """One version of the terminology. Unknown concept ids raise `NotFound`."""

    version: str  # content hash of the seed and of every loaded source

    def __init__(self, compiled: Compiled) -> None:
        self.compiled = compiled
        self.version = compiled.version
        self._row = {own: i for i, own in enumerate(compiled.ids)}
        self._all_kinds = walks.factors(None)
        self._found: dict[str, tuple[str, ...]] = {}
        self._frames: dict[str, tuple[str, str]] = {}
        self._concepts: dict[str, Concept] = {}

    def __len__(self) -> int:
        """Count the concepts."""
        return len(self.compiled.ids)

    def __contains__(self, concept_id: object) -> bool:
        return concept_id in self._row

    def row(self, concept_id: str) -> int:
        """Return a concept's place in `concept_ids`."""
        try:
            return self._row[concept_id]
        except KeyError:
            raise NotFound("no such concept in this terminology version") from None

    def concept_ids(self) -> Sequence[str]:
        """Return every concept id, in a fixed order (row i of anything computed per concept)."""
        return self.compiled.ids

    def concept(self, concept_id: str) -> Concept:
        """Return a concept with its codes and definition."""
        found = self._concepts.get(concept_id)
        if found is None:
            found = self._made(self.row(concept_id), concept_id)
            if len(self._concepts) >= _KEPT:
                self._concepts.clear()
            self._concepts[concept_id] = found
        return found

    def _made(self, row: int, concept_id: str) -> Concept:
        codes = (code.partition(":") for code in self.compiled.codes[row])
        return Concept(
            id=concept_id,
            name=self.compiled.name_texts[self.compiled.name_ptr[row]],
            semantic_type=TYPES[self.compiled.types[row]],
            codes=tuple(Code(system, code) for system, _, code in codes),
            definition=self.compiled.definitions.get(row, ""),
        )

    def is_name(self, row: int, text: str) -> bool:
        """Say whether `text`, letter by letter, is a name of the concept in that row."""
        start, stop = self.compiled.name_ptr[row], self.compiled.name_ptr[row + 1]
        return text in self.compiled.name_texts[start:stop]

    def spells(self, row: int, text: str) -> bool:
        """Say whether `text` is a name of the concept in that row but for case, marks and a plural:
        nobody inflects an abbreviation, so "prepped" is no PrEP."""
        start, stop = self.compiled.name_ptr[row], self.compiled.name_ptr[row + 1]
        bare = _bare(text)
        written = {bare, bare.removesuffix("s")} | ({f"{bare}s"} if text.isupper() else set())
        return any(_bare(name) in written for name in self.compiled.name_texts[start:stop])

    def names(self, concept_id: str) -> tuple[Name, ...]:
        """Return every wording, preferred first, then synonyms, lay names, abbreviations."""
        row = self.row(concept_id)
        texts, kinds = self.compiled.name_texts, self.compiled.name_kinds
        return tuple(
            Name(texts[i], NAME_KINDS[kinds[i]], float(self.compiled.name_weights[i]))
            for i in range(self.compiled.name_ptr[row], self.compiled.name_ptr[row + 1])
        )

    @cached_property
    def _by_code(self) -> dict[str, list[int]]:
        found: dict[str, list[tuple[int, int]]] = {}
        for row, codes in enumerate(self.compiled.codes):
            for place, code in enumerate(codes):
                found.setdefault(code, []).append((place, row))
        return {code: [row for _, row in sorted(rows)] for code, rows in found.items()}

    def by_code(self, system: str, code: str) -> tuple[str, ...]:
        """Return the ids of the concepts that carry the code; the best fit first."""
        rows = self._by_code.get(f"{code_system(system)}:{code}", ())
        return tuple(self.compiled.ids[row] for row in rows)

    @cached_property
    def keyer(self) -> Keyer:
        """Return what turns names and words into this terminology's keys."""
        lexicon = self.compiled.lexicon
        return Keyer(lexicon.codes, Forms(lexicon.settled, lexicon.drugs))

    @cached_property
    def patterns(self) -> Mapping[str, int]:
        """Return {key: pattern row} of the lexicon."""
        return {key: i for i, key in enumerate(self.compiled.lexicon.patterns)}

    def find(self, name: str) -> tuple[str, ...]:
        """Return the concepts of this name (case, inflection, hyphens and word order ignored), the
        likeliest first. More than one: the name is ambiguous."""
        found = self._found.get(name)
        if found is None:
            found = self._find(name)
            if len(self._found) >= _KEPT:
                self._found.clear()
            if len(name) <= _LONGEST:
                self._found[name] = found
        return found

    def framed(self, name: str, frames: Iterable[str]) -> Iterator[tuple[str, ...]]:
        """Yield what `find` returns of the name within each frame, "former {}" or "{} allergy": a
        name is spelt as keys once, which is what takes time."""
        key, capitals = self.keyer.key(name), name.isupper()
        for frame in frames:
            before, after = self._frame(frame)
            yield self._find_key(before + key + after, capitals=capitals and frame.isupper())

    def _frame(self, frame: str) -> tuple[str, str]:
        """Return the keys of a frame's words before the name and after it."""
        found = self._frames.get(frame)
        if found is None:
            before, after = (self.keyer.key(part) for part in frame.split("{}"))
            found = self._frames[frame] = (before, after)
        return found

    def _find(self, name: str) -> tuple[str, ...]:
        return self._find_key(self.keyer.key(name), capitals=name.isupper())

    def _find_key(self, key: str, *, capitals: bool) -> tuple[str, ...]:
        pattern = self.patterns.get(key)
        if pattern is None:
            return ()
        lexicon = self.compiled.lexicon
        entries = slice(lexicon.ptr[pattern], lexicon.ptr[pattern + 1])
        pairs = zip(lexicon.concept[entries].tolist(), lexicon.flag[entries], strict=True)
        found = [(self.compiled.ids[row], flag) for row, flag in pairs if flag != CASED or capitals]
        if found and found[0][1] == FREE and namespace(found[0][0]) == NAMESPACE:
            # The seed knows what the words mean: namesakes of other sources are no rival reading.
            found = [(own, f) for own, f in found if f == FREE and namespace(own) == NAMESPACE]
        return tuple(own for own, _ in found)

    @cached_property
    def _nearest(self) -> NameIndex:
        return NameIndex(HeldNames(self.compiled))

    def search(
        self, text: str, limit: int = 20, nearest: NameIndex | None = None
    ) -> list[tuple[str, float]]:
        """Return (concept id, score in (0, 1]) of the names most like `text`, best first: exact,
        then all words, then prefix and near spelling; `nearest` where the words are elsewhere."""
        exact = dict.fromkeys(self.find(text), 1.0)
        for row, score in (nearest or self._nearest).search(text, limit):
            exact.setdefault(self.compiled.ids[row], score)
        return list(exact.items())[:limit]

    def parents(self, concept_id: str) -> tuple[str, ...]:
        """Return the concepts directly above."""
        return self._near(concept_id, inverse=False)

    def children(self, concept_id: str) -> tuple[str, ...]:
        """Return the concepts directly below."""
        return self._near(concept_id, inverse=True)

    def _near(self, concept_id: str, *, inverse: bool) -> tuple[str, ...]:
        row = self.row(concept_id)
        found = walks.neighbours(self.compiled.graph, row, EdgeKind.IS_A, inverse)
        return tuple(self.compiled.ids[i] for i in found)

    def ancestors(self, concept_id: str) -> Mapping[str, int]:
        """Return {ancestor: fewest is-a steps}, the concept itself left out."""
        return self._closure(concept_id, inverse=False, limit=len(self))

    def descendants(self, concept_id: str, limit: int = 500) -> Mapping[str, int]:
        """Return {descendant: fewest is-a steps}, nearest first, at most `limit`."""
        return self._closure(concept_id, inverse=True, limit=limit)

    def _closure(self, concept_id: str, *, inverse: bool, limit: int) -> Mapping[str, int]:
        row = self.row(concept_id)
        found = walks.closure(self.compiled.graph, row, EdgeKind.IS_A, inverse, limit)
        return {self.compiled.ids[i]: steps for i, steps in found.items()}

    def edges(self, concept_id: str, kinds: Iterable[EdgeKind] | None = None) -> tuple[Edge, ...]:
        """Return the edges at a concept, both directions, heaviest first within a kind."""
        row = self.row(concept_id)
        wanted = frozenset(EDGE_KINDS if kinds is None else kinds)
        graph, ids = self.compiled.graph, self.compiled.ids
        at = slice(int(graph.ptr[row]), int(graph.ptr[row + 1]))
        columns = (graph.kind, graph.other, graph.weight, graph.licence)
        found = []
        for code, other, weight, licence in zip(
            *(column[at].tolist() for column in columns), strict=True
        ):
            kind = EDGE_KINDS[code // 2]
            if kind in wanted:
                inverse, terms = bool(code % 2), graph.licences[licence]
                found.append(Edge(kind, ids[other], weight, inverse, terms))
        return tuple(found)

    def degree(self, concept_id: str) -> int:
        """Return how many edges `edges` returns without `kinds`."""
        row = self.row(concept_id)
        return int(self.compiled.graph.ptr[row + 1] - self.compiled.graph.ptr[row])

    def information_content(self, concept_id: str) -> float:
        """Return the intrinsic information content in [0, 1]: 0 at a root of everything, 1 at a
        leaf. Source: Seco, Veale & Hayes 2004, equation 3."""
        return float(self.compiled.information[self.row(concept_id)])

    def neighbourhood(
        self,
        weights: Mapping[str, float],
        hops: int = 2,
        *,
        decay: float = 0.5,
        kinds: Mapping[EdgeKind, float] | None = None,
        limit: int = 200,
    ) -> dict[str, float]:
        """Spread `weights` over the graph and return {concept: weight}, the seeds included.

        A step multiplies by `decay`, by the edge's weight and by the edge kind's factor
        (`graph.KIND_FACTORS`, scaled by `kinds`: a kind absent from it is not walked; is-a
        downwards loses less than upwards); hub concepts pass on to their heaviest edges only. A
        concept keeps the best weight that reaches it; unknown ids are ignored. `hops` in 0..3;
        at most `limit` concepts, heaviest first.
        """
        seeds = {self._row[i]: w for i, w in weights.items() if i in self._row}
        table = self._all_kinds if kinds is None else walks.factors(kinds)
        found = walks.spread(self.compiled.graph, seeds, min(hops, 3), decay, table, limit)
        return {self.compiled.ids[row]: weight for row, weight in found.items()}

    def with_additions(self, additions: Sequence[Addition]) -> Terminology:
        """Return this terminology with a tenant's own names and concepts laid over it."""
        from indexing.language.terminology.overlay import overlaid  # it needs this class

        return Terminology(overlaid(self.compiled, additions))


def _bare(name: str) -> str:
    """Return the letters and digits of a name without case."""
    return "".join(filter(str.isalnum, name.casefold()))
