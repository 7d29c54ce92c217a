"""What `anamnesis doctor` asks the servers that the settings name."""

from __future__ import annotations

from collections.abc import Callable

from app.engines import require
from app.settings import Settings
from app.wiring import Installation
from indexing.errors import EngineUnavailable
from indexing.health import Health, Trouble, release

Look = Callable[[Installation], Health]


def looks(settings: Settings) -> dict[str, Look]:
    """Return how to look at each engine that is in use, by its name."""
    used = {
        settings.lexical, settings.vector, settings.graph, settings.medical, settings.vitals,
    }  # fmt: skip
    known: dict[str, Look] = {
        "opensearch": _opensearch, "weaviate": _weaviate, "neo4j": _neo4j, "influxdb": _influxdb,
    }  # fmt: skip
    return {name: look for name, look in known.items() if name in used}


def ready(installation: Installation, say: Callable[[str], None]) -> None:
    """Make every engine's client; tell of servers that cannot answer now. A server that is down
    costs its leg and comes back by itself, so nothing waits for it.

    Raises:
        ConfigurationError: a client or a file of certificates is missing: nothing would ever work.
    """
    settings = installation.settings
    installation.lexical_engine(settings.lexical)
    installation.vector_engine(settings.vector)
    installation.graph_engine(settings.graph)
    _ = installation.medical.graph
    for name, look in looks(settings).items():
        try:
            troubles = [f"{each.what}. {each.advice}" for each in look(installation).troubles]
        except EngineUnavailable as exc:
            troubles = [f"{exc}. {exc.hint}"]
        for trouble in troubles:
            say(f"{name}: {trouble} Starting without it.")


def _opensearch(installation: Installation) -> Health:
    require("opensearch")
    from indexing.backends.opensearch.checks import health

    encoder = installation.encoder if installation.settings.vector == "opensearch" else None
    dimension = encoder.dimension if encoder is not None else None
    return health(installation.opensearch, dimension=dimension)


def _weaviate(installation: Installation) -> Health:
    require("weaviate")
    from indexing.backends.weaviate.checks import health

    return health(installation.weaviate)


def _neo4j(installation: Installation) -> Health:
    require("neo4j")
    version, edition = installation.neo4j.about()
    words = f"Neo4j {version} {edition}"
    if release(version) < _LEAST_NEO4J:
        return Health(words, (Trouble("it is too old", "Use Neo4j 5.13 or newer."),))
    return Health(words)


def _influxdb(installation: Installation) -> Health:
    require("influxdb")
    from indexing.backends.influxdb.checks import health

    return health(installation.influxdb)


_LEAST_NEO4J = (5, 13)  # vector indexes
