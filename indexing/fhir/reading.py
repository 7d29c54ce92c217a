"""JSON text to objects: duplicate keys, NaN, NUL, stray surrogates and deep nests refused."""

from __future__ import annotations

import re
from typing import Any

import jiter

from indexing.fhir.faults import Unusable, Where
from indexing.fhir.spans import path_at, step

JsonObject = dict[str, Any]

MAX_DEPTH = 200  # the parser's own bound; a test pins it
MAX_BYTES = 256 * 1024 * 1024
# A JSON value costs about 100 bytes of memory however short it is written, so a text of brackets
# and commas alone is a bomb. The largest official resource holds about 60,000 values.
MAX_VALUES = 2_000_000

_BOM = b"\xef\xbb\xbf"
_WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")
_PLACE = re.compile(r" at line (\d+) column (\d+)$")
_REASONS = (
    ("Detected duplicate key", "a member stands twice in one object"),
    ("recursion limit", f"nested deeper than {MAX_DEPTH} levels"),
    ("control character", "an unescaped control character in a string"),
    ("hex escape", "a broken \\u escape or an unpaired surrogate"),
    ("surrogate", "an unpaired surrogate"),
    ("EOF", "the text ends too early"),
    ("trailing characters", "more text after the end of the JSON"),
    ("trailing comma", "a comma before a closing bracket"),
    ("number out of range", "a number of more than 4,300 digits"),
    ("number", "not a JSON number"),
    ("unicode code point", "not UTF-8"),
)


def parse(data: bytes, *, max_bytes: int = MAX_BYTES) -> JsonObject:
    """Parse one JSON object; decimals become `Decimal`, so that no digit is lost.

    A byte order mark is tolerated.

    Raises:
        Unusable: not UTF-8, not one JSON object, a duplicate key, NaN, U+0000, an unpaired
            surrogate, deeper than MAX_DEPTH or longer than `max_bytes`; with path and offset.
    """
    _refuse_size(data, max_bytes)
    text = data[3:] if data.startswith(_BOM) else data
    try:
        value = jiter.from_json(
            text,
            allow_inf_nan=False,
            catch_duplicate_keys=True,
            float_mode="decimal",
        )
    except ValueError as exc:
        raise _diagnose(data, str(exc)) from None
    if type(value) is not dict:
        raise Unusable("not a JSON object", Where(offset=0))
    if b"\\u0000" in text:
        _refuse_nul(value)
    return value


def _refuse_size(data: bytes, max_bytes: int) -> None:
    if len(data) > max_bytes:
        raise Unusable(f"longer than {max_bytes} bytes")
    if not data.strip():
        raise Unusable("empty", Where(offset=0))
    if len(data) > MAX_VALUES:
        values = data.count(b",") + data.count(b"[") + data.count(b"{")
        if values > MAX_VALUES:
            raise Unusable(f"more than {MAX_VALUES} values in one text")


def _diagnose(data: bytes, message: str) -> Unusable:
    """Say in our own words what the parser saw: its message may quote the text."""
    bare = b"\0" in data[:2] and any(data[:4])  # the same without its mark, and no body of zeros
    if data.startswith(_WIDE_MARKS) or bare:
        return Unusable("UTF-16 or UTF-32, not UTF-8", Where(offset=0))
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as exc:
        return _placed(data, exc.start, "not UTF-8")
    offset = _offset(data, message)
    for mark, reason in _REASONS:
        if mark in message:
            return _placed(data, offset, reason)
    return _placed(data, offset, "not JSON")


def _placed(data: bytes, offset: int, reason: str) -> Unusable:
    return Unusable(reason, Where(path=path_at(data, offset), offset=offset))


def _offset(data: bytes, message: str) -> int:
    found = _PLACE.search(message)
    if not found:
        return 0
    start = 3 if data.startswith(_BOM) else 0
    for _ in range(int(found[1]) - 1):
        start = data.find(b"\n", start) + 1
    return min(start + max(int(found[2]) - 1, 0), len(data))


def _refuse_nul(value: JsonObject) -> None:
    stack: list[tuple[str, Any]] = [("", value)]
    while stack:
        path, node = stack.pop()
        if isinstance(node, str):
            if "\0" in node:
                raise Unusable("U+0000, which no database stores", Where(path=path))
        elif isinstance(node, dict):
            for key, inner in node.items():
                if "\0" in key:
                    raise Unusable("U+0000 in a member's name", Where(path=path))
                stack.append((f"{path}.{step(key)}" if path else step(key), inner))
        elif isinstance(node, list):
            stack.extend((f"{path}[{number}]", inner) for number, inner in enumerate(node))
