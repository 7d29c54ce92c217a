"""What reviewers said, and whether it still stands when the question or the evidence changed."""

from __future__ import annotations

import json
import re
from datetime import UTC
from uuid import uuid4

import pytest

from app.cohort_export import exported
from app.cohort_leaving import leaving
from app.cohort_reviews import Earlier, Marks, said_of
from app.cohorts import CohortDesk
from app.following import catch_up
from app.wiring import Installation
from indexing.access import Role
from indexing.cohorts import Bound, Event, Review
from indexing.errors import Conflict, InvalidInput
from indexing.ingest import Ingest
from indexing.model import TenantId
from indexing.pseudonyms import Pseudonyms
from rankers.cohort_language import read_definition
from rankers.cohorts import Cohort, Met
from tests.attack import Hospital, browser, found_hospital, sign_in
from tests.cohort_ward import N, judge, note, people

SAID = "said: text orthopnea\nhf: condition heart failure\nkeep said"
TIRES = 'tires: text "tires easily"'


@pytest.fixture(scope="module")
def hospital(installation: Installation) -> Hospital:
    return found_hospital(installation, people())


def test_another_wording_asks_again_and_keeps_what_was_said(desk: CohortDesk) -> None:
    head = desk.save("worded", SAID)
    judge(desk, head, "p01", "said", "accept")
    judge(desk, head, "p01", "hf", "reject")
    changed = desk.save("worded", SAID.replace("orthopnea", 'orthopnea OR "at night"'))
    table = desk.table(desk.evaluate(changed.definition), changed)
    assert table.mine == {("p01", "hf"): "reject"}  # its own words did not change
    assert table.reviews.get(("p01", "said")) is None
    assert table.earlier == {("p01", "said"): (Earlier("accept", "wording", 1, 1),)}
    assert table.resume == 0
    judge(desk, changed, "p01", "said", "reject")
    found = desk.evaluate(changed.definition)
    told = leaving(desk, found, changed, 0, 25)["rows"]
    rows = {row["patient_id"]: row["cells"][0] for row in told}
    assert (rows["p01"]["accepted"], rows["p01"]["rejected"]) == (0, 1)
    assert rows["p01"]["earlier"][0]["verdict"] == "accept"
    back = desk.save("worded", SAID.replace("said:", "said:  "))
    again = desk.table(desk.evaluate(back.definition), back)
    assert again.mine["p01", "said"] == "accept"
    assert again.earlier["p01", "said"] == (Earlier("reject", "wording", 2, 1),)


def test_what_a_criterion_is_held_against_is_a_part_of_its_wording(desk: CohortDesk) -> None:
    near = "hf: condition heart failure\nsaid: text orthopnea within 60 days after hf\nkeep said"
    head = desk.save("near", near)
    judge(desk, head, "p01", "said", "accept")
    changed = desk.save("near", near.replace("heart failure", "heart failure in 2019..2021"))
    assert desk.table(desk.evaluate(changed.definition), changed).mine == {}


def test_changed_evidence_asks_again(
    installation: Installation, hospital: Hospital, desk: CohortDesk
) -> None:
    def write(own: str, text: str) -> None:
        zone = installation.zone_of(hospital.tenant.tenant_id)
        sent = json.dumps(note(own, "p07", text, "2021-03-01")).encode()
        Ingest(installation.records, hospital.access, zone).submit(sent)
        catch_up(installation, ("text",), tenants=[hospital.tenant.tenant_id])

    write("q1", "HPI:\nOrthopnea.")
    head = desk.save("evidence", SAID)
    judge(desk, head, "p07", "said", "accept")
    write("q2", "HPI:\nOrthopnea. Orthopnea. Orthopnea at night.")
    found = desk.evaluate(head.definition)
    assert len(found.met["said"].events["p07"]) == 2
    assert desk.table(found, head).mine == {("p07", "said"): "accept"}  # it still speaks
    write("q1", "HPI:\nOrthopnea was long ago.")
    table = desk.table(desk.evaluate(head.definition), head)
    assert table.earlier == {("p07", "said"): (Earlier("accept", "evidence", 1, 1),)}
    judge(desk, head, "p07", "said", "reject")
    assert desk.table(desk.evaluate(head.definition), head).mine == {("p07", "said"): "reject"}
    write("q2", "HPI:\nWell.")  # what was rejected is gone, and something else comes first
    assert desk.table(desk.evaluate(head.definition), head).mine == {}


def test_a_rejection_falls_when_something_else_comes_first_and_an_acceptance_stands() -> None:
    definition = read_definition("said: text orthopnea", UTC)
    [criterion] = definition.criteria
    marks = Marks("secret", Pseudonyms("pepper", TenantId(uuid4())))
    old, new = Event("p", None, "Document/old", "Orthopnea."), Event("p", None, "Document/new")
    wording = marks.wordings([criterion])["said"]
    bound = Bound(wording, marks.evidence(old), 1)
    reviews = [
        Review("p", "said", "ann", "accept", bound), Review("p", "said", "bob", "reject", bound),
    ]  # fmt: skip
    for events, standing in (((old, new), {"accept": 1, "reject": 1}), ((new, old), {"accept": 1})):
        found = Cohort(definition, ("p",), {"said": Met(criterion, {"p": events})}, (), 1)
        assert said_of(reviews, found, marks, "bob").standing == {("p", "said"): standing}


