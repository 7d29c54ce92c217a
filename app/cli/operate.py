"""`anamnesis stop`."""

from __future__ import annotations

from app.settings import load
from app.watch import is_served
from indexing.backends.postgres.embedded import Server
from indexing.backends.postgres.installation import locked
from indexing.errors import Conflict


def stop_command() -> int:
    """Stop the embedded database; silent when it is down.

    Raises:
        Conflict: a server runs, and would start it again within a second: who copies the folder
            now would copy a database at work.
    """
    home = load().home
    if home.exists():
        with locked(home):
            if is_served(home):
                raise Conflict(
                    "a server runs on this home and would start its database again",
                    hint="end `anamnesis serve` first (Ctrl-C where it runs), then stop",
                )
            Server(home).stop()
    return 0
