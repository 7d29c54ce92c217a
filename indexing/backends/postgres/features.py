"""Features of patients: from notes in a table of their own, from records by the projections.

A process keeps each tenant's table and takes in the patients that changed since it looked.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from indexing.access import Access
from indexing.audit import AuditRow
from indexing.backends.postgres import audit
from indexing.backends.postgres.charts import people
from indexing.backends.postgres.connect import Connection, Database
from indexing.backends.postgres.fates import HAPPENED
from indexing.backends.postgres.feature_reads import (
    ABNORMAL,
    Wordings,
    merges,
    names_of,
    read_profiles,
)
from indexing.charts import Person
from indexing.errors import NotFound
from indexing.features import (
    FeatureTable,
    Limits,
    Naming,
    Opened,
    Profile,
    table_of,
)
from indexing.follow_features import MEASURED, TYPES, NoteFeatures
from indexing.model import ChangeEvent, TenantId, Tombstone

_LARGE = 20_000  # patients: laying them out anew takes a second, so a change may wait
_WAIT_S = 60.0

_SIZE: Final = "SELECT era, epoch, at FROM feature_epoch WHERE tenant_id = %(tenant)s"
_NOWHERE = (UUID(int=0), 0, None)

_NEXT: Final = (
    "INSERT INTO feature_epoch AS e (tenant_id, epoch) VALUES (%s, 1) ON CONFLICT (tenant_id) "
    "DO UPDATE SET epoch = e.epoch + 1, at = clock_timestamp() RETURNING epoch"
)
_TOUCH: Final = (
    "INSERT INTO feature_change (tenant_id, patient_id, epoch) "
    "SELECT %s, p, %s FROM unnest(%s::text[]) p ON CONFLICT (tenant_id, patient_id) "
    "DO UPDATE SET epoch = excluded.epoch"
)
_UPSERT: Final = (
    "INSERT INTO note_feature AS n (tenant_id, doc_id, version, live, patient_id, at, observed, "
    "excluded) VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (tenant_id, doc_id) DO UPDATE "
    "SET version = excluded.version, live = excluded.live, patient_id = excluded.patient_id, "
    "at = excluded.at, observed = excluded.observed, excluded = excluded.excluded "
    "WHERE n.version < excluded.version OR (n.version = excluded.version "
    "AND (n.live OR NOT excluded.live))"
)
_RECORD_HELD: Final = (
    "INSERT INTO record_feature AS r (tenant_id, key, version, live) SELECT %(tenant)s, k, v, l "
    "FROM unnest(%(keys)s::text[], %(versions)s::int[], %(live)s::boolean[]) AS w(k, v, l) "
    "ON CONFLICT (tenant_id, key) DO UPDATE SET version = excluded.version, live = excluded.live "
    "WHERE r.version < excluded.version OR (r.version = excluded.version "
    "AND (r.live OR NOT excluded.live))"
)
_CONCERNED: Final = (
    "SELECT r.patient_id, r.type, r.id FROM unnest(%(types)s::text[], %(ids)s::text[]) w(type, id) "
    "CROSS JOIN LATERAL (SELECT patient_id, type, id FROM resource WHERE tenant_id = %(tenant)s "
    "AND type = w.type AND id = w.id UNION ALL SELECT patient_id, type, id FROM resource_history "
    "WHERE tenant_id = %(tenant)s AND type = w.type AND id = w.id) r"
)

_OUTSIDE: Final = (
    "SELECT DISTINCT t.patient_id FROM unnest(%(measured)s::text[]) AS w(id) JOIN observation t "
    "ON t.tenant_id = %(tenant)s AND t.resource_id = w.id WHERE t.patient_id IS NOT NULL "
    f"AND {ABNORMAL}"
)


@dataclass(slots=True)
class _Held:
    """One tenant's patients as read."""

    key: tuple[UUID, str]
    epoch: int
    profiles: dict[str, Profile]
    table: FeatureTable
    words: dict[str, Wordings] = field(default_factory=dict)


