"""Keep the medical graph in step: whose facts an event may have changed is read anew, whole."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from indexing.errors import EventRejected
from indexing.medical_entries import EntryMaker
from indexing.medical_facts import FactSource, Made
from indexing.medical_graph import MedicalGraph
from indexing.model import ChangeEvent, Kind, TenantId, Tombstone
from indexing.reconcile import Difference, compare

_BATCH = 200  # entries that are made together


class MedicalFollower:
    """Follows events of one kind; both kinds, resources and notes, lead to the same entries."""

    batch = 2_000

    def __init__(
        self, kind: Kind, facts: FactSource, graph: MedicalGraph,
        maker: Callable[[TenantId], EntryMaker],
    ) -> None:  # fmt: skip
        self.kind = kind
        self.name = "medical" if kind is Kind.RESOURCE else "medical-notes"
        self._facts, self._graph, self._maker = facts, graph, maker
        self._begun: set[TenantId] = set()

    def apply(self, tenant_id: TenantId, events: Sequence[ChangeEvent]) -> None:
        """Make the entries that the events may have changed."""
        if tenant_id not in self._begun:
            self._begin(tenant_id)
        remake(tenant_id, self._facts.touched(tenant_id, events), self._facts, self._graph,
               self._maker(tenant_id))  # fmt: skip

    def _begin(self, tenant_id: TenantId) -> None:
        """Note with what a graph is made that begins now."""
        if self._facts.made(tenant_id) is None and not self._graph.entries(tenant_id):
            self._facts.note_made(tenant_id, Made(self._maker(tenant_id).version))
        self._begun.add(tenant_id)


def outdated(tenant_id: TenantId, facts: FactSource, graph: MedicalGraph, version: str) -> bool:
    """Say whether a graph was made by other rules, or with another terminology, than `version`
    names."""
    made = facts.made(tenant_id)
    if made is None:
        return bool(graph.entries(tenant_id))
    return made != Made(version)


def left(tenant_id: TenantId, facts: FactSource, graph: MedicalGraph, version: str) -> int:
    """Count the entries that are still to be made anew by what `version` names."""
    if not outdated(tenant_id, facts, graph, version):
        return 0
    made, keys = facts.made(tenant_id), sorted(facts.keys(tenant_id))
    begun = made is not None and made.version == version
    return len(keys) - (bisect_right(keys, made.upto) if made is not None and begun else 0)


def remake_some(
    tenant_id: TenantId, facts: FactSource, graph: MedicalGraph, maker: EntryMaker
) -> None:
    """Make the next entries of an outdated graph anew, and note how far that is."""
    made = facts.made(tenant_id)
    upto = made.upto if made is not None and made.version == maker.version else ""
    keys = sorted(facts.keys(tenant_id))
    some = keys[bisect_right(keys, upto) :][:_BATCH] if upto else keys[:_BATCH]
    remake(tenant_id, dict.fromkeys(some, 0), facts, graph, maker)
    whole = not some or some[-1] == keys[-1]
    facts.note_made(tenant_id, Made(maker.version, "" if whole else some[-1]))


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
    facts.note_made(tenant_id, Made(maker.version))
    return graph.state(tenant_id).count


def reconcile_medical(
    tenant_id: TenantId, facts: FactSource, graph: MedicalGraph, maker: EntryMaker
) -> tuple[Difference, Difference]:
    """Compare which entries there are with which there should be, and make what differs anew.

    Their versions are moments, not counts of changes, so that only the keys can be compared.
    """
    before = compare_medical(tenant_id, facts, graph)
    held = graph.entries(tenant_id)
    wanted = dict.fromkeys(before.missing, 0)
    try:
        remake(tenant_id, wanted, facts, graph, maker)
    except EventRejected:  # one that the engine cannot hold is still missing after
        for key in wanted:
            with suppress(EventRejected):
                remake(tenant_id, {key: 0}, facts, graph, maker)
    if before.extra:
        graph.delete(tenant_id, [Tombstone(key, held[key]) for key in before.extra])
    return before, compare_medical(tenant_id, facts, graph)


def compare_medical(tenant_id: TenantId, facts: FactSource, graph: MedicalGraph) -> Difference:
    """Say how a graph's keys differ from those that the records have."""
    expected = dict.fromkeys(facts.keys(tenant_id), 0)
    return compare("medical", expected, dict.fromkeys(graph.entries(tenant_id), 0))
