"""A note of each tenant that nobody wrote: found by its own tenant in every store, by no other.

It carries a word that nobody can guess and the label V, which no account holds, so that no page, no
count and no export shows it. It comes in as every note does, and is followed like one.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from prometheus_client import CollectorRegistry, Gauge

from app.following import catch_up
from app.wiring import Installation
from indexing.access import LABELS, Access, Role
from indexing.clauses import Word
from indexing.errors import AnamnesisError, EngineUnavailable, IntegrityFault
from indexing.filters import Filters
from indexing.ingest import Ingest
from indexing.model import Tenant, TenantId
from indexing.strays import sound

MOST_OTHERS: Final = 25  # tenants whose canaries are looked for in one tenant's stores
K: Final = 50
LAST: Final = "canary.json"  # in the home: counts of the last run, for /metrics
_CONCEPT_NAME: Final = "chest pain"
_SECURITY: Final = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"


@dataclass(frozen=True, slots=True)
class Canary:
    """What is planted in a tenant; `word` is not in any dictionary."""

    tenant_id: TenantId
    doc_id: str
    word: str

    @property
    def text(self) -> str:
        """The note."""
        return f"{self.word} reports {_CONCEPT_NAME}. Planted to watch over the stores."


@dataclass(slots=True)
class Watched:
    """What each store of a tenant said: ok, missing, foreign or unavailable."""

    probes: int = 0
    foreign: int = 0
    stores: dict[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Say whether every store holds its own and nobody else's."""
        return all(said == "ok" for said in self.stores.values())


def canary_of(pepper: str, tenant_id: TenantId) -> Canary:
    """Return a tenant's canary: the same each time, and known to this installation alone."""
    drawn = hmac.new(pepper.encode(), b"canary" + tenant_id.bytes, hashlib.sha256).hexdigest()
    return Canary(tenant_id, f"canary-{drawn[:24]}", f"qz{drawn[24:48]}")


def watch(installation: Installation, tenants: Sequence[Tenant]) -> Mapping[str, Watched]:
    """Plant what is not there yet, look through every store, and return what was found by tenant.

    A foreign hit sounds the alarm. Raises: EngineUnavailable, when the records do not answer.
    """
    every = {t.tenant_id: canary_of(installation.secrets.pepper, t.tenant_id) for t in tenants}
    _plant(installation, tenants, every)
    found = {}
    for tenant in tenants:
        others = [c for own, c in every.items() if own != tenant.tenant_id][:MOST_OTHERS]
        found[tenant.code] = _watched(installation, every[tenant.tenant_id], others)
    return found


def canary_metrics(home: Path) -> CollectorRegistry:
    """Return what the last `anamnesis canary` over this home found; nothing before the first."""
    registry = CollectorRegistry()
    try:
        told = json.loads((home / LAST).read_text())
    except (OSError, ValueError):
        return registry
    shown = {
        "foreign": "Hits of another tenant that the last canary run found: never more than 0.",
        "ok": "1 where every store gave each tenant its own canary.",
        "at": "When that was, seconds since 1970.",
    }
    for name, words in shown.items():
        Gauge(f"anamnesis_canary_{name}", words, registry=registry).set(float(told[name]))
    return registry


def _plant(
    installation: Installation, tenants: Sequence[Tenant], canaries: Mapping[TenantId, Canary]
) -> None:
    planted = False
    for tenant in tenants:
        canary, access = canaries[tenant.tenant_id], _cleared(tenant.tenant_id)
        if canary.doc_id in installation.documents.fetch(access, [canary.doc_id]):
            continue
        zone = ZoneInfo(tenant.time_zone)
        into = Ingest(installation.records, access, zone, reason="canary")
        [outcome] = into.submit(json.dumps(_resource(canary)).encode())
        if outcome.rejected is not None:
            raise IntegrityFault(f"the canary of {tenant.code} was refused")
        planted = True
    if planted:
        catch_up(installation, tenants=list(canaries))


def _resource(canary: Canary) -> dict[str, Any]:
    data = base64.b64encode(canary.text.encode()).decode()
    return {
        "resourceType": "DocumentReference", "id": canary.doc_id, "status": "current",
        "meta": {"security": [{"system": _SECURITY, "code": "V"}]},
        "type": {"text": "Canary"}, "description": canary.word,
        "content": [{"attachment": {"contentType": "text/plain", "data": data}}],
    }  # fmt: skip


def _cleared(tenant_id: TenantId) -> Access:
    return Access(tenant_id, "operator:canary", frozenset({Role.ADMIN}), "HOPERAT", labels=LABELS)


def _watched(installation: Installation, own: Canary, others: Sequence[Canary]) -> Watched:
    cleared = _cleared(own.tenant_id)
    result = Watched()
    for store, look in _stores(installation).items():
        try:
            said = _said(look, cleared, own, others, result)
        except AnamnesisError:
            said = "unavailable"
        if said == "foreign":
            sound(store, "canary", own.tenant_id)
        result.stores[store] = said
    return result


Look = Callable[[Access, Canary], Iterable[str]]  # the ids that a store gives for a canary


def _said(
    look: Look, cleared: Access, own: Canary, others: Sequence[Canary], result: Watched
) -> str:
    """Ask for one's own, as one who may see it and as one who may not, and for the others'."""
    result.probes += 2 + len(others)
    here = own.doc_id in look(cleared, own)
    foreign = sum(other.doc_id in look(cleared, other) for other in others)
    foreign += own.doc_id in look(replace(cleared, labels=frozenset()), own)
    result.foreign += foreign
    if foreign:
        return "foreign"
    return "ok" if here else "missing"


def _stores(installation: Installation) -> Mapping[str, Look]:
    nothing = Filters()
    concepts = [span.concept_id for span in installation.matcher.find(_CONCEPT_NAME)]

    def lexical(access: Access, canary: Canary) -> list[str]:
        found = installation.lexical.search(access, Word(canary.word), nothing, K, "any")
        return [hit.doc_id for hit in found.hits]

    def vector(access: Access, canary: Canary) -> list[str]:
        row = installation.encoder.encode([f"{canary.word}. {canary.text}"])[0]
        return [hit.doc_id for hit in installation.vector.search(access, row, nothing, K).hits]

    def graph(access: Access, canary: Canary) -> Iterable[str]:
        return installation.graph.standings(access, [canary.doc_id], concepts)

    looks: dict[str, Look] = {
        "records": lambda access, canary: installation.documents.fetch(access, [canary.doc_id]),
        "lexical": lexical, "vector": vector, "graph": graph,
    }  # fmt: skip
    if installation.cache is not None:
        looks["cache"] = _cached(installation)
    return looks


def _cached(installation: Installation) -> Look:
    """A cache is asked for what each tenant put there under the same key."""
    key = b"canary"

    def look(access: Access, canary: Canary) -> list[str]:
        cache = installation.cache
        assert cache is not None
        cache.put(canary.tenant_id, key, canary.doc_id.encode())
        if not access.labels:  # clearance is part of a question's key: nothing to see without it
            return []
        held = cache.get(access.tenant_id, key)
        if held is None:
            raise EngineUnavailable("the cache keeps nothing")
        return [held.decode()]

    return look
