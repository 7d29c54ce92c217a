"""What an engine does not do: (engine, test) to the reason. Each is a strict xfail."""

from __future__ import annotations

GAPS: dict[tuple[str, str], str] = {}
