"""Signing in and out, and the light."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import FormData

from app.auth.permissions import Permission
from app.auth.sessions import (
    Form,
    access_of,
    current,
    drop_cookie,
    genuine,
    keyed,
    read_form,
    services,
    set_cookie,
    signed_in,
    text,
)
from app.errors import Throttled
from app.pages import THEMES, page
from indexing.errors import Conflict

router = APIRouter()

_YEAR_S = 365 * 24 * 3600
# Failures that cost nothing, then each doubles the wait. An address may be a whole hospital's.
FREE_PER_ACCOUNT, FREE_PER_ADDRESS = 5, 50


@router.get("/")
def home(request: Request) -> Response:
    """Send people to where their work is."""
    who = current(request)
    if who is None:
        return RedirectResponse("/login", 303)
    if Permission.SEARCH in who.allowed:
        return RedirectResponse("/search", 303)
    return RedirectResponse("/audit" if Permission.AUDIT in who.allowed else "/status", 303)


@router.get("/login")
def login_form(request: Request, next: str = "") -> Response:
    """Show the sign-in form."""
    if current(request) is not None:
        return RedirectResponse(local(next), 303)
    return _login_page(request, next)


def _login_page(request: Request, then: str, name: str = "", failed: str = "") -> Response:
    return page(
        request, "login.html", status=401 if failed else 200, then=local(then), name=name,
        failed=failed, typed=(),
    )  # fmt: skip


@router.post("/login")
def login(request: Request, form: Annotated[FormData, Depends(read_form)]) -> Response:
    """Sign in: counted first, judged second, the same work whoever is named."""
    if not genuine(request, form):
        return _grown_old(request, form)
    own = services(request)
    tenant = text(form, "tenant").strip().lower() or own.accounts.sole_tenant()[0] or ""
    name, then = text(form, "name").strip().lower()[:200], text(form, "next")
    address = request.client.host if request.client else ""
    keys = [keyed(own.pepper, "login", tenant, name, address), keyed(own.pepper, "login", address)]
    wait = own.accounts.begin_attempt(keys, (FREE_PER_ACCOUNT, FREE_PER_ADDRESS))
    if wait:
        raise Throttled(f"too many failed attempts: try again in {wait} s", wait)
    account = own.accounts.lookup("login", name, tenant)
    password = text(form, "password")
    stored = account.password_hash if account else None
    if not own.passwords.check(stored, password) or account is None or stored is None:
        return _login_page(request, then, name, "No account with this name and password.")
    own.accounts.end_attempt(keys)
    secret = own.accounts.open_session(
        access_of(account),
        own.passwords.rehashed(stored, password),
        timedelta(seconds=own.settings.session_absolute_s),
    )
    response = RedirectResponse(local(then), 303)
    set_cookie(request, response, "session", secret)
    return response


def _grown_old(request: Request, form: FormData) -> Response:
    """Answer a form of before somebody signed in or out in another tab. Whoever fills it in may be
    another than who is signed in: nobody is let on under a name that is not theirs."""
    who = current(request)
    if who is not None:
        raise Conflict(f"{who.account.name} is signed in in this browser", hint="sign out first")
    return _login_page(request, text(form, "next"), "", "This page had grown old: sign in again.")


@router.post("/logout")
def logout(request: Request, _form: Form) -> Response:
    """Sign out."""
    who = signed_in(request)
    services(request).accounts.close_session(who.access, who.secret)
    response = RedirectResponse("/login", 303)
    drop_cookie(request, response, "session")
    # Nothing of what was seen stays in this browser's memory of the site.
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


@router.post("/theme")
def theme(request: Request, form: Form) -> Response:
    """Choose light, dark, or as the system has it."""
    response = RedirectResponse(local(text(form, "next")), 303)
    wanted = text(form, "theme")
    if wanted in THEMES:  # a cookie holds no other bytes than ours
        set_cookie(request, response, "theme", wanted, max_age=_YEAR_S)
    return response


def local(path: str) -> str:
    """Return a path of this site, "/" for anything that might lead elsewhere."""
    safe = path.startswith("/") and not path.startswith("//") and path.isprintable()
    return path if safe and "\\" not in path else "/"