class PostgresFeatures:
    """The `FeatureStore` and `FeatureIndex` ports."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._held: dict[TenantId, _Held] = {}
        self._locks: dict[TenantId, threading.Lock] = {}
        self._lock = threading.Lock()

    def upsert(self, tenant_id: TenantId, notes: Sequence[NoteFeatures]) -> None:
        """Replace what notes tell, unless a newer version or its tombstone stands."""
        rows = [
            (tenant_id, n.doc_id, n.version, True, n.patient_id, n.at,
             sorted(n.profile.observed), sorted(n.profile.excluded))
            for n in notes
        ]  # fmt: skip
        self._write(tenant_id, rows)

    def delete(self, tenant_id: TenantId, gone: Sequence[Tombstone]) -> None:
        """Take notes out and keep the version at which they went."""
        empty: list[str] = []
        rows = [(tenant_id, s.key, s.version, False, None, None, empty, empty) for s in gone]
        self._write(tenant_id, rows)

    def let_go(self, tenant_id: TenantId) -> None:
        """Keep nothing of a tenant in this process."""
        self._held.pop(tenant_id, None)

    def _write(self, tenant_id: TenantId, rows: Sequence[tuple[Any, ...]]) -> None:
        keys = sorted({str(row[1]) for row in rows})
        ordered = sorted(rows, key=lambda row: (str(row[1]), int(row[2])))
        with self._database.tenant(tenant_id, derived=True) as conn:
            epoch = _next(conn, tenant_id)
            before = _patients_of(conn, tenant_id, keys)
            with conn.cursor() as cursor:
                cursor.executemany(_UPSERT, ordered)
            _touch(conn, tenant_id, epoch, before | _patients_of(conn, tenant_id, keys))

    def changed(self, tenant_id: TenantId, events: Sequence[ChangeEvent]) -> None:
        """Number the change of the patients whose these resources are or were."""
        newest = {e.key: e for e in sorted(events, key=lambda e: (e.version, e.deleted))}
        measured = [e for e in newest.values() if e.key.startswith(f"{MEASURED}/")]
        told = [e for e in newest.values() if not e.key.startswith(f"{MEASURED}/")]
        # A new value inside its range tells nothing; one that changed may have told something.
        resources = [_named(e.key) for e in [*told, *(e for e in measured if e.version > 1)]]
        values = {
            "tenant": tenant_id, "types": [kind for kind, _ in resources],
            "ids": [own for _, own in resources], "keys": [e.key for e in told],
            "versions": [e.version for e in told], "live": [not e.deleted for e in told],
            "measured": [_named(e.key)[1] for e in measured],
        }  # fmt: skip
        with self._database.tenant(tenant_id, derived=True) as conn:
            rows = conn.execute(_CONCERNED, values).fetchall()
            concerned = {own if kind == "Patient" else patient for patient, kind, own in rows}
            if measured:
                concerned |= {row[0] for row in conn.execute(_OUTSIDE, values).fetchall()}
            medications = [own for kind, own in resources if kind == "Medication"]
            if medications:
                concerned |= _taking(conn, tenant_id, medications)
            if concerned:
                _touch(conn, tenant_id, _next(conn, tenant_id), concerned)
            conn.execute(_RECORD_HELD, values)

    def records(self, tenant_id: TenantId) -> Mapping[str, int]:
        """Return {"Type/id": version} of every live record that was told of."""
        with self._database.tenant(tenant_id) as conn:
            rows = conn.execute(
                "SELECT key, version FROM record_feature WHERE tenant_id = %s AND live",
                (tenant_id,),
            ).fetchall()
        return dict(rows)

    def all_records(self, tenant_id: TenantId) -> Mapping[str, int]:
        """Return {"Type/id": version} of every record that should have been told of."""
        with self._database.tenant(tenant_id) as conn:
            rows = conn.execute(
                "SELECT type || '/' || id, version FROM resource WHERE tenant_id = %s "
                "AND type = ANY(%s) AND NOT deleted",
                (tenant_id, sorted(TYPES)),
            ).fetchall()
        return dict(rows)

    def entries(self, tenant_id: TenantId) -> Mapping[str, int]:
        """Return {doc_id: version} of every live note."""
        with self._database.tenant(tenant_id) as conn:
            rows = conn.execute(
                "SELECT doc_id, version FROM note_feature WHERE tenant_id = %s AND live",
                (tenant_id,),
            ).fetchall()
        return dict(rows)

    def drop(self, tenant_id: TenantId) -> None:
        """Forget a tenant's features, tombstones too."""
        with self._database.tenant(tenant_id) as conn:
            for table in ("note_feature", "record_feature", "feature_change", "feature_epoch"):
                conn.execute(f"DELETE FROM {table} WHERE tenant_id = %s", (tenant_id,))
        self._held.pop(tenant_id, None)

    def table(self, tenant_id: TenantId, naming: Naming) -> FeatureTable:
        """Return every patient as the tables hold them now; of a large tenant, as they did within
        the last minute: `as_of` says when."""
        with self._lock:
            lock = self._locks.setdefault(tenant_id, threading.Lock())
        [rows] = self._database.rows(tenant_id, _SIZE)
        era, epoch, _ = rows[0] if rows else _NOWHERE
        with lock:
            held = self._held.get(tenant_id)
            if held is not None and held.key == (era, naming.version):
                if held.epoch == epoch or _may_wait(held):
                    return held.table
            else:
                held = None
            held = self._held[tenant_id] = self._read(tenant_id, naming, held)
            return held.table

    def _read(self, tenant_id: TenantId, naming: Naming, held: _Held | None) -> _Held:
        with self._database.tenant(tenant_id, snapshot=True) as conn:
            row = conn.execute(_SIZE, {"tenant": tenant_id}).fetchone() or _NOWHERE
            era, epoch = row[0], int(row[1])
            merged = merges(conn, tenant_id)
            since = None if held is None else _changed(conn, tenant_id, held.epoch, merged)
            found, worded = read_profiles(conn, tenant_id, naming, merged, since)
        profiles = {} if held is None else dict(held.profiles)
        words = {} if held is None else dict(held.words)
        for patient_id in since or ():
            profiles.pop(patient_id, None)
            words.pop(patient_id, None)
        profiles.update(found)
        words.update(worded)
        ordered = dict(sorted(profiles.items()))
        version = f"{era}:{epoch}:{naming.version}"
        table = table_of(ordered, names=names_of(words), as_of=datetime.now(UTC), version=version)
        return _Held((era, naming.version), epoch, ordered, table, words)

    def patients_of(self, tenant_id: TenantId, doc_ids: Sequence[str]) -> Mapping[str, str]:
        """Return whose these notes are."""
        with self._database.tenant(tenant_id) as conn:
            rows = conn.execute(
                "SELECT doc_id, patient_id FROM note_feature WHERE tenant_id = %s "
                "AND doc_id = ANY(%s) AND live AND patient_id IS NOT NULL",
                (tenant_id, list(doc_ids)),
            ).fetchall()
        return dict(rows)

    def opened(self, access: Access, limits: Limits) -> Opened:
        """Say whom this access opens and these limits let through."""
        with self._database.tenant(access.tenant_id) as conn:
            closed = {
                own for own, deleted, labels in conn.execute(
                    "SELECT id, deleted, labels FROM resource WHERE tenant_id = %s "
                    "AND type = 'Patient' AND (deleted OR labels <> '{}')", (access.tenant_id,)
                ).fetchall() if deleted or not frozenset(labels) <= access.labels
            }  # fmt: skip
            allowed = access.patients
            if limits.of_people:
                where, values = _limited(limits)
                rows = conn.execute(
                    f"SELECT p.resource_id FROM patient p WHERE p.tenant_id = %(tenant)s{where}",
                    {"tenant": access.tenant_id, **values},
                ).fetchall()
                found = frozenset(row[0] for row in rows)
                allowed = found if allowed is None else found & allowed
        return Opened(allowed, frozenset(closed))

    def shown(
        self, access: Access, asked: str | None, neighbours: Sequence[str], names: bool
    ) -> Mapping[str, Person]:
        """Write the audit row of what is shown and return who they are.

        Raises:
            NotFound: the patient asked about is none that `access` opens.
        """
        every = [*([asked] if asked else []), *neighbours]
        with self._database.tenant(access.tenant_id) as conn:
            found = people(conn, access, every)
            if asked and asked not in found and not _has_notes(conn, access, asked):
                raise NotFound("no such patient, or the chart is not open to you")
            row = AuditRow(
                "R", "similar", every, [f"Patient/{each}" for each in every],
                {"neighbours": len(neighbours), "names": int(names)},
            )  # fmt: skip
            audit.record(conn, access, row)
        return found


