"""A hospital leaves: out of every table, index, file and process; the others lose nothing."""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

import indexing.backends.postgres.tenant_erasing as in_rows
from app.cli import main
from app.cli.demo import demo_tenant
from app.comparing import Comparing
from app.demo_logins import logins_of
from app.erasing import WORDS, by_operator
from app.errors import status_of
from app.following import catch_up
from app.letting_go import let_go_of_erased
from app.series_wiring import intake_of
from app.tenant_erasing import erase_tenant, prove_tenant, registry, resume_tenants
from app.tenant_stores import remove_files
from app.web import create_app
from app.wiring import Installation
from eval.archive import LAB, Archive
from eval.judgements import Book
from eval.shelf import Shelf
from indexing.access import Access, Role
from indexing.backends.postgres.additions import PostgresAdditions
from indexing.backends.postgres.tenants import new_tenant_id
from indexing.erasure import Proof, TenantErasure
from indexing.errors import (
    Conflict,
    EngineUnavailable,
    InvalidInput,
    NotFound,
    TenantErased,
)
from indexing.language.terminology import Addition, SemanticType
from indexing.model import Tenant, TenantId
from indexing.places import Place, Stage
from rankers.answer import SearchRequest
from tests import erased_ward, lab_runs
from tests.attack import Hospital, found_hospital, note, person
from tests.browsing import SITE
from tests.erased_ward import OTHER, STAYS, WORD, ingest

LINE = "vital_signs,patient_id=stays-here-0815,type=heart_rate value=61 {}\n"


@dataclass(frozen=True, slots=True)
class Left:
    """A hospital that left, one that stayed, and what stood where before."""

    gone: Hospital
    stays: Hospital
    space: TenantId
    runs: frozenset[str]
    stood: dict[str, int]
    others: dict[str, int]
    answered: object
    audit: Path
    erasure: TenantErasure
    proof: Proof


def _counts(installation: Installation, tenant_id: TenantId) -> dict[str, int]:
    """Count a tenant's rows in every table that has any; nothing of the product's scan is used."""
    with installation.owner_database.let_in(tenant_id), (
        installation.owner_database.tenant(tenant_id)) as conn:  # fmt: skip
        names = [row[0] for row in conn.execute(
            "SELECT DISTINCT table_name FROM information_schema.columns "
            "WHERE table_schema = 'public' AND column_name = 'tenant_id'").fetchall()]  # fmt: skip
        counts = {n: conn.execute(f'SELECT count(*) FROM "{n}" WHERE tenant_id = %s',
                                  (tenant_id,)).fetchone() for n in names}  # fmt: skip
    return {name: row[0] for name, row in counts.items() if row and row[0]}


def _runs(installation: Installation) -> frozenset[str]:
    """Name the laboratory's runs: other tests' too, for a process shares one home."""
    return frozenset(card.name for card in Archive(installation.home / LAB).cards())


def _answers(installation: Installation, hospital: Hospital) -> object:
    access = Access(hospital.tenant.tenant_id, "dr", frozenset({Role.CLINICIAN}))
    found = [installation.search.answer(access, SearchRequest(q)).hits
             for q in (WORD, OTHER, "chest pain", "fever")]  # fmt: skip
    return [[(hit.doc_id, round(hit.score, 4)) for hit in hits] for hits in found]


def _lay_beside(installation: Installation, hospital: Hospital) -> TenantId:
    """Let the tenant's graph lie under another id too, as a move leaves it."""
    space = TenantId(uuid4())
    place = Place(Stage.BUILDING, "postgres", space)
    installation.places.begin(hospital.tenant.tenant_id, "graph", place)
    ingest(installation, hospital, note("moved-1", STAYS, "HPI:\nChest pain again.", OTHER))
    catch_up(installation)
    assert _counts(installation, space)
    return space


def _speak(installation: Installation, hospital: Hospital) -> None:
    """Let the house have names of its own, compiled and with their vectors."""
    added = [Addition("site:knee", f"{WORD} knee", semantic_type=SemanticType.DISORDER)]
    PostgresAdditions(installation.database).add(hospital.tenant.tenant_id, added)
    installation.terms.renew()
    terms = installation.terms.of(hospital.tenant.tenant_id)
    assert terms is not None
    assert terms.own_linker.grow(10)
    assert installation.own_concepts_of(hospital.tenant.tenant_id).is_dir()
    assert (installation.home / "terminology" / "overlays").is_dir()


