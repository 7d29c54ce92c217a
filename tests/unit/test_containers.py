"""The compose file and the image: pinned, unprivileged, read-only, and no password in them."""

from __future__ import annotations

import re
import shutil
import stat
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from psycopg.conninfo import conninfo_to_dict

from app.engines import told
from app.settings import Settings, load
from indexing.backends.postgres.embedded import _CONF

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
PINNED = re.compile(r"[\w./-]+:(v|pg)?\d+\.\d+[\w.-]*")
PROFILES = {
    "app", "postgres", "pgbouncer", "timescale", "opensearch", "weaviate", "neo4j", "redis",
    "influxdb", "all",
}  # fmt: skip


MADE = dict.fromkeys(re.findall(r"\$\{(\w+_PASSWORD):\?", f"{SERVICES}"), "made")


def filled(value: str, given: Mapping[str, str]) -> str:
    """Put variables into a value as compose does, the innermost first."""
    while found := re.search(r"\$\{(\w+)(?::([-+?])([^${}]*))?\}", value):
        name, sign, word = found.groups()
        own = given.get(name, "")
        if sign == "?":
            assert own, word
        told = {"-": own or word, "+": word if own else ""}.get(sign or "", own)
        value = value[: found.start()] + (told or "") + value[found.end() :]
    return value


