"""Generated searches over real bundles: the same result sets as a plain reading of the JSON.

`pytest tests/flow/test_fhir_search_synthea.py -m soak -s` prints the figure for all 500 patients.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import zstandard

from app.services import services_of
from app.wiring import Installation
from indexing.access import Access, Role
from indexing.backends.postgres.fhir_search import PostgresFhirSearch
from indexing.backends.postgres.frozen import frozen
from indexing.fhir.search.request import read_search
from indexing.fhir.sources import read_sources
from indexing.ingest import Ingest
from indexing.model import Tenant
from tests.plain_fhir import Ask, Plain, questions, read

UTC = ZoneInfo("UTC")
SEARCHED = "resource, search_token, search_string, search_date, search_reference, search_quantity"


def unpack(shared_data: Path, into: Path, number: int) -> list[Path]:
    """Write the first bundles of the archive, the hospital's and practitioners' among them."""
    packed = (shared_data / "patients" / "synthea_r4_500.tar.zst").read_bytes()
    inflater = zstandard.ZstdDecompressor(max_window_size=2**27)
    with (
        inflater.stream_reader(io.BytesIO(packed)) as raw,
        tarfile.open(fileobj=raw, mode="r|") as t,
    ):
        taken: list[Path] = []
        for member in t:
            name = Path(member.name).name
            own = not name.startswith(("hospital", "practitioner"))
            if not member.isfile() or (own and len(taken) >= number):
                continue
            content = t.extractfile(member)
            assert content is not None
            path = into / name
            path.write_bytes(content.read())
            if own:
                taken.append(path)
    return sorted(into.iterdir())


def ids_found(
    installation: Installation, searcher: PostgresFhirSearch, access: Access, ask: Ask
) -> set[str]:
    """Return every id that a search found, by the page that it froze."""
    found = searcher.search(access, read_search(ask[0], [*ask[1], ("_count", "1")], UTC))
    with installation.database.tenant(access.tenant_id) as conn:
        keys: list[list[str]] = frozen(conn, access, found.page_id).answer["fhir"]["keys"]
    assert found.total == len(keys)
    return {name for _, name in keys}


def compare(
    installation: Installation, tenant: Tenant, paths: Sequence[Path], number: int
) -> tuple[int, int, int, list[Ask]]:
    """Return how many were asked, how many found something, found in all, and those that differ."""
    user_id = services_of(installation).accounts.create(
        tenant.tenant_id, "r", [Role.CLINICIAN], "x"
    )
    access = Access(tenant.tenant_id, user_id, frozenset({Role.CLINICIAN}))
    Ingest(installation.records, access, UTC).run(read_sources(paths), on_outcomes=lambda _: None)
    with installation.owner_database.transaction() as conn:
        conn.execute(f"ANALYZE {SEARCHED}")  # autovacuum, in a minute
    plain: Plain = read(paths)
    searcher = PostgresFhirSearch(installation.database, timedelta(hours=1), most=1_000_000)
    asked = some = every = 0
    different = []
    for ask in questions(plain, number, seed=7):
        want = plain.find(*ask)
        got = ids_found(installation, searcher, access, ask)
        asked, some, every = asked + 1, some + bool(want), every + len(want)
        if got != want:
            different.append(ask)
    return asked, some, every, different


def test_searches_find_what_a_plain_reading_finds(
    shared_data: Path, installation: Installation, tenant: Tenant, tmp_path: Path
) -> None:
    asked, some, _, different = compare(installation, tenant, unpack(shared_data, tmp_path, 4), 120)
    assert different == []
    assert asked >= 100
    assert some >= asked // 2


@pytest.mark.parametrize(
    "patients",
    [pytest.param(40, marks=pytest.mark.slow), pytest.param(500, marks=pytest.mark.soak)],
)
def test_searches_over_many_patients_find_what_a_plain_reading_finds(
    shared_data: Path,
    installation: Installation,
    tenant: Tenant,
    tmp_path: Path,
    patients: int,
) -> None:
    paths = unpack(shared_data, tmp_path, patients)
    asked, some, every, different = compare(installation, tenant, paths, 320)
    equal = asked - len(different)
    print(f"\nFHIR search, {len(paths)} bundles: {equal} of {asked} result sets equal a plain "
          f"reading ({some} not empty, {every} matches in all)")  # fmt: skip
    assert different == []
    assert asked >= 200
