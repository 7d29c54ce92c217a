"""Resources in PostgreSQL: versions, projections, documents, events, audit: one transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

import orjson
import zstandard

from indexing.access import Access
from indexing.audit import AuditRow
from indexing.backends.postgres import audit, texts
from indexing.backends.postgres.bulk import insert_rows
from indexing.backends.postgres.connect import Connection, Database
from indexing.backends.postgres.erased import refuse_erased
from indexing.backends.postgres.forgetting import forget_notes, forget_patients
from indexing.backends.postgres.projected import write_projected
from indexing.backends.postgres.search import search
from indexing.backends.postgres.search_values import write_search
from indexing.erasure import Erased, Marks
from indexing.errors import Closed, Conflict, Gone, NotFound, Stale
from indexing.fhir.conditions import Criterion
from indexing.fhir.labels import labels_of
from indexing.model import Kind
from indexing.records import Decide, Held, Incoming, Stored

_HELD = "type, id, version, last_updated, received, links, deleted, patient_id, author, reason"
_COLUMNS = (
    "tenant_id", "type", "id", "version", "last_updated", "received", "digest", "links",
    "patient_id", "deleted", "issues", "author", "reason", "labels",
)  # fmt: skip


class PostgresRecords:
    """The `Records` port over the application's role."""

    def __init__(self, database: Database, marks: Marks) -> None:
        """`marks` names erased patients, who are not taken in again."""
        self._database, self._marks = database, marks

    def store(self, access: Access, batch: Sequence[Incoming], *, reason: str) -> list[Stored]:
        """Write the whole batch or nothing; ids in a batch are distinct.

        Raises:
            Stale: `if_match` names another version than the stored one.
            Closed: `access` may not write one of them.
            Erased: one is of a patient who was erased, or names one.
        """
        return self.settle(access, (), (), lambda _: batch, reason=reason)

    def settle(
        self, access: Access, wanted: Sequence[Criterion], guarded: Sequence[Criterion],
        decide: Decide, *, reason: str,
    ) -> list[Stored]:  # fmt: skip
        """Search for `wanted` and store what `decide` makes of it, in one transaction.

        Found are live resources that `access` opens, at most two for each criterion. Two callers
        that guard the same criterion run one after the other. Raises as `store`.
        """
        try:
            return self._settle(access, wanted, guarded, decide, reason)
        except (Stale, Closed, Erased):
            raise
        except Conflict:
            # Somebody else stored one of these new ids meanwhile: now it is an update.
            return self._settle(access, wanted, guarded, decide, reason)

    def _settle(
        self, access: Access, wanted: Sequence[Criterion], guarded: Sequence[Criterion],
        decide: Decide, reason: str,
    ) -> list[Stored]:  # fmt: skip
        with self._database.tenant(access.tenant_id) as conn:
            found = search(conn, access, wanted, guarded)
            batch = decide(found)
            refuse_erased(conn, access.tenant_id, self._marks, batch)
            now = datetime.now(UTC)
            before = _lock(conn, batch)
            stored = [_outcome(access, item, before.get(_key(item)), now) for item in batch]
            batch = [_as_before(item, before.get(_key(item))) for item in batch]
            changed = [(i, s) for i, s in zip(batch, stored, strict=True) if s.changed]
            if changed:
                _write_resources(conn, access, changed, reason)
                _write_projections(conn, access, changed)
                events = texts.write(conn, access.tenant_id, changed)
                _write_events(conn, access, changed, events)
                _forget(conn, access, changed, events)
            told = [(c.resource_type, m.resource_id) for c in guarded for m in found[c]]
            audit.record(conn, access, _audit_row(stored, batch, told))
        return stored

    def read(
        self, access: Access, resource_type: str, resource_id: str, version: int | None = None
    ) -> Held:
        """Return one version, the newest for None, and write the audit row.

        Raises:
            NotFound: there is none that `access` opens.
            Gone: it was deleted.
        """
        name = f"{resource_type}/{resource_id}"
        with self._database.tenant(access.tenant_id) as conn:
            held = _find(conn, access, resource_type, resource_id, version)
            if held is None or not _opens(conn, access, held):
                raise NotFound(f"no {name}")
            patients = [held.patient_id] if held.patient_id else []
            audit.record(conn, access, AuditRow("R", "resource", patients, [name]))
        if held.deleted:
            raise Gone(f"{name} was deleted")
        return held


