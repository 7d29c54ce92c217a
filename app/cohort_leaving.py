"""A cohort as a program may have it. A de-identified row reads like at least ten others.

A page shows its reader what speaks for each cell, quote and day, and the trail keeps who looked.
A file can be joined with another one, so of a de-identified list it tells only what eleven rows or
more have in common, whole rows compared: which criteria they meet and by what kind of record, and
how many days after the row's first, as finely as so many share it. No words of a record leave.
Source: L. Sweeney, k-anonymity: a model for protecting privacy, 2002; k is the smallest cell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, TypeVar

from app.cohort_reviews import Earlier
from app.cohorts import CohortDesk, Table
from indexing.cohorts import CohortHead
from indexing.dated import of_a_day
from indexing.hidden import SMALLEST_CELL
from rankers.cohorts import Cell, Cohort, Met

GRAINS = (1, 7, 30, 90, 365)  # days that are told as one, the finest first
_Told = TypeVar("_Told")


@dataclass(frozen=True, slots=True)
class Alike:
    """A cell as ten other rows have it too: `met` None where that is not told, `kind` of record,
    and between which days from the first of the row's, both included."""

    met: bool | None = None
    kind: str | None = None
    from_day: int | None = None
    to_day: int | None = None


def leaving(
    desk: CohortDesk, found: Cohort, head: CohortHead | None, start: int, size: int
) -> dict[str, Any]:
    """Return counts and a slice of the rows as commands, calls and files have them, recorded."""
    table = desk.table(found, head, start, size)
    alike: Mapping[str, Sequence[Alike]] = {}
    if desk.access.deidentified and table.rows:
        shown = desk.shown_members(found, head)
        alike = {shown[own]: cells for own, cells in alike_rows(found, desk.untold(found)).items()}
    return {
        "total": table.total,
        "attrition": [{"step": c.step, "patients": c.patients} for c in table.counts],
        "criteria": [
            {"name": c.name, "source": c.source, "patients": n.patients}
            for c, n in zip(table.criteria, table.met, strict=True)
        ],
        "rows": [
            {"patient_id": row.patient_id,
             "cells": _cells(table, row.patient_id, row.cells, alike.get(row.patient_id))}
            for row in table.rows
        ],
    }  # fmt: skip


def alike_rows(found: Cohort, untold: frozenset[str]) -> Mapping[str, tuple[Alike, ...]]:
    """Return each member's cells, in the order of the criteria, as at least ten others have all
    of them; nothing is told of who is unlike everybody."""
    dated = [partial(_row, found.met, untold, grain=grain) for grain in GRAINS]
    nothing = tuple(Alike() for _ in found.met)
    told = shared(found.members, [*dated, partial(_row, found.met, untold)])
    return {each: told.get(each) or nothing for each in found.members}


def told_verdicts(
    found: Cohort, untold: frozenset[str], said: Mapping[str, Mapping[str, _Told]]
) -> dict[str, dict[str, _Told]]:
    """Leave what was said of each member's criteria where it is told that they are met: there is a
    verdict on no other cell, so that it would tell it."""
    rows = alike_rows(found, untold)
    return {
        member: {
            name: votes[name]
            for name, cell in zip(found.met, rows[member], strict=True)
            if cell.met and name in votes
        }
        for member, votes in said.items()
        if member in rows
    }


def shared(
    members: Iterable[str], ways: Sequence[Callable[[str], _Told]]
) -> Mapping[str, _Told]:  # fmt: skip
    """Tell each member in the first of `ways` in which enough of those that are left are told
    alike; who never is, is left out."""
    told: dict[str, _Told] = {}
    rest = list(members)
    for way in ways:
        groups: dict[_Told, list[str]] = {}
        for each in rest:
            groups.setdefault(way(each), []).append(each)
        for words, own in groups.items():
            if len(own) >= SMALLEST_CELL:
                told.update(dict.fromkeys(own, words))
        rest = [each for each in rest if each not in told]
    return told


def _row(
    met: Mapping[str, Met], untold: frozenset[str], member: str, grain: int | None = None
) -> tuple[Alike, ...]:
    """Return a member's cells, days told by `grain`, or not at all."""
    best = {
        name: events[0]
        for name, each in met.items()
        if name not in untold and (events := each.events.get(member))
    }
    days = {  # of what is known to the day: between others there are no days to tell
        name: event.at
        for name, event in best.items()
        if event.at is not None and of_a_day(event.at, event.width)
    }
    first = min(days.values(), default=None)
    cells = []
    for name in met:
        event, at = best.get(name), days.get(name)
        if event is None:
            cells.append(Alike(None if name in untold else False))
            continue
        kind = event.ref.partition("/")[0]
        if grain is None or at is None or first is None:
            cells.append(Alike(True, kind))
        else:
            low = (at - first).days // grain * grain
            cells.append(Alike(True, kind, low, low + grain - 1))
    return tuple(cells)


def _cells(
    table: Table, own: str, cells: Sequence[Cell], alike: Sequence[Alike] | None
) -> list[dict[str, Any]]:  # fmt: skip
    return [
        _cell(
            each, table.reviews.get((own, each.criterion), {}),
            table.earlier.get((own, each.criterion), ()), alike[at] if alike else None,
        )
        for at, each in enumerate(cells)
    ]  # fmt: skip


def _cell(
    cell: Cell, said: Mapping[str, int], earlier: Sequence[Earlier], alike: Alike | None
) -> dict[str, Any]:
    judged = {
        "accepted": said.get("accept", 0), "rejected": said.get("reject", 0),
        "earlier": [asdict(each) for each in earlier],
    }  # fmt: skip
    if alike is not None:
        if not alike.met:  # there is a verdict on no other cell: it would tell what is not told
            judged = {"accepted": 0, "rejected": 0, "earlier": []}
        return {
            "criterion": cell.criterion, "met": alike.met, "ref": alike.kind,
            "from_day": alike.from_day, "to_day": alike.to_day, **judged,
        }  # fmt: skip
    event, quote = cell.event, cell.quote
    return {
        "criterion": cell.criterion, "met": None if cell.withheld else event is not None,
        "events": cell.events,
        "at": event.at if event else None, "width": event.width if event and event.at else None,
        "ref": event.ref if event else None,
        "words": event.words if event else "", "quote": quote.text if quote else "",
        "section": quote.section if quote else "",
        "assertion": quote.assertion if quote else None, **judged,
    }  # fmt: skip
