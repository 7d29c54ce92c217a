"""The list of cohorts, by page and by command: what last runs found, as a view may know it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from typer.testing import CliRunner

from app.cli import main
from app.cohorts import CohortDesk
from app.wiring import Installation
from indexing.access import Role
from tests.attack import Hospital, browser, found_hospital, sign_in
from tests.cohort_ward import N, desk_of, people


@pytest.fixture(scope="module")
def hospital(installation: Installation) -> Hospital:
    return found_hospital(installation, people())


@pytest.fixture(scope="module", autouse=True)
def _kept(installation: Installation, hospital: Hospital) -> None:
    """Two cohorts of each view, one of them never run; and one that a cleared reader ran."""
    for role, own in ((Role.CLINICIAN, "plain"), (Role.RESEARCHER, "hidden")):
        desk = desk_of(installation, hospital, role)
        desk.run(desk.save(f"{own} all", "condition heart failure"))
        desk.run(desk.save(f"{own} few", "text orthopnea"))
        desk.save(f"{own} unrun", "sex male")
    desk = desk_of(installation, hospital, Role.CLINICIAN)
    cleared = CohortDesk(desk.own, replace(desk.access, labels=frozenset({"HIV"})))
    cleared.run(cleared.save("cleared", "text orthopnea"))


def _command(installation: Installation, hospital: Hospital, *more: str) -> str:
    arguments = ["cohort", "list", "--tenant", hospital.tenant.code, *more]
    ran = CliRunner().invoke(main.app, arguments, env={"ANAMNESIS_HOME": str(installation.home)})
    assert ran.exit_code == 0, ran.output
    return ran.stdout


def _last(installation: Installation, hospital: Hospital, role: str) -> Mapping[str, Any]:
    found = json.loads(_command(installation, hospital, "--role", role, "--json"))
    return {each["name"]: each["last_run"] for each in found}


def test_a_view_lists_its_own_with_what_the_last_run_found(
    installation: Installation, hospital: Hospital
) -> None:
    plain = _last(installation, hospital, "clinician")
    assert {name: run and run["patients"] for name, run in plain.items()} == {
        "plain all": N, "plain few": 2, "plain unrun": None, "cleared": None,
    }  # fmt: skip
    assert plain["cleared"] is None  # the run tells of what this reader is not cleared for
    hidden = _last(installation, hospital, "researcher")
    assert {name: run and run["patients"] for name, run in hidden.items()} == {
        "hidden all": 10, "hidden few": None, "hidden unrun": None,
    }  # fmt: skip
    assert hidden["hidden few"]["at"]


def test_the_command_prints_a_line_each(installation: Installation, hospital: Hospital) -> None:
    lines = [line.split("\t") for line in _command(installation, hospital).splitlines()]
    assert [line[1] for line in lines] == ["cleared", "plain unrun", "plain few", "plain all"]
    own, _, version, runs, last, by = lines[-1]
    assert len(own) == 36
    assert (version, runs, by) == ("version 1", "runs 1", "dr")
    assert last.startswith(f"{N} on 20")
    hidden = _command(installation, hospital, "--role", "researcher")
    assert "\tfewer than 11 on 20" in hidden
    assert "\tno run\t" in hidden


def test_a_saved_cohort_runs_without_rows(installation: Installation, hospital: Hospital) -> None:
    arguments = ["cohort", "run", "plain few", "--tenant", hospital.tenant.code, "--rows", "0"]
    ran = CliRunner().invoke(
        main.app, [*arguments, "--json"], env={"ANAMNESIS_HOME": str(installation.home)}
    )
    assert ran.exit_code == 0, ran.output
    told = json.loads(ran.stdout)
    assert (told["total"], told["rows"]) == (2, [])


def test_the_page_tells_who_made_it_by_name(hospital: Hospital) -> None:
    with browser(hospital) as client:
        token = sign_in(client, hospital, Role.RESEARCHER)
        sent = {"form_token": token, "name": "of the page", "definition": "sex male"}
        assert client.post("/cohorts", data=sent).status_code == 303
        shown = client.get("/cohorts").text
        assert "<td>researcher</td>" in shown
        assert '<td class="num">fewer than 11</td>' in shown
        assert "plain all" not in shown


def test_the_command_is_audited(installation: Installation, hospital: Hospital) -> None:
    _command(installation, hospital)
    with installation.database.tenant(hospital.tenant.tenant_id) as conn:
        row = conn.execute(
            "SELECT user_id, patient_ids, detail FROM audit_event WHERE subtype = 'cohort-list' "
            "ORDER BY seq DESC LIMIT 1"
        ).fetchone()
    assert row is not None
    assert row[0].startswith("operator:")
    assert (row[1], row[2]) == ([], {"cohorts": 4})
