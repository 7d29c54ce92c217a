"""Moving a tenant's legs between engines, over an installation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, get_args

from app.following import LANES
from app.settings import GraphBackend, LexicalBackend, VectorBackend
from app.wiring import Installation
from indexing.errors import EngineUnavailable, InvalidInput
from indexing.moving import Mover
from indexing.places import LEGS, Leg
from indexing.routed import Routed

_ENGINES: dict[Leg, tuple[str, ...]] = {
    "lexical": get_args(LexicalBackend),
    "vector": get_args(VectorBackend),
    "graph": get_args(GraphBackend),
}


@contextmanager
def paused(installation: Installation) -> Iterator[None]:
    """Hold every lane's lock; whoever follows now lets go of it within a moment of asking.

    Raises:
        EngineUnavailable: another process keeps following.
    """
    with ExitStack() as stack:
        for lane in LANES:
            if not stack.enter_context(installation.feed.lock(f"follow:{lane}", wait_s=15)):
                raise EngineUnavailable(
                    "another process follows the feed and does not pause",
                    hint="try again in a moment",
                )
        yield


def movers(installation: Installation, legs: Sequence[Leg] = LEGS) -> Sequence[Mover]:
    """Return what moves each of `legs`."""
    return [_mover(installation, leg) for leg in legs]


def legs_of(engine: str, only: str | None) -> Sequence[Leg]:
    """Return the legs that an engine can serve, `only` one where that is named.

    Raises:
        InvalidInput: it serves none, or not that one.
    """
    found = [leg for leg in LEGS if engine in _ENGINES[leg] and only in (None, leg)]
    if not found:
        known = sorted({name for names in _ENGINES.values() for name in names} - {"memory"})
        raise InvalidInput(
            f"{engine} serves no {only or ''} leg".replace("  ", " "),
            hint=f"engines: {', '.join(known)}; legs: {', '.join(LEGS)}",
        )
    return found


def _mover(installation: Installation, leg: Leg) -> Mover:
    _, lexical, graph, *_rest = installation.text_followers()
    _, vector = installation.vector_followers()
    index: dict[Leg, Routed[Any]] = {
        "lexical": installation.lexical, "vector": installation.vector, "graph": installation.graph,
    }  # fmt: skip
    model = installation.encoder.model if leg == "vector" else None
    return Mover(
        leg=leg,
        index=index[leg],
        follower={"lexical": lexical, "vector": vector, "graph": graph}[leg],
        places=installation.places,
        expected=partial(installation.derived.indexable, model=model),
        pausing=partial(paused, installation),
    )
