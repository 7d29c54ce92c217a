"""`anamnesis index status`: what waits is counted for every follower, store and place."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from html import escape
from zoneinfo import ZoneInfo

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from app.cli.doctor import vectors_finding
from app.cli.index_status import show
from app.cli.main import app as cli
from app.cli.output import operator
from app.following import LANES, catch_up, followers
from app.index_status import status_of
from app.routes.status import NAMES
from app.stores import stores
from app.wiring import Installation
from indexing.access import LABELS, Access, Role
from indexing.backends.postgres.feed import _WAITING
from indexing.errors import EngineUnavailable, EventRejected
from indexing.follow import GraphFollower
from indexing.ingest import Ingest
from indexing.model import ChangeEvent, Kind, Position, Tenant, TenantId
from indexing.places import Place, Stage
from indexing.rebuild import rebuild
from tests.browsing import sign_in
from tests.flow.test_research import study
from tests.flow.test_similar import condition, note, patient
from tests.unit.test_linking import Counted
from tests.ward import Ward


def down(tenant_id: TenantId) -> None:
    raise EngineUnavailable("down")


def put(installation: Installation, tenant: Tenant) -> None:
    access = Access(tenant.tenant_id, "loader", frozenset({Role.ADMIN}), labels=LABELS)
    into = Ingest(installation.records, access, ZoneInfo("UTC"))
    for each in (
        patient("ada"), condition("c", "ada", "Heart failure"), study("s", "Walking"),
        note("n", "ada", "HISTORY OF PRESENT ILLNESS:\nOrthopnea.\n"),
    ):  # fmt: skip
        assert into.submit(json.dumps(each).encode())[0].rejected is None


@pytest.fixture
def kept(installation: Installation) -> Installation:
    """The installation with every space, and a model that costs nothing. What other tests left to
    be followed is followed first: it is of the installation's own model."""
    catch_up(installation)
    made = Installation(installation.settings.model_copy(update={"patient_vectors": True}))
    made.__dict__ |= {"encoder": Counted("minilm-l6-status"), "database": installation.database,
                      "feed_database": installation.feed_database}  # fmt: skip
    return made


def test_every_follower_and_space_is_counted(kept: Installation, tenant: Tenant) -> None:
    put(kept, tenant)
    before = status_of(kept, operator(tenant))
    names = {each.name for lane in LANES for each in followers(kept, lane)}
    assert set(before["followers"]) == names
    # Who reads resources has four to read; notes' own come when the note was read.
    of_records = {"record-features", "research", "vitals", "outcomes", "medical"}
    assert {name: before["followers"][name] for name in of_records} == dict.fromkeys(of_records, 4)
    assert before["followers"]["language"] == 1
    waits = {name: row["pending"] for name, row in before["indexes"].items()}
    assert (waits["research"], waits["records"], waits["medical"]) == (4, 4, 4)
    assert (waits["patients"], before["indexes"]["patients"]["expected"]) == (0, 0)
    catch_up(kept, lanes=("text",), tenants=[tenant.tenant_id])
    between = status_of(kept, operator(tenant))
    assert between["indexes"]["patients"]["pending"] == 1  # no feed tells of it: it differs
    assert between["followers"]["embed"] == between["followers"]["medical-notes"] == 1
    catch_up(kept, tenants=[tenant.tenant_id])
    after = status_of(kept, operator(tenant))
    assert set(after["followers"].values()) == {0}
    assert {name: row["pending"] for name, row in after["indexes"].items()} == dict.fromkeys(
        after["indexes"], 0
    )
    assert all(row["equal"] for row in after["indexes"].values())


def test_what_waits_is_found_by_position(installation: Installation, tenant: Tenant) -> None:
    """Under the policy too: else each follower's count reads all of the tenant's outbox."""
    with installation.database.tenant(tenant.tenant_id) as conn:
        conn.execute("SET LOCAL enable_seqscan = off")
        asked = {"tenant": tenant.tenant_id, "followers": ["embed"], "kinds": ["language"]}
        rows = conn.execute(f"EXPLAIN {_WAITING}", asked).fetchall()
    plan = "\n".join(row[0] for row in rows)
    assert re.search(r"Index Cond: .*kind = .* AND \(ROW\(xid", plan), plan


