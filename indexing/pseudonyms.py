"""Names for patients and notes that only this installation can turn back.

Deterministic authenticated encryption of an id under a key of the tenant (the SIV construction of
RFC 5297, with HMAC-SHA256 for both of its parts): the same id has the same pseudonym, nothing is
stored, and a pseudonym that was not made here is refused.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

from indexing.errors import NotFound
from indexing.language.deidentify import shift_days
from indexing.model import TenantId

_MARK = 16  # bytes of the synthetic vector
_SALT = 8  # bytes
_BLOCK = 16  # ids are filled up to a multiple, so that their length says little


class Pseudonyms:
    """The pseudonyms and date shifts of one tenant; `secret` is the installation's."""

    def __init__(self, secret: str, tenant_id: TenantId) -> None:
        root = hmac.digest(secret.encode(), b"deidentified:" + tenant_id.bytes, "sha256")
        self._mark_key, self._hide_key, self._shift_key, self._salt_key = (
            hmac.digest(root, use, "sha256") for use in (b"mark", b"hide", b"shift", b"salt")
        )

    def of(self, kind: str, real: str, apart: str = "") -> str:
        """Return the pseudonym of an id of that kind ("patient", "note").

        What is named `apart`, such as a cohort, has pseudonyms of its own: two lists that were
        named apart cannot be compared by them.
        """
        salt = hmac.digest(self._salt_key, apart.encode(), "sha256")[:_SALT] if apart else b""
        filled = salt + real.encode("utf-8", "surrogatepass") + b"\x80"
        filled += bytes(-len(filled) % _BLOCK)
        mark = self._mark(kind, filled, len(salt))
        return base64.urlsafe_b64encode(mark + self._hidden(mark, filled)).decode().rstrip("=")

    def real(self, kind: str, pseudonym: str) -> str:
        """Return the id behind a pseudonym.

        Raises:
            NotFound: it was not made here, for this kind.
        """
        try:
            padded = pseudonym.encode("ascii") + b"=" * (-len(pseudonym) % 4)
            raw = base64.b64decode(padded, altchars=b"-_", validate=True)
        except (UnicodeEncodeError, binascii.Error):
            raise _unknown() from None
        mark, hidden = raw[:_MARK], raw[_MARK:]
        filled = self._hidden(mark, hidden)
        salted = next((n for n in (0, _SALT) if hmac.compare_digest(
            mark, self._mark(kind, filled, n))), None)  # fmt: skip
        if salted is None:
            raise _unknown()
        return filled[salted:].rstrip(b"\x00")[:-1].decode("utf-8", "surrogatepass")

    def label(self, pseudonym: str) -> str:
        """Return a short name to tell pseudonyms apart by, for people."""
        return hashlib.sha256(pseudonym.encode()).hexdigest()[:6]

    def shift(self, owner: str, apart: str = "") -> int:
        """Return by how many days a patient's dates are moved, all of them by the same.

        What is named `apart` moves them further back, each list by days of its own. That comes on
        top: of shifts that were drawn anew for each list, the smallest of many would be nearly
        none, and whoever asks again and again would have the day itself.
        """
        moved = shift_days(owner, self._shift_key)
        if apart:
            moved += shift_days(owner, hmac.digest(self._shift_key, apart.encode(), "sha256"))
        return moved

    def _mark(self, kind: str, filled: bytes, salted: int) -> bytes:
        named = kind.encode() + bytes([salted]) + filled
        return hmac.digest(self._mark_key, named, "sha256")[:_MARK]

    def _hidden(self, mark: bytes, data: bytes) -> bytes:
        stream = b"".join(
            hmac.digest(self._hide_key, mark + number.to_bytes(4, "big"), "sha256")
            for number in range(-(-len(data) // 32))
        )
        return bytes(a ^ b for a, b in zip(data, stream, strict=False))


def _unknown() -> NotFound:
    return NotFound("no such thing in this view, or it is not open to you")
