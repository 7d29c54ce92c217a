"""An index that another version laid out, or another model filled, is filled anew by whoever
follows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from app.cli.doctor import vectors_finding, words_finding
from app.cli.index_status import show
from app.cli.output import operator
from app.following import catch_up
from app.index_status import status_of
from app.refill import fills_vectors, refill
from app.wiring import Installation
from indexing.backends.tantivy.lexical import TantivyLexicalIndex
from indexing.backends.tantivy.schema import LAYOUT
from indexing.errors import EngineUnavailable, EventRejected
from indexing.follow import LexicalFollower
from indexing.model import Tenant, TenantId
from tests.flow.test_index_status import put


def aged(installation: Installation, tenant: Tenant) -> Path:
    """Give a tenant's index the name of an older layout; return the tenant's folder."""
    put(installation, tenant)
    catch_up(installation)
    shelf = installation.home / "tantivy" / tenant.tenant_id.hex
    current = shelf / "current"
    name = current.read_text()
    older = f"{LAYOUT - 1}-{name.partition('-')[2]}"
    installation.lexical.let_go(tenant.tenant_id)
    (shelf / name).rename(shelf / older)
    (shelf / "next").write_text(older)
    (shelf / "next").replace(current)
    return shelf


def test_it_is_told_refused_and_filled_anew(installation: Installation, tenant: Tenant) -> None:
    shelf = aged(installation, tenant)
    (shelf / f"{LAYOUT}-half").mkdir()  # whoever filled it was killed
    assert tenant.code in words_finding(installation).found
    with pytest.raises(EngineUnavailable, match="layout"):
        installation.lexical.entries(tenant.tenant_id)
    catch_up(installation, ["text"])
    assert len(installation.lexical.entries(tenant.tenant_id)) == 1
    assert [each.name for each in shelf.iterdir() if each.is_dir()] == [
        (shelf / "current").read_text()
    ]
    assert tenant.code not in words_finding(installation).found


def test_what_stops_one_from_being_filled_is_logged_and_changes_nothing(
    installation: Installation, tenant: Tenant, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    shelf = aged(installation, tenant)
    before = (shelf / "current").read_text()

    def refuse(*_: object) -> None:
        raise EventRejected("orthopnea")

    with monkeypatch.context() as patched:
        patched.setattr(LexicalFollower, "apply", refuse)
        refill(installation, "text")
    assert (shelf / "current").read_text() == before
    assert [each.name for each in shelf.iterdir() if each.is_dir()] == [before]
    assert "EventRejected" in caplog.text
    assert "orthopnea" not in caplog.text
    catch_up(installation, ["text"])
    assert len(installation.lexical.entries(tenant.tenant_id)) == 1


def test_an_index_that_is_there_is_left_alone(installation: Installation, tenant: Tenant) -> None:
    put(installation, tenant)
    catch_up(installation)
    current = installation.home / "tantivy" / tenant.tenant_id.hex / "current"
    before = current.read_text()
    refill(installation, "text")
    assert current.read_text() == before


def test_a_tenant_without_documents_needs_none(tmp_path: Path, tenant: Tenant) -> None:
    assert not TantivyLexicalIndex(tmp_path).outdated(tenant.tenant_id)


def of_another_model(installation: Installation, *tenants: Tenant) -> None:
    """Leave a note of each with vectors of an earlier version's model alone."""
    for each in tenants:
        put(installation, each)
    catch_up(installation)
    for each in tenants:
        with installation.database.tenant(each.tenant_id) as conn:
            conn.execute("UPDATE vector_size SET model = 'minilm-l6-int8-earlier'")
            conn.execute("UPDATE embedding SET model = 'minilm-l6-int8-earlier'")


def embedded(installation: Installation, tenant: Tenant) -> int:
    return len(installation.derived.embedded(tenant.tenant_id, installation.encoder.model))


def test_vectors_of_another_model_are_made_anew(installation: Installation, tenant: Tenant) -> None:
    of_another_model(installation, tenant)
    assert installation.vector.outdated(tenant.tenant_id)
    assert embedded(installation, tenant) == 0
    catch_up(installation, ["vectors"])
    assert not installation.vector.outdated(tenant.tenant_id)
    assert len(installation.vector.entries(tenant.tenant_id)) == embedded(installation, tenant) == 1