def _named(key: str) -> tuple[str, str]:
    kind, _, own = key.partition("/")
    return kind, own


def _may_wait(held: _Held) -> bool:
    if len(held.profiles) < _LARGE or held.table.as_of is None:
        return False
    return (datetime.now(UTC) - held.table.as_of).total_seconds() < _WAIT_S


def _next(conn: Connection, tenant_id: TenantId) -> int:
    row = conn.execute(_NEXT, (tenant_id,)).fetchone()
    assert row is not None
    return int(row[0])


def _patients_of(conn: Connection, tenant_id: TenantId, keys: list[str]) -> set[str]:
    rows = conn.execute(
        "SELECT DISTINCT patient_id FROM note_feature WHERE tenant_id = %s AND doc_id = ANY(%s)",
        (tenant_id, keys),
    ).fetchall()
    return {row[0] for row in rows if row[0]}


def _taking(conn: Connection, tenant_id: TenantId, medications: list[str]) -> set[str]:
    rows = conn.execute(
        "SELECT patient_id FROM medication_request WHERE tenant_id = %(t)s "
        "AND medication_id = ANY(%(m)s) UNION SELECT patient_id FROM medication_statement "
        "WHERE tenant_id = %(t)s AND medication_id = ANY(%(m)s)",
        {"t": tenant_id, "m": medications},
    ).fetchall()
    return {row[0] for row in rows if row[0]}


