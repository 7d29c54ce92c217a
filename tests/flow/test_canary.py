"""A planted note is found by its own tenant in every store; one that got out is told."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.canary import canary_metrics, canary_of, watch
from app.cli import main
from app.wiring import Installation
from indexing.access import LABELS, Access
from indexing.errors import EngineUnavailable
from indexing.model import Assertion, Tenant
from indexing.strays import STRAYS
from rankers.answer import SearchRequest


@pytest.fixture
def two(new_tenant: Callable[[], Tenant]) -> list[Tenant]:
    return [new_tenant(), new_tenant()]


def test_every_store_gives_each_tenant_its_own(
    installation: Installation, two: list[Tenant], access: Access
) -> None:
    for _ in range(2):  # planted once, found each time
        found = watch(installation, two)
        assert [each.ok for each in found.values()] == [True, True]
        assert all(set(e.stores) == {"records", "lexical", "vector", "graph"}
                   for e in found.values())  # fmt: skip
    own = replace(access, tenant_id=two[0].tenant_id)
    assert installation.documents.total(own) == 0
    assert installation.documents.total(replace(own, labels=LABELS)) == 1
    canary = canary_of(installation.secrets.pepper, two[0].tenant_id)
    assert installation.search.answer(own, SearchRequest(canary.word)).hits == ()


def test_a_leak_is_foreign_and_sounds_the_alarm(
    installation: Installation, two: list[Tenant], monkeypatch: pytest.MonkeyPatch
) -> None:
    watch(installation, two)

    def leaking(access: Access, doc_ids: list[str], concepts: list[str]) -> Mapping[str, object]:
        return {doc_id: {"c": Assertion.PRESENT} for doc_id in doc_ids}

    monkeypatch.setattr(installation.graph, "standings", leaking)
    before = STRAYS.labels("graph", "canary")._value.get()
    found = watch(installation, two)
    assert {each.stores["graph"] for each in found.values()} == {"foreign"}
    assert {each.stores["lexical"] for each in found.values()} == {"ok"}
    assert STRAYS.labels("graph", "canary")._value.get() == before + 2


def test_a_dead_store_and_an_empty_one_are_told_apart(
    installation: Installation, two: list[Tenant], monkeypatch: pytest.MonkeyPatch
) -> None:
    watch(installation, two)

    def down(*_: object) -> None:
        raise EngineUnavailable("down")

    monkeypatch.setattr(installation.vector, "search", down)
    installation.graph.drop(two[0].tenant_id)
    first, second = watch(installation, two).values()
    assert first.stores == {
        "records": "ok", "lexical": "ok", "vector": "unavailable", "graph": "missing"
    }  # fmt: skip
    assert not second.ok


@pytest.mark.slow
def test_the_command_tells_by_its_exit_code_and_the_metrics(
    installation: Installation, home: Path, two: list[Tenant]
) -> None:
    arguments = ["canary", "--tenant", two[0].code, "--json"]
    ran = CliRunner().invoke(main.app, arguments, env={"ANAMNESIS_HOME": str(home)})
    told = json.loads(ran.stdout)
    assert list(told["tenants"]) == [two[0].code]
    assert told["foreign"] == 0
    assert ran.exit_code == (0 if told["ok"] else 1)
    assert told["tenants"][two[0].code]["records"] == "ok"
    metrics = canary_metrics(home)
    assert metrics.get_sample_value("anamnesis_canary_foreign") == 0
    assert canary_metrics(home / "nowhere").get_sample_value("anamnesis_canary_ok") is None
