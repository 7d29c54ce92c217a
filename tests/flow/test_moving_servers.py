"""`anamnesis index rebuild --to neo4j` and `--back` as an operator types them, on a real server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from app.cli import main
from app.settings import Settings
from app.wiring import Installation
from rankers.answer import SearchRequest
from tests import ward
from tests.engines import EngineServer

pytestmark = pytest.mark.engines
ASKED = SearchRequest("chest pain", rankers=("graph",))


def test_a_ward_moves_to_neo4j_and_back(
    home: Path, installation: Installation, neo4j: EngineServer
) -> None:
    hospital = ward.build(installation)
    own, code = hospital.tenant.tenant_id, hospital.tenant.code
    environment = {f"ANAMNESIS_{k.upper()}": v for k, v in neo4j.settings.items()}
    environment |= {"ANAMNESIS_HOME": str(home)}

    def command(*words: str) -> dict[str, Any]:
        ran = CliRunner().invoke(
            main.app, ["index", *words, "--tenant", code, "--json"], env=environment
        )
        assert ran.exit_code == 0, ran.output
        found: dict[str, Any] = json.loads(ran.stdout)
        return found

    # Like a server that was started before: its settings say postgres, and it follows the record.
    serving = Installation(Settings(home=home, leg_timeout_s=60, **neo4j.settings))  # type: ignore[arg-type]
    before = [h.doc_id for h in serving.search.answer(hospital.access, ASKED).hits]
    assert before
    moved = command("rebuild", "--to", "neo4j")["moved"]["graph"]
    assert (moved["before"], moved["engine"], moved["documents"]) == ("postgres", "neo4j", 3)
    assert moved["digest"] == installation.graph_engine("postgres").state(own).digest
    places = command("status")["places"]["graph"]
    assert [p["engine"] for p in places] == ["neo4j", "postgres"]
    serving.graph._known.clear()  # a second later
    assert serving.graph.places(own)[0].engine == "neo4j"
    assert [h.doc_id for h in serving.search.answer(hospital.access, ASKED).hits] == before
    assert command("reconcile")["beside"] == {"graph, previous: postgres": True}
    command("rebuild", "--back")
    assert command("rebuild", "--empty")["emptied"] == {"graph, previous": "neo4j"}
    assert [p["engine"] for p in command("status")["places"]["graph"]] == ["postgres"]
    serving.search.close()
    serving.close()
