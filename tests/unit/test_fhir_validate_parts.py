"""Parts of the validator: primitives, dates, narratives, the invariant language, the tables."""

from __future__ import annotations

import base64
import gzip
import json
from datetime import date
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexing.fhir import conformance, make_tables
from indexing.fhir.compiling import compiled
from indexing.fhir.definitions import choices, definition, resource_types
from indexing.fhir.fhirpath import UnsupportedExpression, compile_invariant
from indexing.fhir.functions import Env
from indexing.fhir.primitives import CHECKS, interval
from indexing.fhir.validate import validate


@pytest.mark.parametrize(
    ("kind", "value", "fine"),
    [
        ("date", "2024-02-29", True),
        ("date", "2023-02-29", False),
        ("date", "2023-13", False),
        ("date", "0000", False),
        ("date", "2023-01-01T00:00:00Z", False),
        ("dateTime", "2023-01-01T23:59:60Z", True),
        ("dateTime", "2023-01-01T10:00:00", False),
        ("dateTime", "2023-01-01T10:00Z", False),
        ("instant", "2023-01-01", False),
        ("time", "24:00:00", False),
        ("decimal", Decimal("1.10"), True),
        ("decimal", "1.1", False),
        ("decimal", True, False),
        ("decimal", float("nan"), False),
        ("integer", 2**31, False),
        ("positiveInt", 0, False),
        ("unsignedInt", 0, True),
        ("integer", True, False),
        ("base64Binary", "QUJ D\n", True),
        ("base64Binary", "QUJ", False),
        ("code", "a  b", False),
        ("code", "a b", True),
        ("uri", "urn:uuid:ABC", False),
        ("uri", "urn:oid:1.2.3", True),
        ("uri", "a b", False),
        ("canonical", "http://x.test/V|1", True),
        ("id", "a_b", False),
        ("string", " ", False),
        ("string", "x" * (1024 * 1024 + 1), False),
    ],
)
def test_primitives(kind: str, value: object, fine: bool) -> None:
    assert (CHECKS[kind](value) is None) is fine


@given(st.dates(min_value=date(1, 1, 1)))
def test_every_day_of_the_calendar_is_a_date(day: date) -> None:
    assert CHECKS["date"](day.isoformat()) is None
    span = interval(day.isoformat())
    assert span is None or span[0].date() == day


@given(st.binary(max_size=99))
def test_what_base64_writes_is_base64(data: bytes) -> None:
    assert not data or CHECKS["base64Binary"](base64.b64encode(data).decode()) is None


@given(st.datetimes(), st.integers(-14 * 60, 14 * 60))
def test_an_interval_holds_the_moment_it_was_written_from(moment: Any, minutes: int) -> None:
    zone = f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
    span = interval(moment.replace(microsecond=0).isoformat() + zone)
    if span is not None:
        assert (span[1] - span[0]).total_seconds() == 1
        assert span[0].replace(tzinfo=None) == moment.replace(microsecond=0)


XHTML = '<div xmlns="http://www.w3.org/1999/xhtml">{}</div>'


@pytest.mark.parametrize(
    ("div", "fine"),
    [
        (XHTML.format("a <b>b</b> &lt; &#160;"), True),
        (XHTML.format('<a href="#x">l</a><p id="x">t</p>'), True),
        (XHTML.format('<img src="#i" alt=""/>'), True),
        (XHTML.format('<a href="#nowhere">l</a>'), False),
        (XHTML.format(" \n"), False),
        (XHTML.format("<b>a"), False),
        (XHTML.format("&reg;"), False),
        (XHTML.format("<script>x</script>"), False),
        (XHTML.format('<p onclick="x">a</p>'), False),
        (XHTML.format('<a href="javascript:x">a</a>'), False),
        ("<div>no namespace</div>", False),
        ("plain", False),
        ('<!DOCTYPE div [<!ENTITY a "b">]>' + XHTML.format("&a;"), False),
        (XHTML.format("\ud800"), False),
    ],
)
def test_narratives(div: str, fine: bool) -> None:
    resource = {"resourceType": "Basic", "code": {"text": "x"}}
    resource["text"] = {"status": "generated", "div": div}  # type: ignore[assignment]
    assert ([i for i in validate(dict(resource)) if i.severity == "error"] == []) is fine


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("a.exists() and b.empty()", True),
        ("a = 1 or missing = 2", True),
        ("missing = 2", False),
        ("missing = 2 implies a = 2", False),
        ("a = 2 implies missing.exists()", True),
        ("a + 1 = 2", True),
        ("a.exists() xor c.exists()", False),
        ("c.where(d = 'x').count() = 1", True),
        ("c.d.isDistinct()", True),
        ("c.all(d.matches('[xy]'))", True),
        ("'x' in c.d", True),
        ("c.d contains 'z'", False),
        ("(c.d | a).count() = 3", True),
        ("c.first().d = 'x' and c.tail().d = 'y'", True),
        ("c.d.select($this & '!').first() = 'x!'", True),
        ("value is boolean", True),
        ("value.exists()", True),
        ("%resource.a = 1", True),
        ("Thing.a = 1", True),
        ("iif(a > 0, c.exists(), c.empty())", True),
        ("a.hasValue() and c.hasValue().not()", True),
        ("day <= later", True),
        ("children().d.count() = 2", True),
        ("`a` in (1 | 2)", True),
    ],
)
def test_the_invariant_language(expression: str, expected: bool) -> None:
    thing = {
        "a": 1,
        "c": [{"d": "x"}, {"d": "y"}],
        "valueBoolean": True,
        "day": "2020",
        "later": "2021-01",
    }
    env = Env(thing, thing, thing, {"value": frozenset({"valueBoolean"})})
    assert compile_invariant(expression, "Thing")(thing, env) is expected


@pytest.mark.parametrize("expression", ["a.resolve()", "a ==", "(a", "a b", "?", "%nothing"])
def test_what_the_invariant_language_lacks_is_refused(expression: str) -> None:
    with pytest.raises(UnsupportedExpression):
        compile_invariant(expression, "Thing")


def test_every_type_of_r4_compiles() -> None:
    assert len(resource_types()) == 146
    for name in resource_types():
        assert compiled(name).slots["resourceType"]
    assert "valueQuantity" in choices()["value"]
    assert definition("Patient.contact").rules[0].key == "pat-1"


def test_the_tables_are_those_the_script_makes(shared_data: Path) -> None:
    raw = json.loads(gzip.decompress(make_tables.TARGET.read_bytes()))
    assert raw == make_tables.make(shared_data / "fhir-r4")


def test_agreement_with_the_reference_validator(shared_data: Path) -> None:
    assert conformance.cases(shared_data / "fhir-r4").share >= 0.9


def test_official_examples_have_nearly_no_errors(shared_data: Path) -> None:
    assert conformance.examples(shared_data / "fhir-r4").share >= 0.97


def test_all_primitive_literals_are_judged_right(shared_data: Path) -> None:
    assert conformance.primitive_literals(shared_data / "fhir-r4").misses == ()


def test_synthea_bundles_have_no_errors(shared_data: Path) -> None:
    packed = conformance.synthea(shared_data / "patients" / "synthea_r4_500.tar.zst")
    assert [conformance.errors_of(data) for data in islice(packed, 5)] == [[]] * 5
