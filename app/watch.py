"""Keeps the embedded database up while a server runs: a killed one is started again."""

from __future__ import annotations

import threading
from contextlib import suppress

from app.wiring import Installation
from indexing.backends.postgres.embedded import Server
from indexing.backends.postgres.installation import locked
from indexing.errors import EngineUnavailable

_LOOK_EVERY_S = 0.5


class DatabaseWatch:
    """Looks twice a second; does nothing when the database is somebody else's server.

    A database that was stopped on purpose (`anamnesis stop`) comes back too: stop the server first.
    """

    def __init__(self, installation: Installation) -> None:
        self._server = (
            Server(installation.home) if installation.settings.database_url is None else None
        )
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, name="database-watch", daemon=True)

    def __enter__(self) -> DatabaseWatch:
        if self._server is not None:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        if self._server is not None:
            self._thread.join(timeout=30)

    def _look(self) -> None:
        assert self._server is not None
        while not self._stop.wait(_LOOK_EVERY_S):
            if self._server.running():
                continue
            with suppress(EngineUnavailable), locked(self._server.home):
                self._server.start()
