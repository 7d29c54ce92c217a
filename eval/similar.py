"""Similar patients, measured: phenopacket-shaped folders, and the generated hospital's truth.

A folder holds corpus.jsonl (`_id`, `observed`, `excluded`: ids of the Human Phenotype Ontology),
qrels/SPLIT.tsv whose queries are patients of the corpus, and mostly exclude_SPLIT.tsv: pairs that
must not be ranked, such as patients of the query's own publication. Each file plain or .gz.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from eval.benchmark import Qrels, found_file, objects, qrels_of
from eval.hospital import FeatureRecord
from eval.lines import numbered
from eval.trec import DEPTH, falling
from indexing.errors import InvalidInput
from indexing.features import FeatureTable, Profile, table_of
from indexing.patient_vectors import MOST_NEAR, nearness
from indexing.ports import Vectors
from rankers.patients import PatientIndex, allowed_mask

DRUG = "drug:"


@dataclass(frozen=True, slots=True)
class Patients:
    """A benchmark of similar patients; `excluded` are kept from a query's ranking."""

    name: str
    table: FeatureTable
    qrels: Qrels
    excluded: Mapping[str, frozenset[str]]


def load(folder: Path, split: str, named: Callable[[str], str] = str) -> Patients:
    """Read a folder; `named` returns the feature of an id.

    Raises:
        InvalidInput: a file is missing or unreadable, or names a patient that is not there; it
            says where.
    """
    profiles = {
        key: Profile.of(
            map(named, _ids(found, "observed", where)), map(named, _ids(found, "excluded", where))
        )
        for where, key, found in objects(found_file(folder, "corpus.jsonl"))
    }
    path = found_file(folder, f"qrels/{split}.tsv")
    qrels = qrels_of(path)
    for topic, judged in qrels.items():
        for each in (topic, *judged):
            if each not in profiles:
                raise InvalidInput(f"{path.name}: no patient has the id {each!r}")
    return Patients(folder.resolve().name, table_of(profiles), qrels, _excluded(folder, split))


def _ids(found: Mapping[str, Any], name: str, where: str) -> list[str]:
    value = found.get(name) or []
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise InvalidInput(f"{where}: {name} is not a list of ids")
    return value


def _excluded(folder: Path, split: str) -> dict[str, frozenset[str]]:
    name = f"exclude_{split}.tsv"
    if not any((folder / each).is_file() for each in (name, f"{name}.gz")):
        return {}
    pairs: dict[str, set[str]] = {}
    path = found_file(folder, name)
    for number, line in numbered(path):
        cells = [cell.strip() for cell in line.split("\t")]
        if len(cells) != 2 or not all(cells):
            raise InvalidInput(f"{path.name}, line {number}: wants two ids, tab-separated")
        pairs.setdefault(cells[0], set()).add(cells[1])
    return {query: frozenset(others) for query, others in pairs.items()}


Meant = Callable[[str], Mapping[str, float]]


def by_vectors(table: FeatureTable, encode: Callable[[Profile], Vectors | None]) -> Meant:
    """Return what says which patients' whole records lie nearest to a patient's."""
    found = [encode(table.profile(number)) for number in range(len(table.patient_ids))]
    width = next(len(each) for each in found if each is not None)
    nothing = np.zeros(width, np.float32)
    rows = np.stack([nothing if each is None else each for each in found])

    def meant(patient_id: str) -> Mapping[str, float]:
        cosines = rows @ rows[table.number_of[patient_id]]
        best = np.argsort(-cosines, kind="stable")[:MOST_NEAR].tolist()
        return {table.patient_ids[n]: nearness(float(cosines[n])) for n in best}

    return meant


def ranked(
    index: PatientIndex, read: Patients, meant: Meant = lambda _: {}
) -> Iterator[tuple[str, list[tuple[str, float]]]]:
    """Yield (query, (patient, score), best first) for every query."""
    table = index.table
    for query in read.qrels:
        without = (query, *read.excluded.get(query, ()))
        mine = table.profile(table.number_of[query])
        found = index.rank(mine, DEPTH, allowed_mask(table, without), meant=meant(query))
        yield query, falling([(table.patient_ids[n.patient], n.score) for n in found])


@dataclass(frozen=True, slots=True)
class Invented:
    """The generated hospital as features, with each patient's cluster and template twin."""

    table: FeatureTable
    cluster: Mapping[str, str]
    twin: Mapping[str, str]


def invented(records: Iterable[FeatureRecord]) -> Invented:
    """Lay generated records out; drugs are marked as such."""
    kept = list(records)
    profiles = {
        r.patient_id: Profile.of([*r.observed, *(DRUG + d for d in r.drugs)], r.excluded)
        for r in kept
    }
    return Invented(
        table_of(profiles),
        {r.patient_id: r.cluster for r in kept},
        {r.patient_id: r.twin_id for r in kept},
    )


@dataclass(frozen=True, slots=True)
class Neighbourhoods:
    """`precision` is the mean share of the first ten that are of the patient's own cluster (course
    and severity), of as many as there are where those are fewer than ten; `course` of the same
    course; `twins` counts template twins in a first ten."""

    precision: float
    course: float
    twins: int
    n: int


def neighbourhoods(
    found: Invented, asked: Sequence[str], rank: Callable[[str], Sequence[str]]
) -> Neighbourhoods:
    """Measure `rank`, which names a patient's neighbours, best first."""
    own, course, twins = [], [], 0
    sizes = Counter(found.cluster.values())
    for patient_id in asked:
        first = list(rank(patient_id))[:10]
        mine = found.cluster[patient_id]
        theirs = [found.cluster[each] for each in first]
        if sizes[mine] > 1:
            there = min(10, sizes[mine] - 1)
            own.append(sum(each == mine for each in theirs) / there)
        course.append(sum(_course(each) == _course(mine) for each in theirs) / 10)
        twins += found.twin[patient_id] in first
    return Neighbourhoods(
        round(float(np.mean(own)), 4), round(float(np.mean(course)), 4), twins, len(asked)
    )


def _course(cluster: str) -> str:
    return cluster.partition("/")[0]