def _key(item: Incoming) -> tuple[str, str]:
    return item.resource_type, item.resource_id


@dataclass(frozen=True, slots=True)
class _Before:
    """What stands under an id as it is about to be written."""

    version: int
    digest: bytes
    deleted: bool
    last_updated: datetime
    labels: frozenset[str]
    patient_id: str | None


def _lock(conn: Connection, batch: Sequence[Incoming]) -> dict[tuple[str, str], _Before]:
    """Lock the rows that exist, in one order for everybody, so that no two batches deadlock."""
    keys = sorted(_key(item) for item in batch)
    # LATERAL: one look-up by the key per row, never a join over the whole table.
    rows = conn.execute(
        "SELECT r.* FROM unnest(%s::text[], %s::text[]) AS w(type, id) CROSS JOIN LATERAL ("
        "SELECT r.type, r.id, r.version, r.digest, r.deleted, r.last_updated, r.labels, "
        "r.patient_id FROM resource r "
        "WHERE r.tenant_id = nullif(current_setting('app.tenant', true), '')::uuid "
        "AND r.type = w.type AND r.id = w.id FOR UPDATE) r",
        ([k[0] for k in keys], [k[1] for k in keys]),
    ).fetchall()
    return {(r[0], r[1]): _Before(r[2], r[3], r[4], r[5], frozenset(r[6]), r[7]) for r in rows}


def _outcome(access: Access, item: Incoming, before: _Before | None, now: datetime) -> Stored:
    """Decide the new version: the same bytes again are accepted and change nothing.

    Raises:
        Closed: somebody who may not see what stands there would change it, or would write into a
            chart that is not open to them.
        Stale: it is at another version than the sender has seen.
    """
    _may_write(access, item, before)
    if item.if_match is not None and item.if_match != (before.version if before else 0):
        raise Stale(f"{item.resource_type}/{item.resource_id}")
    if before is None:
        return Stored(*_key(item), 1, not item.deleted, now, not item.deleted)
    same = before.deleted if item.deleted else not before.deleted
    if same and (item.deleted or before.digest == _digest(item.received)):
        return Stored(*_key(item), before.version, False, before.last_updated)
    return Stored(*_key(item), before.version + 1, True, now, before.deleted)


def _may_write(access: Access, item: Incoming, before: _Before | None) -> None:
    standing = before is None or access.opens(before.patient_id, before.labels)
    coming = item.deleted or access.opens(item.patient_id, frozenset())
    if not (standing and coming):
        raise Closed(f"{item.resource_type}/{item.resource_id}")


def _as_before(item: Incoming, before: _Before | None) -> Incoming:
    """Leave a deletion in the chart and under the labels of what it deletes: that it was there is
    told to those alone who might have seen it."""
    if not item.deleted or before is None:
        return item
    return replace(item, patient_id=before.patient_id, labels=before.labels)


def _digest(received: bytes) -> bytes:
    return hashlib.sha256(received).digest()


_pack = zstandard.ZstdCompressor(level=3).compress
_unpack = zstandard.ZstdDecompressor().decompress


def _write_resources(
    conn: Connection, access: Access, changed: list[tuple[Incoming, Stored]], reason: str
) -> None:
    old = [(access.tenant_id, *_key(i)) for i, s in changed if s.version > 1]
    if old:
        with conn.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO resource_history SELECT * FROM resource "
                "WHERE tenant_id = %s AND type = %s AND id = %s",
                old,
            )
            cursor.executemany(
                "DELETE FROM resource WHERE tenant_id = %s AND type = %s AND id = %s", old
            )
    insert_rows(
        conn,
        "resource",
        _COLUMNS,
        [
            (
                access.tenant_id, *_key(i), s.version, s.last_updated, _pack(i.received),
                _digest(i.received), _json(dict(i.links or {})), i.patient_id, i.deleted,
                _json([asdict(issue) for issue in i.issues]), access.user_id, reason,
                _labels(i),
            )
            for i, s in changed
        ],
    )  # fmt: skip