def test_a_verdict_from_a_page_that_asked_otherwise_is_refused(desk: CohortDesk) -> None:
    head = desk.save("raced", SAID)
    mark = desk.table(desk.evaluate(head.definition), head).marks["p01", "said"]
    changed = desk.save("raced", "said: text fever assertion:negated")
    with pytest.raises(Conflict, match="was changed since"):
        desk.review(changed, "p01", "said", "accept", mark)
    for wrong in ("", "x", f"{mark}0", mark.replace(".", "")):
        with pytest.raises(InvalidInput, match="not named"):
            desk.review(changed, "p01", "said", "accept", wrong)


def test_the_page_tells_what_was_said_under_an_earlier_wording(hospital: Hospital) -> None:
    with browser(hospital) as client:
        sent = {"form_token": sign_in(client, hospital, Role.CLINICIAN), "name": "page",
                "definition": SAID}  # fmt: skip
        place = client.post("/cohorts", data=sent).headers["location"]
        mark = re.search(r'name="judged" value="([^"]+)"', client.get(place).text)
        assert mark is not None
        given = sent | {"patient": "p01", "criterion": "said", "judged": mark[1],
                        "verdict": "accept", "start": "0"}  # fmt: skip
        assert client.post(f"{place}/review", data=given).status_code == 303
        assert 'aria-pressed="true"' in client.get(place).text
        client.post("/cohorts", data=sent | {"definition": SAID.replace("text", "finding")})
        shown = client.get(place).text
        assert 'aria-pressed="true"' not in shown
        assert "Judged under an earlier wording (version 1): accept" in shown
        assert client.post(f"{place}/review", data=given).status_code == 409


def test_rows_of_two_cohorts_cannot_be_compared_by_pseudonym(
    researcher: CohortDesk, hospital: Hospital
) -> None:
    first, second = researcher.save("one", TIRES), researcher.save("two", f"{TIRES}\nage 1-")
    changed = researcher.save("one", f"{TIRES}\nsex female\nkeep tires")
    lists = []
    for head in (first, second, changed):
        table = researcher.table(researcher.evaluate(head.definition), head)
        lists.append([row.patient_id for row in table.rows])
        assert lists[-1] == sorted(lists[-1])
    lists.append([row.patient_id for row in researcher.table(researcher.evaluate(TIRES)).rows])
    assert [len(each) for each in lists] == [N] * 4
    assert len(set().union(*lists)) == 4 * N
    own = researcher.view.patient_id
    assert {frozenset(map(own, each)) for each in lists} == {
        frozenset(f"p{i:02}" for i in range(N))
    }
    with browser(hospital) as client:
        sign_in(client, hospital, Role.RESEARCHER)
        chart = client.get(f"/patients/{lists[0][0]}", follow_redirects=True)
        assert chart.status_code == 200


def test_an_export_goes_by_the_names_of_its_own_cohort(researcher: CohortDesk) -> None:
    head = researcher.save("sent", TIRES)
    table = researcher.table(researcher.evaluate(head.definition), head)
    rows = [row.patient_id for row in table.rows]
    lines = exported(researcher, head, "ndjson", "HRESCH").splitlines()
    assert [json.loads(line)["patient_id"] for line in lines] == rows
    for form in ("group", "bundle"):
        out = json.loads(exported(researcher, head, form, "HRESCH"))
        group = out if form == "group" else out["entry"][0]["resource"]
        entities = [member["entity"] for member in group["member"]]
        assert [each["identifier"]["value"] for each in entities] == rows
    people = [entry["resource"] for entry in out["entry"][1:]]
    assert [each["identifier"][0]["value"] for each in people] == rows
    assert [f"Patient/{each['id']}" for each in people] == [e["reference"] for e in entities]


def test_verdicts_are_given_in_the_names_of_the_cohort(researcher: CohortDesk) -> None:
    head = researcher.save("judged there", TIRES)
    first = researcher.table(researcher.evaluate(head.definition), head).rows[0].patient_id
    judge(researcher, head, first, "tires", "accept")
    table = researcher.table(researcher.evaluate(head.definition), head)
    assert table.mine == {(first, "tires"): "accept"}


def test_a_verdict_on_a_withheld_cell_does_not_leave(researcher: CohortDesk) -> None:
    head = researcher.save("withheld", f"{TIRES}\nfew: text orthopnea\nkeep tires")
    found = researcher.evaluate(head.definition)
    shown = researcher.shown_member("p01", found, head)
    judge(researcher, head, shown, "few", "accept")
    judge(researcher, head, shown, "tires", "accept")
    for form in ("group", "bundle", "ndjson"):
        out = exported(researcher, head, form, "HRESCH")
        assert b"valueString" not in out or b'"few"' not in out
        accepted = re.findall(rb'"accepted","valueInteger":1|"accepted":1', out)
        assert len(accepted) == 1
