"""What the legs answered to a set's topics, kept between tunings: asking is what takes time.

One SQLite file in the lab's folder, a row for each topic and way of asking, durable as it is
written, so that a tuning that was broken off goes on where it stopped. Answers of other code,
another model or another terminology are dropped when the set is asked anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import orjson
import zstandard

from eval.lab_file import opened
from eval.replay import Asked, Asking

_SCHEMA = """
CREATE TABLE IF NOT EXISTS asked (
  data_version TEXT NOT NULL, made_by TEXT NOT NULL, asking TEXT NOT NULL, topic_id TEXT NOT NULL,
  answers BLOB NOT NULL, PRIMARY KEY (data_version, made_by, asking, topic_id)
) WITHOUT ROWID
"""


class AskedAnswers:
    """The answers of one set by one state of the code, the model and the terminology."""

    def __init__(self, folder: Path, data_version: str, made_by: Sequence[str]) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._path = folder / "asked.sqlite"
        self._key = (data_version, " ".join(made_by))
        with opened(self._path) as conn:
            conn.execute(_SCHEMA)
            conn.execute("DELETE FROM asked WHERE data_version = ? AND made_by <> ?", self._key)
        self._path.chmod(0o600)  # a hospital's ids may stand in it

    def topics(self, asking: Asking) -> frozenset[str]:
        """Return the topics that were asked so already."""
        with opened(self._path) as conn:
            found = conn.execute(
                "SELECT topic_id FROM asked WHERE data_version = ? AND made_by = ? AND asking = ?",
                (*self._key, _named(asking)),
            )
            return frozenset(topic for (topic,) in found)

    def count(self) -> int:
        """Count what is kept."""
        with opened(self._path) as conn:
            found = conn.execute(
                "SELECT count(*) FROM asked WHERE data_version = ? AND made_by = ?", self._key
            ).fetchone()
        return int(found[0])

    def add(self, asking: Asking, found: Mapping[str, Asked]) -> None:
        """Keep what topics were answered; durable on return."""
        rows = [
            (*self._key, _named(asking), topic, zstandard.compress(orjson.dumps(answers), 3))
            for topic, answers in found.items()
        ]
        with opened(self._path) as conn:
            conn.executemany("INSERT OR REPLACE INTO asked VALUES (?, ?, ?, ?, ?)", rows)

    def read(self, asking: Asking) -> dict[str, Asked]:
        """Return what each topic was answered."""
        with opened(self._path) as conn:
            found = conn.execute(
                "SELECT topic_id, answers FROM asked "
                "WHERE data_version = ? AND made_by = ? AND asking = ?",
                (*self._key, _named(asking)),
            )
            return {
                topic: Asked(**orjson.loads(zstandard.decompress(blob))) for topic, blob in found
            }


def _named(asking: Asking) -> str:
    return f"{asking.title:g} {'+'.join(asking.expansions) or 'none'}"
