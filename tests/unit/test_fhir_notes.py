"""Plain notes: rows to DocumentReferences without loss, bad rows reported."""

from __future__ import annotations

import base64
import csv
import gzip
import io
import json
import tempfile
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexing.errors import ConfigurationError
from indexing.fhir.bundle import Entry, read_submission
from indexing.fhir.documents import DocumentText, documents_of
from indexing.fhir.faults import Rejected
from indexing.fhir.notes import note_resource, parse_map, read_notes
from indexing.fhir.sources import Source
from indexing.fhir.spoken_dates import spoken_date

ZONE = ZoneInfo("America/New_York")
COLUMNS = parse_map([f"{key}={key}" for key in ("text", "id", "patient", "date", "type", "title")])


def document(data: bytes) -> DocumentText:
    (entry,) = read_submission(data)
    assert isinstance(entry, Entry)
    (text,) = documents_of(entry.resource, ZONE).texts
    return text


def read(path: Path, *pairs: str) -> tuple[list[DocumentText], list[Rejected]]:
    found = list(read_notes([path], parse_map(pairs), ZONE))
    good = [document(item.data) for item in found if isinstance(item, Source)]
    return good, [item for item in found if isinstance(item, Rejected)]


def jsonl(*rows: Any) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def unseen(path: Path, *pairs: str) -> list[tuple[str, list[str]]]:
    told: list[tuple[str, list[str]]] = []
    columns = parse_map(pairs)
    list(read_notes([path], columns, ZONE, lambda file, names: told.append((file, list(names)))))
    return told


def test_a_column_that_no_row_has_is_told_once(tmp_path: Path) -> None:
    """JSON has no header: a misspelt one would take every note off its chart without a word."""
    path = tmp_path / "n.jsonl"
    path.write_bytes(jsonl({"t": "a", "m": {"p": "x"}}, {"t": "b", "d": "2020"}, {"t": "c"}))
    assert unseen(path, "text=t", "patient=m.p", "date=d") == []
    assert unseen(path, "text=t", "patient=m.q", "id=nr") == [(str(path), ["m.q", "nr"])]
    path.write_bytes(b"{\n")
    assert unseen(path, "text=t") == []  # nothing was looked at, and the line is refused
    (tmp_path / "n.csv").write_text("t,d\na,\n")
    assert unseen(tmp_path / "n.csv", "text=t", "date=d") == []


def test_a_row_of_json_becomes_a_document(tmp_path: Path) -> None:
    row = {
        "note": ["first", "second"], "n": 17, "meta": {"who": "Patient/p1"}, "d": "3/4/2019",
        "kind": "Progress", "area": ["A", "B"], "by": "Dr X", "t": "T", "enc": "e9",
    }  # fmt: skip
    (tmp_path / "n.jsonl.gz").write_bytes(gzip.compress(jsonl(row)))
    pairs = "text=note id=n patient=meta.who date=d type=kind specialty=area author=by title=t"
    (found,), bad = read(tmp_path / "n.jsonl.gz", *pairs.split(), "encounter=enc")
    assert bad == []
    assert (found.doc_id, found.resource_id, found.text) == ("17", "17", "first\nsecond")
    assert (found.patient_id, found.encounter_id) == ("p1", "e9")
    assert (found.type, found.specialty, found.author) == ("Progress", "A, B", "Dr X")
    assert found.title == "T"
    assert found.date_start is not None
    assert found.date_start.isoformat() == "2019-03-04T05:00:00+00:00"


texts = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), min_size=1)


@given(texts.filter(str.strip), st.none() | texts.filter(str.strip))
def test_no_code_point_is_lost_and_a_row_is_always_the_same(text: str, own: str | None) -> None:
    row = {"text": text, "id": own}
    data = note_resource(row, COLUMNS, ZONE)
    assert data == note_resource(dict(row), COLUMNS, ZONE)
    resource = json.loads(data)
    found = document(data)
    assert found.text == text
    if own is not None:
        assert found.doc_id == own.strip()
    assert found.resource_id == resource["id"]