def test_whoever_asks_for_the_lane_gets_it_between_two_batches(
    installation: Installation, tenant: Tenant
) -> None:
    of_another_model(installation, tenant)
    assert not refill(installation, "vectors", lambda: False)
    assert installation.vector.outdated(tenant.tenant_id)
    assert refill(installation, "vectors")
    assert not installation.vector.outdated(tenant.tenant_id)


def test_words_are_filled_by_nobody_who_is_to_let_go(
    installation: Installation, tenant: Tenant
) -> None:
    aged(installation, tenant)
    assert not refill(installation, "text", lambda: False)
    assert installation.lexical.outdated(tenant.tenant_id)
    assert refill(installation, "text")
    assert not installation.lexical.outdated(tenant.tenant_id)


def test_a_lane_that_holds_neither_is_left_alone(
    installation: Installation, tenant: Tenant
) -> None:
    of_another_model(installation, tenant)
    assert refill(installation, "medical", lambda: False)
    assert installation.vector.outdated(tenant.tenant_id)


def test_what_serves_is_asked_once_for_all_tenants(
    installation: Installation, new_tenant: Callable[[], Tenant], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def serving(**_: object) -> SimpleNamespace:
        asked.append(1)
        return SimpleNamespace(model="the new one")

    of_another_model(installation, new_tenant(), new_tenant())
    monkeypatch.setattr("app.refill.OnnxEncoder", serving)
    assert refill(installation, "vectors")
    assert len(asked) == 1


def test_whoever_was_switched_away_from_fills_nothing(
    installation: Installation, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_another_model(installation, tenant)
    monkeypatch.setattr(type(installation.encoder), "model", "minilm-l6-int8-stale")
    monkeypatch.setattr("app.refill.OnnxEncoder", lambda **_: SimpleNamespace(model="the new one"))
    assert refill(installation, "vectors")
    assert installation.vector.outdated(tenant.tenant_id)


def test_a_trial_of_another_encoder_fills_nobodys_vectors(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    serving = SimpleNamespace(model=installation.encoder.model)
    monkeypatch.setattr("app.refill.OnnxEncoder", lambda **_: serving)
    assert fills_vectors(installation)
    trial = installation.settings.model_copy(update={"encoder_folder": Path("mine")})
    monkeypatch.setattr(installation, "settings", trial)
    assert not fills_vectors(installation)


def test_answers_of_before_go_with_the_index_that_gave_them(
    installation: Installation, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    forgot: list[TenantId] = []
    aged(installation, tenant)
    monkeypatch.setattr(installation, "forget_answers", forgot.append)
    assert refill(installation, "text")
    assert forgot == [tenant.tenant_id]


@pytest.mark.parametrize("name", ["lexical", "vector"])
def test_the_state_of_the_indexes_tells_it_until_it_is_filled(
    installation: Installation, tenant: Tenant, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither as equal to the records nor as silent: no question can use it, and it answers."""
    (aged if name == "lexical" else of_another_model)(installation, tenant)
    told = status_of(installation, operator(tenant))
    assert told["indexes"][name]["outdated"]
    assert not told["indexes"][name]["equal"]
    show(told)
    told_so = [
        line for line in capsys.readouterr().out.splitlines() if "of another version" in line
    ]
    assert [line.split()[0] for line in told_so] == [name]
    catch_up(installation)
    told = status_of(installation, operator(tenant))
    assert "outdated" not in told["indexes"][name]
    assert told["indexes"][name]["equal"]


def test_doctor_says_who_makes_vectors_anew(
    installation: Installation, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_another_model(installation, tenant)
    assert "`anamnesis serve` makes them anew" in vectors_finding(installation).advice
    monkeypatch.setattr("app.cli.doctor.fills_vectors", lambda _: False)
    told = vectors_finding(installation)
    assert "serve" not in told.advice
    assert "index rebuild" in told.advice
    catch_up(installation)


def test_that_vectors_are_made_is_logged_before_they_are(
    installation: Installation, tenant: Tenant, caplog: pytest.LogCaptureFixture
) -> None:
    of_another_model(installation, tenant)
    assert not refill(installation, "vectors", iter([True, False]).__next__)
    assert f"notes of {tenant.code} are encoded for the model that serves: 1" in caplog.text
    catch_up(installation)
