"""`anamnesis stop`."""

from __future__ import annotations

from app.settings import load
from indexing.backends.postgres.embedded import Server
from indexing.backends.postgres.installation import locked


def stop_command() -> int:
    """Stop the embedded database; silent when it is down."""
    home = load().home
    if home.exists():
        with locked(home):
            Server(home).stop()
    return 0
