"""Erasing patients over an installation: every store it has, and every file in its home."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from app import naming
from app.moves import movers, paused
from app.wiring import Installation
from indexing.access import LABELS, Access, Role
from indexing.backends.postgres.erasing import PostgresErasing
from indexing.backends.postgres.remains import remains
from indexing.backends.tantivy.remains import remains as remains_of_words
from indexing.erase import Around, Eraser
from indexing.erasure import Looked, Needles, Proof, marks_of
from indexing.errors import AnamnesisError, Conflict
from indexing.fhir.faults import Where
from indexing.ingest import Ingest
from indexing.language.concept_space import Partition
from indexing.medical_follow import rebuild_medical
from indexing.model import TenantId
from indexing.places import Place
from indexing.ports import Cache, WordIndex
from indexing.spaces import MEDICAL_CONCEPTS

_log = logging.getLogger("anamnesis.erase")
ROWS: Final = "postgres"  # its indexes are rows, which go with the records
_CLUSTER: Final = "postgres"  # the database's own files: compressed, and looked through as rows
WORDS: Final = "tantivy"  # a folder for each tenant
_PIECE: Final = 1 << 22
_OVERLAP: Final = 1 << 12


def eraser(installation: Installation) -> Eraser:
    """Return what erases in this installation."""
    around = Around(
        pausing=partial(paused, installation),
        take_in=partial(_take_in, installation),
        forget_series=installation.vitals.forget,
        refill=partial(_refill, installation),
        look=partial(_look, installation),
    )
    return Eraser(erasing(installation), around, marks_of(installation.secrets.pepper))


def erasing(installation: Installation) -> PostgresErasing:
    """Return the erasures in the records."""
    return PostgresErasing(installation.owner_database)


@contextmanager
def alone(installation: Installation) -> Iterator[None]:
    """Hold the lock of erasures. Raises: Conflict: somebody else erases."""
    with installation.feed.lock("erase", wait_s=5) as mine:
        if not mine:
            raise Conflict("another erasure is under way", hint="wait until it is done")
        yield


def resume(installation: Installation) -> None:
    """Finish what a crash broke off, of every tenant; what cannot be now is left to the command:
    whoever follows the feed starts all the same."""
    with logged():
        for tenant in installation.tenants.all():
            with logged():
                if begun := erasing(installation).unfinished(tenant.tenant_id):
                    go_on(installation, by_operator(tenant.tenant_id, begun[0].asked_by))


@contextmanager
def logged() -> Iterator[None]:
    try:
        yield
    except Exception as exc:  # noqa: BLE001
        # Its type alone: its words may name a resource.
        _log.error("an erasure was not finished: %s", type(exc).__name__)


def go_on(installation: Installation, access: Access) -> list[Proof]:
    """Do what is left of every erasure that was begun in a tenant."""
    own = eraser(installation)
    with alone(installation):
        begun = erasing(installation).unfinished(access.tenant_id)
        return [own.go_on(access, each) for each in begun]


def by_operator(tenant_id: TenantId, name: str) -> Access:
    """Return the access of an operator who erases."""
    return Access(tenant_id, name, frozenset({Role.PRIVACY}), "HOPERAT", labels=LABELS)


def _take_in(installation: Installation, tenant_id: TenantId, version: int, data: bytes) -> str:
    access = by_operator(tenant_id, "operator:erase")
    zone = ZoneInfo(str(installation.zone_of(tenant_id)))
    into = Ingest(installation.records, access, zone, reason="a patient was erased")
    # What somebody stored since it was read is not written over.
    [outcome] = into.submit(data, where=Where(), request={"ifMatch": f'W/"{version}"'})
    return "" if outcome.rejected is None else outcome.rejected.reason


def _refill(installation: Installation, tenant_id: TenantId) -> None:
    """Fill anew what lies in engines that keep deleted entries for a while; drop what is cached."""
    for mover in movers(installation):
        for place in mover.index.places(tenant_id):
            if place.engine != ROWS:
                mover.refill(tenant_id, place)
    medical, settings = installation.medical, installation.settings
    if settings.medical != ROWS:
        medical.graph.drop(tenant_id)
        rebuild_medical(tenant_id, medical.facts, medical.graph, medical.of(tenant_id).maker)
    vectors = installation.patients.vectors
    if vectors is not None and settings.vector != ROWS:
        vectors.drop(tenant_id)
        while vectors.some(tenant_id, installation.patients.hierarchy(tenant_id)):
            pass
    _reword(installation, tenant_id)
    installation.forget_answers(tenant_id)


def _reword(installation: Installation, tenant_id: TenantId) -> None:
    """Fill anew what the tenant calls things where that can be read: what it was called before may
    lie there until somebody follows."""
    readable = list(_worded(installation, tenant_id))
    for own, _ in readable:
        naming.forget(installation, own.model, own.owner)
    terms = installation.terms.of(tenant_id) if readable else None
    if terms is not None and terms.placing is not None:
        terms.placing.renew()
        while naming.place(terms):
            pass


def _worded(
    installation: Installation, tenant_id: TenantId
) -> Iterator[tuple[Partition, WordIndex]]:
    """Yield where a tenant's own names of concepts lie with their words."""
    for own in installation.partitions.all():
        if own.owner == str(tenant_id):
            index = installation.space_engine(
                own.engine, MEDICAL_CONCEPTS, own.model, own.dimension
            )
            if isinstance(index, WordIndex):
                yield own, index