def _touch(conn: Connection, tenant_id: TenantId, epoch: int, patients: Iterable[str]) -> None:
    conn.execute(_TOUCH, (tenant_id, epoch, sorted(filter(None, patients))))


def _changed(
    conn: Connection, tenant_id: TenantId, since: int, merged: Mapping[str, str]
) -> frozenset[str]:
    """Return who changed since, and every chart of theirs that was merged."""
    rows = conn.execute(
        "SELECT patient_id FROM feature_change WHERE tenant_id = %s AND epoch > %s",
        (tenant_id, since),
    ).fetchall()
    changed = {row[0] for row in rows}
    into = {merged.get(each, each) for each in changed}
    return frozenset(changed | into | {each for each, own in merged.items() if own in into})


def _limited(limits: Limits) -> tuple[str, dict[str, Any]]:
    """Return what must hold of patient `p`, and its values."""
    parts, values = [""], dict[str, Any]()
    if limits.sex:
        parts.append("p.sex = %(sex)s")
        values["sex"] = limits.sex
    if limits.age_from is not None:
        parts.append("p.birth_start <= current_date - make_interval(years => %(age_from)s)")
        values["age_from"] = limits.age_from
    if limits.age_to is not None:
        parts.append("p.birth_start > current_date - make_interval(years => %(age_to)s + 1)")
        values["age_to"] = limits.age_to
    if limits.date_from is not None or limits.date_to is not None:
        parts.append(
            "EXISTS (SELECT FROM encounter e WHERE e.tenant_id = p.tenant_id "
            f"AND e.patient_id = p.resource_id AND {HAPPENED} "
            "AND (%(from)s::timestamptz IS NULL OR coalesce(e.date_end, e.date_start) >= %(from)s) "
            "AND (%(to)s::timestamptz IS NULL OR e.date_start < %(to)s))"
        )
        values |= {"from": limits.date_from, "to": limits.date_to}
    return " AND ".join(parts), values


def _has_notes(conn: Connection, access: Access, patient_id: str) -> bool:
    if access.patients is not None and patient_id not in access.patients:
        return False
    return (
        conn.execute(
            "SELECT 1 FROM document d WHERE d.tenant_id = %s AND d.patient_id = %s AND d.live "
            "AND NOT d.labels && %s AND NOT EXISTS (SELECT FROM resource r WHERE r.tenant_id = "
            "d.tenant_id AND r.type = 'Patient' AND r.id = d.patient_id) LIMIT 1",
            (access.tenant_id, patient_id, sorted(access.closed_labels)),
        ).fetchone()
        is not None
    )