@given(st.lists(st.fixed_dictionaries({"text": texts.filter(str.strip)}), min_size=1, max_size=4))
def test_csv_keeps_text_exactly(rows: list[dict[str, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "n.csv"
        out = io.StringIO(newline="")
        writer = csv.DictWriter(out, ["text"], quoting=csv.QUOTE_ALL)
        writer.writeheader()
        writer.writerows(rows)
        path.write_bytes(out.getvalue().encode())
        found = list(read_notes([path], {"text": ("text",)}, ZONE))
        assert all(isinstance(item, Source) for item in found)
        data = [json.loads(item.data) for item in found if isinstance(item, Source)]
    kept = [base64.b64decode(d["content"][0]["attachment"]["data"]).decode() for d in data]
    assert kept == [row["text"] for row in rows]


def test_ids_that_fhir_does_not_allow_are_kept_as_identifiers() -> None:
    found = document(note_resource({"text": "x", "id": "A 1/ü"}, COLUMNS, ZONE))
    assert found.doc_id == "A 1/ü"
    assert found.resource_id.startswith("note-")
    other = document(note_resource({"text": "y", "id": "A 1/ü"}, COLUMNS, ZONE))
    assert other.resource_id == found.resource_id
    nameless = [document(note_resource({"text": t}, COLUMNS, ZONE)).doc_id for t in ("x", "y", "x")]
    assert nameless[0] == nameless[2] != nameless[1]


def test_bad_rows_are_reported_and_good_ones_land(tmp_path: Path) -> None:
    rows = [
        {"text": "good", "id": "1"},
        {"text": "  "},
        {"id": "no text"},
        {"text": "x", "patient": "p 1"},
        {"text": "x", "date": "2023-02-29"},
        {"text": "a\0b"},
        {"text": "\ud800"},
        {"text": {"a": 1}},
    ]
    path = tmp_path / "n.jsonl"
    path.write_bytes(
        jsonl(*rows) + b'{"text":"a","text":"b"}\n[1]\n{"text":"caf\xe9"}\n' + jsonl(rows[0])
    )
    good, bad = read(path, "text=text", "id=id", "patient=patient", "date=date")
    assert [text.text for text in good] == ["good", "good"]
    assert [(item.where.line, item.where.path) for item in bad][:4] == [
        (2, "text"),
        (3, "text"),
        (4, "patient"),
        (5, "date"),
    ]
    assert [item.where.line for item in bad] == list(range(2, 12))


def test_csv_rows(tmp_path: Path) -> None:
    path = tmp_path / "n.csv"
    body = '\ufeffid,body,who\r\n1,"a ""q"", b\r\nsecond",Patient/p\r\n\r\n2,t2,\r\n3,t,p,extra\r\n'
    path.write_bytes(body.encode() + b"4,\xff,p\r\n5,t5,p\r\n")
    good, bad = read(path, "text=body", "id=id", "patient=who")
    assert [(text.doc_id, text.text, text.patient_id) for text in good] == [
        ("1", 'a "q", b\r\nsecond', "p"),
        ("2", "t2", None),
        ("5", "t5", "p"),
    ]
    assert [(item.where.line, item.where.path) for item in bad] == [(6, ""), (7, "text")]
    _, bad = read(path, "text=absent")
    assert "absent" in bad[0].reason


@pytest.mark.parametrize("pairs", [["text"], ["colour=x", "text=a"], ["id=x"], [], ["text="]])
def test_a_wrong_map_is_wrong_usage(pairs: list[str]) -> None:
    with pytest.raises(ConfigurationError):
        parse_map(pairs)


def test_a_key_given_twice_joins_its_columns() -> None:
    columns = parse_map(["text=a", "text=b"])
    assert document(note_resource({"a": "one", "b": "two"}, columns, ZONE)).text == "one\ntwo"


@pytest.mark.parametrize(
    ("spoken", "written"),
    [
        ("2019", "2019"),
        ("2019-3-4", "2019-03-04"),
        ("03/04/2019", "2019-03-04"),
        ("13/04/2019", "2019-04-13"),
        ("4 Mar 2019", "2019-03-04"),
        ("March 4th, 2019", "2019-03-04"),
        ("Mar 2019", "2019-03"),
        ("20190304", "2019-03-04"),
        ("20190304102233-0500", "2019-03-04T10:22:33-05:00"),
        ("2019-07-04 10:22", "2019-07-04T10:22:00-04:00"),
        ("2019-03-04T10:22:33Z", "2019-03-04T10:22:33Z"),
        ("3/4/2019 12:05 AM", "2019-03-04T00:05:00-05:00"),
        (" 3/4/2019  1:05 p.m. ", "2019-03-04T13:05:00-05:00"),
    ],
)
def test_dates_as_people_write_them(spoken: str, written: str) -> None:
    assert spoken_date(spoken, ZONE) == written


@pytest.mark.parametrize("spoken", ["2023-02-29", "2/30/2023", "soon", "13/13/2023", "1/2/23", ""])
def test_dates_that_are_none(spoken: str) -> None:
    with pytest.raises(ValueError, match=r"date|day|month|time"):
        spoken_date(spoken, ZONE)


@pytest.mark.parametrize(
    ("name", "sign"), [("a.csv", ";"), ("b.csv", "\t"), ("c.csv", "|"), ("d.tsv", ",")]
)
def test_the_header_says_what_parts_the_columns(tmp_path: Path, name: str, sign: str) -> None:
    """A spreadsheet writes what its country uses, whatever its ending says."""
    path = tmp_path / name
    rows = [["id", "body; text, and | all", "x"], ["r1", "fever, 38.5; chills | rigor", "y"]]
    out = io.StringIO()
    csv.writer(out, delimiter=sign).writerows(rows)
    path.write_text("\ufeff" + out.getvalue(), newline="")
    good, bad = read(path, "text=body; text, and | all", "id=id")
    assert not bad
    assert [text.text for text in good] == ["fever, 38.5; chills | rigor"]


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("id,text\n1,größe\n".encode("utf-16"), "UTF-16, not UTF-8: save it as UTF-8"),
        (b"", "empty, without even a header"),
        (b"id;body\n1;x\n", "no column of the name that --map gives: id, text"),
        (b'"id,text\n', "a header that cannot be read"),
    ],
)
def test_a_table_without_the_columns_says_why(tmp_path: Path, written: bytes, reason: str) -> None:
    path = tmp_path / "n.csv"
    path.write_bytes(written)
    good, bad = read(path, "text=text", "id=id")
    assert not good
    assert [fault.reason for fault in bad] == [reason]
