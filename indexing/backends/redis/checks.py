"""Whether a Redis can keep answers: version, login, and whether it takes a write."""

from __future__ import annotations

from typing import Final

from indexing.backends.redis.connect import Connection
from indexing.health import Health, Trouble, release

LEAST: Final = (6, 0)
_ADVICE: Final = {
    "READONLY": "It is a replica: name the primary in ANAMNESIS_REDIS_URL.",
    "OOM": "Give it more memory, or the policy allkeys-lru: it forgets nothing by itself.",
    "MISCONF": "It cannot write its snapshot: make room, or turn snapshots off for a cache.",
    "NOPERM": "Let its user SET, GET, SCAN and UNLINK names that begin with `anamnesis:`.",
}


def health(connection: Connection) -> Health:
    """Look at the server. Raises: EngineUnavailable: it does not answer, or refuses the login."""
    version = connection.version()
    words = f"Redis {version}"
    if release(version) < LEAST:
        return Health(words, (Trouble("it is too old", "Use Redis 6.0 or newer."),))
    if code := connection.refusal():
        advice = _ADVICE.get(code, "Look at its log; until then every question is asked anew.")
        return Health(words, (Trouble(f"it keeps nothing ({code})", advice),))
    return Health(words)
