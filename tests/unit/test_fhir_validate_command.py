"""`anamnesis validate`: one verdict for each resource, Bundle and unreadable file."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from app.cli import validate
from indexing.fhir.faults import Rejected, Where
from indexing.fhir.sources import Source

PATIENT = {"resourceType": "Patient", "id": "1"}
URN = "urn:uuid:87e11d66-c137-458a-9754-fe6c4e445a6d"


def judged(*sources: Source | Rejected) -> list[dict[str, Any]]:
    return [json.loads(verdict.as_json()) for verdict in validate.verdicts(sources)]


def source(resource: object, line: int | None = None) -> Source:
    return Source("in.json", line, json.dumps(resource).encode())


def test_a_good_resource() -> None:
    assert judged(source(PATIENT)) == [
        {"file": "in.json", "entry": None, "valid": True, "issues": []}
    ]


def test_a_bundle_and_each_of_its_resources() -> None:
    entries = [
        {"fullUrl": URN, "resource": PATIENT},
        {"fullUrl": URN[:-1] + "e", "resource": {"resourceType": "Patient", "birthDate": "x"}},
        {"fullUrl": "relative", "resource": PATIENT},
    ]
    rows = judged(source({"resourceType": "Bundle", "type": "collection", "entry": entries}))
    assert [(row["entry"], row["valid"]) for row in rows] == [
        (None, False), (0, True), (1, False), (2, True)
    ]  # fmt: skip
    assert [issue["path"] for issue in rows[0]["issues"]] == [
        "Bundle.entry[2].fullUrl",
        "Bundle.entry[1].resource",
    ]
    assert rows[2]["issues"][0]["path"] == "Patient.birthDate"
    assert set(rows[2]["issues"][0]) == {"path", "severity", "reason"}


def test_lines_of_ndjson_are_told_by_their_number() -> None:
    rows = judged(source(PATIENT, 1), source({"resourceType": "Nothing"}, 2))
    assert [(row["entry"], row["valid"]) for row in rows] == [(1, True), (2, False)]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not json",
        b'{"resourceType": "Patient", /* no */ "id": "1"}',
        b'{"resourceType": "Patient", "id": "1", "id": "1"}',
        b'{"resourceType": "Patient", "id": "1"',
        b'["resourceType"]',
        b'{"resourceType": "Patient", "id": NaN}',
        b'{"resourceType": "Patient", "id": "\xff"}',
    ],
)
def test_what_is_no_json_object_is_one_invalid_row(data: bytes) -> None:
    (row,) = judged(Source("bad.json", None, data))
    assert (row["file"], row["valid"], len(row["issues"])) == ("bad.json", False, 1)


def test_an_unreadable_file_is_a_row_too() -> None:
    rejected = Rejected(Where(file="gone.json"), "no such file")
    (row,) = judged(rejected)
    assert row == {
        "file": "gone.json",
        "entry": None,
        "valid": False,
        "issues": [{"path": "", "severity": "error", "reason": "no such file"}],
    }


@pytest.mark.parametrize(("birth", "code"), [("2020-01-01", 0), ("2020-13-01", 1)])
def test_the_exit_code_tells_whether_all_are_valid(
    birth: str,
    code: int,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "p.json"
    file.write_text(json.dumps({**PATIENT, "birthDate": birth}))
    assert validate.validate_command([file], json_out=True) == code
    assert json.loads(capsys.readouterr().out)["valid"] is (code == 0)
    assert validate.validate_command([file], json_out=False) == code
    assert str(file) in capsys.readouterr().out


def test_folders_lines_and_packed_files_are_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = json.dumps(PATIENT)
    (tmp_path / "a.ndjson").write_text(f"{line}\n{line[:-3]}\n{line}\n")
    (tmp_path / "b.json.gz").write_bytes(gzip.compress(line.encode()))
    assert validate.validate_command([tmp_path], json_out=True) == 1
    rows = [json.loads(row) for row in capsys.readouterr().out.splitlines()]
    assert [(Path(row["file"]).name, row["entry"], row["valid"]) for row in rows] == [
        ("a.ndjson", 1, True),
        ("a.ndjson", 2, False),
        ("a.ndjson", 3, True),
        ("b.json.gz", None, True),
    ]


def test_nothing_to_validate_is_wrong_usage() -> None:
    assert validate.validate_command([], json_out=True) == 2
