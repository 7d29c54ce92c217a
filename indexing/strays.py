"""Hits of another tenant: dropped, counted and alarmed. None should ever be."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import TypeVar

from prometheus_client import CollectorRegistry, Counter

from indexing.model import TenantId

REGISTRY = CollectorRegistry()
STRAYS = Counter(
    "anamnesis_stray_hits_total",
    "Hits of another tenant that an engine gave and that were dropped: never more than 0.",
    ("engine", "index"),
    registry=REGISTRY,
)
_log = logging.getLogger("anamnesis.alarm")

Hit = TypeVar("Hit")


def own(
    engine: str, index: str, tenant_id: TenantId, hits: Iterable[Hit], of: Callable[[Hit], object]
) -> list[Hit]:
    """Return the hits that are this tenant's; `of` tells whose a hit is, as 32 hex digits."""
    every = list(hits)
    kept = [hit for hit in every if of(hit) == tenant_id.hex]
    if lost := len(every) - len(kept):
        sound(engine, index, tenant_id, lost)
    return kept


def sound(engine: str, index: str, tenant_id: TenantId, hits: int = 1) -> None:
    """Count hits of another tenant and raise the alarm: somebody must look at that engine."""
    STRAYS.labels(engine, index).inc(hits)
    _log.critical(
        "the %s index of %s gave %d hits of another tenant to %s: dropped",
        index, engine, hits, tenant_id,
    )  # fmt: skip
