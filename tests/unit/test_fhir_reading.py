"""Reading, spans, splicing: what is refused, and that no byte is rewritten."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexing.fhir.faults import Unusable
from indexing.fhir.reading import MAX_DEPTH, parse
from indexing.fhir.spans import members, path_at
from indexing.fhir.splice import served

MOMENT = datetime(2026, 2, 3, 4, 5, 6, 789000, tzinfo=UTC)
STAMP = "2026-02-03T04:05:06.789Z"


@pytest.mark.parametrize(
    ("text", "path", "reason"),
    [
        (b'{"a":{"b":[1,{"c":1,"c":2}]}}', "a.b[1].c", "twice"),
        (b'{"a":NaN}', "a", "not JSON"),
        (b'{"a":-Infinity}', "a", "JSON"),
        (b'{"a":["x\\u0000"]}', "a[0]", "U+0000"),
        (b'{"a":"\\ud800"}', "a", "surrogate"),
        (b'{"a":"\\udc00\\ud800"}', "a", "surrogate"),
        (b'{"a":"\xed\xa0\x80"}', "a", "not UTF-8"),
        (b'{"a":"caf\xe9"}', "a", "not UTF-8"),
        (b'{"a":"x\x01"}', "a", "control"),
        (b'{"a":1}{"b":2}', "", "after the end"),
        (b'{"a":[1,2', "a[1]", "too early"),
        (b'{"a":01}', "a", "number"),
        (b'{"a":' + b"1" * 5000 + b"}", "a", "digits"),
        (b"[]", "", "object"),
        (b" \n", "", "empty"),
        ('{"a":1}'.encode("utf-16"), "", "UTF-16"),
        ('{"a":1}'.encode("utf-16-be"), "", "UTF-16"),
        ('{"a":1}'.encode("utf-16-le"), "", "UTF-16"),
        ('{"a":1}'.encode("utf-32-be"), "", "UTF-32"),
        ('{"a":1}'.encode("utf-32-le"), "", "UTF-32"),
        (bytes(4096), "", "not JSON"),
        (bytes(1), "", "not JSON"),
        (bytes(6) + b'{"a":1}', "", "not JSON"),
    ],
)
def test_refuses_with_its_place(text: bytes, path: str, reason: str) -> None:
    with pytest.raises(Unusable) as caught:
        parse(text)
    assert caught.value.where.path == path
    assert reason in caught.value.reason


def test_wrong_encoding_names_the_byte() -> None:
    with pytest.raises(Unusable) as caught:
        parse(b'{"name": "Ren\xe9"}')
    assert caught.value.where.offset == 13


def test_a_fault_quotes_nothing_of_the_text() -> None:
    for text in (b'{"a":"Mueller","Mueller":1,"Mueller":2}', b'{"Mueller x":tru}', b'{"Mueller":'):
        with pytest.raises(Unusable) as caught:
            parse(text)
        assert "Mueller x" not in str(caught.value)
        assert "Mueller" not in caught.value.reason


def test_escaped_backslash_before_u0000_is_text() -> None:
    assert parse(b'{"a":"\\\\u0000"}') == {"a": "\\u0000"}


def test_decimals_keep_every_digit_and_a_mark_is_tolerated() -> None:
    found = parse(b'\xef\xbb\xbf{"a":1.10,"b":0.000000000000000000001}')
    assert str(found["a"]) == "1.10"
    assert found["b"] == Decimal("1E-21")


def test_depth_is_bounded() -> None:
    def nested(depth: int) -> bytes:
        return b'{"a":' + b"[" * depth + b"]" * depth + b"}"

    parse(nested(MAX_DEPTH - 1))
    with pytest.raises(Unusable, match="deeper"):
        parse(nested(MAX_DEPTH + 1))
    with pytest.raises(Unusable, match="deeper"):
        parse(b'{"a":' + b"[" * 1_000_000)


def test_a_text_of_brackets_alone_is_refused() -> None:
    with pytest.raises(Unusable, match="values"):
        parse(b'{"a":[' + b"[]," * 1_500_000 + b"1]}")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=12,
)
blanks = st.sampled_from(["", " ", "\n  ", "\t"])


@st.composite
def json_texts(draw: Any) -> bytes:
    """A resource, written with odd white space and escapes."""
    body = draw(st.dictionaries(st.text(min_size=1, max_size=6), json_values, max_size=4))
    for name in ("id", "meta", "resourceType"):
        body.pop(name, None)
    if draw(st.booleans()):
        body["id"] = draw(st.text(max_size=5))
    if draw(st.booleans()):
        meta = st.fixed_dictionaries(
            {}, optional={"versionId": st.text(max_size=3), "tag": json_values}
        )
        body["meta"] = draw(meta | st.none() | st.just({}))
    body["subject"] = {"reference": draw(st.sampled_from(["urn:uuid:1", "Patient/2", "urn:x"]))}
    items = draw(st.permutations([*body.items(), ("resourceType", "Basic")]))
    blank = draw(blanks)
    text = json.dumps(
        dict(items),
        ensure_ascii=draw(st.booleans()),
        indent=draw(st.none() | st.just(1)),
        separators=(f",{blank}", f"{blank}:{blank}"),
    )
    return (blank + text + blank).encode()


@given(json_texts())
def test_served_changes_only_what_it_says(received: bytes) -> None:
    out = served(received, "new", 7, MOMENT, {"urn:uuid:1": "Patient/9", "Patient/2": "Patient/3"})
    before, after = json.loads(received), json.loads(out)
    assert after["id"] == "new"
    assert after["meta"]["versionId"] == "7"
    assert after["meta"]["lastUpdated"] == STAMP
    if before["subject"]["reference"] == "urn:uuid:1":
        before["subject"]["reference"] = "Patient/9"
    for side in (before, after):
        side.pop("id", None)
        meta = side.pop("meta", None) or {}
        side["meta"] = {k: v for k, v in meta.items() if k not in ("versionId", "lastUpdated")}
    assert after == before
    assert served(out, "new", 7, MOMENT, {}) == out


@given(json_texts())
def test_spans_slice_back_to_their_values(received: bytes) -> None:
    whole = json.loads(received)
    top = {member.key: member for member in members(received) if member.depth == 1}
    assert set(top) == set(whole)
    for key, member in top.items():
        assert json.loads(received[member.start : member.end]) == whole[key]


@pytest.mark.parametrize(
    ("received", "expected"),
    [
        (
            b'{"resourceType":"Basic"}',
            b'{"resourceType":"Basic","id":"a","meta":{#STAMPS#}}',
        ),
        (
            b'{ "resourceType" : "Basic", "id":"a", "meta" : { }, "x": 1.10 }',
            b'{ "resourceType" : "Basic", "id":"a", "meta" : {#STAMPS# }, "x": 1.10 }',
        ),
        (
            b'{"resourceType":"Basic","\\u0069d":"b","meta":{"versionId":"9" ,"tag":[]}}',
            b'{"resourceType":"Basic","\\u0069d":"a","meta":{"versionId":"1" ,"tag":[],#LAST#}}',
        ),
        (
            b'{"meta":{"lastUpdated":"x"},"id":"a","resourceType":"Basic"}',
            b'{"meta":{#LAST#,"versionId":"1"},"id":"a","resourceType":"Basic"}',
        ),
    ],
)
def test_served_exactly(received: bytes, expected: bytes) -> None:
    last = b'"lastUpdated":"%s"' % STAMP.encode()
    expected = expected.replace(b"#STAMPS#", b'"versionId":"1",#LAST#').replace(b"#LAST#", last)
    assert served(received, "a", 1, MOMENT, {}) == expected


def test_path_at_names_members_and_places() -> None:
    text = b'{"name":[{"given":["a","b"]},{"family":"c","Odd name":[1]}]}'
    assert path_at(text, text.index(b'"b"') + 1) == "name[0].given[1]"
    assert path_at(text, text.index(b"[1]") + 1) == "name[1].?[0]"


def test_official_examples_round_trip(shared_data: Path) -> None:
    """Nothing but the two stamps is inserted: cut them out and the sent bytes are back."""
    with gzip.open(shared_data / "fhir-r4" / "examples_r4.jsonl.gz", "rt") as lines:
        examples = [json.loads(line)["resource"] for line in lines]
    assert len(examples) == 711
    for number, example in enumerate(examples):
        indent = (None, 1)[number % 2]
        received = json.dumps(example, ensure_ascii=False, indent=indent).encode()
        out = served(received, example["id"], 1, MOMENT, {})
        assert _unstamped(out, received) == received


def _unstamped(out: bytes, received: bytes) -> bytes:
    """Cut out what was inserted, and put back the values that were replaced."""
    stamps = b'"versionId":"1","lastUpdated":"%s"' % STAMP.encode()
    for inserted in (b',"meta":{' + stamps + b"}", b"," + stamps, stamps, b',"versionId":"1"'):
        if inserted in out:
            out = out.replace(inserted, b"", 1)
            break
    meta = json.loads(received).get("meta", {})
    for name, stamp in (("versionId", "1"), ("lastUpdated", STAMP)):
        if name in meta:
            new, old = f'"{name}": "{stamp}"', f'"{name}": "{meta[name]}"'
            out = out.replace(new.encode(), old.encode(), 1)
    return out
