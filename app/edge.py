"""The outermost layer: who may be called, how much may be sent, what every answer carries."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, MutableMapping
from typing import Any

from fastapi import Request
from fastapi.responses import PlainTextResponse, Response
from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import TooLarge, TooSlow
from indexing.errors import InvalidInput, NotFound

_log = logging.getLogger("anamnesis.http")

# Nothing inline, nothing from elsewhere, nobody may frame us.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), browsing-topics=()",
}
MAX_BODY = 1 << 20
MAX_FHIR_BODY = 64 << 20
MAX_BODY_S, MAX_FHIR_BODY_S = 30.0, 300.0  # from the first byte to the last


class Metrics:
    """Counts by route template, method and status: never an id, never a text."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "anamnesis_http_requests_total", "Requests.", ("route", "method", "status"),
            registry=self.registry,
        )  # fmt: skip
        self.seconds = Histogram(
            "anamnesis_http_seconds", "Time to answer.", ("route",), registry=self.registry,
            buckets=(0.005, 0.01, 0.02, 0.035, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
        )  # fmt: skip

    def observe(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        known = method if method in ("GET", "HEAD", "POST", "PUT", "DELETE") else "other"
        self.requests.labels(route, known, str(status)).inc()
        self.seconds.labels(route).observe(seconds)


class Edge:
    """Request id, host check, body limit, security headers, one log line, the last catch."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        allowed_hosts: frozenset[str],
        secure: bool,
        metrics: Metrics,
        respond: Callable[[Request, Exception], Response],
    ) -> None:
        self._app, self._allowed, self._secure = app, allowed_hosts, secure
        self._metrics, self._respond = metrics, respond

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.perf_counter(), 500
        request_id = secrets.token_hex(6)
        scope.setdefault("state", {})["request_id"] = request_id
        bare = scope["method"] == "HEAD"  # what GET answers, without its body
        asked = {**scope, "method": "GET"} if bare else scope

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self._dress(message, scope, request_id)
            elif bare and message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        try:
            await self._serve(asked, receive, sending)
        finally:
            route = getattr(asked.get("route"), "path", "-")
            seconds = time.perf_counter() - started
            self._note(route, scope["method"], request_id, status, seconds)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def sending(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            if _host(scope) not in self._allowed:
                raise InvalidInput("this host name is not served here")
            if _holds_nul(scope):
                raise NotFound("no address of this site holds U+0000")
            await self._app(scope, _limited(scope, receive), sending)
        except Exception as exc:  # noqa: BLE001 - the last catch: uvicorn would log its words
            if begun:
                return  # too late for an error page: the connection breaks off
            try:
                response = self._respond(Request(scope, receive), exc)
            except Exception:  # noqa: BLE001 - so would it those of a page of errors that fails
                response = PlainTextResponse("Something went wrong here", 500)
            await response(scope, receive, send)

    def _dress(self, message: MutableMapping[str, Any], scope: Scope, request_id: str) -> None:
        headers = MutableHeaders(scope=message)
        for name, value in HEADERS.items():
            headers.setdefault(name, value)
        if self._secure:
            headers.setdefault("Strict-Transport-Security", "max-age=31536000")
        if not scope["path"].startswith("/static/"):
            headers.setdefault("Cache-Control", "no-store")
        headers["X-Request-Id"] = request_id

    def _note(self, route: str, method: str, request_id: str, status: int, seconds: float) -> None:
        self._metrics.observe(route, method, status, seconds)
        _log.info(
            "request %s: %s %s -> %d in %.0f ms",
            request_id, method, route, status, seconds * 1000,
        )  # fmt: skip


def _host(scope: Scope) -> str:
    """Return the Host header without its port: "[::1]:8080" is "[::1]"."""
    value = next((v for k, v in scope["headers"] if k == b"host"), b"").decode("latin-1")
    if value.startswith("["):
        return value.partition("]")[0] + "]"
    return value.partition(":")[0].lower()


def _holds_nul(scope: Scope) -> bool:
    """Say whether an address holds U+0000, which no stored name does; what a FHIR search asks for
    stands in its address, and is judged there."""
    asks = scope["query_string"] if not scope["path"].startswith("/fhir") else b""
    return "\x00" in scope["path"] or b"%00" in asks


def _limited(scope: Scope, receive: Receive) -> Receive:
    """Refuse a body past the route's limits, announced or not."""
    large = scope["path"].startswith("/fhir") or scope["path"] == "/api/vitals"
    most, longest_s = (MAX_FHIR_BODY, MAX_FHIR_BODY_S) if large else (MAX_BODY, MAX_BODY_S)
    announced = next((v for k, v in scope["headers"] if k == b"content-length"), b"")
    too_large = TooLarge(f"at most {most} bytes are taken here", hint="send it in parts")
    if announced.isdigit() and int(announced) > most:
        raise too_large
    taken, end, whole = 0, time.monotonic() + longest_s, False

    async def receiving() -> Message:
        nonlocal taken, whole
        try:
            async with asyncio.timeout(None if whole else max(end - time.monotonic(), 0.0)):
                message = await receive()
        except TimeoutError:
            raise TooSlow(f"the body took more than {longest_s:g} s") from None
        whole = not message.get("more_body", False)
        taken += len(message.get("body", b""))
        if taken > most:
            raise too_large
        return message

    return receiving
