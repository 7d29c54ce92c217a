"""Erasure of patients: who is erased, what it is called by, what to look for, what was found."""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from indexing.errors import Conflict
from indexing.model import TenantId

_BARE = re.compile(rb"[A-Za-z0-9.\-]{8,}")
_TYPED = re.compile(rb"[A-Za-z]{4,}[/~][A-Za-z0-9.\-]{1,64}")
LEAST_BARE: Final = 8  # characters: a shorter id is looked for with its type alone
LEAST_WORDS: Final = 4  # characters of a text that tells somebody
MOST_WORDS: Final = 400

Marks = Callable[[TenantId, Iterable[str]], list[str]]


class Erased(Conflict):
    """What is of an erased patient, or refers to one, is not taken in."""

    def __init__(self) -> None:
        super().__init__(
            "of a patient who was erased: not taken in until an operator lifts it "
            "(anamnesis erase --lift)"
        )


def marks_of(secret: str) -> Marks:
    """Return what names erased patients: keyed pseudonyms, which tell nobody who it was and let
    whoever knows the id and holds the installation's secret find the rows."""
    key = hmac.digest(secret.encode(), b"erased patients", "sha256")

    def marks(tenant_id: TenantId, people: Iterable[str]) -> list[str]:
        return [
            f"erased-{hmac.digest(key, tenant_id.bytes + own.encode(), 'sha256').hex()[:32]}"
            for own in sorted(people)
        ]

    return marks


@dataclass(frozen=True, slots=True)
class Erasure:
    """One that was begun. `people` are the patient and whoever was merged with them, `names`
    ("Type/id") and `docs` what is theirs; all empty once it is finished. `removed` counts rows by
    table."""

    erasure_id: UUID
    asked_by: str
    reason: str
    marks: tuple[str, ...]
    people: tuple[str, ...]
    names: tuple[str, ...]
    docs: tuple[str, ...]
    removed: Mapping[str, int]
    began_at: datetime
    records_at: datetime | None = None
    finished_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Needles:
    """What must not be found: unmistakable ids, ids with their type, and texts (UTF-8), in lower
    case. `aside` counts ids and texts that others have too, so that they prove nothing."""

    ids: frozenset[bytes]
    names: frozenset[bytes]
    words: tuple[bytes, ...] = ()
    aside: int = 0

    @classmethod
    def of(cls, names: Iterable[str], docs: Iterable[str], words: Iterable[str] = ()) -> Needles:
        """Return what these are looked for by; of more texts than are looked for, the first."""
        named = list(names)
        bare = {name.partition("/")[2] for name in named} | set(docs)
        typed = {*named, *(doc for doc in docs if "~" in doc)}
        typed |= {f"Document/{doc}" for doc in docs}
        texts = list(dict.fromkeys(w.casefold() for w in words if len(w) >= LEAST_WORDS))
        return cls(
            frozenset(own.encode() for own in bare if len(own) >= LEAST_BARE),
            frozenset(own.encode() for own in typed),
            tuple(text.encode() for text in texts[:MOST_WORDS]),
        )

    def without(self, shared: frozenset[bytes]) -> Needles:
        """Set aside what others have too."""
        words = tuple(word for word in self.words if word not in shared)
        ids = self.ids - shared
        aside = self.aside + len(self.words) - len(words) + len(self.ids) - len(ids)
        return replace(self, ids=ids, words=words, aside=aside)

    def named(self, hay: bytes) -> bool:
        """Say whether an id stands there as a whole word."""
        if self.ids and not self.ids.isdisjoint(_bare(set(_BARE.findall(hay)))):
            return True
        return not self.names.isdisjoint(_bare(set(_TYPED.findall(hay))))

    def told(self, hay: bytes) -> list[bytes]:
        """Return the texts that stand there."""
        if not self.words:
            return []
        low = hay.decode("utf-8", "replace").casefold().encode() if not hay.isascii() else (
            hay.lower())  # fmt: skip
        return [word for word in self.words if word in low]

    def within(self, hay: bytes) -> bool:
        """Say whether anything stands there."""
        return self.named(hay) or bool(self.told(hay))


def _bare(found: set[bytes]) -> Iterable[bytes]:
    """Leave out the full stops of sentences."""
    return (each.strip(b".") if each[-1:] == b"." or each[:1] == b"." else each for each in found)


@dataclass(slots=True)
class Looked:
    """One store, how much was looked at (rows, files, entries), and in how many something was
    found; `unit` is what was counted. `silent`: it did not answer, so it proves nothing."""

    store: str
    unit: str
    looked: int = 0
    found: int = 0
    silent: bool = False

    @property
    def clean(self) -> bool:
        """Say whether it was looked at and holds nothing."""
        return not self.found and not self.silent


@dataclass(frozen=True, slots=True)
class Proof:
    """What a scan of every store found, and what it looked for."""

    stores: tuple[Looked, ...]
    ids: int
    words: int
    aside: int
    left: Sequence[str] = field(default=())  # what an operator should know

    @property
    def clean(self) -> bool:
        """Say whether nothing was found anywhere."""
        return all(store.clean for store in self.stores)


@dataclass(frozen=True, slots=True)
class TenantErasure:
    """The erasure of a whole tenant, as the register keeps it for ever. `places` (leg, engine,
    space) are where its indexes lay, None until that was looked up; `export_to` is where its audit
    is written before it goes, "" for nowhere; `audit_hash` is of the chain's last row."""

    code: str
    tenant_id: TenantId
    asked_by: str
    reason: str
    export_to: str
    places: tuple[tuple[str, str, TenantId], ...] | None
    audit_rows: int | None
    audit_hash: bytes | None
    removed: Mapping[str, int]
    began_at: datetime
    exported_at: datetime | None = None
    finished_at: datetime | None = None

    @property
    def ids(self) -> tuple[TenantId, ...]:
        """Every id by which something of it is known: its own, and those of its spaces."""
        spaces = (space for _, _, space in self.places or ())
        return tuple(dict.fromkeys((self.tenant_id, *spaces)))
