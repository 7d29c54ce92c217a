"""Whether a Neo4j server can serve: version, database, read-only, indexes."""

from __future__ import annotations

from collections.abc import Iterator

from indexing.backends.neo4j.connect import READ_ONLY, Neo4j
from indexing.health import Health, Trouble, release

LEAST = (5, 26)  # the oldest that the suites run on


def health(server: Neo4j) -> Health:
    """Look at the server.

    Raises:
        EngineUnavailable: it does not answer, or refuses the login; the hint says what to do.
    """
    version, edition = server.about()
    words = f"Neo4j {version} {edition}"
    if release(version) < LEAST:
        return Health(words, (Trouble("it is too old", "Use Neo4j 5.26 or newer."),))
    return Health(words, tuple(_troubles(server)))


def _troubles(server: Neo4j) -> Iterator[Trouble]:
    if server.locked():
        yield Trouble("its database is read-only", READ_ONLY)
        return
    if ill := server.ill_indexes():
        advice = "Look at SHOW INDEXES: drop what FAILED; the next start makes it anew."
        yield Trouble(f"{len(ill)} indexes do not answer, first {ill[0]}", advice)
