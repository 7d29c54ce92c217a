"""What an installation has of one tenant beside its tables: engines, cache, files, the lab; each is
dropped, and counted afterwards."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

from app.demo_logins import logins_of
from app.erasing import ROWS, WORDS, by_operator, files
from app.naming import forget as forget_names
from app.wiring import Installation
from eval.archive import LAB, Archive
from eval.shelf import Shelf
from indexing.backends.postgres.remains import remains_of_tenant
from indexing.encoders import EncoderShelf
from indexing.encoders.shelf import DEFAULT
from indexing.erasure import Looked, Needles, Proof, TenantErasure
from indexing.errors import AnamnesisError
from indexing.language.terminology.store import forget_overlaid
from indexing.model import TenantId
from indexing.patient_vectors import owned
from indexing.places import LEGS, Place, Stage
from indexing.routed import Routed
from indexing.spaces import MEDICAL_CONCEPTS, patients
from indexing.vitals.kinds import KINDS

_OWN: Final = frozenset({ROWS, "memory", "timescale"})  # rows, or gone with the process


@dataclass(frozen=True, slots=True)
class Part:
    """One store beside the tables; `held` counts what it has of the tenant."""

    name: str
    unit: str
    drop: Callable[[], object]
    held: Callable[[], int]


def places_of(
    installation: Installation, tenant_id: TenantId
) -> tuple[tuple[str, str, TenantId], ...]:
    """Return (leg, engine, space) of every index that serves a tenant or is being filled for it.

    The records say where; once they are gone, only what was written down before tells.
    """
    return tuple(
        (leg, place.engine, place.space)
        for leg in LEGS
        for place in _routed(installation, leg).places(tenant_id)
    )


def _routed(installation: Installation, leg: str) -> Routed[Any]:
    found: Routed[Any] = getattr(installation, leg)
    return found


def parts_of(installation: Installation, begun: TenantErasure, opened: ExitStack) -> Iterator[Part]:
    """Yield every store beside the tables that holds something of a tenant, or may.

    What is opened to reach one is closed with `opened`.
    """
    tenant_id, settings = begun.tenant_id, installation.settings
    for leg, engine, space in begun.places or ():
        if engine not in _OWN:
            index = partial(_at, installation, leg, engine, space)
            yield _of_index(f"{leg}: {engine}", "documents", index, space)
    if settings.medical != ROWS:
        graph = partial(getattr, installation.medical, "graph")
        yield _of_index(f"medical graph: {settings.medical}", "entries", graph, tenant_id)
    if settings.vitals not in _OWN:
        drop = partial(installation.vitals.drop, tenant_id)
        held = partial(_series, installation, tenant_id)
        yield Part(f"series: {settings.vitals}", "series", drop, held)
    yield from _spaces(installation, tenant_id)
    if settings.vector not in _OWN:
        yield from _of_other_encoders(installation, begun, opened)
    if (cache := installation.cache) is not None:
        drop = partial(cache.shut, tenant_id)
        yield Part("cache", "answers", drop, lambda: sum(1 for _ in cache.values(tenant_id)))


def _spaces(installation: Installation, tenant_id: TenantId) -> Iterator[Part]:
    """Yield the vector spaces beside the notes': records, own names of concepts, studies."""
    engine_of, settings = installation.space_engine, installation.settings
    for each in installation.patients.filled.all():
        own, metric = owned(each.owner)
        if own == tenant_id and each.engine not in _OWN:
            made = partial(engine_of, each.engine, patients(metric), each.model, each.dimension)
            yield _of_index(f"patients: {each.engine}", "patients", made, tenant_id)
    for each in installation.partitions.all():
        if each.owner == str(tenant_id):
            made = partial(engine_of, each.engine, MEDICAL_CONCEPTS, each.model, each.dimension)
            drop = partial(forget_names, installation, each.model, each.owner)
            held = partial(_held, made, each.tenant_id)
            yield Part(f"own names of concepts: {each.engine}", "concepts", drop, held)
    if settings.vector not in _OWN:
        studies = partial(getattr, installation.research, "index")
        yield _of_index(f"studies: {settings.vector}", "studies", studies, tenant_id)


def _of_other_encoders(
    installation: Installation, begun: TenantErasure, opened: ExitStack
) -> Iterator[Part]:
    """Yield what servers hold by encoders that served before, or were made to serve."""
    shelf, own = EncoderShelf(installation.home), installation.settings
    known = own.encoder == "onnx" and own.encoder_folder is None
    for name in [DEFAULT, *shelf.names()] if known else []:
        if name == shelf.serving():
            continue
        other = Installation(own.model_copy(update={"encoder_folder": shelf.folder(name)}))
        opened.callback(other.close)
        for leg, engine, space in begun.places or ():
            if leg == "vector" and engine not in _OWN:
                index = partial(_at, other, leg, engine, space)
                yield _of_index(f"vector: {engine} by {name}", "documents", index, space)
        studies = partial(getattr, other.research, "index")
        yield _of_index(f"studies: {own.vector} by {name}", "studies", studies, begun.tenant_id)


