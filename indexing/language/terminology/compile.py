"""Merge facts into concepts and lay them out as arrays."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from indexing.language.terminology.abbreviations import abbreviation_names
from indexing.language.terminology.compiled import Compiled, Graph
from indexing.language.terminology.facts import Facts, namespace
from indexing.language.terminology.lexicon import FREE, Keyer, Lexicon, Row, build, keyer
from indexing.language.terminology.merge import cluster, compatible
from indexing.language.terminology.model import EdgeKind, NameKind, SemanticType
from indexing.language.terminology.seed import NAMESPACE

TYPES = list(SemanticType)
NAME_KINDS = list(NameKind)
EDGE_KINDS = list(EdgeKind)
_MOST_NAMESAKES = 8  # a name of more concepts than this tells nothing of any
_DRUGS = (SemanticType.DRUG, SemanticType.DRUG_CLASS)
_LABELLED = (
    SemanticType.ANATOMY,
    SemanticType.DISORDER,
    SemanticType.FINDING,
    SemanticType.SYMPTOM,
)

RowEdge = tuple[int, EdgeKind, int, float, str]  # subject, kind, object, weight, licence
Names = dict[str, tuple[str, NameKind, float, bool]]  # folded text → text, kind, weight, trusted


@dataclass(slots=True)
class Tables:
    """Merged concepts before they are laid out; row i of everything is concept `ids[i]`."""

    ids: list[str]
    types: list[SemanticType]
    names: list[Names]
    codes: list[list[str]]
    definitions: dict[int, str]
    edges: list[RowEdge]
    index: dict[str, int]  # every source id, alias and kept id → row

    def add_name(self, row: int, text: str, kind: NameKind) -> None:
        """Add a wording that an installation vouches for."""
        _put(self.names[row], text, kind, 1.0, True)

    def new_concept(self, own: str, name: str, semantic_type: SemanticType) -> int:
        """Add a concept and return its row."""
        self.index[own] = row = len(self.ids)
        self.ids.append(own)
        self.types.append(semantic_type)
        self.names.append({})
        self.codes.append([])
        self.add_name(row, name, NameKind.PREFERRED)
        return row


def compile_facts(facts: Facts, version: str) -> Compiled:
    """Compile; the result depends on the set of facts, not on their order."""
    facts = _in_force(facts)
    keys = keyer(_every_name(facts), _drug_names(facts))
    clusters = cluster(facts, keys)
    ids = sorted(clusters)
    index = {member: i for i, own in enumerate(ids) for member in clusters[own]}
    for old, new in facts.aliases:
        if new in index:
            index.setdefault(old, index[new])
    kind_of: dict[str, SemanticType] = {}
    for own, _, kind in facts.terms:
        kind_of.setdefault(own, kind)
    names = _names(facts, ids, index)
    for concept, short, weight in abbreviation_names(facts, names, keys):
        _put(names[concept], short, NameKind.ABBREVIATION, weight, False)
    tables = Tables(
        ids=ids,
        types=[kind_of[own] for own in ids],
        names=names,
        codes=_codes(facts, clusters, index, ids),
        definitions=_definitions(facts, index),
        edges=_edges(facts, index, names, keys),
        index=index,
    )
    return lay_out(tables, keys, version)


def lay_out(tables: Tables, keys: Keyer | None, version: str) -> Compiled:
    """Turn merged tables into arrays; `keys` None makes them from the tables' own names."""
    columns = [
        sorted(n.values(), key=lambda r: (NAME_KINDS.index(r[1]), r[0])) for n in tables.names
    ]
    rows = [
        Row(i, text, kind, weight, tables.types[i], trusted)
        for i, column in enumerate(columns)
        for text, kind, weight, trusted in column
    ]
    if keys is None:
        keys = keyer([row.text for row in rows],
                     [r.text for r in rows if r.semantic_type in _DRUGS])  # fmt: skip
    lexicon = build(rows, keys)
    graph = _graph(tables.edges + _namesakes(lexicon, tables.types), len(tables.ids))
    return Compiled(
        version=version,
        ids=tables.ids,
        types=np.array([TYPES.index(t) for t in tables.types], np.uint8),
        name_texts=[row.text for row in rows],
        name_ptr=np.array([0, *accumulate(map(len, columns))], np.int32),
        name_kinds=np.array([NAME_KINDS.index(row.kind) for row in rows], np.uint8),
        name_weights=np.array([row.weight for row in rows], np.float32),
        name_trusted=np.array([row.trusted for row in rows], np.bool_),
        codes=tables.codes,
        definitions=tables.definitions,
        information=_information(graph),
        graph=graph,
        lexicon=lexicon,
    )