@pytest.fixture(scope="module")
def left(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Left:
    gone, stays = erased_ward.build(installation), erased_ward.build(installation)
    tenant_id, code = gone.tenant.tenant_id, gone.tenant.code
    _speak(installation, gone)
    space = _lay_beside(installation, gone)
    _answers(installation, gone)
    shelf = Shelf(installation.home / LAB / "books")
    shelf.keep(Book(f"of-{code}", {}, {}, (), tenant=code))
    shelf.keep(Book("of-nobody", {}, {}, ()))
    for name, own in (("gone", code), ("stays", stays.tenant.code), ("open", "")):
        lab_runs.store(installation.home, f"of-{name}", 1, tenant=own, code_version=name)
    runs = _runs(installation)
    others, answered = _counts(installation, stays.tenant.tenant_id), _answers(installation, stays)
    stood = _counts(installation, tenant_id)
    audit = tmp_path_factory.mktemp("outside") / "audit.ndjson"
    erasure, proof = erase_tenant(installation, code, "operator:test", "contract ended", audit)
    return Left(gone, stays, space, runs, stood, others, answered, audit, erasure, proof)


def test_nothing_of_a_tenant_is_left(installation: Installation, left: Left) -> None:
    assert [store for store in left.proof.stores if not store.clean] == []
    assert {
        "resource", "resource_history", "document", "frozen_page", "parked", "outbox", "account",
        "audit_event", "judgement", "outlook_model", "vector_passage", "index_place", "tenant",
    } <= set(left.stood)  # fmt: skip
    ids = (left.gone.tenant.tenant_id, left.space)
    for own in ids:
        assert _counts(installation, own) == {}
    with installation.owner_database.transaction() as conn:
        names = [row[0] for row in conn.execute("SELECT relname FROM pg_class").fetchall()]
    assert not [name for name in names if any(own.hex in name for own in ids)]
    for path in installation.home.rglob("*"):
        assert not any(own.hex in path.name or str(own) in path.name for own in ids), path
    assert not (installation.home / "terminology" / "overlays").exists()
    books = Shelf(installation.home / LAB / "books").names()
    assert "of-nobody" in books
    assert f"of-{left.gone.tenant.code}" not in books
    assert "of-gone" in left.runs
    assert _runs(installation) == left.runs - {"of-gone"}
    removed = left.erasure.removed
    whole = ("resource", "observation", "vital_point", "vector_passage", "account")
    assert [removed[name] for name in whole] == [left.stood[name] for name in whole]


def test_others_lose_nothing(installation: Installation, left: Left) -> None:
    assert _answers(installation, left.stays) == left.answered
    after = _counts(installation, left.stays.tenant.tenant_id)
    assert after.pop("audit_event") >= left.others["audit_event"]
    less = left.others.items() - {("audit_event", left.others["audit_event"])}
    assert dict(less) == {name: after[name] for name, _ in less}
    assert ingest(installation, left.stays, person("new-here-1", OTHER)).rejected is None


def test_nobody_gets_in_any_more(installation: Installation, left: Left) -> None:
    tenant_id, services = left.gone.tenant.tenant_id, left.gone.services
    with pytest.raises(TenantErased):
        ingest(installation, left.gone, person("late-1", OTHER))
    with pytest.raises(TenantErased):
        _answers(installation, left.gone)
    with pytest.raises(TenantErased):
        intake_of(installation).lines(tenant_id, LINE.format(1_700_000_000 * 10**9).encode())
    with pytest.raises(TenantErased):
        installation.documents.read(by_operator(tenant_id, "x"), ["moved-1"], 1, None)  # type: ignore[arg-type]
    assert services.accounts.lookup("login", "clinician", left.gone.tenant.code) is None
    with pytest.raises(TenantErased, match="erased"):
        installation.tenants.by_code(left.gone.tenant.code)
    assert left.gone.tenant.code not in {each.code for each in installation.tenants.all()}
    assert _counts(installation, tenant_id) == {}


def test_a_code_is_never_given_again(installation: Installation, left: Left) -> None:
    with pytest.raises(Conflict, match="erased"):
        installation.tenants.create(Tenant(new_tenant_id(), left.gone.tenant.code, "Another"))
    with pytest.raises(TenantErased):
        erase_tenant(installation, left.gone.tenant.code, "operator:test", "again", None)


def test_the_audit_lies_outside_and_ends_as_the_register_says(
    installation: Installation, left: Left
) -> None:
    rows = [json.loads(line) for line in left.audit.read_text().splitlines()]
    before = b""
    for row in rows:
        before = hashlib.sha256(before + row["words"].encode()).digest()
        assert before.hex() == row["hash"]
    assert rows[-1]["subtype"] == "erase-tenant"
    assert rows[-1]["detail"] == {"reason": "contract ended"}
    assert (left.erasure.audit_rows, left.erasure.audit_hash) == (len(rows), before)
    assert left.audit.stat().st_mode & 0o077 == 0
    found = registry(installation).of(left.gone.tenant.code)
    assert found is not None
    assert (found.reason, found.asked_by) == ("contract ended", "operator:test")
    assert found.finished_at is not None


def test_a_process_that_goes_on_keeps_nothing(installation: Installation, left: Left) -> None:
    own = Installation(installation.settings)
    hospital = erased_ward.build(own)
    tenant_id = hospital.tenant.tenant_id
    for _ in range(4):  # so often that its vectors are worth keeping
        _answers(own, hospital)
    graph = own.graph_engine("postgres")._reader._tenants  # type: ignore[attr-defined]
    words = own.lexical_engine("tantivy")._shelves  # type: ignore[attr-defined]
    assert tenant_id in graph
    assert tenant_id in words
    assert tenant_id in own.lexical._known
    intake, status = intake_of(own), Comparing(own, few=0)
    own.letting_go.append(status.let_go)
    assert intake.lines(tenant_id, LINE.format(time.time_ns()).encode()).points == 1
    status.status(by_operator(tenant_id, "operator:test"), 1)
    assert {own for own, _ in intake._known} == set(status._last) == {tenant_id}
    erase_tenant(installation, hospital.tenant.code, "operator:test", "gone", None)
    rounds: Counter[TenantId] = Counter()
    let_go_of_erased(own, rounds)
    assert rounds[tenant_id] == 1
    # A file that is removed stays on the disk for as long as a process has it open.
    assert f"tantivy/{tenant_id.hex}" not in Path("/proc/self/maps").read_text()
    vectors = own.vector_engine("postgres")._reader._tenants  # type: ignore[attr-defined]
    for kept in (graph, words, vectors, own.lexical._known, own.vector._known, own.graph._known):
        assert tenant_id not in kept
    assert not intake._known
    assert not status._last
    own.close()


def test_a_tenant_half_erased_is_refused_and_holds_nobody_back(
    installation: Installation, left: Left
) -> None:
    hospital = found_hospital(installation, [person("half-gone-1", OTHER)])
    tenant, access = hospital.tenant, by_operator(hospital.tenant.tenant_id, "operator:test")
    ingest(installation, hospital, note("half-1", "half-gone-1", "HPI:\nCough.", OTHER))
    user = hospital.user_id(Role.CLINICIAN)
    _, secret, _ = hospital.services.accounts.create_token(
        tenant.tenant_id, user, timedelta(days=1)
    )
    with TestClient(create_app(hospital.services), base_url=SITE) as client:

        def asked() -> int:
            bearer = {"Authorization": f"Bearer {secret}"}
            return client.post("/api/search", json={"q": "cough"}, headers=bearer).status_code

        assert asked() == 200
        registry(installation).begin(access, tenant, "broke off", "")
        assert asked() == 401
    assert status_of(TenantErased()) == 410  # who was signed in when it began
    with pytest.raises(TenantErased):
        ingest(installation, hospital, person("half-gone-2", OTHER))
    ingest(installation, left.stays, note("whole-1", STAYS, "HPI:\nHiccups today.", OTHER))
    catch_up(installation)
    access = Access(left.stays.tenant.tenant_id, "dr", frozenset({Role.CLINICIAN}))
    hits = installation.search.answer(access, SearchRequest("hiccups")).hits
    assert "whole-1" in [hit.doc_id for hit in hits]
    assert _counts(installation, tenant.tenant_id)
    said = CliRunner().invoke(main.app, ["doctor"], env={"ANAMNESIS_HOME": str(installation.home)})
    assert f"whole tenants: {tenant.code}" in said.stdout
    resume_tenants(installation)
    assert registry(installation).unfinished() == []
    assert _counts(installation, tenant.tenant_id) == {}


def test_who_passed_the_gate_before_is_waited_for(
    installation: Installation, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_rows, "_WAIT_S", 0.0)
    stood = _counts(installation, tenant.tenant_id)
    with installation.database.tenant(tenant.tenant_id), pytest.raises(EngineUnavailable):
        erase_tenant(installation, tenant.code, "operator:test", "gone", None)
    assert stood.items() <= _counts(installation, tenant.tenant_id).items()
    assert [each.code for each in registry(installation).unfinished()] == [tenant.code]
    _, proof = erase_tenant(installation, tenant.code, "operator:test", "", None)
    assert proof.clean
    assert _counts(installation, tenant.tenant_id) == {}


def test_files_beside_the_tables_go_too(installation: Installation, tenant: Tenant) -> None:
    words = installation.home / WORDS / tenant.tenant_id.hex
    others = installation.home / WORDS / uuid4().hex
    logins, anothers = (logins_of(installation.home, own) for own in (tenant.code, "another"))
    for folder in (words, others):
        folder.mkdir(parents=True)
    for file in (logins, anothers):
        file.write_text("{}")
    registry(installation).begin(by_operator(tenant.tenant_id, "x"), tenant, "gone", "")
    begun = registry(installation).of(tenant.code)
    assert begun is not None
    remove_files(installation, begun)
    assert (words.exists(), others.exists()) == (False, True)
    assert (logins.exists(), anothers.exists()) == (False, True)
    others.rmdir()
    anothers.unlink()
    resume_tenants(installation)


def test_a_demo_is_made_again_after_its_erasure(installation: Installation) -> None:
    first = demo_tenant(installation)
    assert (first.code, demo_tenant(installation)) == ("demo", first)
    _, proof = erase_tenant(installation, "demo", "operator:test", "tried", None)
    assert proof.clean
    installation.tenants.create(Tenant(new_tenant_id(), "demo-2", "A hospital of patients"))
    again = demo_tenant(installation)
    assert (again.code, again.demo) == ("demo-3", True)
    assert demo_tenant(installation) == again
    for code in ("demo-2", "demo-3"):
        erase_tenant(installation, code, "operator:test", "tried", None)


def test_the_proof_finds_what_was_left_behind(installation: Installation, left: Left) -> None:
    tenant_id, code = left.gone.tenant.tenant_id, left.gone.tenant.code
    assert prove_tenant(installation, code).clean
    assert not prove_tenant(installation, left.stays.tenant.code).clean
    owner, stray = installation.owner_database, installation.home / "stray.txt"
    stray.write_text(f"of {tenant_id} still")
    (installation.home / f"named-{left.space.hex}").touch()
    with owner.let_in(tenant_id), owner.tenant(tenant_id) as conn:
        conn.execute("INSERT INTO judge_book VALUES (%s, 'b', '', '')", (tenant_id,))
        conn.execute("SELECT tenant_partitions(%s)", (tenant_id,))
    try:
        found = {each.store for each in prove_tenant(installation, code).stores if each.found}
        assert found == {"judge_book", "partitions", "files of the home", "names of files"}
    finally:
        stray.unlink()
        (installation.home / f"named-{left.space.hex}").unlink()
        with owner.let_in(tenant_id), owner.tenant(tenant_id) as conn:
            conn.execute("DELETE FROM judge_book WHERE tenant_id = %s", (tenant_id,))
            conn.execute(f"DROP TABLE vector_passage_{tenant_id.hex}")
    assert prove_tenant(installation, code).clean


def test_a_table_of_tomorrow_is_reached_without_being_named(
    installation: Installation, new_tenant: Callable[[], Tenant]
) -> None:
    gone, stays = new_tenant(), new_tenant()
    owner = installation.owner_database
    with owner.transaction() as conn:
        conn.execute("CREATE TABLE made_later (tenant_id uuid NOT NULL, said text)")
        conn.execute("SELECT protect('made_later')")
    try:
        for each in (gone, stays):
            with owner.tenant(each.tenant_id) as conn:
                conn.execute("INSERT INTO made_later VALUES (%s, 'x')", (each.tenant_id,))
        erase_tenant(installation, gone.code, "operator:test", "gone", None)
        assert _counts(installation, gone.tenant_id) == {}
        assert _counts(installation, stays.tenant_id)["made_later"] == 1
    finally:
        with owner.transaction() as conn:
            conn.execute("DROP TABLE made_later")


def test_the_command_asks_and_says(
    installation: Installation, tenant: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANAMNESIS_HOME", str(installation.home))
    run, own = CliRunner(), ["tenants", "erase", tenant.code]

    def told(*arguments: str) -> Any:
        return run.invoke(main.app, [*own, *arguments], catch_exceptions=False)

    with pytest.raises(NotFound, match="no tenant"):
        run.invoke(main.app, ["tenants", "erase", "nobody", "--reason", "r", "--yes"],
                   catch_exceptions=False)  # fmt: skip
    for reason in ([], ["--reason", "  "]):
        with pytest.raises(InvalidInput, match="--reason"):
            told(*reason, "--yes")
    with pytest.raises(InvalidInput, match="nothing was erased"):
        told("--reason", "r")
    there = tmp_path / "there"
    there.touch()
    for path in (there, installation.home / "audit", tmp_path / "no" / "audit"):
        with pytest.raises(InvalidInput, match="audit"):
            told("--reason", "r", "--yes", "--export-audit", str(path))
    assert _counts(installation, tenant.tenant_id)["tenant"] == 1
    assert told("--prove", "--json").exit_code == 1
    done = told("--reason", "contract 17 ended", "--yes", "--json")
    assert done.exit_code == 0, done.output
    [line] = done.stdout.splitlines()
    said = json.loads(line)
    assert (said["clean"], said["removed"]["tenant"], said["reason"]) == (
        True, 1, "contract 17 ended")  # fmt: skip
    assert told("--prove").exit_code == 0
    with pytest.raises(TenantErased, match="was erased on"):
        told("--reason", "r", "--yes")
    listed = run.invoke(main.app, ["tenants", "list", "--erased", "--json"])
    assert tenant.code in {each["code"] for each in json.loads(listed.stdout)}
