"""Documents in SMILE, the binary JSON of OpenSearch: the numbers of a vector are not spelled.

Source: the format's specification, version 1.0 (FasterXML).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

END = b"\xff"  # parts documents; no byte within one is that
_HEADER = b":)\n\x00"  # nothing is shared, nothing is raw: raw bytes could hold the end
_SHORT_KEY = 64
_INT_32 = 1 << 31
_SHIFTS = np.array([28, 21, 14, 7, 0], np.uint32)


def dumps(document: Mapping[str, Any]) -> bytes:
    """Write a document of texts, numbers, flags, lists, objects, and rows of float32, which are
    written as they are. Raises: TypeError, OverflowError, UnicodeError."""
    parts: list[bytes] = [_HEADER]
    _value(document, parts)
    parts.append(END)
    return b"".join(parts)


def _value(value: Any, parts: list[bytes]) -> None:
    if isinstance(value, str):
        parts += (b"\xe4", value.encode(), b"\xfc")
    elif isinstance(value, Mapping):
        parts.append(b"\xfa")
        for name, each in value.items():
            parts.append(_key(name))
            _value(each, parts)
        parts.append(b"\xfb")
    elif isinstance(value, np.ndarray):
        parts += (b"\xf8", _floats(value), b"\xf9")
    elif isinstance(value, list | tuple):
        parts.append(b"\xf8")
        for each in value:
            _value(each, parts)
        parts.append(b"\xf9")
    elif value is None:
        parts.append(b"\x21")
    elif isinstance(value, bool):
        parts.append(b"\x23" if value else b"\x22")
    elif isinstance(value, int):
        parts.append(_whole(value))
    elif isinstance(value, float):
        [bits] = struct.unpack(">Q", struct.pack(">d", value))
        parts.append(bytes([0x29, *(bits >> shift & 0x7F for shift in range(63, -1, -7))]))
    else:
        raise TypeError(f"SMILE has no {type(value).__name__}")


@lru_cache(maxsize=1_000)
def _key(name: str) -> bytes:
    spelled = name.encode()
    if name.isascii() and 0 < len(spelled) <= _SHORT_KEY:
        return bytes([0x7F + len(spelled)]) + spelled
    return b"\x34" + spelled + b"\xfc"


def _whole(value: int) -> bytes:
    """Write a whole number: zigzag, seven bits a byte, six in the last, which is marked."""
    if not -(1 << 63) <= value < 1 << 63:
        raise OverflowError("a whole number has more than 64 bits")
    rest = value << 1 if value >= 0 else (~value << 1) | 1
    digits = [0x80 | rest & 0x3F]
    rest >>= 6
    while rest:
        digits.append(rest & 0x7F)
        rest >>= 7
    kind = b"\x24" if -_INT_32 <= value < _INT_32 else b"\x25"
    return kind + bytes(reversed(digits))


def _floats(row: NDArray[np.float32]) -> bytes:
    """Write (n,) float32: a mark and five times seven bits each."""
    bits = row.astype(np.float32, copy=False).view(np.uint32)
    made = np.empty((len(bits), 6), np.uint8)
    made[:, 0] = 0x28
    made[:, 1:] = (bits[:, None] >> _SHIFTS) & 0x7F
    return made.tobytes()
