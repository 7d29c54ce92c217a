"""What form an answer is asked for in: FHIR's JSON is the only one that is given.

Source: hl7.org/fhir/R4/http.html#mime-type and #parameters (`_format` overrides `Accept`); RFC
9110, 12.5.1 (the most specific range that fits says whether, and a weight of 0 that it may not).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import parse_qsl
from urllib.request import parse_http_list

from fastapi import Request

from indexing.errors import NotAcceptable
from indexing.fhir.search.request import VERSIONS, is_of_form

# How closely each range names what is answered. An older or plainer name of JSON counts as it.
_CLOSENESS: Final = {
    "*/*": 0, "application/*": 1, "application/json": 2, "text/json": 2, "application/json+fhir": 2,
    "application/fhir+json": 3,
}  # fmt: skip
_OTHER_NAME: Final = 2
_PARTS: Final = re.compile(r'(?:[^;"]|"(?:[^"\\]|\\.)*"?)+')
_ZERO: Final = re.compile(r"0+(\.0*)?|\.0+")  # other weights let pass, those that do not read too


def answered_in_json(request: Request) -> None:
    """Refuse what is asked for in another form before anything is read or written.

    Raises: NotAcceptable; InvalidInput.
    """
    pairs = parse_qsl(request.url.query, keep_blank_values=True, errors="replace")
    forms = [value for name, value in pairs if name == "_format"]
    for value in forms:
        is_of_form("_format", value)
    ranges = parse_http_list(", ".join(request.headers.getlist("accept")))
    if not forms and any(ranges) and not _taken(ranges):
        raise NotAcceptable(
            "only application/fhir+json is answered here", hint="Accept: application/fhir+json"
        )


def _taken(ranges: list[str]) -> bool:
    """Say whether JSON is acceptable: what the closest range says, or one of as close ones."""
    return max((place for each in ranges for place in _read(each)), default=(0, 0, False))[2]


def _read(media_range: str) -> Iterator[tuple[int, int, bool]]:
    """Yield how closely a range names what is answered, by its media and by how many parameters,
    and whether it takes it; nothing where it does not fit."""
    media, *given = (part.strip().lower() for part in [*_PARTS.findall(media_range), ""])
    pairs = (each.partition("=") for each in given if each)
    asked = {name.strip(): value.strip(' "') for name, _, value in pairs}
    weight = asked.pop("q", "1")
    if asked.get("fhirversion", "4.0") not in VERSIONS or media not in _CLOSENESS:
        return
    taken = _ZERO.fullmatch(weight) is None
    # A denied name of JSON that is not the answer's own denies nothing.
    if taken or _CLOSENESS[media] != _OTHER_NAME:
        yield _CLOSENESS[media], len(asked), taken
