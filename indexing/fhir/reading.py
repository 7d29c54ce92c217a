"""JSON text to objects: duplicate keys, NaN, NUL, stray surrogates and deep nests refused."""

from __future__ import annotations

from typing import Any

JsonObject = dict[str, Any]

MAX_DEPTH = 100
MAX_BYTES = 256 * 1024 * 1024


def parse(data: bytes, *, max_bytes: int = MAX_BYTES) -> JsonObject:
    """Parse one JSON object; decimals become `Decimal`, so that no digit is lost.

    A byte order mark is tolerated.

    Raises:
        Unusable: not UTF-8, not one JSON object, a duplicate key, NaN, U+0000, an unpaired
            surrogate, deeper than MAX_DEPTH or longer than `max_bytes`; with path and offset.
    """
    raise NotImplementedError
