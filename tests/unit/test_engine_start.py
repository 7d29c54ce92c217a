"""What a start refuses, and what it only tells."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from app import engines
from app.cli import main
from app.cli.doctor_engines import looks, ready
from app.settings import Settings
from app.wiring import Installation
from indexing.errors import ConfigurationError, EngineUnavailable
from indexing.model import Tenant
from indexing.places import Place, Stage
from tests.stub_http import answering

NOWHERE = {
    "opensearch_url": "http://127.0.0.1:9", "weaviate_url": "http://127.0.0.1:9",
    "weaviate_grpc": "127.0.0.1:9", "influxdb_url": "http://127.0.0.1:9",
    "redis_url": "redis://127.0.0.1:9/0",
}  # fmt: skip


def over(installation: Installation, **changed: object) -> Installation:
    return Installation(Settings(home=installation.home, **NOWHERE, **changed))


def test_only_what_is_in_use_is_looked_at(installation: Installation) -> None:
    used = over(
        installation, lexical="opensearch", vector="weaviate", graph="neo4j", vitals="influxdb",
        cache="redis",
    )  # fmt: skip
    assert list(looks(used)) == ["opensearch", "weaviate", "neo4j", "influxdb", "redis"]
    used.close()


def test_an_engine_that_a_tenant_was_moved_to_is_looked_at(
    installation: Installation, tenant: Tenant
) -> None:
    """Whatever the settings name: the record of places counts."""
    one = over(installation, lexical="memory", vector="memory", graph="memory")
    before = set(looks(one))
    place = Place(Stage.BUILDING, "weaviate", tenant.tenant_id)
    one.places.begin(tenant.tenant_id, "vector", place)
    assert set(looks(one)) - before == {"weaviate"}
    said: list[str] = []
    ready(one, said.append)
    one.places.forget(tenant.tenant_id, "vector", Stage.BUILDING)
    one.close()
    assert any("weaviate: Weaviate does not answer" in each for each in said)


@pytest.mark.parametrize(
    "chosen",
    [
        {"lexical": "opensearch"},
        {"vector": "weaviate"},
        {"vitals": "influxdb"},
        {"cache": "redis"},
    ],
)
def test_a_server_that_is_down_is_told_and_the_start_goes_on(
    installation: Installation, chosen: dict[str, str]
) -> None:
    said: list[str] = []
    one = over(installation, **chosen)
    ready(one, said.append)
    one.close()
    [engine] = chosen.values()
    assert [each for each in said if engine in each and "does not answer" in each]


@pytest.mark.parametrize(
    ("status", "what", "advice"),
    [
        (401, "OpenSearch refuses the login", "ANAMNESIS_OPENSEARCH_PASSWORD"),
        (403, "the user of OpenSearch may not do this", "read, write and manage"),
    ],
)
def test_a_login_that_expired_is_told_by_doctor_and_the_start_goes_on(
    installation: Installation, status: int, what: str, advice: str
) -> None:
    said: list[str] = []
    with answering(lambda *_: (status, {"error": "Unauthorized"})) as url:
        settings = {"ANAMNESIS_HOME": f"{installation.home}", "ANAMNESIS_LEXICAL": "opensearch",
                    "ANAMNESIS_OPENSEARCH_URL": url}  # fmt: skip
        ran = CliRunner().invoke(main.app, ["doctor"], env=settings)
        one = Installation(
            Settings(home=installation.home, lexical="opensearch", opensearch_url=url)
        )
        ready(one, said.append)
        one.close()
    told = " ".join(ran.output.split())
    assert ran.exit_code == 2
    assert f"fault opensearch {what}" in told
    assert advice in told
    [only] = [each for each in said if what in each]
    assert "Starting without it." in only


def test_a_client_that_is_missing_refuses_the_start(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "find_spec", lambda _: None)
    with pytest.raises(ConfigurationError, match="not installed") as caught:
        ready(over(installation, lexical="opensearch"), print)
    assert "anamnesis[opensearch]" in caught.value.hint


@pytest.mark.parametrize("engine", ["opensearch", "weaviate"])
def test_certificates_that_are_missing_refuse_the_start(
    installation: Installation, tmp_path: Path, engine: str
) -> None:
    given = {
        "vector": engine, f"{engine}_ca": tmp_path / "none.pem",
        f"{engine}_url": "https://127.0.0.1:9",
    }  # fmt: skip
    changed = {**NOWHERE, **given}
    one = Installation(Settings(home=installation.home, **changed))
    with pytest.raises(ConfigurationError, match="certificates"):
        ready(one, print)


def test_certificates_that_do_not_sign_are_told(installation: Installation) -> None:
    """A plain server asked by TLS, or by a certificate nobody knows: no answer, no crash."""
    one = over(installation, lexical="opensearch")
    with pytest.raises(EngineUnavailable):
        one.opensearch.ping()
    one.close()
