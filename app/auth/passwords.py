"""Passwords: argon2id, at most a few at a time, and the same work for an unknown account."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from indexing.errors import EngineUnavailable, InvalidInput

SHORTEST = 12  # code points. Source: NIST SP 800-63B-4 §3.1.1.2 asks for 15 without a second factor
LONGEST = 1024  # argon2 takes any length; a request does not get to choose our work
AT_ONCE = 2  # each verification takes 64 MiB: a burst of sign-ins must not take the machine
WAIT_S = 5.0


class Passwords:
    """Hashes and checks. Source: RFC 9106 §4, second recommended option (64 MiB, t = 3)."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher(time_cost=3, memory_cost=65536, parallelism=1)
        self._turns = BoundedSemaphore(AT_ONCE)

    @cached_property
    def _nobody(self) -> str:
        """Checked when the account is unknown, so that time does not tell which names exist.

        Made with the first check: commands at which nobody signs in do without its tenth of a
        second and its 64 MiB.
        """
        return self._hasher.hash("nobody's password")

    def hash(self, password: str) -> str:
        """Return the hash to store.

        Raises:
            InvalidInput: too short or too long.
        """
        if not SHORTEST <= len(password) <= LONGEST:
            raise InvalidInput(f"a password has {SHORTEST} to {LONGEST} characters")
        with self._turn():
            return self._hasher.hash(_bytes(password))

    def check(self, stored: str | None, password: str) -> bool:
        """Say whether the password is the stored one; None does the work and says no."""
        with self._turn():
            nobody = self._nobody  # for a known account too: the first check is alike for all
            try:
                self._hasher.verify(stored or nobody, _bytes(password[:LONGEST]))
            except (VerificationError, InvalidHashError):
                return False
        return stored is not None and len(password) <= LONGEST

    def rehashed(self, stored: str, password: str) -> str | None:
        """Return a new hash where the stored one was made with weaker settings."""
        if not self._hasher.check_needs_rehash(stored):
            return None
        with self._turn():
            return self._hasher.hash(_bytes(password))

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._turns.acquire(timeout=WAIT_S):
            raise EngineUnavailable("too many people are signing in", hint="try again in a moment")
        try:
            yield
        finally:
            self._turns.release()


def _bytes(password: str) -> bytes:
    return password.encode("utf-8", "surrogatepass")
