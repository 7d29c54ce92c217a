"""The reference medical graph: dicts and loops."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from indexing.access import Access
from indexing.medical_graph import (
    TREATING,
    GraphEdge,
    GraphNode,
    MedicalEntry,
    Patch,
    Relation,
    Treated,
)
from indexing.model import IndexState, TenantId, Tombstone
from indexing.reconcile import digest


@dataclass(slots=True)
class _Tenant:
    live: dict[str, MedicalEntry] = field(default_factory=dict)
    gone: dict[str, int] = field(default_factory=dict)


class MemoryMedicalGraph:
    """Keeps everything in this process."""

    def __init__(self) -> None:
        self._tenants: dict[TenantId, _Tenant] = {}

    def upsert(self, tenant_id: TenantId, entries: Sequence[MedicalEntry]) -> None:
        """Keep every entry that is not older than what is there."""
        held = self._tenants.setdefault(tenant_id, _Tenant())
        for entry in entries:
            before = held.live.get(entry.key)
            if held.gone.get(entry.key, -1) >= entry.version:
                continue
            if before is None or before.version <= entry.version:
                held.live[entry.key] = entry

    def delete(self, tenant_id: TenantId, tombstones: Sequence[Tombstone]) -> None:
        """Take entries out and keep the version at which they went."""
        held = self._tenants.setdefault(tenant_id, _Tenant())
        for stone in tombstones:
            before = held.live.get(stone.key)
            if before is None or before.version <= stone.version:
                held.live.pop(stone.key, None)
                held.gone[stone.key] = max(stone.version, held.gone.get(stone.key, 0))

    def around(self, access: Access, patient_ids: Sequence[str]) -> Patch:
        """Return all that these patients' entries say and `access` opens."""
        wanted = set(patient_ids)
        entries = [entry for entry in self._open(access) if entry.patient_id in wanted]
        edges = [edge for entry in entries for edge in entry.edges]
        return self._patch(access, entries, edges)

    def named(self, access: Access, node_ids: Sequence[str]) -> Mapping[str, GraphNode]:
        """Return the nodes by these ids that an open entry holds."""
        return _nodes(self._open(access), access, set(node_ids))

    def common(self, access: Access, node_ids: Sequence[str]) -> Patch:
        """Return the edges at these nodes that entries about nobody hold."""
        wanted = set(node_ids)
        entries = [entry for entry in self._open(access) if entry.patient_id is None]
        edges = [
            edge for entry in entries for edge in entry.edges if {edge.source, edge.target} & wanted
        ]
        return self._patch(access, entries, edges)

    def carriers(self, access: Access, node_ids: Sequence[str]) -> int:
        """Count the open patients who are DIAGNOSED_WITH any of these conditions."""
        return sum(1 for _ in self._carrying(access, set(node_ids)))

    def treatments(self, access: Access, node_ids: Sequence[str], most: int) -> Sequence[Treated]:
        """Return what the carriers had from the day of the diagnosis on."""
        counts: dict[tuple[str, Relation], int] = {}
        for entry, since in self._carrying(access, set(node_ids)):
            had = {
                (edge.target, edge.relation)
                for edge in entry.edges
                if edge.relation in TREATING
                and edge.labels <= access.labels
                and not (since and edge.end and edge.end < since)
            }
            for key in had:
                counts[key] = counts.get(key, 0) + 1
        ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0][0], item[0][1]))[:most]
        nodes = self.named(access, [target for (target, _), _ in ranked])
        return [Treated(nodes[t], relation, n) for (t, relation), n in ranked]

    def state(self, tenant_id: TenantId) -> IndexState:
        """Return how many entries live, and their digest."""
        live = self.entries(tenant_id)
        return IndexState(len(live), digest(live))

    def entries(self, tenant_id: TenantId) -> Mapping[str, int]:
        """Return {key: version} of every live entry."""
        held = self._tenants.get(tenant_id)
        return {key: entry.version for key, entry in held.live.items()} if held else {}

    def drop(self, tenant_id: TenantId) -> None:
        """Forget a tenant."""
        self._tenants.pop(tenant_id, None)

    def _open(self, access: Access) -> Iterator[MedicalEntry]:
        held = self._tenants.get(access.tenant_id)
        for entry in held.live.values() if held else ():
            if (
                entry.patient_id is None
                or access.patients is None
                or (entry.patient_id in access.patients)
            ):
                yield entry

    def _carrying(
        self, access: Access, wanted: set[str]
    ) -> Iterator[tuple[MedicalEntry, datetime | None]]:
        """Yield each carrier's entry with the earliest day of the diagnosis, None if undated."""
        for entry in self._open(access):
            if entry.patient_id is None:
                continue
            found = [
                edge
                for edge in entry.edges
                if edge.relation is Relation.DIAGNOSED_WITH
                and edge.target in wanted
                and edge.labels <= access.labels
            ]
            if found:
                starts = [edge.start for edge in found]
                dated = [start for start in starts if start is not None]
                yield entry, min(dated) if len(dated) == len(starts) else None

    def _patch(
        self, access: Access, entries: Sequence[MedicalEntry], edges: Sequence[GraphEdge]
    ) -> Patch:
        """Return the edges that are open with their nodes, as these entries name them."""
        shown = [edge for edge in edges if edge.labels <= access.labels]
        ordered = sorted(shown, key=lambda e: (e.source, e.relation, e.target, sorted(e.labels)))
        touched = _touched(ordered)
        own = {
            node.node_id: node
            for entry in self._open(access)
            for node in entry.nodes
            if node.node_id == entry.key and entry.key in touched
        }
        return Patch({**_nodes(entries, access, touched), **own}, tuple(ordered))


def _nodes(
    entries: Iterable[MedicalEntry], access: Access, wanted: set[str]
) -> dict[str, GraphNode]:
    """Return nodes as their own entries name them, else the first entry with an open edge."""
    found: dict[str, GraphNode] = {}
    for entry in sorted(entries, key=lambda entry: entry.key):
        shown = _touched([edge for edge in entry.edges if edge.labels <= access.labels])
        for node in entry.nodes:
            if node.node_id not in wanted:
                continue
            if node.node_id == entry.key:
                found[node.node_id] = node
            elif node.node_id in shown:
                found.setdefault(node.node_id, node)
    return found


def _touched(edges: Sequence[GraphEdge]) -> set[str]:
    return {node for edge in edges for node in (edge.source, edge.target)}
