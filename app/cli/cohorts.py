"""`anamnesis cohort list|run|diff|export` and `anamnesis bench cohort`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from app.cli.bench_patients import NOT_FILLED, settled_patients
from app.cli.output import operator, print_json, stderr
from app.cohort_export import exported
from app.cohort_leaving import leaving
from app.cohort_listing import listed
from app.cohorts import PAGE, CohortDesk, Table
from app.services import services_of
from app.settings import load
from app.similar import Question, similar
from app.wiring import Installation
from eval.hospital import DEFAULT_SEED, features
from eval.similar import invented, neighbourhoods
from indexing.access import Access, Role
from indexing.cohorts import Event
from indexing.dated import written
from indexing.errors import InvalidInput

BENCH = """\
hf:   finding heart failure
said: text dyspnea
drug: medication furosemide within 365 days of said
old:  age 40-
keep hf and said and drug and old
"""
MIXED = """\
cond: condition hypertension
said: text chest pain
low:  value potassium < 4.5
like: similar to heart failure, dyspnea top 500
keep (cond or like) and (said or low)
"""


def list_command(tenant: str, role: str, *, as_json: bool) -> int:
    """Print the saved cohorts of a view, as the page lists them; return 0."""
    with _desk(tenant, role) as desk:
        found, zone = listed(desk), ZoneInfo(desk.access.time_zone)
    if as_json:
        print_json([each.to_json() for each in found])
        return 0
    for each in found:
        head = each.head
        last = "no run"
        if each.ran_at:
            last = f"{_number(each.patients)} on {each.ran_at.astimezone(zone):%Y-%m-%d %H:%M}"
        print(head.cohort_id, head.name, f"version {head.version}", f"runs {head.runs}", last,
              head.made_by, sep="\t")  # fmt: skip
    if not found:
        stderr.print("no cohort is saved in this view")
    return 0


def run_command(
    tenant: str, name: str, text: str, save: str, rows: int, role: str, *, as_json: bool
) -> int:
    """Run a definition or a saved cohort, print it, return 0."""
    if bool(name) == bool(text):
        raise InvalidInput("name a saved cohort or give a definition with --file")
    with _desk(tenant, role) as desk:
        head = desk.save(save, text) if save else None
        head = desk.own.cohort_store.head(desk.access, name) if name else head
        found = desk.run(head)[0] if head else desk.evaluate(text)
        if as_json:
            told = leaving(desk, found, head, 0, rows)
            print_json({"cohort": head.name if head else None, **told})
        else:
            _show(desk.table(found, head, 0, rows), ZoneInfo(desk.access.time_zone))
    return 0


def _show(table: Table, zone: tzinfo) -> None:
    for count in (*table.counts, *table.met):
        print(f"{_number(count.patients):>14}  {count.step}")
    for row in table.rows:
        print(row.patient_id)
        for cell in row.cells:
            said = cell.quote.text if cell.quote else cell.event.words if cell.event else "-"
            at = _day(cell.event, zone) if cell.event else ""
            print(f"    {cell.criterion:<10} {at:<10} {said}")


def _number(count: int | None) -> str:
    return "fewer than 11" if count is None else str(count)


def _day(event: Event, zone: tzinfo) -> str:
    return written(event.at, event.width, zone) if event.at else "undated"


def diff_command(tenant: str, name: str, base: str, run: str, role: str, *, as_json: bool) -> int:
    """Print who came and left between two runs."""
    with _desk(tenant, role) as desk:
        moved = desk.diff(desk.own.cohort_store.head(desk.access, name), base, run)
        if as_json:
            print_json(moved.to_json())
        else:
            for what, count, ids in (("entered", moved.entered, moved.entered_ids),
                                     ("left", moved.left, moved.left_ids)):  # fmt: skip
                print(f"{what}: {_number(count)} {' '.join(ids)}")
            for cause, count in moved.causes.items():
                print(f"  by {cause}: {_number(count)}")
    return 0


def export_command(
    tenant: str, name: str, purpose: str, out: Path, form: str, profile: str, role: str, *,
    as_json: bool,
) -> int:  # fmt: skip
    """Write an export."""
    with _desk(tenant, role) as desk:
        head = desk.own.cohort_store.head(desk.access, name)
        data = exported(desk, head, form, purpose, profile)
        out.write_bytes(data)
        if as_json:
            print_json({"out": str(out), "bytes": len(data)})
        else:
            print(f"{out}: {len(data)} bytes")
    return 0


@contextmanager
def _desk(tenant: str, role: str) -> Iterator[CohortDesk]:
    installation = Installation(load())
    try:
        found = installation.tenants.by_code(tenant)
        access = replace(operator(found), roles=frozenset({Role(role)}))
        yield CohortDesk(services_of(installation), access)
    finally:
        installation.close()


def bench_command(patients: int, rounds: int, *, as_json: bool) -> int:
    """Time cohorts and similar patients on a generated hospital; print the neighbours' truth."""
    with settled_patients(load(), patients) as installation:
        access = operator(installation.tenants.by_code("bench"))
        desk = CohortDesk(services_of(installation), access)
        for source in (BENCH, MIXED):
            desk.evaluate(source)  # opens the terminology and reads the features
        result = {
            "patients": patients,
            "left_out": NOT_FILLED,
            **_timed_cohort(desk, BENCH, rounds, "timed"),
            **_timed_cohort(desk, MIXED, rounds, "mixed"),
            **_neighbours(installation, access, patients),
        }
    if as_json:
        print_json(result)
    else:
        for name, value in result.items():
            print(f"{name:<28} {value}")
    return 0


def _timed_cohort(desk: CohortDesk, source: str, rounds: int, name: str) -> dict[str, float]:
    first, whole, members = [], [], 0
    for _ in range(rounds):
        began = time.perf_counter()
        found = desk.evaluate(source)
        desk.table(found, None, 0, PAGE)
        first.append(time.perf_counter() - began)
        members = len(found.members)
        desk.table(found, None, PAGE, max(members - PAGE, 1))
        whole.append(time.perf_counter() - began)
    return {
        f"{name}_members": members,
        f"{name}_first_rows_p95_ms": round(float(np.percentile(first, 95)) * 1000, 1),
        f"{name}_all_evidence_p95_ms": round(float(np.percentile(whole, 95)) * 1000, 1),
    }


def _neighbours(installation: Installation, access: Access, patients: int) -> dict[str, float]:
    own, found = services_of(installation), invented(features(patients, DEFAULT_SEED))
    asked = list(found.table.patient_ids[: min(200, patients)])
    took: list[float] = []

    def rank(patient_id: str) -> list[str]:
        began = time.perf_counter()
        shown = similar(own, access, Question(patient=patient_id, k=10))
        took.append(time.perf_counter() - began)
        return [each.patient_id for each in shown.neighbours]

    stderr.print(f"asking for the neighbours of {len(asked)} patients")
    truth = neighbourhoods(found, asked, rank)
    return {
        "similar_p95_ms": round(float(np.percentile(took, 95)) * 1000, 1),
        "similar_P@10": truth.precision, "similar_same_course@10": truth.course,
        "template_twins_in_top_10": truth.twins,
    }  # fmt: skip
