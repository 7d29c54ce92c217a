"""What an engine does not do: (engine, test) to the reason. Each is a strict xfail."""

from __future__ import annotations

_UNREAD = "VictoriaMetrics takes line protocol and answers no InfluxQL: nothing can be read back"

GAPS: dict[tuple[str, str], str] = {
    ("victoriametrics", "test_what_was_written_is_read_and_a_correction_replaces_it"): _UNREAD,
    ("victoriametrics", "test_who_is_forgotten_is_gone"): _UNREAD,
}
