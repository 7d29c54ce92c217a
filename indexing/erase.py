"""Erase a patient: out of the records, every index, cache, queue and audit row, then prove it.

First a row says that it began: from then on nothing of the patient is taken in, and whoever starts
next goes on where a crash stopped it. The records go in one transaction; indexes that lie elsewhere
are filled anew without them, so that no engine keeps a deleted entry. It is finished when a scan of
every store finds nothing, and only then are the ids forgotten that it was looked for by.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol
from uuid import UUID

import msgspec

from indexing.access import Access
from indexing.erasure import Erasure, Looked, Marks, Needles, Proof
from indexing.errors import Conflict, InvalidInput, NotFound
from indexing.fhir.bundle import relink
from indexing.fhir.compartment import patient_of
from indexing.fhir.elements import objects
from indexing.fhir.reading import JsonObject, parse
from indexing.fhir.unnaming import targets, unnamed
from indexing.model import TenantId

# They stand in the record of the first patient whom they name, and may be about others too.
_SHARED: Final = frozenset(
    ("Account", "Appointment", "AppointmentResponse", "AuditEvent", "Contract", "Person",
     "Provenance", "Schedule")
)  # fmt: skip
# Whom these are about; whoever pays or signs is named besides.
_ABOUT: Final = {"Account": "subject", "Contract": "subject", "Provenance": "target"}
_LONG_LINE: Final = 40  # characters that no two patients share by chance
_LINES: Final = 3  # of a note, the longest ones
_ATTEMPTS: Final = 2  # somebody may have written while the records were emptied
_WORDS_UNKNOWN: Final = (
    "an earlier run emptied the records: texts are known no more, ids alone were looked for "
    "(texts: --prove --words FILE)"
)
_KEPT: Final = (
    "wait for an older transaction before their space is given back: VACUUM does it then, by itself"
)
_BINARY: Final = re.compile(rb'"Binary/([A-Za-z0-9.\-]{1,64})')
_encode = msgspec.json.Encoder(decimal_format="number").encode

# type, id, version, patient, bytes, links, whether it is the current one
Version = tuple[str, str, int, str | None, bytes, Mapping[str, str], bool]


class Erasing(Protocol):
    """The records, as an erasure needs them."""

    def person(self, tenant_id: TenantId, patient_id: str) -> list[str]: ...
    def belongings(
        self, tenant_id: TenantId, people: Sequence[str]
    ) -> tuple[list[str], list[str]]: ...
    def held(
        self, tenant_id: TenantId, people: Sequence[str], names: Sequence[str], docs: Sequence[str]
    ) -> dict[str, int]: ...
    def texts(self, tenant_id: TenantId, docs: Sequence[str], *, others: bool) -> Iterator[str]: ...
    def versions(self, tenant_id: TenantId) -> Iterator[Version]: ...
    def patients(self, tenant_id: TenantId, people: Sequence[str]) -> list[bytes]: ...
    def elsewhere(
        self, tenant_id: TenantId, ids: Sequence[str], names: Sequence[str]
    ) -> list[str]: ...
    def begin(
        self, access: Access, people: Sequence[str], marks: Sequence[str], reason: str
    ) -> Erasure: ...
    def unfinished(self, tenant_id: TenantId) -> list[Erasure]: ...
    def of(self, tenant_id: TenantId, marks: Sequence[str]) -> list[Erasure]: ...
    def rewrite(
        self, tenant_id: TenantId, versions: Sequence[tuple[str, str, int, str | None, bytes]]
    ) -> None: ...
    def remove(
        self, access: Access, erasure: Erasure, names: Sequence[str], docs: Sequence[str],
        words: Sequence[str],
    ) -> dict[str, int]: ...  # fmt: skip
    def finish(self, tenant_id: TenantId, erasure_id: UUID) -> None: ...
    def vacuum(self, names: Sequence[str]) -> int: ...


@dataclass(frozen=True, slots=True)
class Around:
    """Everything beside the records. `pausing` holds the followers' locks; `take_in` stores a
    resource anew, in place of the version that was read, and says why not; `refill` fills the
    indexes that lie elsewhere anew; `look` looks through every store."""

    pausing: Callable[[], AbstractContextManager[None]]
    take_in: Callable[[TenantId, int, bytes], str]
    forget_series: Callable[[TenantId, str], None]
    refill: Callable[[TenantId], None]
    look: Callable[[TenantId, Needles, Sequence[str], Sequence[str], bool], list[Looked]]


@dataclass(slots=True)
class _Found:
    """What one read of all records tells: versions that name the person and are not theirs alone,
    and what proves nothing because others have it too."""

    shared: list[tuple[str, str, int, bool, JsonObject]] = field(default_factory=list)
    common: set[bytes] = field(default_factory=set)
    attached: set[str] = field(default_factory=set)  # "Binary/id": they stand in nobody's record
    attached_elsewhere: set[str] = field(default_factory=set)


class Eraser:
    """One at a time: the caller holds the lock of erasures."""

    def __init__(self, records: Erasing, around: Around, marks: Marks) -> None:
        self._records, self._around, self._marks = records, around, marks

    def plan(self, tenant_id: TenantId, patient_id: str) -> tuple[list[str], dict[str, int]]:
        """Return the ids of one person, and how many rows each table holds of them.

        Raises: NotFound: there are none.
        """
        people = self._records.person(tenant_id, patient_id)
        names, docs = self._records.belongings(tenant_id, people)
        held = self._records.held(tenant_id, people, names, docs)
        begun = [e for e in self._records.unfinished(tenant_id) if patient_id in e.people]
        if not (held.keys() - {"frozen_page"} or begun):
            raise NotFound(
                "no such patient in this tenant",
                hint="to look for an id that was erased: anamnesis erase --prove",
            )
        return people, held

    def erase(self, access: Access, patient_id: str, reason: str) -> tuple[Erasure, Proof]:
        """Erase a patient, or go on with an erasure of them that was begun.

        Raises:
            Conflict: a resource that others share cannot be stored without them; named in the hint.
            EngineUnavailable: a store does not answer; the same call goes on.
        """
        begun = [e for e in self._records.unfinished(access.tenant_id) if patient_id in e.people]
        if not begun:
            people = self._records.person(access.tenant_id, patient_id)
            marks = self._marks(access.tenant_id, people)
            _refuse_telling(reason, [*people, *self._told(access.tenant_id, people)])
            begun = [self._records.begin(access, sorted(people), marks, reason)]
        return begun[0], self.go_on(access, begun[0])

    def go_on(self, access: Access, erasure: Erasure) -> Proof:
        """Do what is left of an erasure, and prove it."""
        tenant_id, told = access.tenant_id, Needles.of((), ())
        names, docs = list(erasure.names), list(erasure.docs)
        if erasure.records_at is None:
            names, docs = self._records.belongings(tenant_id, erasure.people)
            told = self._told_apart(tenant_id, erasure, names, docs)
        needles = replace(Needles.of(names, docs), words=told.words, aside=told.aside)
        ids = [own.decode() for own in needles.ids]
        others = self._records.elsewhere(tenant_id, ids, names)
        needles = needles.without(frozenset(own.encode() for own in others))
        stores: list[Looked] = []
        dead = 0
        for _ in range(_ATTEMPTS):
            dead = self._empty(access, erasure, names, docs, [w.decode() for w in needles.words])
            stores = self._around.look(tenant_id, needles, names, docs, True)
            if clean := all(store.clean for store in stores):
                break
        if clean:
            self._records.finish(tenant_id, erasure.erasure_id)
            dead += self._records.vacuum(())
        left = [] if erasure.records_at is None else [_WORDS_UNKNOWN]
        if dead:
            left.append(f"{dead} dead rows {_KEPT}")
        return _proof(stores, needles, left)

    def prove(self, tenant_id: TenantId, patient_id: str, words: Iterable[str]) -> Proof:
        """Look for a patient's id, and for texts, in every store."""
        names = [f"Patient/{patient_id}"]
        needles = Needles.of(names, (), words)
        return _proof(self._around.look(tenant_id, needles, names, (), False), needles)

    def _empty(
        self, access: Access, erasure: Erasure, names: Sequence[str], docs: Sequence[str],
        words: Sequence[str],
    ) -> int:  # fmt: skip
        with self._around.pausing():
            for own in erasure.people:
                self._around.forget_series(access.tenant_id, own)
            removed = self._records.remove(access, erasure, names, docs, words)
            self._around.refill(access.tenant_id)
        return self._records.vacuum(list(removed))

    def _told(self, tenant_id: TenantId, people: Sequence[str]) -> list[str]:
        """Return what the Patient resources call these people."""
        found = self._records.patients(tenant_id, people)
        return [text for data in found for text in _texts_of(parse(data))]

    def _told_apart(
        self, tenant_id: TenantId, erasure: Erasure, names: list[str], docs: list[str]
    ) -> Needles:
        """Let what others share name the person no more; return the texts that tell them."""
        told, quoted = self._told(tenant_id, erasure.people), list[str]()
        for text in self._records.texts(tenant_id, docs, others=False):
            lines = [line.strip() for line in text.splitlines() if len(line) >= _LONG_LINE]
            quoted += sorted(lines, key=len)[-_LINES:]
        # Names and numbers come first: of thousands of notes not every line is looked for.
        needles = Needles.of(names, docs, told + sorted(quoted, key=len, reverse=True))
        found = self._read(tenant_id, erasure, needles, frozenset(names))
        self._unname(tenant_id, found, frozenset(names), needles)
        for kind, own, *_ in found.shared:
            if f"{kind}/{own}" in names:
                names.remove(f"{kind}/{own}")
        names += sorted(found.attached - found.attached_elsewhere)
        for text in self._records.texts(tenant_id, docs, others=True):
            found.common.update(needles.told(text.encode()))
        return needles.without(frozenset(found.common))

    def _read(
        self, tenant_id: TenantId, erasure: Erasure, needles: Needles, names: frozenset[str]
    ) -> _Found:
        found, people = _Found(), frozenset(erasure.people)
        for kind, own, version, patient, data, links, now in self._records.versions(tenant_id):
            theirs = f"{kind}/{own}" in names or patient in people
            binaries = {f"Binary/{each.decode()}" for each in _BINARY.findall(data)}
            (found.attached if theirs else found.attached_elsewhere).update(binaries)
            if not data or (theirs and kind not in _SHARED):
                continue
            resource = _linked(data, links, own)
            if _others(resource, names) if theirs else _names_them(resource, names):
                found.shared.append((kind, own, version, now, resource))
                found.attached |= {f"{kind}/{own}"} if kind == "Binary" else frozenset()
            elif not theirs:
                found.common.update(needles.told(data))
        return found

    def _unname(
        self, tenant_id: TenantId, found: _Found, names: frozenset[str], needles: Needles
    ) -> None:
        """Store each resource that is shared anew without the person, and its versions so far."""
        identifiers = frozenset(word.decode() for word in needles.words)
        rewritten: list[tuple[str, str, int, str | None, bytes]] = []
        for kind, own, version, now, resource in found.shared:
            made = unnamed(resource, names - {f"{kind}/{own}"}, identifiers)
            if needles.within(_encode(made.get("text"))):
                made.pop("text", None)
            data = _encode(made)
            rewritten.append((kind, own, version, patient_of(made), data))
            if now and (why := self._around.take_in(tenant_id, version, data)):
                raise Conflict(
                    f"{kind}/{own} names the patient, others share it, and it cannot be stored "
                    "without the name",
                    hint="change or delete it, then run the same command again; or give it up: "
                    f"anamnesis erase --lift ({why})",
                )
        self._records.rewrite(tenant_id, rewritten)


