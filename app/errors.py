"""From an error's class to an HTTP status: one table, and three ways to say it."""

from __future__ import annotations

import logging
import traceback
from dataclasses import dataclass
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException
from starlette.routing import Match, Route

from app.pages import page
from app.whence import here, typed
from indexing.errors import (
    AnamnesisError,
    ConfigurationError,
    Conflict,
    EngineUnavailable,
    EventRejected,
    Forbidden,
    Gone,
    IntegrityFault,
    InvalidInput,
    InvalidQuery,
    NotAcceptable,
    NotFound,
    Stale,
    TenantErased,
)

_log = logging.getLogger("anamnesis.http")


class NotSignedIn(AnamnesisError):
    """Nobody is signed in, the session ended, or the token is not valid."""


class NotOfThisSession(Forbidden):
    """A form of before somebody signed in anew, or one that another site sent."""


class Throttled(AnamnesisError):
    """Too many failed attempts; `retry_after_s` says when the next one will be looked at."""

    def __init__(self, message: str, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class TooLarge(InvalidInput):
    """The request is bigger than this route takes."""


class TooSlow(InvalidInput):
    """The body did not come in time: who sends a byte a minute holds a connection for nothing."""


class WrongMedia(InvalidInput):
    """The request is of a media type or an encoding that this route does not take."""


# The nearest class in the error's ancestry decides.
STATUS: dict[type[Exception], int] = {
    NotSignedIn: 401,
    Throttled: 429,
    TooSlow: 408,
    TooLarge: 413,
    WrongMedia: 415,
    InvalidQuery: 422,
    NotAcceptable: 406,
    InvalidInput: 400,
    Forbidden: 403,
    Gone: 410,
    TenantErased: 410,
    NotFound: 404,
    Stale: 412,
    Conflict: 409,
    EngineUnavailable: 503,
    EventRejected: 422,
    ConfigurationError: 500,
    IntegrityFault: 500,
    AnamnesisError: 500,
}

# OperationOutcome.issue.code. Source: hl7.org/fhir/R4/valueset-issue-type.html
_ISSUE_CODES = {
    400: "invalid", 401: "login", 403: "forbidden", 404: "not-found", 405: "not-supported",
    406: "not-supported", 409: "conflict", 410: "deleted", 412: "conflict", 413: "too-long",
    415: "not-supported", 422: "processing", 429: "throttled", 503: "transient",
}  # fmt: skip

_TITLES = {
    400: "This request cannot be used",
    401: "Sign in first",
    403: "Not open to you",
    404: "Nothing here",
    405: "Not done this way",
    406: "Not answered in that form",
    408: "It took too long to arrive",
    409: "This disagrees with what is stored",
    410: "This was deleted",
    412: "Somebody else changed it first",
    413: "Too large",
    415: "Not a kind of content that is taken here",
    422: "This cannot be read",
    429: "Too many attempts",
    503: "Not available at the moment",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """What is told to the caller: no patient text, no query text, no driver's words."""

    status: int
    title: str
    detail: str
    hint: str
    request_id: str
    position: int | None = None


def status_of(exc: Exception) -> int:
    """Return the status of the nearest class in the table."""
    return next((STATUS[kind] for kind in type(exc).__mro__ if kind in STATUS), 500)


def problem_of(exc: Exception, request_id: str) -> Problem:
    """Describe an error; what is not ours tells nothing but that it happened."""
    if isinstance(exc, RequestValidationError):
        places = ", ".join(".".join(map(str, error["loc"])) for error in exc.errors())
        return Problem(400, _TITLES[400], f"wrong or missing: {places}", "", request_id)
    if isinstance(exc, HTTPException):
        detail = "" if exc.status_code == 404 else str(exc.detail)
        title = _TITLES.get(exc.status_code, "This did not work")
        return Problem(exc.status_code, title, detail, "", request_id)
    status = status_of(exc)
    title = _TITLES.get(status, "Something went wrong here")
    if not isinstance(exc, AnamnesisError):
        return Problem(status, title, "", "", request_id)
    title = "This form is not of this session" if isinstance(exc, NotOfThisSession) else title
    position = exc.position if isinstance(exc, InvalidQuery) else None
    return Problem(status, title, str(exc), exc.hint, request_id, position)


def outcome(problem: Problem) -> JSONResponse:
    """Say it as FHIR does."""
    issue = {
        "severity": "error",
        "code": _ISSUE_CODES.get(problem.status, "exception"),
        "diagnostics": f"{problem.detail or problem.title} (request {problem.request_id})",
    }
    body = {"resourceType": "OperationOutcome", "issue": [issue]}
    return JSONResponse(body, problem.status, media_type="application/fhir+json")


def _as_json(problem: Problem) -> JSONResponse:
    error = {
        "status": problem.status,
        "title": problem.title,
        "detail": problem.detail,
        "request_id": problem.request_id,
    }
    if problem.hint:
        error["hint"] = problem.hint
    if problem.position is not None:
        error["position"] = problem.position
    return JSONResponse({"error": error}, problem.status)


def respond(request: Request, exc: Exception) -> Response:
    """Answer an error in the language of the route it came from."""
    problem = problem_of(exc, request.state.request_id)
    if problem.status >= 500:
        _report(request, exc, problem)
    response = _in_their_language(request, problem)
    if problem.status == 405:
        response.headers["Allow"] = ", ".join(_methods(request) or ["GET", "HEAD"])
    if isinstance(exc, Throttled):
        response.headers["Retry-After"] = str(exc.retry_after_s)
    elif problem.status == 503:
        response.headers["Retry-After"] = "5"
    return response


def _methods(request: Request) -> list[str]:
    """Return what can be done at an address, by all routes that share it."""
    sharing = (
        route.methods or ()
        for route in request.app.state.routes
        if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE
    )
    found = {method for methods in sharing for method in methods}
    return sorted(found | {"HEAD"} if "GET" in found else found)


def _in_their_language(request: Request, problem: Problem) -> Response:
    first = request.url.path.split("/")[1]
    if first == "fhir":
        response: Response = outcome(problem)
    elif first in ("api", "health", "metrics", "static"):
        response = _as_json(problem)
    elif problem.status == 401:
        return _sign_in_first(request)
    else:
        return page(
            request, "error.html", status=problem.status, problem=problem, typed=typed(request)
        )
    if problem.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _sign_in_first(request: Request) -> Response:
    """Lead to the sign-in and from there back to where somebody was, with what they had typed."""
    back = here(request)
    leads = "/login" if back == "/" else f"/login?next={quote(back)}"
    if "hx-request" in request.headers:
        return Response(status_code=401, headers={"HX-Redirect": leads})
    if words := typed(request):
        failed = "Your session has ended."
        return page(request, "login.html", status=401, then=back, name="", failed=failed,
                    typed=words)  # fmt: skip
    return RedirectResponse(leads, 303)


def _report(request: Request, exc: Exception, problem: Problem) -> None:
    """Log where it broke; never the error's own words, which may quote a patient."""
    frames = traceback.extract_tb(exc.__traceback__)
    where = " < ".join(f"{f.name}:{f.lineno}" for f in reversed(frames[-6:]))
    route = getattr(request.scope.get("route"), "path", "-")
    _log.error(
        "request %s: %s %s -> %d %s at %s",
        problem.request_id, request.method, route, problem.status, type(exc).__name__, where,
    )  # fmt: skip


def install(app: FastAPI) -> None:
    """Register the table with the application."""
    for kind in (AnamnesisError, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, respond)
