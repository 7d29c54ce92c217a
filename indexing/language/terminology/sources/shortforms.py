"""Clinical abbreviations as JSON lines: short, long, and the share of uses where counted."""

from __future__ import annotations

from typing import Any

import orjson

from indexing.language.terminology.facts import Facts
from indexing.language.terminology.sources.lines import Lines


def read(lines: Lines, facts: Facts) -> None:
    """{"source", "short", "long", "freq"?} per line."""
    for number, line in lines:
        try:
            row: Any = orjson.loads(line)
        except orjson.JSONDecodeError:
            lines.reject(number, "not JSON")
            continue
        short, long = (row.get("short"), row.get("long")) if isinstance(row, dict) else (None, None)
        if not (isinstance(short, str) and isinstance(long, str) and short and long):
            lines.reject(number, "expected short and long")
            continue
        share = row.get("freq", 0.0)
        share = float(share) if isinstance(share, int | float) and 0 <= share <= 1 else 0.0
        facts.abbreviations.append((short, long, share, str(row.get("source", ""))))