def _others(resource: JsonObject, names: frozenset[str]) -> bool:
    """Say whether what stands in a person's record is about somebody else too."""
    kind_of = resource.get("resourceType", "")
    about = resource.get(_ABOUT[kind_of]) if kind_of in _ABOUT else resource
    return any(
        f"{kind}/{own}" not in names
        for kind, own in targets(about)
        if kind == "Patient" or kind_of == "Provenance"
    )


def _names_them(resource: JsonObject, names: frozenset[str]) -> bool:
    return any(f"{kind}/{own}" in names for kind, own in targets(resource))


def _linked(data: bytes, links: Mapping[str, str], own: str) -> JsonObject:
    resource = parse(data)
    relink(resource, links)
    resource["id"] = own
    return resource


def _texts_of(patient: Mapping[str, Any]) -> Iterator[str]:
    """Yield the texts that tell who a Patient is: names, identifiers, addresses, numbers."""
    for name in objects(patient.get("name")):
        given = [*_strings(name.get("given"))]
        family = name.get("family")
        if isinstance(family, str) and given:
            yield from (f"{' '.join(given)} {family}", f"{given[0]} {family}")
            yield from (f"{family}, {given[0]}", f"{family} {given[0]}")
        yield from _strings(name.get("text"))
    for each in (*objects(patient.get("identifier")), *objects(patient.get("telecom"))):
        yield from _strings(each.get("value"))
    for address in objects(patient.get("address")):
        yield from _strings(address.get("text"))
        yield from _strings(address.get("line"))


def _strings(value: object) -> Iterator[str]:
    """Yield a text, or those of a list; records are taken in with other things in its place."""
    yield from (each for each in (value if isinstance(value, list) else [value])
                if isinstance(each, str))  # fmt: skip


def _refuse_telling(reason: str, told: Sequence[str]) -> None:
    low = reason.casefold()
    if any(len(each) > 2 and each.casefold() in low for each in told):
        raise InvalidInput(
            "the reason names the patient, and it is kept for ever",
            hint="say why without saying who, such as the number of the request",
        )


def _proof(stores: Sequence[Looked], needles: Needles, left: Sequence[str] = ()) -> Proof:
    ids = len(needles.ids | needles.names)
    return Proof(tuple(stores), ids, len(needles.words), needles.aside, left)
