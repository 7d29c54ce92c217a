"""What the records say of a patient, as lines: the raw material of the medical graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from indexing.dated import Width
from indexing.medical_graph import NodeKind, Relation, Value
from indexing.model import ChangeEvent, Mention, TenantId


@dataclass(frozen=True, slots=True)
class End:
    """One end of a line: a resource of this server, or a coded thing. `code` "" for a thing that
    has only its words; `resource` "Type/id" for the former."""

    kind: NodeKind
    name: str
    resource: str = ""
    system: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One relation as the records say it; `source` or `target` None is the patient."""

    source: End | None
    relation: Relation
    target: End | None
    start: datetime | None = None
    end: datetime | None = None
    properties: Mapping[str, Value] | None = None
    labels: frozenset[str] = frozenset()
    start_width: Width = Width.DAY
    end_width: Width = Width.DAY


@dataclass(frozen=True, slots=True)
class Said:
    """The mentions of one note, with the note's date, how precise it is, and labels."""

    at: datetime | None
    width: Width
    labels: frozenset[str]
    mentions: Sequence[Mention]


@dataclass(frozen=True, slots=True)
class PatientFacts:
    """All that is known of a patient, at a moment: `version` never falls as moments pass."""

    patient_id: str
    name: str
    version: int
    labels: frozenset[str]
    lines: Sequence[Line]
    notes: Sequence[Said]


@dataclass(frozen=True, slots=True)
class CommonFacts:
    """What a practitioner, an organization or a study says of itself."""

    key: str
    version: int
    end: End
    lines: Sequence[Line]


@dataclass(frozen=True, slots=True)
class Made:
    """With what a tenant's graph was made (`EntryMaker.version`); all of it where `upto` is "",
    else the entries up to that key."""

    version: str
    upto: str = ""


class FactSource(Protocol):
    """Reads facts for followers: a whole tenant's, no `Access` in between."""

    def touched(self, tenant_id: TenantId, events: Sequence[ChangeEvent]) -> Mapping[str, int]:
        """Return the entries that events may have changed, {key: version now}."""
        ...

    def patients(self, tenant_id: TenantId, patient_ids: Sequence[str]) -> Sequence[PatientFacts]:
        """Return the facts of those that are there; one who was merged into another is not."""
        ...

    def common(self, tenant_id: TenantId, keys: Sequence[str]) -> Sequence[CommonFacts]:
        """Return the facts about nobody for those that are there."""
        ...

    def keys(self, tenant_id: TenantId) -> Sequence[str]:
        """Return the key of every entry that the graph should hold."""
        ...

    def made(self, tenant_id: TenantId) -> Made | None:
        """Say with what the graph was made; None where that is not known."""
        ...

    def note_made(self, tenant_id: TenantId, made: Made) -> None:
        """Keep with what the graph is made."""
        ...
