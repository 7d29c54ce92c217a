"""From a ranked note to what a page says of it: its facts, and the sentence that answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet

from msgspec.structs import replace

from indexing.dated import dated
from indexing.ports import Derived
from rankers.answer import Hit, Snippet
from rankers.judge import fitting
from rankers.plan import Plan
from rankers.snippets import Wanted, snippet


def described(plan: Plan, hits: Iterable[Hit], notes: Mapping[str, Derived]) -> tuple[Hit, ...]:
    """Describe the hits whose note is there; the others are left out, copies follow the first. Of
    the newest first each stays where its date puts it."""
    want = plan.wanted()
    found = [_described(plan, want, hit, notes[hit.doc_id]) for hit in hits if hit.doc_id in notes]
    return tuple(found) if plan.request.newest else collapsed(found)


def collapsed(hits: Sequence[Hit]) -> tuple[Hit, ...]:
    """Give the first author's note the place of the best of its copies, and them the places behind
    it; all others stay where they are."""
    first = {hit.doc_id for hit in hits if not hit.copy_of}
    groups: dict[str, list[Hit]] = {}
    for hit in hits:
        groups.setdefault(_group(hit, first), []).append(hit)
    queues = {
        group: iter(sorted(found, key=lambda hit: hit.doc_id not in first or bool(hit.copy_of)))
        for group, found in groups.items()
    }
    ordered = [next(queues[_group(hit, first)]) for hit in hits]
    return tuple(
        hit if hit.rank == place.rank else replace(hit, rank=place.rank)
        for hit, place in zip(ordered, hits, strict=True)
    )


def _group(hit: Hit, first: AbstractSet[str]) -> str:
    return hit.copy_of if hit.copy_of in first else hit.doc_id


def _described(plan: Plan, want: Wanted, hit: Hit, derived: Derived) -> Hit:
    note = derived.document
    told = [
        (said.start, said.end)
        for asked in plan.wants.wants
        if asked.particular
        for said in fitting(derived, asked)
    ]
    shown = snippet(derived, want, plan.assertion, hit.passage, told)
    repeated, copy_of = _copies(derived, shown)
    return replace(
        hit, patient_id=note.patient_id, title=note.title,
        date=dated(note.date_start, note.told_until, plan.zone),
        type=note.type, specialty=note.specialty, author=note.author,
        snippet=shown, repeated=repeated, copy_of=copy_of,
    )  # fmt: skip


def _copies(derived: Derived, shown: Snippet) -> tuple[int, str]:
    """Return in how many later notes the paragraph shown stands again, and whose it is."""
    at = shown.at + (shown.marks[0].start if shown.marks else 0)
    later = (each.notes for each in derived.repeats if each.start <= at < each.end)
    earlier = (each.first_id for each in derived.copied if each.start <= at < each.end)
    return next(later, 0), next(earlier, "")
