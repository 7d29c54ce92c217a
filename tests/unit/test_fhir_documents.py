"""Clinical texts out of resources: what is read, what is said about the rest, what is gone."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexing.access import LABELS
from indexing.fhir.dates import Interval, interval, period
from indexing.fhir.documents import DocumentText, Extract, documents_of
from indexing.fhir.labels import labels_of
from indexing.fhir.markup import MAX_NESTING, TooDeep, html_to_text
from indexing.language.limits import LONGEST

ZONE = ZoneInfo("America/New_York")
CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def reference(
    data: bytes = b"text", kind: str | None = "text/plain", **more: Any
) -> dict[str, Any]:
    attachment: dict[str, Any] = {"data": b64(data)}
    if kind:
        attachment["contentType"] = kind
    base = {
        "resourceType": "DocumentReference",
        "id": "d",
        "status": "current",
        "content": [{"attachment": attachment}],
    }
    return base | more


def only(extract: Extract) -> DocumentText:
    (text,) = extract.texts
    return text


def reasons(extract: Extract) -> list[tuple[str, str]]:
    return [(issue.path, issue.severity) for issue in extract.issues]


@pytest.mark.parametrize(
    ("data", "kind", "text"),
    [
        ("Café\r\n\tœdème\n".encode(), "text/plain", "Café\r\n\tœdème\n"),
        ("Café".encode(), "text/plain; charset=UTF-8", "Café"),
        ("Café".encode("latin-1"), "text/plain;charset=ISO-8859-1", "Café"),
        ("“Café”".encode("cp1252"), "text/plain; charset=latin1", "“Café”"),
        ("Café".encode("utf-16"), "text/plain", "Café"),
        ("Café".encode("utf-16-le"), 'text/plain; charset="utf-16le"', "Café"),
        ("Ґанок".encode("cp1251"), "text/plain; charset=windows-1251", "Ґанок"),
        (b"\xef\xbb\xbfx", "text/plain", "x"),
        (b"plain", None, "plain"),
        (b"<p>a &amp; b<br>c</p><p>d</p>", "text/html", "a & b\nc\n\nd"),
        ("<meta charset='latin1'><p>é</p>".encode("latin-1"), "text/html", "é"),
        (b"<script>x</script><p onclick='y'>z</p>", "text/html", "z"),
        (b"{\\rtf1\\ansi\\ansicpg1252 Caf\\'e9\\par two}", "application/rtf", "Café\ntwo"),
        (b"{\\rtf1 mislabelled}", "text/plain", "mislabelled"),
    ],
)
def test_attachments_are_read_as_they_are_declared(
    data: bytes, kind: str | None, text: str
) -> None:
    extract = documents_of(reference(data, kind), ZONE)
    assert only(extract).text == text
    assert extract.issues == ()


@given(st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0")))
def test_plain_text_keeps_every_code_point(text: str) -> None:
    data = text.encode()
    extract = documents_of(reference(data, "text/plain; charset=utf-8"), ZONE)
    assert only(extract).text == text if text.strip() else extract == Extract()


def test_what_cannot_be_read_is_said() -> None:
    base = reference()
    cases: list[tuple[dict[str, Any], str, str]] = [
        ({"url": "https://x.org/n.txt"}, "url", "warning"),
        ({"data": "not base64!", "contentType": "text/plain"}, "data", "error"),
        ({"data": b64(b"%PDF"), "contentType": "application/pdf"}, "contentType", "information"),
        ({"data": b64(b"x"), "contentType": "text/rtf"}, "data", "error"),
    ]
    for attachment, name, severity in cases:
        extract = documents_of(base | {"content": [{"attachment": attachment}]}, ZONE)
        assert extract.texts == ()
        path = f"DocumentReference.content[0].attachment.{name}"
        assert reasons(extract) == [(path, severity)]


def test_bytes_outside_their_character_set_are_shown_with_an_issue() -> None:
    extract = documents_of(reference("Café".encode("latin-1"), "text/plain; charset=utf-8"), ZONE)
    assert only(extract).text == "Café"
    assert "byte 3" in extract.issues[0].reason
    nul = documents_of(reference(b"a\0b", "text/plain"), ZONE)
    assert only(nul).text == "a\ufffdb"
    assert len(nul.issues) == 1


def test_of_several_renderings_the_least_lossy_is_read() -> None:
    contents = [
        {"attachment": {"contentType": "application/pdf", "data": b64(b"%PDF")}},
        {"attachment": {"contentType": "text/html", "data": b64(b"<b>html</b>")}},
        {"attachment": {"contentType": "text/plain", "data": b64(b"plain")}},
    ]
    assert only(documents_of(reference(content=contents), ZONE)).text == "plain"


def test_what_stands_around_the_text() -> None:
    resource = reference(
        subject={"reference": "Patient/p"},
        type={"coding": [{"code": "x", "display": "Progress note"}]},
        date="2019-03-04T10:00:00-05:00",
        description="Visit",
        author=[
            {"display": "Dr A"},
            {"reference": "#c"},
            {"reference": "Practitioner/9"},
            {"reference": "Practitioner?identifier=s|v"},
        ],
        contained=[{"resourceType": "Practitioner", "id": "c", "name": [{"family": "B"}]}],
        context={
            "encounter": [{"reference": "Encounter/e"}],
            "practiceSetting": {"text": "Cardiology"},
        },
        meta={"security": [{"system": CONFIDENTIALITY, "code": "R"}]},
        relatesTo=[
            {"code": "replaces", "target": {"reference": "DocumentReference/old"}},
            {"code": "appends", "target": {"reference": "DocumentReference/other"}},
        ],
    )
    assert only(documents_of(resource, ZONE)) == DocumentText(
        doc_id="d",
        resource_type="DocumentReference",
        resource_id="d",
        text="text",
        title="Visit",
        patient_id="p",
        encounter_id="e",
        date_start=datetime(2019, 3, 4, 15, tzinfo=UTC),
        date_end=datetime(2019, 3, 4, 15, 0, 1, tzinfo=UTC),
        type="Progress note",
        specialty="Cardiology",
        author="Dr A, B, Practitioner/9",
        labels=frozenset({"R"}),
        replaces=("old",),
    )


@pytest.mark.parametrize(
    ("change", "replaces"),
    [
        ({"status": "entered-in-error"}, ()),
        ({"docStatus": "entered-in-error"}, ()),
        ({"status": "superseded"}, ("old",)),
    ],
)
def test_withdrawn_texts_are_gone(change: dict[str, str], replaces: tuple[str, ...]) -> None:
    old = [{"code": "replaces", "target": {"reference": "DocumentReference/old"}}]
    found = only(documents_of(reference(relatesTo=old, **change), ZONE))
    assert (found.gone, found.text, found.replaces) == (True, "", replaces)


def test_reports_and_compositions() -> None:
    report = {
        "resourceType": "DiagnosticReport",
        "id": "r",
        "status": "final",
        "code": {"text": "Chest X-ray"},
        "category": [{"coding": [{"system": "http://x/v2-0074", "code": "RAD"}]}],
        "presentedForm": [{"contentType": "text/plain", "data": b64(b"Clear lungs.")}],
        "conclusion": "Normal",
    }
    found = only(documents_of(report, ZONE))
    assert (found.doc_id, found.text) == ("DiagnosticReport~r", "Clear lungs.")
    assert (found.type, found.title, found.specialty) == ("Chest X-ray", "Chest X-ray", "RAD")
    report.pop("presentedForm")
    assert only(documents_of(report, ZONE)).text == "Normal"
    report.pop("conclusion")
    assert documents_of(report, ZONE) == Extract()
    composition = {
        "resourceType": "Composition",
        "id": "c",
        "title": "Discharge",
        "confidentiality": "V",
        "section": [
            {
                "title": "Plan",
                "text": {"div": "<div><p>Rest.</p></div>"},
                "section": [{"title": "Diet", "text": {"div": "<div>Soup.</div>"}}],
            },
            {"title": "Empty"},
        ],
        "relatesTo": [{"code": "replaces", "targetReference": {"reference": "Composition/b"}}],
    }
    found = only(documents_of(composition, ZONE))
    assert found.text == "Plan:\nRest.\n\nDiet:\nSoup."
    assert (found.title, found.labels) == ("Discharge", frozenset({"V"}))
    assert found.replaces == ("Composition~b",)


def test_html_keeps_lines_cells_and_entities() -> None:
    table = "<table><tr><th>A</th> <th>B</th></tr>\n<tr><td>1</td><td>2 &lt; 3</td></tr></table>"
    assert html_to_text(f"<div><h1>T</h1>{table}<ul><li>x<li>y</ul></div>") == (
        "T\n\nA\tB\n1\t2 < 3\n\n- x\n\n- y"
    )
    assert html_to_text("one\n   two<pre>a\nb</pre>") == "one two\na\nb"


def test_html_nested_without_end_is_refused_at_once() -> None:
    with pytest.raises(TooDeep):
        html_to_text("<div>" * 300_000)
    assert html_to_text("<p>a" * (MAX_NESTING * 3)).count("a") == MAX_NESTING * 3
    extract = documents_of(reference(b"<div>" * 1000, "text/html"), ZONE)
    assert reasons(extract)[0][1] == "error"


@pytest.mark.parametrize(
    ("security", "labels"),
    [
        ([{"system": CONFIDENTIALITY, "code": code} for code in "ULMN"], set()),
        ([{"system": CONFIDENTIALITY, "code": "R"}, {"system": ACT, "code": "HIV"}], {"R", "HIV"}),
        ([{"system": CONFIDENTIALITY, "code": "X"}], {"OTHER"}),
        ([{"system": ACT, "code": "NODSCLCD"}], {"OTHER"}),
        ([{"system": "urn:local", "code": "N"}], {"OTHER"}),
        ([{"code": "V"}], {"V"}),
        ([{"display": "secret"}], {"OTHER"}),
        ([{"system": "http://x/v3-ActReason", "code": "HTEST"}], set()),
        ({"system": CONFIDENTIALITY, "code": "r"}, {"R"}),
    ],
)
def test_labels_fail_closed(security: Any, labels: set[str]) -> None:
    resource = {"resourceType": "Patient", "meta": {"security": security}}
    assert labels_of(resource) == labels
    assert labels <= LABELS


def test_a_documents_own_label_counts() -> None:
    resource = reference(securityLabel=[{"coding": [{"system": CONFIDENTIALITY, "code": "V"}]}])
    assert only(documents_of(resource, ZONE)).labels == {"V"}
    assert labels_of(reference(securityLabel=[{"text": "between us"}])) == {"OTHER"}


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2019", utc(2019, 1, 1, 5), utc(2020, 1, 1, 5)),
        ("2019-03", utc(2019, 3, 1, 5), utc(2019, 4, 1, 4)),
        ("2019-03-10", utc(2019, 3, 10, 5), utc(2019, 3, 11, 4)),
        ("2019-12", utc(2019, 12, 1, 5), utc(2020, 1, 1, 5)),
        ("2020-02-29T23:59:59Z", utc(2020, 2, 29, 23, 59, 59), utc(2020, 3, 1)),
        ("2020-01-01T00:00:00.5+02:00", utc(2019, 12, 31, 22, 0, 0, 500000), None),
        ("2020-01-01T10:00:00", utc(2020, 1, 1, 15), utc(2020, 1, 1, 15, 0, 1)),
        ("2016-12-31T23:59:60Z", utc(2016, 12, 31, 23, 59, 59), utc(2017, 1, 1)),
    ],
)
def test_partial_dates_are_intervals(text: str, start: datetime, end: datetime | None) -> None:
    found = interval(text, ZONE)
    assert found.start == start
    assert end is None or found.end == end


@pytest.mark.parametrize(
    "text",
    "2023-02-29 2023-13 20230101 2023-1-1 2023-01-01T25:00:00Z 2023-01-01T10:00:00+15:00 x 0000 "
    "2023-01-01T10:00:00+10:75 ２０２３".split(),
)
def test_days_that_do_not_exist_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"date|day|time") as caught:
        interval(text, ZONE)
    assert text not in str(caught.value)


@given(
    st.dates().map(str) | st.integers(1, 9999).map("{:04d}".format),
    st.sampled_from(["UTC", "Asia/Tokyo"]),
)
def test_an_interval_is_never_empty(text: str, zone: str) -> None:
    found = interval(text, ZoneInfo(zone))
    assert found.start is not None
    assert found.end is None or found.start < found.end


def test_periods_reach_from_first_to_last() -> None:
    found = period({"start": "2019", "end": "2019-03"}, ZONE)
    assert found == Interval(utc(2019, 1, 1, 5), utc(2019, 4, 1, 4))
    assert period({"start": "2019-01-01"}, ZONE).end is None
    assert period("2019", ZONE) == Interval(None, None)


def test_a_text_that_is_read_in_part_alone_says_so() -> None:
    whole = documents_of(reference(b"a" * LONGEST), ZONE)
    assert whole.issues == ()
    longer = documents_of(reference(b"a" * (LONGEST + 1)), ZONE)
    assert len(only(longer).text) == LONGEST + 1
    assert reasons(longer) == [("DocumentReference", "warning")]