def tables_of(compiled: Compiled) -> Tables:
    """Take arrays apart again, so that something can be added."""
    names: list[Names] = [{} for _ in compiled.ids]
    owner = np.repeat(np.arange(len(compiled.ids)), np.diff(compiled.name_ptr)).tolist()
    for i, row in enumerate(owner):
        kind = NAME_KINDS[compiled.name_kinds[i]]
        weight, trusted = float(compiled.name_weights[i]), bool(compiled.name_trusted[i])
        _put(names[row], compiled.name_texts[i], kind, weight, trusted)
    graph = compiled.graph
    owners = np.repeat(np.arange(len(compiled.ids)), np.diff(graph.ptr)).tolist()
    columns = (graph.kind, graph.other, graph.weight, graph.licence)
    edges = zip(owners, *(column.tolist() for column in columns), strict=True)
    return Tables(
        ids=list(compiled.ids),
        types=[TYPES[t] for t in compiled.types],
        names=names,
        codes=list(compiled.codes),
        definitions=dict(compiled.definitions),
        edges=[
            (a, EDGE_KINDS[k // 2], b, w, graph.licences[c])
            for a, k, b, w, c in edges
            if k % 2 == 0
        ],
        index={own: i for i, own in enumerate(compiled.ids)},
    )


def _in_force(facts: Facts) -> Facts:
    """Return the facts in order, without retired ids, each term with the best type known."""
    retired = {own for (own,) in facts.retired}
    typed: dict[str, SemanticType] = {}
    for own, kind in sorted(facts.types, key=lambda t: (t[0], TYPES.index(t[1]))):
        typed.setdefault(own, kind)
    terms = [
        (own, name, typed.get(own, kind) if kind is SemanticType.OTHER else kind)
        for own, name, kind in facts.terms
        if own not in retired
    ]
    kept = replace(facts, terms=terms)
    kept.sort()
    return kept


def _every_name(facts: Facts) -> list[str]:
    named = [name for _, name, _ in facts.terms] + [name for _, name, _ in facts.names]
    return named + [short for short, *_ in facts.abbreviations]


def _drug_names(facts: Facts) -> list[str]:
    drugs = {own for own, _, kind in facts.terms if kind in _DRUGS}
    named = [n for own, n, _ in facts.terms if own in drugs]
    return named + [n for own, n, _ in facts.names if own in drugs]


def _put(names: Names, text: str, kind: NameKind, weight: float, trusted: bool) -> None:
    """Add a wording, or better what is known of it."""
    text = " ".join(text.split())
    known = names.get(text.casefold())
    if not text:
        return
    if known is None:
        names[text.casefold()] = (text, kind, weight, trusted)
    elif NAME_KINDS.index(kind) < NAME_KINDS.index(known[1]):
        names[text.casefold()] = (text, kind, max(weight, known[2]), trusted or known[3])
    elif trusted and not known[3]:
        names[text.casefold()] = (known[0], known[1], known[2], True)


def _names(facts: Facts, ids: list[str], index: Mapping[str, int]) -> list[Names]:
    """Return each concept's wordings; the kept id's own name is the preferred one."""
    names: list[Names] = [{} for _ in ids]
    kept = set(ids)
    for own, text, _ in sorted(facts.terms, key=lambda t: t[0] not in kept):
        kind = NameKind.PREFERRED if own in kept and not names[index[own]] else NameKind.SYNONYM
        _put(names[index[own]], text, kind, 1.0, namespace(own) == NAMESPACE)
    for own, text, kind in facts.names:
        if own in index:
            _put(names[index[own]], text, kind, 1.0, namespace(own) == NAMESPACE)
    return names


def _codes(
    facts: Facts, clusters: Mapping[str, list[str]], index: Mapping[str, int], ids: list[str]
) -> list[list[str]]:
    found: list[set[tuple[int, str]]] = [set() for _ in ids]
    for own, members in clusters.items():
        found[index[own]].update((0, m) for m in members if namespace(m) != NAMESPACE)
    for own, system, code in facts.xrefs:
        if own in index:
            found[index[own]].add((1 if namespace(own) == NAMESPACE else 2, f"{system}:{code}"))
    ordered = []
    for codes in found:
        best: dict[str, int] = {}
        for tier, code in sorted(codes):
            best.setdefault(code, tier)
        ordered.append(sorted(best, key=lambda c: (best[c], c)))
    return ordered


def _definitions(facts: Facts, index: Mapping[str, int]) -> dict[int, str]:
    found: dict[int, str] = {}
    for own, text in sorted(facts.definitions, key=lambda d: (len(d[1]), d)):
        if own in index:
            found[index[own]] = text
    return found


def _edges(
    facts: Facts, index: Mapping[str, int], names: list[Names], keys: Keyer
) -> list[RowEdge]:
    labels = _labels(facts, index, names, keys)
    found = []
    for subject, kind, target, weight, licence in facts.edges:
        a = index.get(subject)
        if target.startswith("=*="):
            b = labels.get("=*=" + keys.key(target[3:]))
        else:
            b = labels.get(target) if target.startswith("=") else index.get(target)
        if a is not None and b is not None and a != b:
            found.append((a, kind, b, weight, licence))
    return found


def _graph(edges: list[RowEdge], count: int) -> Graph:
    """Lay edges out by concept in both directions; of several alike the heaviest stays."""
    licences = sorted({edge[4] for edge in edges} | {""})
    best: dict[tuple[int, int, int], tuple[float, int]] = {}
    for a, kind, b, weight, licence in edges:
        column = 2 * EDGE_KINDS.index(kind)
        entry = (weight, -licences.index(licence))
        for key in ((a, column, b), (b, column + 1, a)):
            if entry > best.get(key, (0.0, 0)):
                best[key] = entry
    ordered = sorted(best.items(), key=lambda item: (*item[0][:2], -item[1][0], item[0][2]))
    counts = np.bincount([k[0] for k, _ in ordered], minlength=count) if ordered else [0] * count
    return Graph(
        ptr=np.array([0, *accumulate(counts)], np.int32),
        other=np.array([k[2] for k, _ in ordered], np.int32),
        kind=np.array([k[1] for k, _ in ordered], np.uint8),
        weight=np.array([w for _, (w, _) in ordered], np.float32),
        licence=np.array([-c for _, (_, c) in ordered], np.uint8),
        licences=licences,
    )


def _namesakes(lexicon: Lexicon, types: list[SemanticType]) -> list[RowEdge]:
    """Tie concepts of one sort that share a full name and yet stay apart (a source splits what
    another does not), so that a question about one reaches the notes that mention the other."""
    found: list[RowEdge] = []
    for start, stop in zip(lexicon.ptr[:-1].tolist(), lexicon.ptr[1:].tolist(), strict=True):
        if 1 < stop - start <= _MOST_NAMESAKES:
            rows = lexicon.concept[start:stop][lexicon.flag[start:stop] == FREE].tolist()
            found += [
                (rows[0], EdgeKind.RESEMBLES, other, 1.0, "")
                for other in rows[1:]
                if compatible(types[rows[0]], types[other])
            ]
    return found


def _labels(
    facts: Facts, index: Mapping[str, int], names: list[Names], keys: Keyer
) -> dict[str, int]:
    """Map "=NAMESPACE=label" to the concept whose term of that namespace has the label, and
    "=*=key" to the condition or body part of that name in any namespace."""
    spaces = {t.split("=")[1] for _, _, t, _, _ in facts.edges if t.startswith("=")}
    found = {
        f"={namespace(own)}={name.casefold()}": index[own]
        for own, name, _ in facts.terms
        if namespace(own) in spaces and own in index
    }
    if "*" in spaces:
        kinds = {index[own]: kind for own, _, kind in facts.terms if own in index}
        for row, table in enumerate(names):
            for text, kind, _, _ in table.values():
                if kinds.get(row) in _LABELLED and kind is not NameKind.ABBREVIATION:
                    found.setdefault("=*=" + keys.key(text), row)
    return found


def _information(graph: Graph) -> NDArray[np.float32]:
    """Intrinsic information content by the number of concepts below. Source: Seco et al. 2004."""
    count = len(graph.ptr) - 1
    parents: list[list[int]] = [[] for _ in range(count)]
    is_a = 2 * EDGE_KINDS.index(EdgeKind.IS_A)
    owner = np.repeat(np.arange(count), np.diff(graph.ptr))
    for child, parent in zip(
        owner[graph.kind == is_a].tolist(), graph.other[graph.kind == is_a].tolist(), strict=True
    ):
        parents[child].append(parent)
    below = [0] * count
    for concept in range(count):
        for ancestor in _closure(concept, parents):
            below[ancestor] += 1
    top = math.log(max(count, 2))
    return np.array([1 - math.log(n + 1) / top for n in below], np.float32)


def _closure(start: int, parents: list[list[int]]) -> Iterable[int]:
    seen = set(parents[start])
    pending = list(seen)
    while pending:
        for parent in parents[pending.pop()]:
            if parent not in seen:
                seen.add(parent)
                pending.append(parent)
    seen.discard(start)
    return seen
