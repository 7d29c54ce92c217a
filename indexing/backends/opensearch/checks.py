"""Whether an OpenSearch cluster can serve: version, plugins, state, read-only, dimensions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from indexing.backends.opensearch.connect import CROWDED, Connection
from indexing.health import Health, Trouble, release

LEAST = (3, 0)  # the similarity that keeps (k1 + 1), nested vectors with filters
PLUGIN = "opensearch-knn"


def health(connection: Connection, *, dimension: int | None) -> Health:
    """Look at the cluster; `dimension` of the vectors it is to hold, None where it holds none.

    Raises:
        EngineUnavailable: it does not answer, or refuses the login; the hint says what to do.
    """
    version = connection.ping().get("version", {})
    name, number = version.get("distribution", "Elasticsearch"), str(version.get("number", ""))
    words = f"{name} {number}"
    if name != "opensearch":
        told = Trouble("it is not OpenSearch", "Elasticsearch is not supported: see the README.")
        return Health(words, (told,))
    if release(number) < LEAST:
        return Health(words, (Trouble("it is too old", "Use OpenSearch 3.0 or newer."),))
    return Health(words, tuple(_troubles(connection, dimension)))


def _troubles(connection: Connection, dimension: int | None) -> Iterator[Trouble]:
    prefix = connection.cluster.prefix
    with connection.calling("tell its state") as client:
        plugins = client.cat.plugins(params={"format": "json"})
        state = client.cluster.health()
        settings = client.indices.get_settings(
            index=f"{prefix}-*", name="index.blocks.*", params={"flat_settings": "true"}
        )
        mappings = client.indices.get_mapping(index=f"{prefix}-*")
    if dimension is not None:
        yield from _without_plugin(plugins, int(state["number_of_nodes"]))
        yield from _other_dimensions(mappings, dimension)
    if state["status"] == "red":
        lost = state["unassigned_shards"]
        yield Trouble(
            f"the cluster is red: {lost} shards have no home",
            "See GET _cluster/allocation/explain; a lost index comes back by `anamnesis index "
            "rebuild`.",
        )
    locked = {name: _blocks(held["settings"]) for name, held in settings.items()}
    if blocks := {block for own in locked.values() for block in own}:
        names = [name for name, own in locked.items() if own]
        yield Trouble(
            f"{len(names)} indexes are read-only, first {names[0]}",
            f"{CROWDED}, then clear {' and '.join(sorted(blocks))}.",
        )


def _blocks(settings: Mapping[str, str]) -> list[str]:
    """Name the settings that keep an index from being written."""
    return [name for name, value in settings.items() if value == "true"]


def _without_plugin(plugins: list[dict[str, Any]], nodes: int) -> Iterator[Trouble]:
    having = {row["name"] for row in plugins if row["component"] == PLUGIN}
    if len(having) < nodes:
        yield Trouble(
            f"{nodes - len(having)} of {nodes} nodes lack the plugin {PLUGIN}",
            f"Run `bin/opensearch-plugin install {PLUGIN}` on each node and restart it.",
        )


def _other_dimensions(mappings: dict[str, Any], dimension: int) -> Iterator[Trouble]:
    for index, held in mappings.items():
        passages = held["mappings"].get("properties", {}).get("passages")
        if passages is None:
            continue
        found = passages["properties"]["vector"]["dimension"]
        if found != dimension and f"-{dimension}-" in index:
            yield Trouble(
                f"index {index} holds {found} dimensions, the encoder makes {dimension}",
                "Run `anamnesis index rebuild` for this tenant.",
            )
