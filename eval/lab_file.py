"""The lab's SQLite files: opened for one piece of work, durable when it ends."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from indexing.errors import ConfigurationError

BUSY_S = 30.0


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a file of the lab in a transaction that ends with the block.

    Raises: ConfigurationError where it cannot be read or written.
    """
    try:
        conn = sqlite3.connect(path, timeout=BUSY_S)
        try:
            conn.execute("PRAGMA journal_mode = WAL")
            with conn:
                yield conn
        finally:
            conn.close()
    except sqlite3.Error as exc:
        raise ConfigurationError(
            f"the lab's file cannot be used ({type(exc).__name__})",
            hint=f"Look whether its disk is full, and whether {path.name} may be written.",
        ) from exc
