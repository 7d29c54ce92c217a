"""Erasing whole tenants over an installation: every table, engine, cache and file, then the proof.

First a row says that it began: from its commit on, every transaction of the tenant is refused, in
every process (`tenant_gate`). Who was inside is waited for, the audit is written out where that was
asked for, and then everything goes, engines first: where they lie, the records know. Each step may
be done again, so that a run that was killed is finished by the same command or the next start.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from app.erasing import alone, by_operator, erasing, logged
from app.letting_go import let_go
from app.moves import paused
from app.tenant_stores import Part, parts_of, places_of, proof_of, remove_files
from app.wiring import Installation
from indexing.backends.postgres.installation import ROLES
from indexing.backends.postgres.tenant_erasing import PostgresTenantErasing
from indexing.erasure import Proof, TenantErasure
from indexing.errors import Conflict, InvalidInput, TenantErased
from indexing.model import Tenant, TenantId
from indexing.patient_vectors import owned

_log = logging.getLogger("anamnesis.erase")
_ATTEMPTS: Final = 2  # something that was under way may have come in after all


def registry(installation: Installation) -> PostgresTenantErasing:
    """Return the register of tenants that were erased."""
    return PostgresTenantErasing(installation.owner_database, ROLES["app"])


def erase_tenant(
    installation: Installation, code: str, asked_by: str, reason: str, export_to: Path | None
) -> tuple[TenantErasure, Proof]:
    """Erase a tenant, or go on with its erasure that was begun, which keeps its own reason.

    Raises:
        NotFound: there is none of that code.
        TenantErased: it was erased, and that was finished.
        InvalidInput: the reason is missing, or the file cannot be written.
        EngineUnavailable: a store does not answer; the same call goes on.
    """
    records = registry(installation)
    with alone(installation):
        if (begun := records.of(code)) is None:
            tenant = installation.tenants.by_code(code)
            if not reason.strip():
                raise InvalidInput("--reason is missing: why the tenant leaves; it is kept")
            named = "" if export_to is None else str(_writable(export_to, installation.home))
            records.begin(by_operator(tenant.tenant_id, asked_by), tenant, reason, named)
            begun = records.of(code)
            assert begun is not None
        elif begun.finished_at is not None:
            raise TenantErased(f"tenant {code!r} was erased on {begun.finished_at:%Y-%m-%d}")
        return _go_on(installation, begun)


def resume_tenants(installation: Installation) -> None:
    """Finish what a crash broke off; what cannot be now is left to the command."""
    with logged():
        if not registry(installation).unfinished():
            return
        with alone(installation):
            for begun in registry(installation).unfinished():
                with logged():
                    _, proof = _go_on(installation, begun)
                    if not proof.clean:
                        _log.error("of an erased tenant something is left: %s", begun.code)


def prove_tenant(installation: Installation, code: str) -> Proof:
    """Look through everything for a tenant that is here, or that was erased.

    Raises: NotFound: there never was one of that code.
    """
    begun = registry(installation).of(code)
    if begun is None:
        begun = _as_it_is(installation, installation.tenants.by_code(code))
    with _let_in(installation, begun.tenant_id) as opened:
        return proof_of(installation, begun, list(parts_of(installation, begun, opened)))


def plan(installation: Installation, code: str) -> dict[str, int]:
    """Return how many rows each table holds of a tenant, none of one that is being erased.

    Raises: NotFound.
    """
    records = registry(installation)
    if records.of(code) is not None:
        return {}
    return records.held(installation.tenants.by_code(code).tenant_id)


def _as_it_is(installation: Installation, tenant: Tenant) -> TenantErasure:
    places = places_of(installation, tenant.tenant_id)
    return TenantErasure(
        tenant.code, tenant.tenant_id, "", "", "", places, None, None, {}, datetime.now(UTC)
    )


@contextmanager
def _let_in(installation: Installation, tenant_id: TenantId) -> Iterator[ExitStack]:
    with ExitStack() as stack:
        for database in (installation.database, installation.owner_database):
            stack.enter_context(database.let_in(tenant_id))
        yield stack


def _go_on(installation: Installation, begun: TenantErasure) -> tuple[TenantErasure, Proof]:
    records, code = registry(installation), begun.code
    with _let_in(installation, begun.tenant_id) as opened:
        records.closed()
        records.seal(code, begun.tenant_id)
        if begun.export_to and begun.exported_at is None:
            _export(records, begun)
        parts: list[Part] = []
        for _ in range(_ATTEMPTS):
            with paused(installation):
                if begun.places is None:
                    records.lay(code, places_of(installation, begun.tenant_id))
                begun = _now(records, code)
                parts = parts or list(
                    parts_of(installation, begun, opened)
                )  # some drop their own record
                _empty(installation, begun, parts)
                removed = records.remove(begun)
                remove_files(installation, begun)
            dead = erasing(installation).vacuum(list(removed))
            proof = proof_of(installation, begun, parts, dead)
            let_go(installation, begun.tenant_id)
            if proof.clean:
                records.finish(code)
                break
        return _now(records, code), proof


def _now(records: PostgresTenantErasing, code: str) -> TenantErasure:
    found = records.of(code)
    assert found is not None  # the register is never emptied
    return found


def _empty(installation: Installation, begun: TenantErasure, parts: Sequence[Part]) -> None:
    for part in parts:
        part.drop()
    for each in installation.patients.filled.all():
        if owned(each.owner)[0] == begun.tenant_id:
            installation.patients.filled.forget(each)


def _writable(path: Path, home: Path) -> Path:
    whole = path.resolve()
    if whole.exists() or not os.access(whole.parent, os.W_OK):
        raise InvalidInput(
            f"the audit cannot be written to {whole.name}: it is there, or its folder is closed",
            hint="name a new file in a folder that you may write to",
        )
    if home.resolve() in whole.parents:
        raise InvalidInput("the audit of a tenant that leaves cannot lie in the home folder",
                           hint="nothing of it may stay there: name a file elsewhere")  # fmt: skip
    return whole


def _export(records: PostgresTenantErasing, begun: TenantErasure) -> None:
    """Write the audit out, before it goes.

    Raises: Conflict: the file cannot be written; nothing was erased yet.
    """
    path = Path(begun.export_to)
    try:
        write_lines(path, records.chain(begun.tenant_id))
    except OSError as exc:
        raise Conflict(
            f"the audit cannot be written to {path}: {exc.strerror}",
            hint="make room for it, then run the same command again; nothing was erased yet",
        ) from exc
    records.exported(begun.code)


def write_lines(path: Path, rows: Iterable[str]) -> None:
    """Write rows of JSON, a line for each, whole or not at all, for the owner alone, and on the
    disk, the name too. A draft that is there is nobody's to write into: a link may lead anywhere.

    Raises: OSError.
    """
    draft = path.with_name(f".{path.name}.draft")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        for row in rows:
            out.write(json.dumps(json.loads(row), ensure_ascii=False) + "\n")
        out.flush()
        os.fsync(out.fileno())
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # what it was written from goes next
    finally:
        os.close(folder)