@pytest.mark.parametrize(
    ("pooler", "url", "direct"),
    [({}, "postgres", None), ({"ANAMNESIS_POOLER": "pgbouncer"}, "pgbouncer", "postgres")],
)
def test_the_app_goes_through_the_pooler_and_past_it(
    pooler: dict[str, str], url: str, direct: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind a pooler the start refuses without the server's own address; without a pooler there is
    none, since statements are prepared then."""
    for name in ("ANAMNESIS_DATABASE_URL", "ANAMNESIS_DATABASE_DIRECT_URL"):
        value = SERVICES["app"]["environment"][name]
        monkeypatch.setenv(name, filled(value, MADE | pooler))
    settings = load()
    addresses = told(settings.database_url), told(settings.database_direct_url)
    hosts = [each and conninfo_to_dict(each)["host"] for each in addresses]
    assert hosts == [url, direct]
    for host in filter(None, hosts):
        assert {"app", *pooler.values()} & set(SERVICES[host]["profiles"])
    assert SERVICES["pgbouncer"]["environment"]["DB_HOST"] == "postgres"
    assert conninfo_to_dict(addresses[0] or "")["password"] == "made"


def test_the_profiles_are_those_that_the_readme_names() -> None:
    profiles = {name for service in SERVICES.values() for name in service["profiles"]}
    assert profiles == PROFILES
    assert all("all" in service["profiles"] for service in SERVICES.values())
    for service in SERVICES.values():
        for needed in service.get("depends_on", {}):
            assert set(service["profiles"]) <= set(SERVICES[needed]["profiles"])


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_may_do_as_little_as_it_needs(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    uid, _, gid = service["user"].partition(":")
    assert int(uid) > 0
    assert int(gid) > 0
    assert "privileged" not in service
    assert PINNED.fullmatch(service["image"])
    assert {"test", "interval", "timeout", "retries"} <= set(service["healthcheck"])
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    for volume in service.get("volumes", ()):
        assert volume.partition(":")[0] in COMPOSE["volumes"]
    assert service["tmpfs"]  # what must be written stands in memory or in a volume


def test_every_volume_is_used_and_every_engine_but_the_cache_keeps_what_it_holds() -> None:
    used = {v.partition(":")[0] for s in SERVICES.values() for v in s.get("volumes", ())}
    assert used == set(COMPOSE["volumes"])
    assert {name for name, s in SERVICES.items() if "volumes" not in s} == {"pgbouncer", "redis"}


def test_a_client_that_is_there_takes_the_file(tmp_path: Path) -> None:
    client = shutil.which("docker")
    if client is None or subprocess.run([client, "compose", "version"], check=False).returncode:
        pytest.skip("needs the client's compose command")
    for name in ("docker-compose.yml", "Makefile"):
        shutil.copy(ROOT / name, tmp_path)
    subprocess.run(["make", ".env"], cwd=tmp_path, check=True, capture_output=True)
    for profile in sorted(PROFILES):
        subprocess.run(
            [client, "compose", "--profile", profile, "config", "--quiet"],
            cwd=tmp_path,
            check=True,
            capture_output=True,
            timeout=60,
        )


def test_the_app_reaches_every_engine_with_what_the_file_gives_it() -> None:
    """Each engine is asked by its service's name, by TLS only with an authority to trust; and
    every setting that chooses one can be given."""
    given = SERVICES["app"]["environment"]
    for name, value in given.items():
        if name.endswith("_URL") and (address := filled(value, MADE)):
            scheme, _, rest = address.partition("://")
            assert rest.rpartition("@")[2].partition(":")[0] in SERVICES, name
            assert scheme not in ("https", "rediss") or f"{name[:-4]}_CA" in given, name
    assert SERVICES["opensearch"]["environment"]["plugins.security.ssl.http.enabled"] == "false"
    chosen = {name for name, field in Settings.model_fields.items()
              if set(SERVICES) & set(map(str, get_args(field.annotation)))}  # fmt: skip
    assert {"lexical", "vector", "graph", "medical", "concepts", "vitals", "cache"} == chosen
    assert {f"ANAMNESIS_{name.upper()}" for name in chosen} <= given.keys()


def test_there_is_no_default_password() -> None:
    for service in SERVICES.values():
        told = [f"{key}={value}" for key, value in service["environment"].items()]
        for each in [*told, *map(str, service.get("command", ()))]:
            if re.search("PASSWORD|NEO4J_AUTH=|requirepass=|AUTH=", each):
                assert re.search(r"\$\{\w+_PASSWORD:\?", each), each
    assert not re.search(r"(?i)password[^\n:=]*[:=] *[\"']?\w+[\"']?$", DOCKERFILE, re.MULTILINE)
    ignored = (ROOT / ".gitignore").read_text().split()
    assert ".env" in ignored
    assert (ROOT / ".dockerignore").read_text().split("\n")[1] == "*"


def test_the_database_keeps_patients_out_of_its_log_here_too() -> None:
    given = dict(part[2:].partition("=")[::2] for part in SERVICES["postgres"]["command"][1:])
    private = [line.partition(" = ") for line in _CONF.splitlines() if line.startswith("log_")]
    assert len(private) == 7
    assert {name: value for name, _, value in private}.items() <= given.items()
    assert not {"fsync", "full_page_writes", "synchronous_commit"} & given.keys()
    assert "--auth-local=scram" in SERVICES["postgres"]["environment"]["POSTGRES_INITDB_ARGS"]


def test_the_image_is_pinned_and_unprivileged_and_holds_the_whole_product() -> None:
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert bases
    assert all(PINNED.fullmatch(base) for base in bases)
    last = DOCKERFILE.rpartition("FROM ")[2]
    assert re.search(r"^USER 10001:10001$", last, re.MULTILINE)
    assert SERVICES["app"]["user"] == "10001:10001"
    assert "--require-hashes" in DOCKERFILE
    copied = set(re.findall(r"^COPY (\w+) ", DOCKERFILE, re.MULTILINE))
    assert {"app", "eval", "indexing", "rankers", "static", "templates"} <= copied
    allowed = re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE)
    assert copied <= set(allowed)
    assert all((ROOT / name).exists() for name in allowed)


def test_make_makes_a_password_of_its_own(tmp_path: Path) -> None:
    if shutil.which("make") is None:
        pytest.skip("needs make")
    shutil.copy(ROOT / "Makefile", tmp_path)
    made = set()
    for _ in range(2):
        subprocess.run(["make", ".env"], cwd=tmp_path, check=True, capture_output=True)
        file = tmp_path / ".env"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        made.add(file.read_text())
        file.unlink()
    assert len(made) == 2
    asked = set(re.findall(r"\$\{(\w+_PASSWORD):\?", (ROOT / "docker-compose.yml").read_text()))
    for text in made:
        told = dict(line.split("=") for line in text.splitlines())
        assert told.keys() == asked
        assert all(re.fullmatch(r"(Aa1-)?[0-9a-f]{48}", value) for value in told.values())
        assert len(set(told.values())) == len(told)
