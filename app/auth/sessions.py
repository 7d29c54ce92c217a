"""From a request to who asks: session cookie or bearer token, and the form token beside it."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, cast
from zoneinfo import ZoneInfo

from fastapi import Depends, Request, Response
from starlette.datastructures import FormData

from app.auth.permissions import Permission, permissions, purpose
from app.errors import NotOfThisSession, NotSignedIn
from app.services import Services
from indexing.access import Access
from indexing.accounts import Account
from indexing.errors import Forbidden


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks; `secret` is their session's, "" for a bearer token."""

    account: Account
    access: Access
    allowed: frozenset[Permission]
    secret: str

    @property
    def zone(self) -> ZoneInfo:
        """The hospital's time zone."""
        return ZoneInfo(self.account.time_zone)


def services(request: Request) -> Services:
    """Return the application's services."""
    return cast(Services, request.app.state.services)


def access_of(account: Account) -> Access:
    """Return what an account opens."""
    return Access(
        account.tenant_id,
        account.user_id,
        account.roles,
        purpose(account.roles),
        labels=account.labels,
        time_zone=account.time_zone,
    )


def cookie_name(request: Request, what: str) -> str:
    """Name a cookie of this installation: cookies know no ports, and two may run side by side."""
    own = services(request)
    mark = hashlib.sha256(b"cookie:" + own.pepper.encode()).hexdigest()[:8]
    prefix = "__Host-" if own.settings.secure_cookies else ""
    return f"{prefix}anamnesis_{what}_{mark}"


def set_cookie(
    request: Request, response: Response, what: str, value: str, *, max_age: int | None = None
) -> None:
    """Set a cookie that scripts cannot read and other sites do not send."""
    response.set_cookie(
        cookie_name(request, what), value, httponly=True, samesite="lax", path="/",
        secure=services(request).settings.secure_cookies, max_age=max_age,
    )  # fmt: skip


def drop_cookie(request: Request, response: Response, what: str) -> None:
    """Take a cookie back."""
    response.delete_cookie(
        cookie_name(request, what), path="/", httponly=True, samesite="lax",
        secure=services(request).settings.secure_cookies,
    )  # fmt: skip


def keyed(pepper: str, *parts: str) -> bytes:
    """Return a keyed hash; parts cannot run into each other."""
    words = "\x00".join(f"{len(part)}:{part}" for part in parts)
    return hmac.digest(pepper.encode(), words.encode("utf-8", "surrogatepass"), "sha256")


def current(request: Request) -> Principal | None:
    """Return who is signed in by cookie, None for nobody; looked up once per request."""
    if not hasattr(request.state, "principal"):
        request.state.principal = _by_cookie(request)
    return cast("Principal | None", request.state.principal)


def _by_cookie(request: Request) -> Principal | None:
    secret = request.cookies.get(cookie_name(request, "session"), "")
    if not secret:
        return None
    own = services(request)
    account = own.accounts.lookup("session", secret)
    now = datetime.now(UTC)
    if account is None or not within_limits(
        account, now, own.settings.session_idle_s, own.settings.session_absolute_s
    ):
        return None
    own.accounts.touch_session(account, secret, now)
    return Principal(account, access_of(account), permissions(account.roles), secret)


def within_limits(account: Account, now: datetime, idle_s: int, absolute_s: int) -> bool:
    """Say whether a session is neither idle for too long nor too old."""
    return now - account.seen_at < timedelta(
        seconds=idle_s
    ) and now - account.created_at < timedelta(seconds=absolute_s)


def _by_token(request: Request) -> Principal:
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    account = None
    if scheme.lower() == "bearer" and secret:
        account = services(request).accounts.lookup("token", secret.strip())
    if account is None or account.expires_at is None or account.expires_at <= datetime.now(UTC):
        raise NotSignedIn(
            "a valid bearer token is needed",
            hint="`anamnesis tokens create --tenant T --user U` makes one",
        )
    return Principal(account, access_of(account), permissions(account.roles), "")


def _demand(who: Principal, permission: Permission) -> Principal:
    if permission not in who.allowed:
        roles = ", ".join(sorted(who.account.roles)) or "none"
        raise Forbidden(f"your role ({roles}) may not {permission.value}")
    return who


def signed_in(request: Request) -> Principal:
    """Demand a session."""
    who = current(request)
    if who is None:
        raise NotSignedIn("sign in first")
    return who


def may(permission: Permission) -> Callable[..., Principal]:
    """Demand a session with this permission."""

    def demand(request: Request, _posted: Annotated[None, Depends(_read_first)]) -> Principal:
        return _demand(signed_in(request), permission)

    return demand


def token_may(permission: Permission) -> Callable[[Request], Principal]:
    """Demand a bearer token with this permission; cookies do not count, so nothing is forged."""

    def demand(request: Request) -> Principal:
        return _demand(_by_token(request), permission)

    return demand


def form_token(request: Request) -> str:
    """Return the token that this browser's forms carry; signed in or not, each has its own."""
    who = current(request)
    owner = who.secret if who is not None else anonymous(request)
    return keyed(services(request).pepper, "form", owner).hex()


def anonymous(request: Request) -> str:
    """Return the random name of a browser in which nobody is signed in."""
    if not hasattr(request.state, "anonymous"):
        known = request.cookies.get(cookie_name(request, "form"), "")
        request.state.anonymous = known if len(known) == 43 else secrets.token_urlsafe(32)
    return cast(str, request.state.anonymous)


async def read_form(request: Request) -> FormData:
    """Read a posted form; no files."""
    form = await request.form(max_files=0, max_fields=500, max_part_size=256 * 1024)
    request.state.posted = form
    return form


async def _read_first(request: Request) -> None:
    """Read a posted form before its sender is asked for: whose session has ended meanwhile is
    given back what they typed."""
    if request.method == "POST":
        await read_form(request)


def genuine(request: Request, form: FormData) -> bool:
    """Say whether a posted form carries this browser's token."""
    given = form.get("form_token", "")
    return isinstance(given, str) and hmac.compare_digest(
        given.encode("utf-8", "replace"), form_token(request).encode()
    )


def signed_form(request: Request, form: Annotated[FormData, Depends(read_form)]) -> FormData:
    """Demand that a posted form carries this browser's token.

    Raises:
        NotOfThisSession: another site may have sent it, or the session changed meanwhile.
    """
    if not genuine(request, form):
        raise NotOfThisSession(
            "this form was not sent from a page of this session",
            hint="go back, reload the page and send it again",
        )
    return form


Form = Annotated[FormData, Depends(signed_form)]


def text(form: FormData, name: str) -> str:
    """Return a field's text, "" when it is absent; U+0000, which no database stores, is a space."""
    value = form.get(name, "")
    return value.replace("\0", " ") if isinstance(value, str) else ""