# What a text must hold to carry a label, its name perhaps written with escapes.
_LABELLING = (b"security", b"onfidentiality", b"\\u")


def _labels(item: Incoming) -> list[str]:
    """Read the restricting labels off the exact bytes; parsed only where there may be some."""
    if item.deleted:
        return sorted(item.labels)
    if not any(sign in item.received for sign in _LABELLING):
        return []
    return sorted(labels_of(orjson.loads(item.received)))


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


def _write_projections(
    conn: Connection, access: Access, changed: list[tuple[Incoming, Stored]]
) -> None:
    stale: dict[str, list[str]] = {}
    for item, outcome in changed:
        if outcome.version > 1:
            stale.setdefault(item.resource_type, []).append(item.resource_id)
    write_projected(conn, access.tenant_id, (row for i, _ in changed for row in i.rows), stale)
    write_search(conn, access.tenant_id, [line for i, _ in changed for line in i.search], stale)


def _write_events(
    conn: Connection,
    access: Access,
    changed: list[tuple[Incoming, Stored]],
    documents: list[tuple[str, int, bool]],
) -> None:
    events = [
        (access.tenant_id, Kind.RESOURCE.value, f"{i.resource_type}/{i.resource_id}", s.version,
         i.deleted)
        for i, s in changed
    ] + [(access.tenant_id, Kind.DOCUMENT.value, *event) for event in documents]  # fmt: skip
    insert_rows(conn, "outbox", ("tenant_id", "kind", "key", "version", "deleted"), events)
    conn.execute("NOTIFY anamnesis_feed")


def _forget(
    conn: Connection, access: Access, changed: list[tuple[Incoming, Stored]],
    documents: list[tuple[str, int, bool]],
) -> None:  # fmt: skip
    people = [i.resource_id for i, _ in changed if i.resource_type == "Patient" and i.deleted]
    forget_patients(conn, access.tenant_id, people)
    forget_notes(conn, access.tenant_id, [doc_id for doc_id, _, gone in documents if gone])


def _audit_row(
    stored: list[Stored], batch: Sequence[Incoming], told: Sequence[tuple[str, str]]
) -> AuditRow:
    """Name what was written, and what a condition found: its address goes back to the sender."""
    changed = [(s.resource_type, s.resource_id) for s in stored if s.changed]
    patients = {i.patient_id for i in batch if i.patient_id}
    patients |= {resource_id for kind, resource_id in told if kind == "Patient"}
    names = [f"{kind}/{resource_id}" for kind, resource_id in [*changed, *told]]
    return AuditRow(
        "C", "ingest", sorted(patients), list(dict.fromkeys(names[:50])),
        {"resources": len(stored), "changed": len(changed)},
    )  # fmt: skip


def _find(
    conn: Connection, access: Access, resource_type: str, resource_id: str, version: int | None
) -> Held | None:
    where = "WHERE tenant_id = %s AND type = %s AND id = %s"
    values: list[Any] = [access.tenant_id, resource_type, resource_id]
    if version is not None:
        where += " AND version = %s"
        values.append(version)
    for table in ("resource", "resource_history"):
        row = conn.execute(f"SELECT {_HELD} FROM {table} {where}", values).fetchone()
        if row is not None or version is None:
            break
    if row is None:
        return None
    kind, name, at, updated, packed, links, deleted, patient_id, author, reason = row
    received = _unpack(packed)
    return Held(kind, name, at, updated, received, links, deleted, patient_id, author, reason)


def _opens(conn: Connection, access: Access, held: Held) -> bool:
    """Say whether `access` opens the resource: its patient, and its labels.

    A version is closed by its own labels and by those of every later one: who takes a label away
    opens what comes after, and who adds one closes what came before.
    """
    if access.patients is not None and held.patient_id not in access.patients:
        return False
    of = "WHERE tenant_id = %s AND type = %s AND id = %s AND version >= %s"
    values = (access.tenant_id, held.resource_type, held.resource_id, held.version)
    rows = conn.execute(
        f"SELECT labels FROM resource {of} UNION ALL SELECT labels FROM resource_history {of}",
        [*values, *values],
    ).fetchall()
    return all(frozenset(row[0]) <= access.labels for row in rows)
