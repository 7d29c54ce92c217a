"""The nouns of the product: what is stored, what is derived from it, what changes.

Offsets are Unicode code points of `Document.text`, half-open: `text[start:end]`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NewType
from uuid import UUID

import msgspec

TenantId = NewType("TenantId", UUID)


class Assertion(StrEnum):
    """What a mention says about this patient, local to the mention."""

    PRESENT = "present"
    NEGATED = "negated"
    UNCERTAIN = "uncertain"
    HYPOTHETICAL = "hypothetical"
    HISTORICAL = "historical"
    FAMILY = "family"
    NOT_ASSESSED = "not_assessed"


class Cue(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The words that decided an assertion."""

    start: int
    end: int
    text: str


class Section(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A stretch of a note under one heading; `start` is where the heading begins.

    `name` is a canonical name of `indexing.language.sections`, "" before the first heading;
    `body` is where the text under the heading begins (`start <= body <= end`).
    """

    start: int
    body: int
    end: int
    name: str
    loinc: str | None = None


class Passage(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A stretch of a note short enough for one vector; numbered from 0 within the note."""

    number: int
    start: int
    end: int
    section: str = ""


class Mention(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A concept at offsets. `status` is the note-level status of its concept; search uses that."""

    start: int
    end: int
    concept_id: str
    name: str
    assertion: Assertion
    status: Assertion
    section: str = ""
    cue: Cue | None = None
    ambiguous: bool = False


@dataclass(frozen=True, slots=True)
class Copied:
    """`text[start:end]` of a note stands in an earlier note of the same patient; its origin is the
    earliest that has it."""

    start: int
    end: int
    first_id: str
    first_start: int
    first_end: int


@dataclass(frozen=True, slots=True)
class Repeat:
    """`text[start:end]` of a note stands again in `notes` later notes of the same patient."""

    start: int
    end: int
    notes: int


@dataclass(frozen=True, slots=True)
class Annotation:
    """What the language pipeline found in one text, by one version of that pipeline."""

    language_version: str
    sections: tuple[Section, ...]
    passages: tuple[Passage, ...]
    mentions: tuple[Mention, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """One retrievable clinical text at one version.

    `doc_id` is the DocumentReference's id, "<Type>~<id>" for text inside other resources, and the
    sender's own id for plain notes. A partial date is the interval [date_start, date_end), None
    when unknown; of a longer time that began in a month or a year, that is [date_start,
    date_until). `labels` are restricting security labels (`indexing.access`).
    """

    tenant_id: TenantId
    doc_id: str
    version: int
    text: str
    title: str = ""
    patient_id: str | None = None
    encounter_id: str | None = None
    date_start: datetime | None = None
    date_end: datetime | None = None
    type: str = ""
    specialty: str = ""
    author: str = ""
    labels: frozenset[str] = frozenset()
    resource_type: str = "DocumentReference"
    resource_id: str = ""
    date_until: datetime | None = None

    @property
    def told_until(self) -> datetime | None:
        """Until when the date may be that people are told, which begins at `date_start`."""
        return self.date_until or self.date_end


class Kind(StrEnum):
    """What a change event speaks of."""

    RESOURCE = "resource"  # key: "<Type>/<id>"; written by ingest
    DOCUMENT = "document"  # key: doc_id; written by ingest with its text: derive listens
    LANGUAGE = "language"  # key: doc_id; sections, mentions are stored: lexical and graph listen
    VECTORS = "vectors"  # key: doc_id; vectors are stored: the vector index listens


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in the change feed: transaction id, then row id."""

    xid: int
    row: int


@dataclass(frozen=True, slots=True)
class ChangeEvent:
    """`key` of `kind` is now at `version`, or is gone. The only way an index learns anything."""

    position: Position
    tenant_id: TenantId
    kind: Kind
    key: str
    version: int
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Tenant:
    """A row of the registry."""

    tenant_id: TenantId
    code: str
    name: str
    tier: str = "standard"
    compliance: tuple[str, ...] = ()
    region: str = ""
    key_id: str = ""
    active: bool = True
    time_zone: str = "UTC"
    demo: bool = False


@dataclass(frozen=True, slots=True)
class Tombstone:
    """`key` was deleted at `version`; an older upsert arriving later must lose."""

    key: str
    version: int


@dataclass(frozen=True, slots=True)
class IndexState:
    """What an index holds for a tenant; `digest` folds (key, version) of each live entry."""

    count: int
    digest: str
    extra: Mapping[str, str] = field(default_factory=dict)
