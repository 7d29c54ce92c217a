"""The servers that a benchmark is asked for: known, and listening, before anything is made."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from urllib.parse import urlsplit

from app.settings import Settings
from indexing.errors import EngineUnavailable, InvalidInput

ADDRESSES = {
    "opensearch": ("opensearch_url",),
    "weaviate": ("weaviate_url", "weaviate_grpc"),
    "neo4j": ("neo4j_url",),
}
_PATIENCE_S = 5.0


def reach(settings: Settings, names: Sequence[str], known: Sequence[str]) -> None:
    """See that each is one of the known engines and that somebody listens at its addresses.

    Raises: InvalidInput, EngineUnavailable.
    """
    for name in names:
        if name not in known:
            raise InvalidInput(
                f"--engines: no engine {name!r}", hint="engines: " + ", ".join(known)
            )
    for name in names:
        for own in ADDRESSES[name]:
            given = str(getattr(settings, own))
            at = urlsplit(given if "://" in given else f"//{given}")
            try:
                socket.create_connection((at.hostname or "", at.port or 0), _PATIENCE_S).close()
            except (OSError, ValueError):
                raise EngineUnavailable(
                    f"nobody answers at ANAMNESIS_{own.upper()}",
                    hint=f"set it to where {name} listens, or leave {name} out of --engines",
                ) from None
