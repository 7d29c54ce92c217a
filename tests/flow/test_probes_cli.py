"""What an operator may type for a tenant, and what two installations know of each other."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli import main
from app.settings import Settings
from app.wiring import Installation
from indexing.backends.postgres.embedded import Server
from indexing.backends.postgres.tenants import new_tenant_id
from indexing.errors import AnamnesisError, InvalidInput, NotFound
from indexing.model import Tenant

CODES = [
    "' OR 1=1 --", "x' UNION SELECT * FROM account --", "*", "%", "_", "", " ", "../other",
    "a" * 5000, "\u202eabc", "É", "tenant\nother", "\U0001f600", "A-B", "-x", "$(id)", "{{7*7}}",
    "\ud800",
]  # fmt: skip
WORD = "qzneighbourword"


@pytest.mark.parametrize("code", [*CODES, "a\x00b"])
def test_a_code_that_is_none_names_no_tenant(installation: Installation, code: str) -> None:
    with pytest.raises(AnamnesisError) as found:
        installation.tenants.by_code(code)
    assert isinstance(found.value, (NotFound, InvalidInput))
    with pytest.raises(AnamnesisError) as made:
        installation.tenants.create(Tenant(new_tenant_id(), code, "A hospital"))
    assert isinstance(made.value, InvalidInput)


@pytest.mark.parametrize("code", CODES[:-1])
@pytest.mark.parametrize(
    "command",
    [
        ("search", "fever"), ("index", "status"), ("index", "rebuild"), ("index", "reconcile"),
        ("tokens", "create", "--user", "dr"), ("tokens", "revoke", "--user", "dr"),
        ("users", "create", "dr", "--role", "clinician"), ("ingest", "{file}"),
        ("notes", "--map", "text=t", "{file}"),
    ],
    ids=lambda command: "-".join(command[:2]),
)  # fmt: skip
def test_every_command_refuses_it_in_a_line(
    home: Path, installation: Installation, tmp_path: Path, command: tuple[str, ...], code: str
) -> None:
    file = tmp_path / "a.json"
    file.write_text('{"resourceType":"Patient","id":"a"}')
    words = [each.format(file=file) for each in command]
    ran = CliRunner().invoke(
        main.app, [*words, f"--tenant={code}"], env={"ANAMNESIS_HOME": str(home)}
    )
    assert ran.exit_code != 0
    assert isinstance(ran.exception, (AnamnesisError, SystemExit)), ran.exception
    assert "Traceback" not in ran.output


def run(home: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("ANAMNESIS_")}
    return subprocess.run(
        [sys.executable, "-m", "app.cli.main", *command],
        check=False, capture_output=True, text=True, timeout=180,
        env={**environment, "ANAMNESIS_HOME": str(home)}, cwd=Path(__file__).parents[2],
    )  # fmt: skip


def texts(home: Path) -> list[Path]:
    """Return the folders that hold the words of each tenant."""
    found = [path for path in (home / "tantivy").iterdir() if path.is_dir()]
    assert found
    return found


@pytest.mark.slow
def test_two_homes_do_not_see_each_other(tmp_path: Path) -> None:
    homes = [tmp_path / "one", tmp_path / "two"]
    notes = tmp_path / "notes.jsonl"
    notes.write_text(json.dumps({"id": "n1", "text": f"{WORD} chest pain"}) + "\n")
    try:
        for home in homes:
            home.mkdir(mode=0o755)  # as somebody may have made it beforehand
            made = run(home, "tenants", "create", "same-code", "--name", "Same")
            assert made.returncode == 0, made.stderr
        taken = run(
            homes[0], "notes", "--tenant", "same-code", "--map", "id=id", "--map", "text=text",
            "--wait", "--json", str(notes),
        )  # fmt: skip
        assert taken.returncode == 0, taken.stderr
        here = run(homes[0], "search", "--tenant", "same-code", "--json", WORD)
        there = run(homes[1], "search", "--tenant", "same-code", "--json", WORD)
        assert len(json.loads(here.stdout)["hits"]) == 1
        assert json.loads(there.stdout)["hits"] == []
        for closed in (Server(homes[0]).data, Server(homes[0]).log, *texts(homes[0])):
            assert closed.stat().st_mode & 0o077 == 0, closed.name
        secrets = [Installation(Settings(home=home)).secrets.pepper for home in homes]
        assert secrets[0] != secrets[1]
        stopped = run(homes[0], "stop")
        assert stopped.returncode == 0
        again = run(homes[1], "tenants", "list", "--json")
        assert "same-code" in again.stdout
    finally:
        for home in homes:
            Server(home).stop()
