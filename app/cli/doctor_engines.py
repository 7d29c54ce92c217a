"""What `anamnesis doctor` asks the servers that the settings name."""

from __future__ import annotations

from collections.abc import Callable

from app.settings import Settings
from app.wiring import Installation
from indexing.errors import ConfigurationError
from indexing.health import Health

Look = Callable[[Installation], Health]


def looks(settings: Settings) -> dict[str, Look]:
    """Return how to look at each engine that is in use, by its name."""
    used = {settings.lexical, settings.vector}
    known: dict[str, Look] = {"opensearch": _opensearch, "weaviate": _weaviate}
    return {name: look for name, look in known.items() if name in used}


def _opensearch(installation: Installation) -> Health:
    try:
        from indexing.backends.opensearch.checks import health
    except ImportError as exc:
        raise lacking("opensearch") from exc
    encoder = installation.encoder if installation.settings.vector == "opensearch" else None
    dimension = encoder.dimension if encoder is not None else None
    return health(installation.opensearch, dimension=dimension)


def _weaviate(installation: Installation) -> Health:
    try:
        from indexing.backends.weaviate.checks import health
    except ImportError as exc:
        raise lacking("weaviate") from exc
    return health(installation.weaviate)


def lacking(extra: str) -> ConfigurationError:
    """Say that an engine's client is not installed."""
    return ConfigurationError(
        f"the client of {extra} is not installed", hint=f"pip install 'anamnesis[{extra}]'"
    )
