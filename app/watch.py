"""Keeps the embedded database up while a server runs: a killed one is started again."""

from __future__ import annotations

from contextlib import suppress
from typing import Self

from app.looking import Looking
from app.wiring import Installation
from indexing.backends.postgres.embedded import Server
from indexing.backends.postgres.installation import locked
from indexing.errors import EngineUnavailable

_LOOK_EVERY_S = 0.5


class DatabaseWatch(Looking):
    """Looks twice a second; does nothing when the database is somebody else's server.

    A database that was stopped on purpose (`anamnesis stop`) comes back too: stop the server first.
    """

    def __init__(self, installation: Installation) -> None:
        super().__init__("database-watch", _LOOK_EVERY_S)
        own = installation.settings.database_url is None
        self._server = Server(installation.home) if own else None

    def __enter__(self) -> Self:
        return super().__enter__() if self._server is not None else self

    def look(self) -> None:
        """Start the database where it does not run."""
        assert self._server is not None
        if not self._server.running():
            with suppress(EngineUnavailable), locked(self._server.home):
                self._server.start()
