"""Whether a Neo4j server can serve: version, database, read-only, indexes."""

from __future__ import annotations

from collections.abc import Iterator

from indexing.backends.neo4j.connect import READ_ONLY, Neo4j
from indexing.backends.neo4j.schema import MOST_DIMENSIONS
from indexing.health import Health, Trouble, release

LEAST = (5, 26)  # the oldest that the suites run on


def health(server: Neo4j, *, dimension: int | None) -> Health:
    """Look at the server; `dimension` of the vectors it is to hold, None where it holds none.

    Raises:
        EngineUnavailable: it does not answer, or refuses the login; the hint says what to do.
    """
    version, edition = server.about()
    words = f"Neo4j {version} {edition}"
    if release(version) < LEAST:
        return Health(words, (Trouble("it is too old", "Use Neo4j 5.26 or newer."),))
    return Health(words, tuple(_troubles(server, dimension)))


def _troubles(server: Neo4j, dimension: int | None) -> Iterator[Trouble]:
    if server.locked():
        yield Trouble("its database is read-only", READ_ONLY)
        return
    if dimension is not None and dimension > MOST_DIMENSIONS:
        yield Trouble(
            f"the encoder makes {dimension} dimensions, its indexes hold {MOST_DIMENSIONS} at most",
            "Let ANAMNESIS_CONCEPTS be vector.",
        )
    found = {each.name: each for each in server.indexes()}
    if ill := [each.name for each in found.values() if not each.online]:
        advice = (
            "Look at SHOW INDEXES: drop what FAILED; the next start makes it anew, `anamnesis "
            "index reconcile` that of a vector space."
        )
        yield Trouble(f"{len(ill)} indexes do not answer, first {ill[0]}", advice)
    spaces = server.spaces()
    if missing := [name for names, _ in spaces for name in names if name not in found]:
        yield Trouble(
            f"{len(missing)} indexes of vector spaces are missing, first {missing[0]}",
            "Run `anamnesis index reconcile`: names are not found until it is there again.",
        )
    for names, wanted in spaces:
        for name in names:
            held = found[name].dimension if name in found else None
            if held not in (None, wanted):
                yield Trouble(
                    f"index {name} holds {held} dimensions, its vectors have {wanted}",
                    f"Run DROP INDEX `{name}`, then `anamnesis index reconcile`.",
                )
