"""A note of each tenant that nobody wrote: found by its own tenant in every store, by no other.

It carries a word that nobody can guess and the label V, which no account holds, so that no page, no
count and no export shows it. It comes in as every note does, and is followed like one. Stores that
no note reaches (`canary_beds`) hold it while it is looked for.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from prometheus_client import CollectorRegistry, Gauge

from app.canary_beds import CONCEPT_NAME, Bed, Canary, K, Look, Rows, beds, canary_of, rows_of
from app.following import catch_up
from app.wiring import Installation
from indexing.access import LABELS, Access, Role
from indexing.clauses import Word
from indexing.errors import AnamnesisError, EngineUnavailable, IntegrityFault
from indexing.filters import Filters
from indexing.ingest import Ingest
from indexing.model import Tenant, TenantId
from indexing.places import Place, Stage
from indexing.routed import Routed
from indexing.strays import sound

MOST_OTHERS: Final = 25  # tenants whose canaries are looked for in one tenant's stores
_OTHER_RUN_S: Final = 60.0
_WELL: Final = frozenset({"ok", "empty", "building"})
LAST: Final = "canary.json"  # in the home: counts of the last run, for /metrics
_SECURITY: Final = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"


@dataclass(slots=True)
class Watched:
    """What each store of a tenant said: ok, missing, foreign or unavailable; empty, where a tenant
    has nothing in it; building, where a move has not brought it there yet."""

    probes: int = 0
    foreign: int = 0
    stores: dict[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Say whether every store holds its own and nobody else's."""
        return all(said in _WELL for said in self.stores.values())


def watch(installation: Installation, tenants: Sequence[Tenant]) -> Mapping[str, Watched]:
    """Plant what is not there yet, look through every store, and return what was found by tenant.

    A foreign hit sounds the alarm.
    Raises: EngineUnavailable, when the records do not answer or another run does not end.
    """
    every = {t.tenant_id: canary_of(installation.secrets.pepper, t.tenant_id) for t in tenants}
    with installation.feed.lock("canary", wait_s=_OTHER_RUN_S) as mine:
        if not mine:
            raise EngineUnavailable("another canary runs", hint="try again when it has ended")
        _plant(installation, tenants, every)
        rows = rows_of(installation)
        by_hand = beds(installation, rows)
        with _standing(by_hand, list(every.values())) as told:
            found = {}
            for tenant in tenants:
                own = every[tenant.tenant_id]
                others = [each for each in every.values() if each != own][:MOST_OTHERS]
                looks = _stores(installation, own.tenant_id, rows)
                looks |= {name: bed.look for name, bed in by_hand.items()}
                found[tenant.code] = _watched(looks, told[own], own, others)
    return found


@contextmanager
def _standing(
    by_hand: Mapping[str, Bed], canaries: Sequence[Canary]
) -> Iterator[Mapping[Canary, Mapping[str, str]]]:
    """Let canaries stand in the stores that no note reaches; give what else those said: empty,
    where a tenant has nothing there, and unavailable."""
    told: dict[Canary, dict[str, str]] = {canary: {} for canary in canaries}
    try:
        for (name, bed), canary in product(by_hand.items(), canaries):
            try:
                if bed.wanted(canary.tenant_id):
                    bed.plant(canary)
                else:
                    told[canary][name] = "empty"
            except AnamnesisError:
                told[canary][name] = "unavailable"
        yield told
    finally:
        for (name, bed), canary in product(by_hand.items(), canaries):
            if name not in told[canary]:
                with suppress(AnamnesisError):  # the next run's is newer, and is taken out
                    bed.pull(canary)


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


def _watched(
    looks: Mapping[str, Look], told: Mapping[str, str], own: Canary, others: Sequence[Canary]
) -> Watched:
    cleared = _cleared(own.tenant_id)
    result = Watched()
    for store, look in looks.items():
        try:
            said = _said(look, cleared, own, others, result)
        except AnamnesisError:
            said = "unavailable"
        if said == "foreign":
            sound(store, "canary", own.tenant_id)
        if said == "missing":
            said = told.get(store, "building" if store.endswith(Stage.BUILDING) else said)
        result.stores[store] = said
    return result


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


def _stores(installation: Installation, tenant_id: TenantId, rows: Rows) -> dict[str, Look]:
    nothing = Filters()
    concepts = [span.concept_id for span in installation.matcher.find(CONCEPT_NAME)]

    def lexical(access: Access, canary: Canary) -> list[str]:
        found = installation.lexical.search(access, Word(canary.word), nothing, K, "any")
        return [hit.doc_id for hit in found.hits]

    def vector(access: Access, canary: Canary) -> list[str]:
        found = installation.vector.search(access, rows(canary), nothing, K)
        return [hit.doc_id for hit in found.hits]

    def graph(access: Access, canary: Canary) -> Iterable[str]:
        return installation.graph.standings(access, [canary.doc_id], concepts)

    looks: dict[str, Look] = {
        "records": lambda access, canary: installation.documents.fetch(access, [canary.doc_id]),
        "lexical": lexical, "vector": vector, "graph": graph,
    }  # fmt: skip
    for leg, routed in (
        ("lexical", installation.lexical), ("vector", installation.vector),
        ("graph", installation.graph),
    ):  # fmt: skip
        for place in routed.places(tenant_id)[1:]:  # a way back is kept, or a move is under way
            beside = partial(_at, routed, tenant_id, place, looks[leg])
            looks[f"{leg} {place.engine} {place.stage}"] = beside
    if installation.cache is not None:
        looks["cache"] = _cached(installation)
    return looks


def _at(
    routed: Routed[Any], tenant_id: TenantId, place: Place, look: Look, access: Access,
    canary: Canary,
) -> list[str]:  # fmt: skip
    """Look in a place that does not serve."""
    with routed.only(tenant_id, place):
        return list(look(access, canary))


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
