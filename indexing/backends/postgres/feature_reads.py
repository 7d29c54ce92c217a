"""What records and notes tell of patients, read as features and as how records word them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

from indexing.backends.postgres.connect import Connection
from indexing.backends.postgres.feature_records import PLAIN, RECORDS
from indexing.features import Naming, Profile, degrees
from indexing.follow_features import MEASURED
from indexing.model import TenantId

# How many times its limit the worst value of each test is, above (after the first limit) or below.
ABNORMAL = (
    "t.value_number IS NOT NULL AND (t.value_number > t.range_high OR t.value_number < t.range_low)"
)
_MEASURED: Final = (
    "SELECT t.patient_id, t.system, t.code, max(t.display), "
    "max(t.value_number / nullif(t.range_high, 0)) FILTER (WHERE t.value_number > t.range_high), "
    "max(t.range_low / nullif(t.value_number, 0)) FILTER (WHERE t.value_number < t.range_low) "
    "FROM observation t WHERE t.tenant_id = %(tenant)s AND t.patient_id IS NOT NULL "
    f"AND {ABNORMAL} AND t.code IS NOT NULL "
    "AND coalesce(t.status, '') NOT IN ('entered-in-error', 'cancelled'){only} AND "
    + PLAIN.replace("KIND", MEASURED)
    + " GROUP BY 1, 2, 3"
)
_NOTES: Final = (
    "SELECT t.patient_id, t.observed, t.excluded FROM note_feature t WHERE t.tenant_id = "
    "%(tenant)s AND t.live AND t.patient_id IS NOT NULL{only}"
)
_ONLY = " AND t.patient_id = ANY(%(patients)s)"


# One patient's features that are no concept, as the records word them; "" where the chart is
# restricted.
Wordings = frozenset[tuple[str, str]]


def merges(conn: Connection, tenant_id: TenantId) -> dict[str, str]:
    rows = conn.execute(
        "SELECT DISTINCT patient_id, surviving_patient(tenant_id, patient_id) FROM patient_merge "
        "WHERE tenant_id = %s", (tenant_id,)
    ).fetchall()  # fmt: skip
    return dict(rows)


def read_profiles(
    conn: Connection, tenant_id: TenantId, naming: Naming, merged: Mapping[str, str],
    only: frozenset[str] | None,
) -> tuple[dict[str, Profile], dict[str, Wordings]]:  # fmt: skip
    """Read patients, all of them for None, and how their records word what is no concept."""
    closed = _restricted(conn, tenant_id)
    worded: dict[str, set[tuple[str, str]]] = {}
    values = {"tenant": tenant_id, "patients": sorted(only or ())}
    limit = "" if only is None else _ONLY
    found: dict[str, set[str]] = {}
    absent: dict[str, set[str]] = {}
    for statement in RECORDS:
        for patient, system, code, words, refuted in conn.execute(
            statement.replace("{only}", limit), values
        ):
            feature = naming.feature(system or "", code or "", words or "")
            own = merged.get(patient, patient)
            side = absent if refuted else found
            side.setdefault(own, set()).add(feature)
            if not naming.is_concept(feature):
                told = "" if closed & {patient, own} else words or code or ""
                worded.setdefault(own, set()).add((feature, told))
    for whose, outside, test in _measured(conn, naming, merged, limit, values):
        found.setdefault(whose[0], set()).update(outside)
        if not naming.is_concept(test[0]):
            told = "" if closed & set(whose) else test[1]
            worded.setdefault(whose[0], set()).add((test[0], told))
    for patient, observed, excluded in conn.execute(_NOTES.replace("{only}", limit), values):
        found.setdefault(patient, set()).update(observed)
        absent.setdefault(patient, set()).update(excluded)
    profiles = {
        each: Profile.of(found.get(each, ()), absent.get(each, ()))
        for each in found.keys() | absent.keys()
    }
    return profiles, {each: frozenset(said) for each, said in worded.items()}


def _measured(
    conn: Connection, naming: Naming, merged: Mapping[str, str], limit: str,
    values: Mapping[str, object],
) -> Iterator[tuple[tuple[str, str], list[str], tuple[str, str]]]:  # fmt: skip
    """Yield (whose: the chart it counts for and the one it stands in; features; the test and its
    words) of values outside their range."""
    rows = conn.execute(_MEASURED.replace("{only}", limit), values).fetchall()
    for patient, system, code, words, above, below in rows:
        test = naming.feature(system or "", code, words or "")
        features = [] if above is None else degrees(test, True, float(above))
        features += [] if below is None else degrees(test, False, float(below))
        yield (merged.get(patient, patient), patient), features, (test, words or code)


def _restricted(conn: Connection, tenant_id: TenantId) -> frozenset[str]:
    rows = conn.execute(
        "SELECT id FROM resource WHERE tenant_id = %s AND type = 'Patient' "
        "AND (deleted OR labels <> '{}')", (tenant_id,)
    ).fetchall()  # fmt: skip
    return frozenset(row[0] for row in rows)


def names_of(words: Mapping[str, Wordings]) -> dict[str, str]:
    """Name features that are no concept as most patients' records do. What one record alone says
    is told of that patient only: of a feature that others have too, the code is told instead."""
    said: dict[str, Counter[str]] = {}
    for each in words.values():
        for feature, wording in each:
            said.setdefault(feature, Counter())[wording] += 1
    names = {}
    for feature, votes in said.items():
        least = 1 if votes.total() == 1 else 2
        told = [(-n, wording) for wording, n in votes.items() if wording and n >= least]
        if told:
            names[feature] = min(told)[1]
    return names
