"""Where the members of a JSON text lie, in bytes: for splicing and for saying where a fault is.

Slow (about 20 MB/s) beside a parser, so it runs on reads and on faults, never on every entry.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

# A whole string, an unfinished string, or one structural character.
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"|"|[{}\[\]:,]', re.DOTALL)
_BLANK = b" \t\r\n"


@dataclass(frozen=True, slots=True)
class Member:
    """One member of an object: `data[start:end]` is its value, `key` is decoded."""

    depth: int
    owner: int
    key: str
    start: int
    end: int


@dataclass(slots=True)
class _Level:
    at: int
    is_object: bool
    key: str | None = None
    value_at: int = 0
    index: int = 0


def members(data: bytes) -> Iterator[Member]:
    """Yield every member of every object of well-formed JSON, inner ones before their owner's.

    `depth` is 1 for the outermost object; `owner` is the offset of the object's brace.
    """
    levels: list[_Level] = []
    for token in _TOKEN.finditer(data):
        mark = data[token.start()]
        if mark in b"{[":
            levels.append(_Level(token.start(), mark == 0x7B))
        elif mark == 0x3A:
            levels[-1].value_at = _skip_blank(data, token.end())
        elif mark in b",}]":
            level = levels[-1]
            if level.is_object and level.key is not None:
                end = _strip_blank(data, token.start())
                yield Member(len(levels), level.at, level.key, level.value_at, end)
                level.key = None
            if mark != 0x2C:
                levels.pop()
        elif levels and levels[-1].is_object and levels[-1].key is None:
            levels[-1].key = text_of(data[token.start() : token.end()])


def text_of(token: bytes) -> str:
    """Decode a JSON string token, quotes included."""
    if b"\\" in token:
        return str(json.loads(token, strict=False))
    return token[1:-1].decode("utf-8", errors="replace")


def path_at(data: bytes, offset: int) -> str:
    """Return the path of the value that holds byte `offset`, as far as the text goes before it.

    Array places are written `name[3]`. Member names that FHIR cannot have are written `?`, because
    a broken file may hold anything there.
    """
    levels: list[_Level] = []
    for token in _TOKEN.finditer(data, 0, max(offset, 0)):
        mark = data[token.start()]
        if mark in b"{[":
            levels.append(_Level(token.start(), mark == 0x7B))
        elif mark in b"}]":
            if levels:
                levels.pop()
        elif not levels:
            continue
        elif mark == 0x2C:
            levels[-1].index += 1
            levels[-1].key = None
        elif mark != 0x3A and levels[-1].is_object and levels[-1].key is None:
            levels[-1].key = text_of(data[token.start() : token.end()])
    return _render(levels)


_NAME = re.compile(r"_?[A-Za-z][A-Za-z0-9]{0,63}")


_DEEPEST = 30  # levels that a path shows; a bomb's would fill the screen


def _render(levels: list[_Level]) -> str:
    path = ""
    for level in levels[:_DEEPEST]:
        if not level.is_object:
            path += f"[{level.index}]"
        elif level.key is not None:
            path += "." if path else ""
            path += step(level.key)
    return path


def step(key: str) -> str:
    """Return a member's name as a path may show it: `?` for one that FHIR cannot have."""
    return key if _NAME.fullmatch(key) else "?"


def _skip_blank(data: bytes, at: int) -> int:
    while at < len(data) and data[at] in _BLANK:
        at += 1
    return at


def _strip_blank(data: bytes, at: int) -> int:
    while at > 0 and data[at - 1] in _BLANK:
        at -= 1
    return at
