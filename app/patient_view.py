"""The comprehensive view of one patient: parts gathered side by side under one deadline.

A part that is slow or dead is named and the rest is shown. To add one: a reader, a `Part` in
`PARTS`, and a template `patient/_part_<name>.html` that is given its `Piece` as `piece`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import partial
from typing import Any

from app import vital_charts
from app.charts import timeline
from app.medical import patient_graph
from app.predictions import outlooks
from app.services import Services
from app.similar import Question, similar
from app.views import View, view_of
from indexing.access import Access
from indexing.charts import Chart
from indexing.errors import EngineUnavailable
from rankers.legs import Legs

RECORD = "record"
_MOST_SIMILAR = 5
_LEGS = Legs()
GRAPH_HOPS = 3


@dataclass(frozen=True, slots=True)
class Asker:
    """Who looks at which patient. `patient_id` is the real id, of the chart that survives merges;
    what a part returns must be as `view` shows it, ids included."""

    own: Services
    access: Access
    view: View
    patient_id: str
    visit: bool = False  # a page was opened: "new since" counts from here


@dataclass(frozen=True, slots=True)
class Piece:
    """What a part answered. `body` is a dataclass, mapping or sequence that JSON can hold;
    `complete_to` is up to when its store has followed the records, None for the records
    themselves; `note` says what the reader should know of it ("computed on 12 March")."""

    body: Any
    complete_to: datetime | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """`read` writes its own audit row in the transaction that reads; it raises EngineUnavailable
    where its store is down, and returns None where this installation has no such part."""

    name: str
    title: str
    read: Callable[[Asker], Piece | None]


@dataclass(frozen=True, slots=True)
class PatientView:
    """Everything that came in time, by part's name; `missing` are the titles of what did not,
    `absent` of what this installation does not have. `read_at` is when it was asked."""

    patient_id: str
    pieces: Mapping[str, Piece]
    missing: Mapping[str, str]
    absent: Mapping[str, str]
    took_ms: Mapping[str, float]
    read_at: datetime

    @property
    def chart(self) -> Chart | None:
        """The record; None when it did not come in time."""
        piece = self.pieces.get(RECORD)
        return piece.body if piece else None


def _record(asker: Asker) -> Piece:
    chart = asker.own.charts.chart(asker.access, asker.patient_id, visit=asker.visit)
    return Piece(asker.view.chart(chart))


def _graph(asker: Asker) -> Piece:
    own = asker.own
    complete_to = own.medical_complete_to()
    found = patient_graph(own, asker.access, asker.view, asker.patient_id, GRAPH_HOPS)
    return Piece(found, complete_to)


def _similar(asker: Asker) -> Piece:
    asked = Question(patient=asker.view.shown_patient(asker.patient_id), k=_MOST_SIMILAR)
    shown = similar(asker.own, asker.access, asked)
    note = f"Not compared: {', '.join(shown.missing)}." if shown.missing else ""
    return Piece(shown, shown.as_of, note)


def _vitals(asker: Asker) -> Piece:
    complete_to = asker.own.vitals.complete_to()
    drawn = vital_charts.read(asker.own, asker.access, asker.view, asker.patient_id)
    return Piece(drawn, complete_to, note="" if drawn else "No vital signs with a time.")


def _outlook(asker: Asker) -> Piece | None:
    found = outlooks(asker.own, asker.access, asker.view, asker.patient_id)
    return None if found is None else Piece(found)


# In the order in which the page shows them.
PARTS: tuple[Part, ...] = (
    Part(RECORD, "The record", _record),
    Part("graph", "Medical graph", _graph),
    Part("vitals", "Vital signs over time", _vitals),
    Part("similar", "Similar patients", _similar),
    Part("outlook", "How patients alike fared", _outlook),
)


def gather(
    own: Services, access: Access, patient_id: str, *, visit: bool = False,
    parts: Sequence[Part] | None = None,
) -> PatientView:  # fmt: skip
    """Read every part of a patient's view, whose real id is given, within the deadline of a leg.

    Raises:
        NotFound: no such patient that `access` opens; another tenant's reads the same.
        EngineUnavailable: no part answered.
    """
    parts = PARTS if parts is None else parts
    view = view_of(own, access)
    asker = Asker(own, access, view, own.charts.standing(access, patient_id), visit)
    began = datetime.now(UTC)
    ran = _LEGS.run(
        [{part.name: partial(part.read, asker)} for part in parts], own.settings.leg_timeout_s
    )
    pieces = {part.name: ran.results[part.name] for part in parts if part.name in ran.results}
    if all(piece is None for piece in pieces.values()):  # a part that is off answers nothing
        raise EngineUnavailable("no part of the view answered in time")
    titles = {part.name: part.title for part in parts}
    return PatientView(
        view.shown_patient(asker.patient_id),
        {name: piece for name, piece in pieces.items() if piece is not None},
        {name: titles[name] for name in ran.failed},
        {name: titles[name] for name, piece in pieces.items() if piece is None},
        ran.took_ms, began,
    )  # fmt: skip


def view_json(seen: PatientView, zone: tzinfo) -> dict[str, Any]:
    """Write a view as the API answers it; dataclasses are left to the encoder."""
    chart = seen.chart
    return {
        "patient_id": seen.patient_id,
        "read_at": seen.read_at,
        "parts": {
            name: {"body": piece.body, "complete_to": piece.complete_to, "note": piece.note}
            for name, piece in seen.pieces.items()
        },
        "missing": seen.missing,
        "absent": seen.absent,
        "took_ms": seen.took_ms,
        "timeline": [entry for _, group in timeline(chart, zone) for entry in group]
        if chart
        else [],
    }
