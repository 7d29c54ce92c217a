"""The values that a resource is searched by, as lines ready for COPY.

Tables: search_token (also uri), search_string, search_date, search_reference, search_quantity (also
number). A line says type, value name, value …, id; which parameters read a name stands in `facts`.
There are eight to a resource, so they are text from the beginning: as rows of objects they took
half as long again to hand from process to process as all the rest of an import.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from indexing.fhir.dates import Interval, interval, period
from indexing.fhir.elements import obj, objects
from indexing.fhir.projections.rows import KEY_LENGTH, key, number, plain
from indexing.fhir.reading import JsonObject
from indexing.fhir.reference import parse_reference
from indexing.fhir.search.facts import Leaf, leaves

SEARCH_COLUMNS: Mapping[str, tuple[str, ...]] = {
    table: ("resource_type", "name", *names.split(), "resource_id")
    for table, names in {
        "search_token": "code system",
        "search_string": "value folded exact",
        "search_date": "low high",
        "search_reference": "target_type target_id",
        "search_quantity": "low high code system unit",
    }.items()
}
# What stands for "no bound" in columns that are never NULL, so that one comparison answers.
BEGINNING = datetime(1, 1, 1, tzinfo=UTC)
END = datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)

Found = tuple[str, ...]
SearchLine = tuple[str, str]  # table, and the columns of `SEARCH_COLUMNS` as COPY reads them
_NULL, _TAB = "\\N", "\t"
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_TO_ESCAPE = re.compile(r"[\\\t\n\r]")
Reader = Callable[[Any, ZoneInfo], Iterator[Found]]


def search_lines(resource: JsonObject, zone: ZoneInfo) -> tuple[SearchLine, ...]:
    """Return the lines of a resource, each once; what is misshapen reads as absent."""
    kind, resource_id = resource["resourceType"], resource["id"]
    by_key = _by_key(kind)
    found: set[SearchLine] = set()
    for name in resource:
        for leaf, table, reader in by_key.get(name, ()):
            head = f"{kind}\t{leaf.name}\t"
            for value in _at(resource, leaf.steps):
                for fields in reader(value, zone):
                    found.add((table, f"{head}{_TAB.join(fields)}\t{resource_id}"))
    if kind == "Patient":
        line = f"Patient\tdeceased!\t{_deceased(resource)}\t\t{resource_id}"
        found.add(("search_token", line))
    return tuple(found)


def _field(text: str) -> str:
    """Write a text as COPY reads it."""
    return text.translate(_ESCAPES) if _TO_ESCAPE.search(text) else text


def _key(value: Any) -> str:
    """Return what of a text is kept in an index, "" for none."""
    return _field(key(value) or "")


@cache
def _by_key(kind: str) -> dict[str, list[tuple[Leaf, str, Reader]]]:
    """Group a type's leaves by the property that they begin with: most are absent."""
    grouped: dict[str, list[tuple[Leaf, str, Reader]]] = {}
    for leaf in leaves(kind):
        if leaf.steps:
            first = leaf.steps[0]
            table, reader = _READERS[leaf.kind](leaf.datatype)
            name = first if isinstance(first, str) else first[0]
            grouped.setdefault(name, []).append((leaf, table, reader))
    return grouped


def _at(value: Any, steps: tuple[str | tuple[str, str, str], ...]) -> Iterator[Any]:
    """Yield every value at the end of a path, lists opened."""
    if not steps:
        yield value
        return
    first, rest = steps[0], steps[1:]
    name = first if isinstance(first, str) else first[0]
    inner = value.get(name) if type(value) is dict else None
    for each in inner if type(inner) is list else (inner,):
        if each is None:
            continue
        if isinstance(first, str) or obj(each).get(first[1]) == first[2]:
            yield from _at(each, rest)


def _deceased(resource: JsonObject) -> str:
    """Source: R4, SearchParameter/Patient-deceased: there, and not false."""
    said = [resource.get("deceasedBoolean"), resource.get("deceasedDateTime")]
    return "true" if any(value not in (None, False) for value in said) else "false"


def _coding(value: Any, _: ZoneInfo) -> Iterator[Found]:
    code = _key(obj(value).get("code"))
    if code:
        yield code, _key(obj(value).get("system"))


def _concept(value: Any, zone: ZoneInfo) -> Iterator[Found]:
    for coding in objects(obj(value).get("coding")):
        yield from _coding(coding, zone)


def _identifier(value: Any, _: ZoneInfo) -> Iterator[Found]:
    text = _key(obj(value).get("value"))
    if text:
        yield text, _key(obj(value).get("system"))


def _contact(value: Any, _: ZoneInfo) -> Iterator[Found]:
    text = _key(obj(value).get("value"))
    if text:
        yield text, ""


def _bare(value: Any, _: ZoneInfo) -> Iterator[Found]:
    if type(value) is bool:
        yield "true" if value else "false", ""
    elif type(value) is int:
        yield str(value), ""
    elif text := _key(value):
        yield text, ""


def _string(value: Any, _: ZoneInfo) -> Iterator[Found]:
    """Yield the folded beginning, the whole folded where that is longer, and the text as sent."""
    if type(value) is str and value:
        folded = plain(value)
        whole = _field(folded) if len(folded) > KEY_LENGTH else _NULL
        yield _field(folded[:KEY_LENGTH]), whole, _field(value)