def _look(
    installation: Installation, tenant_id: TenantId, needles: Needles, names: Sequence[str],
    docs: Sequence[str], under_way: bool,
) -> list[Looked]:  # fmt: skip
    found = remains(installation.owner_database, tenant_id, needles, under_way=under_way)
    found.append(remains_of_words(installation.home / WORDS, tenant_id, docs))
    found.append(files(installation.home, [tenant_id], needles))
    found += map(_counted, _beside(installation, tenant_id, names, docs))
    found += [
        _said(f"own names of concepts: {own.engine}", partial(index.texts, own.tenant_id), needles)
        for own, index in _worded(installation, tenant_id)
    ]
    if installation.cache is not None:
        found.append(_cached(installation.cache, tenant_id, needles))
    return found


def files(home: Path, ids: Collection[TenantId], needles: Needles) -> Looked:
    """Look through every file of the home but the database's own and other tenants' indexes;
    `ids` are the tenant's own."""
    looked, own = Looked("files of the home", "files"), {each.hex for each in ids}
    for path in sorted(home.rglob("*")):
        parts = path.relative_to(home).parts
        if _CLUSTER in parts and path.name != "log":
            continue
        if parts[0] == WORDS and not own & {*parts[1:2]}:
            continue
        if path.is_file() and not path.is_symlink():
            looked.looked += 1
            with suppress(FileNotFoundError):  # an index beside us ends with a segment at any time
                looked.found += _within(path, needles)
    return looked


def _within(path: Path, needles: Needles) -> bool:
    before = b""
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            if needles.within(before + piece):
                return True
            before = piece[-_OVERLAP:]
    return False


@dataclass(frozen=True, slots=True)
class _Store:
    """A store that is asked what it holds, and what of that should be gone."""

    name: str
    unit: str
    held: Callable[[], Collection[str]]
    gone: Collection[str]


def _beside(
    installation: Installation, tenant_id: TenantId, names: Sequence[str], docs: Sequence[str]
) -> Iterator[_Store]:
    """Yield whatever follows the records, wherever the settings and the moves have put it."""
    for mover in movers(installation):
        for place in mover.index.places(tenant_id):
            held = partial(_entries, mover.index, tenant_id, place)
            yield _Store(f"{mover.leg}: {place.engine}", "documents", held, docs)
    own, settings = installation, installation.settings
    people = [name.partition("/")[2] for name in names if name.startswith("Patient/")]
    medical = partial(own.medical.graph.entries, tenant_id)
    yield _Store(f"medical graph: {settings.medical}", "entries", medical, names)
    if (vectors := own.patients.vectors) is not None:
        vectored = partial(vectors.entries, tenant_id)
        yield _Store(f"patients: {settings.vector}", "patients", vectored, people)
    yield _Store(
        f"series: {settings.vitals}", "series of theirs",
        partial(_subjects, own, tenant_id, people), people,
    )  # fmt: skip


def _entries(index: Any, tenant_id: TenantId, place: Place) -> Collection[str]:
    with index.only(tenant_id, place):
        return frozenset(index.entries(tenant_id))


def _subjects(
    installation: Installation, tenant_id: TenantId, people: Sequence[str]
) -> Collection[str]:
    extents = installation.vitals.extents(by_operator(tenant_id, "operator:erase"), people)
    return [each.key.subject for each in extents]


def _counted(store: _Store) -> Looked:
    looked = Looked(store.name, store.unit)
    try:
        held = store.held()
    except AnamnesisError:
        looked.silent = True
    else:
        looked.looked = len(held)
        looked.found = len(frozenset(store.gone) & frozenset(held))
    return looked


def _said(store: str, texts: Callable[[], Sequence[str]], needles: Needles) -> Looked:
    looked = Looked(store, "names")
    try:
        held = texts()
    except AnamnesisError:
        looked.silent = True
    else:
        looked.looked = len(held)
        looked.found = sum(needles.within(text.encode()) for text in held)
    return looked


def _cached(cache: Cache, tenant_id: TenantId, needles: Needles) -> Looked:
    looked = Looked("cache", "answers")
    try:
        for value in cache.values(tenant_id):
            looked.looked += 1
            looked.found += needles.within(value)
    except AnamnesisError:
        looked.silent = True
    return looked
