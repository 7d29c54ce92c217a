"""Whether a Weaviate server can serve: version, state, read-only shards."""

from __future__ import annotations

from collections.abc import Iterator

from indexing.backends.weaviate.connect import READ_ONLY, Connection
from indexing.health import Health, Trouble, release

LEAST = (1, 33)  # filters that refuse: NOT and ContainsNone


def health(connection: Connection) -> Health:
    """Look at the server.

    Raises:
        EngineUnavailable: it does not answer, or refuses the login; the hint says what to do.
    """
    version = connection.ping()
    words = f"Weaviate {version}"
    if release(version) < LEAST:
        return Health(words, (Trouble("it is too old", "Use Weaviate 1.33 or newer."),))
    return Health(words, tuple(_troubles(connection)))


def _troubles(connection: Connection) -> Iterator[Trouble]:
    with connection.calling("tell its state") as client:
        nodes = client.cluster.nodes(output="verbose")
    ill = [node.name for node in nodes if node.status != "HEALTHY"]
    if ill:
        yield Trouble(f"{len(ill)} of {len(nodes)} nodes are not healthy", "Look at their logs.")
    locked = {
        shard.collection
        for node in nodes
        for shard in node.shards or ()
        if shard.vector_indexing_status == "READONLY"
        and shard.collection.startswith(connection.server.prefix)
    }
    if locked:
        yield Trouble(f"{len(locked)} collections are read-only", READ_ONLY)
