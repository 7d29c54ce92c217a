"""Lines as COPY reads them: few rows and many land alike, and few leave nothing to empty."""

from __future__ import annotations

from collections.abc import Iterator
from zoneinfo import ZoneInfo

import pytest

from app.wiring import Installation
from indexing.backends.postgres.bulk import insert_lines
from indexing.backends.postgres.connect import Database
from indexing.fhir.search.values import SEARCH_COLUMNS, search_lines
from indexing.model import Tenant

COLUMNS = SEARCH_COLUMNS["search_token"]
FEW, MANY = 3, 60
ODD = ["tab\tbed", "back\\slash", "two\nlines", "re\rturn", "\\N", "\\t", "", "Ärztin 😀"]


@pytest.fixture
def own(installation: Installation) -> Iterator[Database]:
    """A connection that nothing was staged on."""
    made = Database(installation.conninfos.app, size=1)
    yield made
    made.close()


@pytest.mark.parametrize("count", [FEW, MANY])
def test_what_was_written_for_copy_is_read_back(own: Database, tenant: Tenant, count: int) -> None:
    rows = [(f"n{n}", "v", None if n % 2 else "f") for n in range(count)]
    lines = ["\t".join(("Patient", name, value, r"\N" if folded is None else folded, "v", "p1"))
             for name, value, folded in rows]  # fmt: skip
    with own.tenant(tenant.tenant_id) as conn:
        insert_lines(
            conn, tenant.tenant_id, "search_string", SEARCH_COLUMNS["search_string"], lines
        )
        found = conn.execute("SELECT name, value, folded FROM search_string").fetchall()
    assert sorted(found) == sorted(rows)


@pytest.mark.parametrize("repeated", [1, 8])
def test_any_character_of_a_code_is_kept(own: Database, tenant: Tenant, repeated: int) -> None:
    codes = [f"{code}{n or ''}" for code in ODD for n in range(repeated)]
    coding = [{"system": "urn:odd", "code": code} for code in codes]
    patient = {"resourceType": "Patient", "id": "p1", "maritalStatus": {"coding": coding},
               "identifier": [{"system": "urn:odd", "value": code} for code in codes]}  # fmt: skip
    lines = [
        line for table, line in search_lines(patient, ZoneInfo("UTC")) if table == "search_token"
    ]
    with own.tenant(tenant.tenant_id) as conn:
        insert_lines(conn, tenant.tenant_id, "search_token", COLUMNS, lines)
        found = conn.execute(
            "SELECT code FROM search_token WHERE name = 'identifier' AND system = 'urn:odd'"
        ).fetchall()
    assert {code for (code,) in found} == {code for code in codes if code}


@pytest.mark.parametrize(("count", "staged"), [(FEW, False), (MANY, True)])
def test_few_rows_leave_no_table_to_empty_at_each_commit(
    own: Database, tenant: Tenant, count: int, staged: bool
) -> None:
    lines = [f"Patient\tn{n}\tc\ts\tp1" for n in range(count)]
    with own.tenant(tenant.tenant_id) as conn:
        insert_lines(conn, tenant.tenant_id, "search_token", COLUMNS, lines)
        (made,) = conn.execute("SELECT to_regclass('pg_temp.stage_search_token')").fetchone() or ()
    assert (made is not None) == staged
