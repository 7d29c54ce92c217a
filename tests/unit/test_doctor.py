"""What doctor tells: each fault once, in one line."""

from __future__ import annotations

from app.cli.doctor import Finding, said_once


def test_a_fault_that_many_checks_meet_is_told_once_and_in_one_line() -> None:
    dead = ("the database could not be set up", "connection refused\n\tIs the server running?")
    told = said_once([
        Finding("python", "ok", "3.11"), Finding("home", "fault", *dead),
        Finding("secrets", "fault", *dead), Finding("one", "ok", "fine"),
        Finding("two", "ok", "fine"),
        Finding("disk", "fault", "full", "make room"),
    ])  # fmt: skip
    assert [(each.verdict, each.found, each.advice) for each in told] == [
        ("ok", "3.11", ""), ("fault", dead[0], "connection refused Is the server running?"),
        ("fault", "as home", ""), ("ok", "fine", ""), ("ok", "fine", ""),
        ("fault", "full", "make room"),
    ]  # fmt: skip
