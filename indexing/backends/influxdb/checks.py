"""What `anamnesis doctor` asks an InfluxDB."""

from __future__ import annotations

from indexing.backends.influxdb.connect import Connection
from indexing.health import Health, Trouble, release

_LEAST = (1, 6)


def health(connection: Connection) -> Health:
    """Say what the server is, and what it lacks. Raises: EngineUnavailable."""
    version = connection.ping()
    words = f"InfluxDB {version or 'of an unknown version'}"
    if release(version) and not _LEAST <= release(version) < (2,):
        advice = "Use InfluxDB 1.6 or a newer 1.x: later ones have no databases to make."
        return Health(words, (Trouble("it has another interface", advice),))
    [series] = connection.ask("show databases", "", ["SHOW QUERIES"], {})
    if not any("qid" in each["columns"] for each in series):
        trouble = Trouble(
            "it takes points and answers no InfluxQL, as VictoriaMetrics does",
            "Nothing could be read back: use InfluxDB 1.x.",
        )
        return Health(words, (trouble,))
    return Health(words)
