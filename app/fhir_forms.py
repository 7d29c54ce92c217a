"""What form an answer is asked for in: FHIR's JSON is the only one that is given.

Source: hl7.org/fhir/R4/http.html#mime-type and #parameters (`_format` overrides `Accept`).
"""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qsl

from fastapi import Request

from indexing.errors import NotAcceptable
from indexing.fhir.search.request import VERSIONS, is_of_form

_JSON: Final = frozenset({
    "application/fhir+json", "application/json", "text/json", "application/json+fhir",
    "application/*", "*/*",
})  # fmt: skip


def answered_in_json(request: Request) -> None:
    """Refuse what is asked for in another form before anything is read or written.

    Raises: NotAcceptable; InvalidInput.
    """
    pairs = parse_qsl(request.url.query, keep_blank_values=True, errors="replace")
    forms = [value for name, value in pairs if name == "_format"]
    for value in forms:
        is_of_form("_format", value)
    accept = ", ".join(request.headers.getlist("accept"))
    if not forms and accept.strip() and not any(map(_taken, accept.split(","))):
        raise NotAcceptable(
            "only application/fhir+json is answered here", hint="Accept: application/fhir+json"
        )


def _taken(media_range: str) -> bool:
    """Say whether JSON answers one range of an `Accept` header, which may set `q` to 0."""
    media, *given = (part.strip().lower() for part in media_range.split(";"))
    asked = dict(part.partition("=")[::2] for part in given)
    wanted = asked.get("fhirversion", "4.0").strip('"') in VERSIONS
    try:
        weight = float(asked.get("q", "1"))
    except ValueError:
        weight = 1.0
    return media in _JSON and wanted and weight > 0