def _of_index(name: str, unit: str, index: Callable[[], Any], space: TenantId) -> Part:
    return Part(name, unit, partial(_dropped, index, space), partial(_held, index, space))


def _at(installation: Installation, leg: str, engine: str, space: TenantId) -> Any:
    index, _ = _routed(installation, leg).at(Place(Stage.SERVING, engine, space))
    return index


def _dropped(index: Callable[[], Any], space: TenantId) -> None:
    index().drop(space)


def _held(index: Callable[[], Any], space: TenantId) -> int:
    return len(index().entries(space))


def _series(installation: Installation, tenant_id: TenantId) -> int:
    access, ever = by_operator(tenant_id, "operator:erase"), timedelta(days=365 * 60)
    now = datetime.now(UTC)
    return sum(
        len(installation.vitals.window(access, kind, now - ever, now + timedelta(days=366)))
        for kind in KINDS
    )


def remove_files(installation: Installation, begun: TenantErasure) -> None:
    """Remove what the home folder and the lab hold of a tenant; it may be gone already."""
    home = installation.home
    for own in begun.ids:
        shutil.rmtree(home / WORDS / own.hex, ignore_errors=True)
    shutil.rmtree(installation.own_concepts_of(begun.tenant_id), ignore_errors=True)
    forget_overlaid(home)
    logins_of(home, begun.code).unlink(missing_ok=True)
    archive, shelf = _lab(home)
    for card in _runs(archive, begun.code):
        archive.drop(card)
    for name in _books(shelf, begun.code):
        shelf.drop(name)


def _lab(home: Path) -> tuple[Archive, Shelf]:
    return Archive(home / LAB), Shelf(home / LAB / "books")


def _runs(archive: Archive, code: str) -> list[str]:
    return [card.run_id for card in archive.cards(code) if card.tenant == code]


def _books(shelf: Shelf, code: str) -> list[str]:
    return [name for name in shelf.names() if shelf.open(name).tenant == code]


def proof_of(
    installation: Installation, begun: TenantErasure, parts: Sequence[Part], dead: int = 0
) -> Proof:
    """Look through everything for a tenant's ids, and count what stores hold under them."""
    ids, home = begun.ids, installation.home
    spelled = frozenset(each.encode() for own in ids for each in (str(own), own.hex))
    needles = Needles(spelled, frozenset())
    found = remains_of_tenant(installation.owner_database, ids, needles)
    found.append(files(home, ids, needles))
    found.append(_named(home, spelled))
    found.append(_of_lab(home, begun.code))
    found += map(_looked, parts)
    return Proof(tuple(found), len(needles.ids), 0, 0, [*_left(installation, begun, dead)])


def _named(home: Path, spelled: frozenset[bytes]) -> Looked:
    looked = Looked("names of files", "names")
    for path in home.rglob("*"):
        looked.looked += 1
        looked.found += any(each.decode() in path.name for each in spelled)
    return looked


def _of_lab(home: Path, code: str) -> Looked:
    archive, shelf = _lab(home)
    looked = Looked("the lab", "runs, books")
    looked.looked = archive.count() + len(shelf.names())
    looked.found = len(_runs(archive, code)) + len(_books(shelf, code))
    return looked


def _looked(part: Part) -> Looked:
    looked = Looked(part.name, part.unit)
    try:
        looked.looked = looked.found = part.held()
    except AnamnesisError:
        looked.silent = True
    return looked


def _left(installation: Installation, begun: TenantErasure, dead: int) -> Iterator[str]:
    """Yield what stays on purpose, and what an operator should know."""
    if begun.audit_rows is not None:
        where = f"it lies in {begun.export_to}" if begun.export_to else "it was not exported"
        yield f"the audit had {begun.audit_rows} rows and went too; {where}"
        yield "the register keeps the code, when, why, by whom, and how the audit's chain ended"
    names = [name for name in EncoderShelf(installation.home).names() if name != DEFAULT]
    if names:
        yield f"encoders stay, whoever's judgements taught them: {', '.join(names)}"
    if installation.settings.learned is not None:
        yield f"the learned ranker stays: {installation.settings.learned}"
    if dead:
        yield f"{dead} dead rows wait for an older transaction before their space is given back"