_NAME = ("family", "given", "prefix", "suffix", "text")
_ADDRESS = ("text", "line", "city", "district", "state", "postalCode", "country")


def _parts(names: tuple[str, ...]) -> Reader:
    def read(value: Any, zone: ZoneInfo) -> Iterator[Found]:
        for name in names:
            inner = obj(value).get(name)
            for each in inner if type(inner) is list else (inner,):
                yield from _string(each, zone)

    return read


def _reference(value: Any, _: ZoneInfo) -> Iterator[Found]:
    text = obj(value).get("reference")
    target = parse_reference(text) if type(text) is str else None
    if target is not None and target.form == "relative":
        yield target.type, target.id
    elif target is not None and target.form == "absolute":
        yield "", _key(text)


def _canonical(value: Any, _: ZoneInfo) -> Iterator[Found]:
    if text := _key(value):
        yield "", text


def bounds(found: Interval) -> tuple[datetime, datetime]:
    """Return an interval with its missing ends filled in."""
    return found.start or BEGINNING, found.end or END


@lru_cache(maxsize=16384)
def _written(start: datetime | None, end: datetime | None) -> tuple[str, str]:
    low, high = bounds(Interval(start, end))
    return low.isoformat(), high.isoformat()


def _moment(value: Any, zone: ZoneInfo) -> Iterator[Found]:
    if type(value) is str:
        try:
            found = interval(value, zone)
            yield _written(found.start, found.end)
        except ValueError:
            return


def _period(value: Any, zone: ZoneInfo) -> Iterator[Found]:
    try:
        found = period(value, zone)
    except ValueError:
        return
    if found.start or found.end:
        yield _written(found.start, found.end)


def _timing(value: Any, zone: ZoneInfo) -> Iterator[Found]:
    """Yield from the first to the last event, and the bounds of the repetition."""
    events = obj(value).get("event")
    ends = [e for each in events for e in _moment(each, zone)] if type(events) is list else []
    if ends:
        yield min(low for low, _ in ends), max(high for _, high in ends)
    yield from _period(obj(obj(value).get("repeat")).get("boundsPeriod"), zone)


_LEAST, _MOST = "-inf", "inf"


def _float(value: Decimal) -> str:
    return repr(float(value))


_OPEN_BELOW, _OPEN_ABOVE = ("<", "<="), (">", ">=")


def _quantity(value: Any, _: ZoneInfo) -> Iterator[Found]:
    quantity = obj(value)
    measured = number(quantity.get("value"))
    if measured is not None:
        said = quantity.get("comparator")
        low = _LEAST if said in _OPEN_BELOW else _float(measured)
        high = _MOST if said in _OPEN_ABOVE else _float(measured)
        yield (low, high, *_unit(quantity))


def _unit(quantity: dict[str, Any]) -> Found:
    return tuple(_key(quantity.get(name)) for name in ("code", "system", "unit"))


def _money(value: Any, _: ZoneInfo) -> Iterator[Found]:
    measured = number(obj(value).get("value"))
    if measured is not None:
        currency = _key(obj(value).get("currency"))
        yield _float(measured), _float(measured), currency, "urn:iso:std:iso:4217", currency


def _range(value: Any, _: ZoneInfo) -> Iterator[Found]:
    low, high = obj(obj(value).get("low")), obj(obj(value).get("high"))
    least, most = number(low.get("value")), number(high.get("value"))
    if least is not None or most is not None:
        yield (
            _LEAST if least is None else _float(least),
            _MOST if most is None else _float(most),
            *_unit(low or high),
        )


def _sampled(value: Any, _: ZoneInfo) -> Iterator[Found]:
    """Yield what the samples may lie between, as far as the limits say."""
    low, high = (number(obj(value).get(name)) for name in ("lowerLimit", "upperLimit"))
    if low is not None and high is not None:
        yield (_float(low), _float(high), *_unit(obj(obj(value).get("origin"))))


def _number(value: Any, _: ZoneInfo) -> Iterator[Found]:
    measured = number(value)
    if measured is not None:
        yield _float(measured), _float(measured), "", "", ""


_TOKENS: dict[str, Reader] = {
    "Coding": _coding, "CodeableConcept": _concept, "Identifier": _identifier,
    "ContactPoint": _contact,
}  # fmt: skip
_QUANTITIES: dict[str, Reader] = {"Money": _money, "Range": _range, "SampledData": _sampled}
_STRINGS: dict[str, Reader] = {"HumanName": _parts(_NAME), "Address": _parts(_ADDRESS)}
_DATES: dict[str, Reader] = {"Period": _period, "Timing": _timing}
# Per kind of parameter: its table, and who reads a datatype.
_READERS: dict[str, Callable[[str], tuple[str, Reader]]] = {
    "token": lambda t: ("search_token", _TOKENS.get(t, _bare)),
    "uri": lambda _: ("search_token", _bare),
    "string": lambda t: ("search_string", _STRINGS.get(t, _string)),
    "date": lambda t: ("search_date", _DATES.get(t, _moment)),
    "reference": lambda t: ("search_reference", _reference if t == "Reference" else _canonical),
    "quantity": lambda t: ("search_quantity", _QUANTITIES.get(t, _quantity)),
    "number": lambda _: ("search_quantity", _number),
}