def test_a_dead_store_is_told_and_the_rest_is_counted(
    kept: Installation, tenant: Tenant, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    kept.places.begin(tenant.tenant_id, "graph", Place(Stage.BUILDING, "memory", tenant.tenant_id))
    put(kept, tenant)
    catch_up(kept, lanes=("text",), tenants=[tenant.tenant_id])
    monkeypatch.setattr(kept.lexical, "entries", down)
    told = status_of(kept, operator(tenant))
    assert told["indexes"]["lexical"]["error"] == "EngineUnavailable"
    assert told["indexes"]["graph"]["equal"]
    assert [each["pending"] for each in told["places"]["graph"][1:]] == [0]
    kept.graph_engine("memory").drop(tenant.tenant_id)
    told = status_of(kept, operator(tenant))
    assert [each["pending"] for each in told["places"]["graph"][1:]] == [1]
    show(told)
    shown = capsys.readouterr().out
    assert "lexical         does not answer pending 0" in shown
    assert "memory (building, pending 1)" in shown
    assert "follower outcomes        pending 4" in shown


def test_notes_with_another_models_vectors_are_told_until_rebuild_made_new_ones(
    kept: Installation, tenant: Tenant
) -> None:
    put(kept, tenant)
    assert tenant.code not in vectors_finding(kept).found  # news is no other model's
    catch_up(kept, tenants=[tenant.tenant_id])
    kept.__dict__["encoder"] = Counted("another-status")
    told = vectors_finding(kept)
    assert tenant.code in told.found
    assert "another-status, 676 dimensions" in told.found
    assert "index rebuild" in told.advice
    kept.vector_engine.cache_clear()  # another process would not know the model before
    rebuild(kept.derived, tenant.tenant_id, stores(kept), lambda _: None)
    assert tenant.code not in vectors_finding(kept).found
    catch_up(kept, tenants=[tenant.tenant_id])  # no other process of these tests knows the model


def test_the_page_shows_every_store_every_follower_and_where_each_leg_lies(
    client: TestClient, ward: Ward, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = installation
    told = status_of(own, operator(ward.tenant))
    filling = {row.get("follower", name) for name, row in told["indexes"].items()}
    wanted = [*told["indexes"], *(name for name in told["followers"] if name not in filling)]
    assert set(wanted) <= set(NAMES)
    place = Place(Stage.BUILDING, "memory", ward.tenant.tenant_id)
    own.places.begin(ward.tenant.tenant_id, "graph", place)
    monkeypatch.setattr(own.lexical, "entries", down)
    sign_in(client, ward, Role.ADMIN)
    shown = re.findall(r'<th scope="row">([^<]*)</th>(.*)</tr>', client.get("/status").text)
    own.places.forget(ward.tenant.tenant_id, "graph", Stage.BUILDING)
    names = [escape(NAMES[name]) for name in wanted]
    assert [name for name, _ in shown][1 : 1 + len(names)] == names
    rows = dict(shown)
    assert "does not answer (EngineUnavailable)" in rows["Words"]
    assert [name for name, row in shown if "building" in row] == ["graph"]


@pytest.mark.parametrize("command", [("status",), ("rebuild",), ("reconcile",)])
def test_every_look_at_the_indexes_may_follow_first(
    installation: Installation, tenant: Tenant, command: tuple[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    put(installation, tenant)
    monkeypatch.setenv("ANAMNESIS_HOME", str(installation.home))
    done = CliRunner().invoke(
        cli, ["index", *command, "--tenant", tenant.code, "--until-current", "--json"]
    )
    assert done.exit_code == 0, done.output
    told = status_of(installation, operator(tenant))
    assert told["indexes"]["lexical"]["count"] == 1
    assert told["followers"]["language"] == 0


def test_what_was_parked_is_applied_again_when_the_stores_are_reconciled(
    installation: Installation, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(installation, tenant)
    catch_up(installation)
    event = ChangeEvent(Position(0, 0), tenant.tenant_id, Kind.LANGUAGE, "n", 1)
    for name in ("lexical", "graph"):
        installation.feed.park(name, event, "EventRejected")
    assert installation.feed.parked("lexical", tenant.tenant_id) == {"n"}
    monkeypatch.setenv("ANAMNESIS_HOME", str(installation.home))
    done = CliRunner().invoke(cli, ["index", "reconcile", "--tenant", tenant.code, "--json"])
    assert done.exit_code == 0, done.output
    for name in ("lexical", "graph"):
        assert not installation.feed.parked(name, tenant.tenant_id)


def test_a_note_that_an_engine_cannot_hold_is_told_and_the_others_are_repaired(
    installation: Installation, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(installation, tenant)
    access = Access(tenant.tenant_id, "loader", frozenset({Role.ADMIN}), labels=LABELS)
    into = Ingest(installation.records, access, ZoneInfo("UTC"))
    into.submit(json.dumps(note("strange", "ada", "Cough.")).encode())
    held, refusing = GraphFollower.apply, {"n", "strange"}

    def apply(own: GraphFollower, tenant_id: TenantId, events: Sequence[ChangeEvent]) -> None:
        if refusing.intersection(event.key for event in events):
            raise EventRejected("no such letter")
        held(own, tenant_id, events)

    monkeypatch.setattr(GraphFollower, "apply", apply)
    catch_up(installation)
    refusing.remove("n")
    monkeypatch.setenv("ANAMNESIS_HOME", str(installation.home))
    command = ["index", "reconcile", "--tenant", tenant.code]
    done = CliRunner().invoke(cli, [*command, "--json"])
    assert done.exit_code == 1, done.output
    graph = json.loads(done.output)["indexes"]["graph"]
    assert graph["before"]["missing"] == ["n", "strange"]
    assert graph["after"]["missing"] == ["strange"]
    assert graph["repaired"] == 1
    done = CliRunner().invoke(cli, command)
    assert done.exit_code == 1
    assert done.output.count("still differs: strange") == 1
