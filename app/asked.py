"""What was typed into a form, kept under an opaque id for whoever typed it.

The page that answers has an address of its own: it can be reloaded and come back to (a browser
asks for no posted page again), and no word of what was asked stands in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from fastapi import Request
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import FormData

from app.auth.sessions import Principal, services, text
from indexing.errors import NotFound


def keep(request: Request, who: Principal, form: FormData, names: Sequence[str]) -> Response:
    """Keep these fields of a form, and lead to the page of the same path that answers them."""
    return lead(request, who, request.url.path, {name: text(form, name) for name in names})


def lead(request: Request, who: Principal, path: str, sent: Mapping[str, str]) -> Response:
    """Keep what was sent, and lead to the page that answers it."""
    question = {"path": path, "sent": dict(sent)}
    page_id = services(request).frozen.keep_question(who.access, question)
    return RedirectResponse(f"{path}?asked={page_id}", 303)


def kept(request: Request, who: Principal, page_id: str) -> Mapping[str, str]:
    """Return the fields as they were sent, {} for no id.

    Raises:
        NotFound: they expired, never were, are not this principal's, or another page's.
    """
    if not page_id:
        return {}
    stored = services(request).frozen.question(who.access, page_id)
    if stored.get("path") != request.url.path:
        raise NotFound("this page is not here any more", hint="ask again")
    return cast("Mapping[str, str]", stored["sent"])
