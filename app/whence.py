"""Where a request came from: the page to lead back to, and what was typed there."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from fastapi import Request
from starlette.datastructures import FormData

# Fields that people fill with words of their own; the others can be chosen again.
_WORDS = ("q", "name", "definition", "findings", "note", "condition", "doc_id")


def here(request: Request) -> str:
    """Return path and query of the page that somebody looks at: that of a posted form is the one
    it stood on, "/" where the browser does not say."""
    if request.method in ("GET", "HEAD"):
        return _place(request.url.path, request.url.query)
    told = request.headers.get("hx-current-url") or request.headers.get("referer", "")
    if not _ours(request, told):
        return "/"
    came = urlsplit(told)
    return _place(came.path, came.query)


def typed(request: Request) -> Sequence[str]:
    """Return the words of a posted form, to be given back to whoever typed them; none where
    another site may have sent it, so that no page of ours tells what others write."""
    form = getattr(request.state, "posted", None)
    if not isinstance(form, FormData) or not _ours(request, request.headers.get("origin", "")):
        return ()
    values = [value for name in _WORDS for value in form.getlist(name)]
    return [value for value in values if isinstance(value, str) and value.strip()]


def _ours(request: Request, address: str) -> bool:
    host = request.headers.get("host", "")
    return address.startswith((f"http://{host}/", f"https://{host}/")) or address in (
        f"http://{host}", f"https://{host}",
    )  # fmt: skip


def _place(path: str, query: str) -> str:
    return f"{path}?{query}" if query else path
