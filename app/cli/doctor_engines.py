"""What `anamnesis doctor` asks the servers that the settings name."""

from __future__ import annotations

from collections.abc import Callable

from app.engines import require
from app.settings import Settings
from app.wiring import Installation
from indexing.errors import AnamnesisError, EngineUnavailable
from indexing.health import Health

Look = Callable[[Installation], Health]


def looks(installation: Installation) -> dict[str, Look]:
    """Return how to look at each engine that is in use, by its name: those of the settings, and
    those that a leg of a tenant was moved to."""
    used = named(installation.settings) | _moved_to(installation)
    known: dict[str, Look] = {
        "opensearch": _opensearch, "weaviate": _weaviate, "neo4j": _neo4j, "influxdb": _influxdb,
        "redis": _redis,
    }  # fmt: skip
    return {name: look for name, look in known.items() if name in used}


def named(settings: Settings) -> set[str]:
    """Return the engines that the settings name."""
    return {
        settings.lexical, settings.vector, settings.graph, settings.medical, settings.vitals,
        settings.cache, settings.concept_engine,
    }  # fmt: skip


def _moved_to(installation: Installation) -> set[str]:
    try:
        return {
            engine
            for tenant in installation.tenants.all()
            for engine in installation.places.engines(tenant.tenant_id)
        }
    except (AnamnesisError, OSError, ImportError, ValueError):
        return set()  # the database or the home is at fault, which is told as such


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
    require(settings.concept_engine)
    for name, look in looks(installation).items():
        try:
            troubles = [f"{each.what}. {each.advice}" for each in look(installation).troubles]
        except EngineUnavailable as exc:
            troubles = [f"{exc}. {exc.hint}"]
        for trouble in troubles:
            say(f"{name}: {trouble} Starting without it.")


def _opensearch(installation: Installation) -> Health:
    require("opensearch")
    from indexing.backends.opensearch.checks import health

    legs = {installation.settings.vector, *_moved_to(installation)}
    dimension = installation.encoder.dimension if "opensearch" in legs else None
    return health(installation.opensearch, dimension=dimension)


def _weaviate(installation: Installation) -> Health:
    require("weaviate")
    from indexing.backends.weaviate.checks import health

    return health(installation.weaviate)


def _neo4j(installation: Installation) -> Health:
    require("neo4j")
    from indexing.backends.neo4j.checks import health

    named = installation.settings.concept_engine == "neo4j"
    dimension = installation.encoder.dimension if named else None
    return health(installation.neo4j, dimension=dimension)


def _redis(installation: Installation) -> Health:
    require("redis")
    from indexing.backends.redis.checks import health

    return health(installation.redis)


def _influxdb(installation: Installation) -> Health:
    require("influxdb")
    from indexing.backends.influxdb.checks import health

    return health(installation.influxdb)
