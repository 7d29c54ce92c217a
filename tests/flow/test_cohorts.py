"""Cohorts from definition to export: what is counted, quoted, masked, recorded."""

from __future__ import annotations

import csv
import io
import json
import re
from contextlib import nullcontext
from dataclasses import replace

import orjson
import pytest

from app.cohort_export import exported, safe
from app.cohort_leaving import leaving
from app.cohorts import CohortDesk
from app.following import catch_up
from app.similar import Question, similar
from app.wiring import Installation
from indexing.access import Access, Role
from indexing.errors import InvalidInput, InvalidQuery, NotFound
from indexing.ingest import Ingest
from tests.attack import Hospital, browser, found_hospital, sign_in
from tests.cohort_ward import N, desk_of, judge, note, people

TIRES = 'tires: text "tires easily"'


@pytest.fixture(scope="module")
def hospital(installation: Installation) -> Hospital:
    return found_hospital(installation, people())


@pytest.mark.parametrize(
    ("definition", "members"),
    [
        ("condition heart failure", {f"p{i:02}" for i in range(N)}),
        ("condition heart failure\nsex female", {f"p{i:02}" for i in range(1, N, 2)}),
        ("a: condition heart failure\nkeep not a", {"ruled-out"}),
        ("text orthopnea", {"p01", "p03"}),
        ("text orthopnea assertion:negated", {"p02"}),
        ("text orthopnea in 2020", {"p01"}),
        ('text "at night"', {"p03"}),
        ("value hemoglobin < 8.5 g/dL", {"p00", "p01"}),
        ("value hemoglobin < 85 g/L", {"p00", "p01"}),
        ("value hemoglobin < 85 G/DL", {f"p{i:02}" for i in range(N)}),
        ("a: condition heart failure\nb: text orthopnea within 60 days after a\nkeep b", {"p01"}),
        ("a: condition heart failure\nb: text orthopnea within 60 days before a\nkeep b", set()),
        ("a: text orthopnea\nb: value hemoglobin >= 8.75\nkeep a and b", {"p03"}),
        ("a: text orthopnea\nb: sex male\nkeep a or b",
         {"p01", "p03", *(f"p{i:02}" for i in range(0, N, 2))}),
        ("age -40", set()),
        ("finding orthopnea", {"p01", "p03"}),
        ("similar to orthopnea top 5", {"p01", "p03"}),
    ],
)  # fmt: skip
def test_criteria_find_who_meets_them(desk: CohortDesk, definition: str, members: set[str]) -> None:
    assert set(desk.evaluate(definition).members) == members


def test_attrition_counts_each_step_and_evidence_quotes_with_its_place(desk: CohortDesk) -> None:
    found = desk.evaluate("hf: condition heart failure\nsaid: text orthopnea\nkeep hf and said")
    table = desk.table(found)
    assert [(c.step, c.patients) for c in table.counts] == [
        ("everyone", N + 1), ("hf", N), ("said", 2),
    ]  # fmt: skip
    cell = table.rows[0].cells[1]
    assert cell.quote is not None
    assert "orthopnea since March" in cell.quote.text
    assert cell.quote.assertion == "present"
    assert cell.event is not None
    assert (cell.event.ref, cell.event.at and cell.event.at.year) == ("Document/n1", 2020)


