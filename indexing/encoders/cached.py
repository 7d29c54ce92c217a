"""Vectors kept between runs, by model and text."""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from indexing.ports import Encoder, Vectors

_ASKED = 500  # keys per statement; SQLite takes 999 values


class CachedEncoder:
    """An encoder that asks `inner` only for texts it has not seen; texts are kept as hashes."""

    def __init__(self, inner: Encoder, folder: Path) -> None:
        self._inner = inner
        self._lock = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True)
        self._store = sqlite3.connect(
            folder / f"{inner.model}.sqlite", timeout=60, check_same_thread=False
        )
        self._store.execute("PRAGMA journal_mode = WAL")
        self._store.execute("PRAGMA synchronous = OFF")  # a cache: what is lost is made again
        self._store.execute(
            "CREATE TABLE IF NOT EXISTS vector (key BLOB PRIMARY KEY, row BLOB) WITHOUT ROWID"
        )

    @property
    def model(self) -> str:
        """Return the inner encoder's."""
        return self._inner.model

    @property
    def dimension(self) -> int:
        """Return the inner encoder's."""
        return self._inner.dimension

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Encode what is new, and remember it."""
        keys = [hashlib.sha256(t.encode("utf-8", "surrogatepass")).digest()[:16] for t in texts]
        with self._lock:
            known = self._known(keys)
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        if new:
            rows = self._inner.encode(list(new.values()))
            made = dict(zip(new, rows, strict=True))
            with self._lock, self._store:
                self._store.executemany(
                    "INSERT OR IGNORE INTO vector VALUES (?, ?)",
                    [(key, row.tobytes()) for key, row in made.items()],
                )
            known.update(made)
        found = np.empty((len(texts), self.dimension), dtype=np.float32)
        for i, key in enumerate(keys):
            found[i] = known[key]
        return found

    def close(self) -> None:
        """Close the file."""
        self._store.close()

    def _known(self, keys: Sequence[bytes]) -> dict[bytes, Vectors]:
        known = {}
        for at in range(0, len(keys), _ASKED):
            some = keys[at : at + _ASKED]
            marks = ",".join("?" * len(some))
            for key, row in self._store.execute(
                f"SELECT key, row FROM vector WHERE key IN ({marks})", some
            ):
                known[key] = np.frombuffer(row, dtype=np.float32)
        return known
