"""Keeps the embedded database up while a server runs: a killed one is started again."""

from __future__ import annotations

import fcntl
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self

from app.looking import Looking
from indexing.backends.postgres.embedded import Server
from indexing.backends.postgres.installation import locked
from indexing.errors import EngineUnavailable

if TYPE_CHECKING:  # `anamnesis stop` asks here too, and needs no engine for it
    from app.wiring import Installation

_LOOK_EVERY_S = 0.5
_MARK = "serving"  # a file of the home, which every server that runs on it holds locked


class DatabaseWatch(Looking):
    """Looks twice a second; does nothing when the database is somebody else's server.

    A database that was stopped on purpose would come back too: `anamnesis stop` asks `is_served`.
    """

    def __init__(self, installation: Installation) -> None:
        super().__init__("database-watch", _LOOK_EVERY_S)
        own = installation.settings.database_url is None
        self._server = Server(installation.home) if own else None
        self._held = ExitStack()

    def __enter__(self) -> Self:
        if self._server is None:
            return self
        mark = self._held.enter_context((self._server.home / _MARK).open("a"))
        fcntl.flock(mark, fcntl.LOCK_SH)
        return super().__enter__()

    def __exit__(self, *raised: object) -> None:
        super().__exit__(*raised)
        self._held.close()

    def look(self) -> None:
        """Start the database where it does not run."""
        assert self._server is not None
        if not self._server.running():
            with suppress(EngineUnavailable), locked(self._server.home):
                self._server.start()


def is_served(home: Path) -> bool:
    """Say whether a server runs on this home, in whichever process; a killed one does not."""
    with (home / _MARK).open("a") as mark:
        try:
            fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
