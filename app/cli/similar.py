"""`anamnesis similar`, and likeness measured: `eval similar`, `bench similar`."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from app.cli.output import operator, print_json, stderr
from app.services import services_of
from app.settings import load as load_settings
from app.similar import Question, similar
from app.wiring import Installation
from eval.hospital import DEFAULT_SEED, features
from eval.measures import HEADLINE, by_topic, mean
from eval.similar import DRUG, by_vectors, invented, load, neighbourhoods, ranked
from eval.trec import write_run
from indexing.access import Role
from indexing.language.terminology import SemanticType
from indexing.patient_vectors import RecordEncoder
from rankers.hierarchy import WEIGHTS, Hierarchy
from rankers.neighbours import Differing, Shared
from rankers.patients import PatientIndex, allowed_mask


def similar_command(tenant: str, asked: Question, role: Role, *, as_json: bool) -> int:
    """Print who is like whom; return 0."""
    installation = Installation(load_settings())
    found = installation.tenants.by_code(tenant)
    access = replace(operator(found), roles=frozenset({role}))
    shown = similar(services_of(installation), access, asked)
    if as_json:
        print_json(shown.to_json())
    else:
        for each in shown.neighbours:
            print(f"{each.rank:>3}  {each.score:.3f}  {each.patient_id}")
            shared = [shares(s) for s in each.shared]
            if each.common:
                shared.append(f"{len(each.common)} that most patients share")
            print(f"     shared: {', '.join(shared) or '-'}")
            print(f"     differing: {', '.join(map(differs, each.differing)) or '-'}")
        if not shown.neighbours:
            print("nobody shares anything with this patient")
    installation.close()
    return 0


def shares(each: Shared) -> str:
    """Write what both have, as the page does: what both are without is no finding of theirs."""
    name = f"no {each.name}" if each.side == "absent" else each.name
    return f"{name} (there: {each.near})" if each.near else name


def differs(each: Differing) -> str:
    """Write what sets one apart from the other, as the page does."""
    how = {"missing": "not known there", "besides": "only there"}.get(each.how)
    opposite = "denied there" if each.side == "found" else "denied here, found there"
    return f"{each.name} ({how or opposite})"


def eval_command(
    benchmark: Path, split: str, run_out: Path | None, *, vectors: bool, as_json: bool
) -> int:
    """Rank every query's patients and print the figures, with the vectors of whole records where
    that is asked; return 0."""
    installation = Installation(load_settings())
    hierarchy = Hierarchy(installation.terminology)
    read = load(benchmark, split, hierarchy.of_id)
    index = PatientIndex(read.table, hierarchy.ancestors)
    if not any(hierarchy.ancestors(each) for each in read.table.features):
        stderr.print("no hierarchy of these findings is loaded: see `anamnesis terminology load`")
    if vectors:
        encoder = RecordEncoder(installation.encoder)
        meant = by_vectors(read.table, lambda profile: encoder.encode(profile, {}, hierarchy))
        found = dict(ranked(index, read, meant))
    else:
        found = dict(ranked(index, read))
    if run_out is not None:
        write_run(found, "anamnesis-similar", run_out)
    answered = {query: [patient for patient, _ in hits] for query, hits in found.items()}
    figures = mean(by_topic(read.qrels, answered, HEADLINE))
    result = {**figures, "n": len(read.qrels), "unparsed": 0}
    if as_json:
        print_json(result)
    else:
        for name, value in result.items():
            print(f"{name:<10} {value}")
    return 0


def bench_command(patients: int, queries: int, *, as_json: bool) -> int:
    """Time similar patients over generated features, and hold them against the truth."""
    stderr.print(f"inventing {patients} patients")
    found = invented(each for each in features(patients, DEFAULT_SEED))
    began = time.perf_counter()
    index = PatientIndex(found.table, weight=_weight)
    built_s = time.perf_counter() - began
    asked = np.random.default_rng(20).choice(patients, min(queries, patients), replace=False)
    names = [found.table.patient_ids[i] for i in asked]
    took: list[float] = []
    truth = neighbourhoods(found, names, lambda each: _timed(index, each, took))
    p50, p95, p99 = np.percentile(np.array(took) * 1000, (50, 95, 99)).round(1).tolist()
    result = {
        "patients": patients, "n": truth.n, "p50_ms": p50, "p95_ms": p95, "p99_ms": p99,
        "built_s": round(built_s, 2), "P@10": truth.precision, "same_course@10": truth.course,
        "template_twins_in_top_10": truth.twins,
    }  # fmt: skip
    if as_json:
        print_json(result)
    else:
        for name, value in result.items():
            print(f"{name:<26} {value}")
    return 0


def _timed(index: PatientIndex, patient_id: str, took: list[float]) -> list[str]:
    table = index.table
    began = time.perf_counter()
    mine = table.profile(table.number_of[patient_id])
    best = index.rank(mine, 10, allowed_mask(table, (patient_id,)))
    took.append(time.perf_counter() - began)
    return [table.patient_ids[each.patient] for each in best]


def _weight(feature: str) -> float:
    return WEIGHTS[SemanticType.DRUG] if feature.startswith(DRUG) else 1.0
