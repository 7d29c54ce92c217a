"""Keep the medical graph in step: whose facts an event may have changed is read anew, whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from indexing.medical_entries import EntryMaker
from indexing.medical_facts import FactSource
from indexing.medical_graph import MedicalGraph
from indexing.model import ChangeEvent, Kind, TenantId, Tombstone
from indexing.reconcile import Difference, compare

_BATCH = 200  # entries that are made together


class MedicalFollower:
    """Follows events of one kind; both kinds, resources and notes, lead to the same entries."""

    batch = 2_000

    def __init__(
        self, kind: Kind, facts: FactSource, graph: MedicalGraph, maker: Callable[[], EntryMaker]
    ) -> None:
        self.kind = kind
        self.name = "medical" if kind is Kind.RESOURCE else "medical-notes"
        self._facts, self._graph, self._maker = facts, graph, maker

    def apply(self, tenant_id: TenantId, events: Sequence[ChangeEvent]) -> None:
        """Make the entries that the events may have changed."""
        remake(tenant_id, self._facts.touched(tenant_id, events), self._facts, self._graph,
               self._maker())  # fmt: skip


def remake(
    tenant_id: TenantId, wanted: Mapping[str, int], facts: FactSource, graph: MedicalGraph,
    maker: EntryMaker,
) -> None:  # fmt: skip
    """Make the entries of these keys anew; what is not there any more is taken out at the version
    given with it."""
    keys = list(wanted)
    for at in range(0, len(keys), _BATCH):
        some = keys[at : at + _BATCH]
        people = [k.removeprefix("Patient/") for k in some if k.startswith("Patient/")]
        entries = [maker.patient(tenant_id, each) for each in facts.patients(tenant_id, people)]
        entries += [maker.common(each) for each in facts.common(tenant_id, some)]
        graph.upsert(tenant_id, entries)
        gone = set(some).difference(entry.key for entry in entries)
        if gone:
            graph.delete(tenant_id, [Tombstone(key, wanted[key]) for key in sorted(gone)])


def rebuild_medical(
    tenant_id: TenantId, facts: FactSource, graph: MedicalGraph, maker: EntryMaker
) -> int:
    """Make a tenant's whole graph anew and return how many entries it holds.

    In place: an entry is replaced as a whole, so that readers see the old one or the new one.
    """
    wanted = dict.fromkeys(facts.keys(tenant_id), 0)
    remake(tenant_id, wanted, facts, graph, maker)
    held = graph.entries(tenant_id)
    extra = sorted(held.keys() - wanted.keys())
    graph.delete(tenant_id, [Tombstone(key, held[key]) for key in extra])
    return graph.state(tenant_id).count


def reconcile_medical(
    tenant_id: TenantId, facts: FactSource, graph: MedicalGraph, maker: EntryMaker
) -> tuple[Difference, Difference]:
    """Compare which entries there are with which there should be, and make what differs anew.

    Their versions are moments, not counts of changes, so that only the keys can be compared.
    """
    before = _compared(tenant_id, facts, graph)
    held = graph.entries(tenant_id)
    remake(tenant_id, dict.fromkeys(before.missing, 0), facts, graph, maker)
    if before.extra:
        graph.delete(tenant_id, [Tombstone(key, held[key]) for key in before.extra])
    return before, _compared(tenant_id, facts, graph)


def _compared(tenant_id: TenantId, facts: FactSource, graph: MedicalGraph) -> Difference:
    expected = dict.fromkeys(facts.keys(tenant_id), 0)
    return compare("medical", expected, dict.fromkeys(graph.entries(tenant_id), 0))
