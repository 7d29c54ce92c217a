"""What cohorts must not tell: how few, who was closed since, what closed records alone hold."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cohort_export import exported
from app.cohort_leaving import GRAINS, Alike, _cell, alike_rows, leaving, shared, told_verdicts
from app.cohorts import CohortDesk
from app.wiring import Installation
from indexing.access import Role
from indexing.cohorts import Event
from indexing.errors import InvalidInput, InvalidQuery
from indexing.fhir.reading import parse
from indexing.fhir.validate import validate
from indexing.ingest import Ingest
from rankers.cohort_language import read_definition
from rankers.cohorts import Cell, Cohort, Met
from tests.attack import Hospital, browser, found_hospital, sign_in
from tests.cohort_ward import N, condition, desk_of, judge, patient, people

TIRES = 'tires: text "tires easily"'
SECURITY = {"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality",
                          "code": "R"}]}  # fmt: skip


@pytest.fixture(scope="module")
def hospital(installation: Installation) -> Hospital:
    hidden = condition("sec", "p02", "Zqsecretitis", "2020-01-01") | {"meta": SECURITY}
    of_closed = condition("sec2", "closed", "Zqclosedosis", "2020-01-01")
    open_one = condition("open", "p03", "Zqopenitis", "2020-01-01")
    return found_hospital(installation, [*people(), hidden, of_closed, open_one])


def _store(installation: Installation, hospital: Hospital, body: dict[str, Any]) -> None:
    zone = installation.zone_of(hospital.tenant.tenant_id)
    (outcome,) = Ingest(installation.records, hospital.access, zone).submit(
        json.dumps(body).encode()
    )
    assert outcome.rejected is None


def test_no_row_of_a_small_cohort_is_told_to_a_researcher(
    researcher: CohortDesk, desk: CohortDesk
) -> None:
    head = researcher.save("few", "text orthopnea")
    table = researcher.table(researcher.evaluate(head.definition), head)
    assert (table.total, table.rows, table.more, table.resume) == (None, (), False, None)
    for form in ("csv", "ndjson", "group", "bundle"):
        with pytest.raises(InvalidInput, match="fewer than 11"):
            exported(researcher, head, form, "HRESCH")
    named = desk.save("few named", "text orthopnea")
    with pytest.raises(InvalidInput, match="fewer than 11"):
        exported(desk, named, "group", "HRESCH", "deidentified")
    assert orjson.loads(exported(desk, named, "group", "HRESCH"))["quantity"] == 2


def test_a_deidentified_group_counts_nobody(researcher: CohortDesk) -> None:
    head = researcher.save("many", TIRES)
    group = orjson.loads(exported(researcher, head, "group", "HRESCH"))
    assert "quantity" not in group
    assert len(group["member"]) == N


@pytest.mark.parametrize(
    "definition",
    [
        f"{TIRES}\nfew: text orthopnea\nkeep tires",  # two of fourteen
        f"{TIRES}\nmost: value hemoglobin >= 8.5\nkeep tires",  # all but two
    ],
)
def test_cells_that_tell_how_few_meet_a_criterion_are_withheld(
    researcher: CohortDesk, desk: CohortDesk, definition: str
) -> None:
    rows = leaving(researcher, researcher.evaluate(definition), None, 0, 25)["rows"]
    assert [len(rows), {row["cells"][1]["met"] for row in rows}] == [N, {None}]
    assert all(row["cells"][0]["met"] for row in rows)
    plain = leaving(desk, desk.evaluate(definition), None, 0, 25)["rows"]
    assert {row["cells"][1]["met"] for row in plain} == {True, False}


def test_who_is_restricted_or_deleted_after_a_run_is_in_no_kept_run_and_no_export(
    installation: Installation,
) -> None:
    hospital = found_hospital(installation, people())
    desk = desk_of(installation, hospital, Role.CLINICIAN)
    head = desk.save("kept", TIRES)
    desk.run(head)
    judge(desk, head, "p05", "tires", "accept")
    _store(installation, hospital, patient("p04", "male") | {"meta": SECURITY})
    gone = {"resourceType": "Bundle", "type": "transaction", "entry": [
        {"request": {"method": "DELETE", "url": "Patient/p05"}}]}  # fmt: skip
    _store(installation, hospital, gone)
    desk.run(head)
    newest, oldest = desk.own.cohort_store.runs(desk.access, head.cohort_id)
    assert not {"p04", "p05"} & {*newest.members, *oldest.members}
    moved = desk.diff(head)
    assert (moved.entered_ids, moved.left_ids) == ((), ())
    for form in ("csv", "ndjson", "group", "bundle"):
        assert not {b"p04", b"p05"} & set(exported(desk, head, form, "HRESCH").split(b'"'))
        assert b"p04" not in exported(desk, head, form, "HRESCH")
    with installation.database.tenant(hospital.tenant.tenant_id) as conn:
        kept = conn.execute("SELECT members FROM cohort_run ORDER BY at").fetchall()
        reviews = conn.execute("SELECT patient_id FROM cohort_review").fetchall()
    assert all("p05" not in row[0] for row in kept)
    assert reviews == []


def test_the_marks_of_what_is_judged_join_no_two_lists(researcher: CohortDesk) -> None:
    heads = [researcher.save("one list", TIRES), researcher.save("another list", TIRES)]
    heads.append(researcher.save("one list", f"{TIRES}\nall: value hemoglobin >= 1\nkeep tires"))
    seen = [
        {mark.partition(".")[2] for (_, name), mark in table.marks.items() if name == "tires"}
        for head in heads
        for table in [researcher.table(researcher.evaluate(head.definition), head)]
    ]
    assert [len(each) for each in seen] == [N, N, N]
    assert len(set().union(*seen)) == 3 * N


def test_the_days_of_two_lists_join_them_by_none_and_intervals_stay(
    researcher: CohortDesk, desk: CohortDesk
) -> None:
    both = f"{TIRES}\nall: value hemoglobin >= 1\nkeep tires"

    def days(desk: CohortDesk, name: str, definition: str) -> dict[str, list[date]]:
        head = desk.save(name, definition)
        table = desk.table(desk.evaluate(head.definition), head)
        return {
            desk.view.patient_id(row.patient_id): [
                cell.event.at.date() for cell in row.cells if cell.event and cell.event.at
            ]
            for row in table.rows
        }

    one, other = days(researcher, "one", both), days(researcher, "other", f"{both}\n")
    again, plain = days(researcher, "one", both), days(desk, "plain", both)
    assert len(one) == N
    assert one == again
    assert sum(one[each][0] == other[each][0] for each in one) <= 2
    for found in (one, other):
        for each, (noted, measured) in found.items():
            assert noted - measured == plain[each][0] - plain[each][1]
            assert timedelta(days=2) <= plain[each][0] - noted <= timedelta(days=728)


def test_a_comparison_that_names_nobody_is_recorded(
    installation: Installation, hospital: Hospital, researcher: CohortDesk
) -> None:
    head = researcher.save("compared", TIRES)
    researcher.run(head)
    researcher.run(researcher.save("compared", f"{TIRES}\nsex female"))

    def rows() -> int:
        with installation.database.tenant(hospital.tenant.tenant_id) as conn:
            found = conn.execute(
                "SELECT count(*) FROM audit_event WHERE subtype = 'cohort-diff' "
                "AND cardinality(patient_ids) = %s", (N // 2,)
            ).fetchone()  # fmt: skip
        assert found is not None
        return int(found[0])

    before = rows()
    moved = researcher.diff(researcher.own.cohort_store.head(researcher.access, "compared"))
    assert (moved.left, moved.left_ids) == (None, ())
    assert rows() == before + 1


@pytest.mark.parametrize("name", ["Zqsecretitis", "Zqclosedosis", "Zqnothing"])
def test_a_name_that_closed_records_alone_hold_reads_like_none(desk: CohortDesk, name: str) -> None:
    with pytest.raises(InvalidQuery, match="Neither the terminology nor the records"):
        desk.evaluate(f"condition {name}")
    assert desk.evaluate("condition Zqopenitis").members == ("p03",)


def test_a_researcher_cannot_ask_records_for_a_name(researcher: CohortDesk) -> None:
    for kind in ("condition", "medication", "procedure", "finding"):
        with pytest.raises(InvalidQuery, match="Words that no note"):
            researcher.evaluate(f"{kind} Zqp01")


@pytest.mark.parametrize(
    ("definition", "says", "line"),
    [
        ('sex male\ntext orthopnea OR "zq hidden"', "Words that no note", "line 2, character 19"),
        ('text "orthopnea', "closing quote|never closed|not closed", "line 1, character 6"),
    ],
)
def test_a_researcher_is_told_where_the_hidden_word_stands(
    researcher: CohortDesk, definition: str, says: str, line: str
) -> None:
    with pytest.raises(InvalidQuery, match=says) as caught:
        researcher.evaluate(definition)
    assert caught.value.hint.startswith(line)


def test_verdicts_leave_with_the_cohort(
    installation: Installation, hospital: Hospital, desk: CohortDesk
) -> None:
    head = desk.save("judged", TIRES)
    other = desk_of(installation, hospital, Role.CLINICIAN, "second")
    judge(desk, head, "p01", "tires", "accept")
    judge(other, head, "p01", "tires", "reject")
    judge(desk, head, "p02", "tires", "reject")
    lines = exported(desk, head, "ndjson", "HRESCH").splitlines()
    cells = {row["patient_id"]: row["cells"][0] for row in map(orjson.loads, lines)}
    assert [(cells[p]["accepted"], cells[p]["rejected"]) for p in ("p01", "p02", "p03")] == [
        (1, 1), (0, 1), (0, 0),
    ]  # fmt: skip
    sheet = exported(desk, head, "csv", "HRESCH").decode("utf-8-sig").splitlines()
    assert sheet[0].endswith("tires accepted,tires rejected")
    assert next(row for row in sheet if row.startswith("p02")).endswith(",0,1")
    group = orjson.loads(exported(desk, head, "group", "HRESCH"))
    member = next(m for m in group["member"] if m["entity"]["reference"] == "Patient/p01")
    told = {e["url"]: e for e in member["extension"][0]["extension"]}
    assert told["criterion"]["valueString"] == "tires"
    assert (told["accepted"]["valueInteger"], told["rejected"]["valueInteger"]) == (1, 1)


def test_a_review_goes_on_where_it_stopped(desk: CohortDesk) -> None:
    head = desk.save("resumed", TIRES)
    found = desk.evaluate(head.definition)
    assert desk.table(found, head, 0, 5).resume == 0
    for member in found.members[:6]:
        judge(desk, head, member, "tires", "accept")
    assert desk.table(found, head, 0, 5).resume == 5
    for member in found.members[6:]:
        judge(desk, head, member, "tires", "reject")
    assert desk.table(found, head, 0, 5).resume is None


def test_a_verdict_comes_back_alone_where_scripts_run(hospital: Hospital) -> None:
    with browser(hospital) as client:
        token = sign_in(client, hospital, Role.CLINICIAN)
        sent = {"form_token": token, "name": "by key", "definition": TIRES}
        place = client.post("/cohorts", data=sent).headers["location"]
        shown = client.get(place).text
        mark = re.search(r'value="p03">.*?name="judged" value="([^"]+)"', shown)
        assert mark is not None
        verdict = {"form_token": token, "patient": "p03", "criterion": "tires",
                   "verdict": "accept", "start": "0", "judged": mark[1]}  # fmt: skip
        part = client.post(f"{place}/review", data=verdict, headers={"HX-Request": "true"})
        assert part.text.startswith('<form class="verdict"')
        assert 'aria-pressed="true">accept 1' in part.text
        unread = sent | {"definition": "keep a\nsex male"}
        wrong = client.post("/cohorts", data=unread, follow_redirects=True)
        assert "<code>keep</code> is the last line" in wrong.text


def test_a_deidentified_file_tells_the_days_that_eleven_rows_share(researcher: CohortDesk) -> None:
    definition = 'hf: condition heart failure\ntires: text "tires easily"'
    head = researcher.save("days apart", definition)
    lines = exported(researcher, head, "ndjson", "HRESCH").splitlines()
    cells = [orjson.loads(line)["cells"] for line in lines]
    # The onsets are on fourteen days in a row and the notes on one: 473 to 486 days after.
    assert {(c[0]["from_day"], c[0]["to_day"]) for c in cells} == {(0, 89)}
    assert {(c[1]["from_day"], c[1]["to_day"]) for c in cells} == {(450, 539)}
    sheet = exported(researcher, head, "csv", "HRESCH").decode("utf-8-sig").splitlines()
    assert sheet[0].split(",")[1:5] == ["hf met", "hf where", "hf from day", "hf to day"]
    assert {line.partition(",")[2] for line in sheet[1:]} == {
        "yes,Condition,0,89,0,0,yes,Document,450,539,0,0"
    }


def test_a_bundle_tells_sex_and_year_as_ten_others_have_them(researcher: CohortDesk) -> None:
    head = researcher.save("people", "hf: condition heart failure")
    bundle = orjson.loads(exported(researcher, head, "bundle", "HRESCH"))
    people = [each["resource"] for each in bundle["entry"][1:]]
    assert len(people) == N
    # Seven women and seven men: of neither are there eleven.
    assert {tuple(sorted(each)) for each in people} == {("id", "identifier", "resourceType")}


@pytest.mark.parametrize("form", ["group", "bundle"])
@pytest.mark.parametrize("profile", ["as-written", "deidentified"])
def test_what_leaves_as_fhir_is_valid(desk: CohortDesk, form: str, profile: str) -> None:
    head = desk.save("valid", TIRES)
    judge(desk, head, "p01", "tires", "accept")
    sent = orjson.loads(exported(desk, head, form, "HRESCH", profile))
    for each in [entry["resource"] for entry in sent["entry"]] if form == "bundle" else [sent]:
        found = validate(parse(orjson.dumps(each)))
        assert not [issue for issue in found if issue.severity in ("error", "fatal")]


def _event(member: str, name: str, day: int | None) -> Event:
    at = None if day is None else datetime(2020, 1, 1, tzinfo=UTC) + timedelta(days=day)
    return Event(member, at, f"{'Document' if day and day % 3 else 'Condition'}/{member}{name}")


def test_a_group_of_ten_is_not_told_and_one_of_eleven_is() -> None:
    few, enough = [f"f{n}" for n in range(10)], [f"e{n}" for n in range(11)]
    told = shared([*few, *enough], [lambda own: own[0]])
    assert told == dict.fromkeys(enough, "e")
    everybody = shared([*few, *enough], [lambda own: own[0], lambda own: own[:0]])
    assert set(everybody) == set(enough)  # those that are left are ten still


def test_a_group_that_leaves_holds_the_verdicts_that_may_be_told_alone(
    researcher: CohortDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = researcher.save("verdicts of a few", TIRES)
    shown = researcher.table(researcher.evaluate(head.definition), head).rows[0].patient_id
    judge(researcher, head, shown, "tires", "accept")
    assert b'"accepted"' in exported(researcher, head, "group", "HRESCH")
    monkeypatch.setattr("app.cohort_export.told_verdicts", lambda *_: {})
    assert b'"accepted"' not in exported(researcher, head, "group", "HRESCH")


@given(st.lists(
    st.tuples(*[st.one_of(st.just(-1), st.none(), st.integers(0, 800))] * 2), max_size=60
))  # fmt: skip
def test_every_row_that_tells_something_reads_like_ten_others(
    rows: list[tuple[int | None, int | None]],
) -> None:
    """-1 does not meet the criterion; None meets it on no day."""
    definition = read_definition("a: condition x\nb: text y\nkeep a or b", UTC)
    members = tuple(str(at) for at in range(len(rows)))
    met = {
        each.name: Met(each, {
            own: [_event(own, each.name, row[at])]
            for own, row in zip(members, rows, strict=True) if row[at] != -1
        })
        for at, each in enumerate(definition.criteria)
    }  # fmt: skip
    cohort = Cohort(definition, members, met, (), len(rows))
    told = alike_rows(cohort, frozenset())
    said = {own: {name: 1 for name, each in met.items() if own in each.events} for own in members}
    for own, votes in told_verdicts(cohort, frozenset(), said).items():
        assert {n for n, cell in zip(met, told[own], strict=True) if cell.met} == set(votes)
        for cell, alone in zip(told[own], met, strict=True):
            left = _cell(Cell(alone, None), {"accept": 1}, (), cell)
            assert left["accepted"] == int(alone in votes)
    alike = Counter(told.values())
    assert set(told) == set(members)
    for own, row in zip(members, rows, strict=True):
        cells = told[own]
        assert alike[cells] >= 11 or cells == (Alike(), Alike())
        days = [day for day in row if day is not None and day >= 0]
        for cell, day in zip(cells, row, strict=True):
            assert cell.met in (None, day != -1)
            if cell.from_day is not None and cell.to_day is not None:
                assert day is not None
                assert cell.from_day <= day - min(days) <= cell.to_day
                assert cell.to_day - cell.from_day + 1 in GRAINS