@pytest.mark.parametrize(
    ("definition", "at", "says", "line"),
    [
        ("sex male\ncondition qqzz", 19, "Neither the terminology", "line 2, character 11"),
        ("sex male\ntext orthopnea in 2020-13", 27, "no such day", "line 2, character 19"),
        ("similar to qqzz", 11, "no such finding", "line 1, character 12"),
        ("text (orthopnea", 5, "never closed|not closed", "line 1"),
        ("sex male\nvalue hemoglobin < 8 bananas", 30, "in bananas", "line 2, character 22"),
        ("value hemoglobin < 8.5 mmol/L", 23, "recorded in mmol/L", "line 1, character 24"),
        ("similar to patient nobody", 11, "No such patient", "line 1"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(
    desk: CohortDesk, definition: str, at: int, says: str, line: str
) -> None:
    with pytest.raises(InvalidQuery, match=says) as caught:
        desk.evaluate(definition)
    assert caught.value.position == at
    assert caught.value.hint.startswith(line)


def test_a_time_in_other_words_is_told_how_to_write_it(desk: CohortDesk) -> None:
    with pytest.raises(InvalidQuery, match="Neither the terminology") as caught:
        desk.evaluate("condition heart failure since 2020")
    assert "in >=2020" in caught.value.hint


@pytest.mark.parametrize("text", ["text orthopnea", 'text "at night" OR tires'])
def test_a_criterion_of_more_notes_than_are_read_is_refused_not_cut(
    desk: CohortDesk, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setattr("rankers.cohorts.MOST_NOTES", 2)
    with pytest.raises(InvalidQuery, match="more than are read") as caught:
        desk.evaluate(text)
    assert caught.value.position == 5


def test_small_cells_and_names_are_hidden_from_a_researcher(researcher: CohortDesk) -> None:
    found = researcher.evaluate('hf: condition heart failure\ntires: text "tires easily"')
    table = researcher.table(found)
    assert [(c.step, c.patients) for c in table.counts] == [
        ("everyone", 20), ("hf", 10), ("tires", 10),
    ]  # fmt: skip
    shown = str(table.rows)
    # An id in its quotes: a pseudonym spells three letters by chance.
    for hidden in ("Zqp01", "'p01'", "Patient/p01", "Document/t1", "2021, 5, 1"):
        assert hidden not in shown
    assert "tires easily" in shown  # on the page, where the reader judges it
    assert "Rests" not in str(leaving(researcher, found, None, 0, 25))


@pytest.mark.parametrize(
    "definition",
    [
        "text Zqp01",
        "text orthopnea in 2020",
        "text orthopnea in <=2020",
        "text orthopnea in >=2020",
        "age 96-",
        "age 60-93",
    ],
)
def test_a_researcher_cannot_ask_for_names_days_and_high_ages(
    researcher: CohortDesk, definition: str
) -> None:
    with pytest.raises(InvalidQuery):
        researcher.evaluate(definition)


def test_a_researcher_may_ask_for_all_who_are_old(researcher: CohortDesk) -> None:
    researcher.evaluate("age 90-")
    researcher.evaluate("age 18-89")


def test_only_a_criterion_of_the_cohort_is_reviewed(desk: CohortDesk) -> None:
    head = desk.save("judged", "hf: condition heart failure")
    with pytest.raises(InvalidInput, match="no such criterion"):
        desk.review(head, "p01", "Zqname has it", "accept", "")


def test_runs_are_kept_and_their_difference_has_its_cause(
    installation: Installation, hospital: Hospital, desk: CohortDesk
) -> None:
    head = desk.save("Orthopnea", "text orthopnea")
    desk.run(head)
    with pytest.raises(NotFound, match="no two"):
        desk.diff(head)
    ingest = Ingest(installation.records, hospital.access,
                    installation.zone_of(hospital.tenant.tenant_id))  # fmt: skip
    ingest.submit(json.dumps(note("n4", "p04", "HPI:\nOrthopnea.", "2023-01-01")).encode())
    catch_up(installation, ("text",), tenants=[hospital.tenant.tenant_id])
    desk.run(head)
    moved = desk.diff(head)
    assert (moved.entered_ids, moved.left_ids, moved.causes) == (("p04",), (), {"data": 1})
    changed = desk.save("Orthopnea", "text orthopnea\nsex female")
    assert (changed.cohort_id, changed.version) == (head.cohort_id, 2)
    desk.run(changed)
    assert desk.diff(changed).causes == {"definition": 1}
    ingest.submit(json.dumps(note("n4", "p04", "HPI:\nWell.", "2023-01-01")).encode())
    catch_up(installation, ("text",), tenants=[hospital.tenant.tenant_id])


def test_a_run_of_a_wider_view_is_not_compared_in_a_narrower_one(desk: CohortDesk) -> None:
    wide = CohortDesk(desk.own, replace(desk.access, labels=frozenset({"HIV"})))
    head = wide.save("cleared", "text orthopnea")
    wide.run(head)
    changed = wide.save("cleared", "condition heart failure")
    wide.run(changed)
    assert wide.diff(changed).entered_ids
    some = CohortDesk(desk.own, replace(wide.access, patients=frozenset({"p01"})))
    for narrow in (desk, some):
        with pytest.raises(NotFound, match="no two such runs"):
            narrow.diff(changed)
        narrow.run(changed)
        narrow.run(changed)
        assert narrow.diff(changed).entered == 0


def test_a_criterion_does_not_count_who_is_closed(desk: CohortDesk) -> None:
    some = desk.evaluate("condition heart failure")
    assert len(next(iter(some.met.values())).events) == N


def test_a_drug_that_is_closed_is_neither_evidence_nor_a_feature(desk: CohortDesk) -> None:
    with pytest.raises(InvalidQuery, match="Neither the terminology nor the records"):
        desk.evaluate("a: condition heart failure\nb: medication zqdrug\nkeep a")
    assert "zqdrug" not in str(similar(desk.own, desk.access, Question("p01")).to_json()).lower()


def test_reviewers_do_not_overwrite_each_other(
    installation: Installation, hospital: Hospital, desk: CohortDesk
) -> None:
    head = desk.save("Reviewed", "said: text orthopnea")
    other = desk_of(installation, hospital, Role.CLINICIAN, "second")
    judge(desk, head, "p01", "said", "accept")
    judge(other, head, "p01", "said", "reject")
    table = desk.table(desk.evaluate(head.definition), head)
    assert table.reviews["p01", "said"] == {"accept": 1, "reject": 1}
    assert table.mine == {("p01", "said"): "accept"}
    judge(desk, head, "p01", "said", "")
    assert desk.table(desk.evaluate(head.definition), head).mine == {}
    with pytest.raises(InvalidInput):
        judge(desk, head, "p01", "said", "perhaps")


def test_exports_hold_what_was_found_safely_and_are_recorded(
    installation: Installation, hospital: Hospital, desk: CohortDesk
) -> None:
    head = desk.save("Out", "said: text orthopnea in 2022")
    rows = list(csv.reader(io.StringIO(exported(desk, head, "csv", "HRESCH").decode("utf-8-sig"))))
    assert rows[1][0] == "p03"
    assert rows[1][3].startswith("'=cmd")
    assert rows[1][6:8] == ["0", "0"]
    line = orjson.loads(exported(desk, head, "ndjson", "HRESCH").splitlines()[0])
    assert line["patient_id"] == "p03"
    group = orjson.loads(exported(desk, head, "group", "HRESCH"))
    assert group["member"] == [{"entity": {"reference": "Patient/p03"}}]
    bundle = orjson.loads(exported(desk, head, "bundle", "HRESCH", "as-written"))
    assert bundle["entry"][1]["resource"]["name"] == [{"text": "Ada Zqp03"}]
    with installation.database.tenant(hospital.tenant.tenant_id) as conn:
        detail = conn.execute(
            "SELECT detail FROM audit_event WHERE subtype = 'cohort-export' ORDER BY seq LIMIT 1"
        ).fetchone()
        named = conn.execute(
            "SELECT detail ->> 'format', patient_ids FROM audit_event "
            "WHERE subtype = 'cohort-export' AND detail ->> 'rows' = '1' ORDER BY seq"
        ).fetchall()
    assert detail is not None
    assert (detail[0]["purpose"], detail[0]["rows"]) == ("HRESCH", 1)
    # Each file's own row says whose records left, so that "who looked at her" finds every one.
    assert dict(named) == {key: ["p03"] for key in ("csv", "ndjson", "group", "bundle")}


def test_a_deidentified_export_names_nobody(desk: CohortDesk) -> None:
    named = desk.save("Like Zqp01", "condition heart failure")
    assert b"Zqp01" not in exported(desk, named, "group", "HRESCH", "deidentified")
    head = desk.save("Hidden", 'tires: text "tires easily"')
    for form in ("csv", "ndjson", "group", "bundle"):
        out = exported(desk, head, form, "HRESCH", "deidentified").decode()
        for hidden in ("Zqp01", '"p01"', "Patient/p01", "1950-02-03", "Document/t1", "Rests"):
            assert hidden not in out
        assert not re.search(r"\d{4}-\d\d-\d\d", out)


def test_an_export_over_the_cap_says_how_to_ask(desk: CohortDesk) -> None:
    settings = desk.own.settings.model_copy(update={"export_cap": 3})
    small = CohortDesk(replace(desk.own, settings=settings), desk.access)
    head = desk.save("Large", "condition heart failure")
    with pytest.raises(InvalidInput, match="more than 3 patients") as caught:
        exported(small, head, "csv", "HRESCH")
    assert "ANAMNESIS_EXPORT_CAP" in caught.value.hint
    for cap, leaves in ((N - 1, False), (N, True)):
        settings = desk.own.settings.model_copy(update={"export_cap": cap})
        just = CohortDesk(replace(desk.own, settings=settings), desk.access)
        with nullcontext() if leaves else pytest.raises(InvalidInput, match=f"more than {cap}"):
            exported(just, head, "csv", "HRESCH")
    with pytest.raises(InvalidInput, match="purpose"):
        exported(desk, head, "csv", "curiosity")


@pytest.mark.parametrize("cell", [
    "=1+1", "+1", "-1", "@x", "\t=1", " =1", "\uff1d1", "\uff0b1", "\uff0d1", "\uff20x", "\u00a0=1",
    "\u200b=1", "\ufeff=1", "\ufe661", "\r=1", "\n1", "\u22121", "\x00=1", "\u3000\uff1d1",
])  # fmt: skip
def test_no_cell_is_a_formula(cell: str) -> None:
    assert safe(cell) == f"'{cell}"
    assert safe("1 mg") == "1 mg"


def test_another_tenants_cohort_is_none(desk: CohortDesk, access: Access) -> None:
    head = desk.save("Mine", "sex male")
    with pytest.raises(NotFound):
        desk.own.cohort_store.head(access, head.cohort_id)


def test_a_cohort_with_names_is_not_told_in_the_deidentified_view(
    desk: CohortDesk, researcher: CohortDesk
) -> None:
    head = desk.save("With names", "text Zqp01")
    with pytest.raises(NotFound):
        researcher.own.cohort_store.head(researcher.access, head.cohort_id)
    assert head.cohort_id not in {
        each.cohort_id for each in researcher.own.cohort_store.heads(researcher.access)
    }


def test_the_pages_work_without_script(hospital: Hospital) -> None:
    with browser(hospital) as client:
        token = sign_in(client, hospital, Role.RESEARCHER)
        sent = {"form_token": token, "name": "Page", "definition": TIRES}
        unread = {**sent, "definition": "said: text (orthopnea"}
        wrong = client.post("/cohorts", data=unread, follow_redirects=True)
        assert wrong.status_code == 422
        # The page has an address of its own: a change of the light, or a reload, loses nothing.
        address = f"{wrong.url.path}?{wrong.url.query.decode()}"
        assert f'name="next" value="{address}"' in wrong.text
        for again in (wrong, client.get(address)):
            assert f">{unread['definition']}</textarea>" in again.text
        assert "line 1" in wrong.text
        answer = client.post("/cohorts", data=sent)
        assert answer.status_code == 303
        place = answer.headers["location"]
        shown = client.get(place).text
        assert "tires easily" in shown
        for hidden in ("Zqp01", "/patients/p01", "2021-05-01", "/notes/t1"):
            assert hidden not in shown
        found = re.search(r'name="patient" value="([^"]+)".*?name="judged" value="([^"]+)"', shown)
        assert found is not None
        verdict = {"form_token": token, "patient": found[1], "criterion": "tires",
                   "judged": found[2], "verdict": "accept", "start": "0"}  # fmt: skip
        assert client.post(f"{place}/review", data=verdict).status_code == 303
        assert "accept 1" in client.get(place).text
        assert client.post(f"{place}/run", data={"form_token": token}).status_code == 303
        out = client.post(f"{place}/export", data={
            "form_token": token, "format": "csv", "purpose": "HRESCH", "profile": "deidentified",
        })  # fmt: skip
        assert out.status_code == 200
        assert out.headers["content-type"].startswith("text/csv")
        assert "Zqp01" not in out.text
        assert "Page" in client.get("/cohorts").text


def test_a_name_taken_in_the_other_view_loses_nothing_that_was_typed(hospital: Hospital) -> None:
    with browser(hospital) as client:
        sent = {"name": "Taken", "definition": "said: text orthopnea"}
        token = sign_in(client, hospital, Role.CLINICIAN)
        assert client.post("/cohorts", data={**sent, "form_token": token}).status_code == 303
    with browser(hospital) as client:
        token = sign_in(client, hospital, Role.RESEARCHER)
        data = {**sent, "form_token": token}
        answer = client.post("/cohorts", data=data, follow_redirects=True)
        assert answer.status_code == 409
        assert "take another name" in answer.text
        assert "said: text orthopnea" in answer.text


def test_the_interface_answers_by_token(hospital: Hospital) -> None:
    with browser(hospital) as client:
        bearer = hospital.bearer()
        found = client.post("/api/cohorts", json={"definition": "sex female"}, headers=bearer)
        assert found.status_code == 200
        assert found.json()["total"] == N // 2 + 1
        wrong = client.post("/api/cohorts", json={"definition": "sex blue"}, headers=bearer)
        assert wrong.status_code == 422
        assert client.post("/api/cohorts", json={}, headers=bearer).status_code == 400
        assert client.get("/api/cohorts/none/diff", headers=bearer).status_code == 404
        assert client.post("/api/cohorts", json={"definition": "sex male"}).status_code == 401


def test_a_page_without_a_cell_to_judge_does_not_say_that_all_are_judged(
    hospital: Hospital,
) -> None:
    with browser(hospital) as client:
        sent = {"name": "Without", "definition": "lacks: text orthopnoeaxyz\nkeep not lacks"}
        token = sign_in(client, hospital, Role.CLINICIAN)
        answer = client.post("/cohorts", data={**sent, "form_token": token}, follow_redirects=True)
        assert "not met" in answer.text
        assert "No cell here is open to a verdict" in answer.text
        assert "judged every cell" not in answer.text
        assert "<title>Cohort ·" in answer.text  # its name is what somebody asks for
