"""Passwords, permissions, sessions' limits, and what a form may lead to."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from argon2 import PasswordHasher
from hypothesis import example, given
from hypothesis import strategies as st

from app.auth.passwords import AT_ONCE, Passwords
from app.auth.permissions import PERMISSIONS, Permission, permissions, purpose
from app.auth.sessions import keyed, within_limits
from app.routes.landing import local
from indexing.access import Role
from indexing.accounts import Account
from indexing.backends.postgres.accounts import _wait_s
from indexing.errors import EngineUnavailable, InvalidInput
from indexing.model import TenantId

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def passwords() -> Passwords:
    return Passwords(PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))


def test_a_password_opens_its_own_hash_only(passwords: Passwords) -> None:
    stored = passwords.hash("correct horse battery")
    assert passwords.check(stored, "correct horse battery")
    assert not passwords.check(stored, "correct horse batterx")
    assert not passwords.check(None, "correct horse battery")
    assert not passwords.check("no hash at all", "correct horse battery")


class Counting(PasswordHasher):
    """Notes what it does."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=64, parallelism=1)
        self.done: list[str] = []

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
        self.done.append("hash")
        return super().hash(password, salt=salt)

    def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # type: ignore[override]
        # What is no hash is refused at once, and the time of it tells.
        self.done.append("verify" if str(hash).startswith("$argon2") else "nothing")
        return bool(super().verify(hash, password))


def test_an_unknown_account_costs_the_same_work() -> None:
    """From the first check on; and nothing is hashed where nobody signs in."""
    stored = Passwords(Counting()).hash("correct horse battery")
    work = []
    for first, second in ((stored, None), (None, stored)):
        hasher = Counting()
        passwords = Passwords(hasher)
        assert hasher.done == []
        passwords.check(first, "a wrong password")
        work.append([*hasher.done])
        passwords.check(second, "a wrong password")
        work.append(hasher.done[len(work[-1]) :])
    assert work == [["hash", "verify"], ["verify"]] * 2


@pytest.mark.parametrize("password", ["", "short", "x" * 11, "x" * 1025])
def test_a_password_has_its_length(passwords: Passwords, password: str) -> None:
    with pytest.raises(InvalidInput):
        passwords.hash(password)


def test_what_comes_after_the_longest_password_counts(passwords: Passwords) -> None:
    stored = passwords.hash("x" * 1024)
    assert passwords.check(stored, "x" * 1024)
    assert not passwords.check(stored, "x" * 1025)


def test_only_so_many_are_checked_at_once(
    passwords: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.auth.passwords.WAIT_S", 0.01)
    inside, release = threading.Semaphore(0), threading.Event()

    def hold() -> Iterator[None]:
        with passwords._turn():
            inside.release()
            release.wait()
        yield

    threads = [threading.Thread(target=lambda: list(hold())) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for _ in threads:
        inside.acquire()
    with pytest.raises(EngineUnavailable):
        passwords.check(None, "one too many")
    release.set()
    for thread in threads:
        thread.join()
    assert not passwords.check(None, "now there is room")


def test_the_table_of_permissions() -> None:
    assert set(PERMISSIONS) == set(Role)
    assert Permission.AUDIT in permissions([Role.PRIVACY])
    for role in set(Role) - {Role.PRIVACY}:
        assert Permission.AUDIT not in permissions([role])
    for role in (Role.PRIVACY, Role.ADMIN):
        assert not {Permission.NOTE, Permission.CHART, Permission.SEARCH} & permissions([role])
    assert permissions([]) == frozenset()
    assert permissions([Role.PRIVACY, Role.CLINICIAN]) > permissions([Role.CLINICIAN])


@pytest.mark.parametrize("hidden", [Role.RESEARCHER, Role.RELEVANCE])
def test_who_sees_notes_de_identified_reads_no_resource_by_another_role(hidden: Role) -> None:
    assert Permission.RESOURCE_READ not in permissions([hidden, Role.ADMIN])
    assert Permission.RESOURCE_READ in permissions([hidden, Role.CLINICIAN])


def test_the_purpose_is_the_first_roles() -> None:
    assert purpose(frozenset({Role.RESEARCHER, Role.CLINICIAN})) == "TREAT"
    assert purpose(frozenset({Role.RESEARCHER})) == "HRESCH"


def account(created: timedelta, seen: timedelta) -> Account:
    return Account(
        TenantId(uuid4()), "t", "T", False, "UTC", "u1", "ada", frozenset({Role.CLINICIAN}),
        frozenset(), None, NOW - created, NOW - seen, None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("created_m", "seen_m", "open_"),
    [(10, 1, True), (100, 29, True), (100, 31, False), (12 * 60 + 1, 1, False)],
)
def test_a_session_is_neither_idle_nor_old(created_m: int, seen_m: int, open_: bool) -> None:
    held = account(timedelta(minutes=created_m), timedelta(minutes=seen_m))
    assert within_limits(held, NOW, 30 * 60, 12 * 3600) is open_


@given(st.integers(0, 60), st.floats(0, 10_000), st.integers(1, 50))
def test_waiting_grows_with_failures_and_ends_with_time(
    failures: int, ago_s: float, free: int
) -> None:
    wait = _wait_s(failures, ago_s, free)
    assert 0 <= wait <= 900
    assert wait == 0 or failures >= free
    assert _wait_s(failures + 1, ago_s, free) >= wait
    assert _wait_s(failures, ago_s + 900, free) == 0


@given(st.text().map("/".__add__))
@example("/\\evil.example")
@example("//evil.example")
@example("https://evil.example")
@example("/a\nb")
def test_a_form_leads_nowhere_else(path: str) -> None:
    target = local(path)
    assert target.startswith("/")
    assert not target.startswith("//")
    assert "\\" not in target
    assert target.isprintable()


@given(st.lists(st.text(), max_size=3), st.lists(st.text(), max_size=3))
def test_keyed_parts_never_run_into_each_other(one: list[str], other: list[str]) -> None:
    assert (keyed("pepper", *one) == keyed("pepper", *other)) is (one == other)
