"""Waiting until what was taken in is searchable, with a bar per follower."""

from __future__ import annotations

from collections.abc import Sequence

from rich.progress import TaskID

from app.cli.output import progress
from app.following import LANES, catch_up
from app.wiring import Installation


def wait_until_searchable(installation: Installation, lanes: Sequence[str] = LANES) -> None:
    """Return when the lanes are current."""
    with progress() as bar:
        tasks: dict[str, tuple[TaskID, int]] = {}

        def note(name: str, pending: int) -> None:
            task, top = tasks.get(name) or (bar.add_task(f"index: {name}", total=pending), 0)
            top = max(top, pending)
            tasks[name] = (task, top)
            bar.update(task, total=top, completed=top - pending)

        catch_up(installation, lanes, progress=note)
