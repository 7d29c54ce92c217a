"""Whether a reader holds what it asks for already, so that it is not sent again.

Source: hl7.org/fhir/R4/http.html#cread; RFC 9110, 13.1.2 (`If-None-Match` is compared weakly, and
where it stands `If-Modified-Since` says nothing) and 13.1.3.
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.request import parse_http_list

from starlette.datastructures import Headers

from app.fhir_bodies import etag
from indexing.records import Held


def is_known(headers: Headers, held: Held) -> bool:
    """Say whether the headers of a read tell that its client holds this version."""
    tags = headers.getlist("if-none-match")
    if tags:
        own = _bare(etag(held.version))
        return any(tag == "*" or _bare(tag) == own for tag in parse_http_list(", ".join(tags)))
    since = _moment(headers.get("if-modified-since", ""))
    if since is None:
        return False
    # A day of HTTP ends with a second. Of two changes within one it cannot tell which was read:
    # only where nothing came before did the second of the change itself see this version.
    second = held.last_updated.replace(microsecond=0)
    return held.last_updated <= since or (held.version == 1 and second <= since)


def _bare(tag: str) -> str:
    return tag.strip().removeprefix("W/")


def _moment(text: str) -> datetime | None:
    """Read a date of HTTP; None where there is none, or where it is none: it is ignored then."""
    try:
        read = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return read if read.tzinfo else read.replace(tzinfo=UTC)
