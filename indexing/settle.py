"""What hangs on a search of the store: conditional entries, and references that are searches.

Called inside the transaction that will write, with what the search found there.
Source: hl7.org/fhir/R4/http.html#ccreate, #cond-update, #cdelete, #trules.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from indexing.fhir.bundle import path_of, reread
from indexing.fhir.conditions import Condition, Criterion
from indexing.fhir.faults import Rejected
from indexing.fhir.issues import Issue
from indexing.fhir.projections import identifiers_of
from indexing.prepare import Item, Ready, Refused, Rules, Unresolved, cut
from indexing.records import Match

Found = Mapping[Criterion, Sequence[Match]]
_NOTHING = "nothing matches this search: send what it means first, or along"
_MANY = "more than one resource matches this search"


@dataclass(frozen=True, slots=True)
class Standing:
    """An entry that changes nothing: what it would create stands there, or what it would delete
    does not (`match` None). With `twin` the entry of that name in this batch creates it."""

    item: Ready | Unresolved
    match: Match | None
    twin: str = ""


Settled = Ready | Refused | Standing


def wanted(items: Sequence[Item]) -> tuple[list[Criterion], list[Criterion]]:
    """Return every search that the items hang on, and those that must not run side by side."""
    guarded = {c.criterion for item in items if (c := _condition(item)) is not None}
    told = {
        criterion
        for item in items
        if isinstance(item, Unresolved)
        for criterion in item.references.values()
    }
    return sorted(guarded | told), sorted(guarded)


def settle(
    items: Sequence[Item], found: Found, rules: Rules, *, whole: bool, again: bool = False
) -> list[Settled]:
    """Decide every item; `whole` for a transaction, whose references must all resolve.

    `again` where the items went through here before: their resources are read afresh.
    """
    if all(isinstance(item, Ready) and item.condition is None for item in items):
        return [item for item in items if isinstance(item, Ready)]
    decided = _Conditions(found).decide(items)
    if whole:
        decided = _without_overlap(items, decided)
    moves = dict(_moves(items, decided))
    local = _within(decided) if whole else {}
    written = {_name(item) for item in decided if isinstance(item, (Ready, Unresolved))}
    settled: list[Settled] = []
    for item in decided:
        if not isinstance(item, Unresolved):
            settled.append(item)
            continue
        if again:
            item = replace(item, entry=replace(item.entry, resource=reread(item.entry)))
        resolved, faults = _resolve(item, found, local, written)
        if faults and whole:
            settled.append(_refuse(item, faults[0].reason, "not-found", faults[0].path))
        else:
            item = replace(item, issues=item.issues + tuple(faults))
            settled.append(cut(item, {**moves, **resolved}, rules))
    return settled


class _Conditions:
    """Decides what conditional entries do; the first of two that ask the same creates it."""

    def __init__(self, found: Found) -> None:
        self._found = found
        self._created: dict[Criterion, str] = {}

    def decide(self, items: Sequence[Item]) -> list[Item | Standing]:
        return [self._decide(item) for item in items]

    def _decide(self, item: Item) -> Item | Standing:
        condition = _condition(item)
        if condition is None or isinstance(item, Refused):
            return item
        matches = self._found[condition.criterion]
        if len(matches) > 1:
            path = "request.ifNoneExist" if condition.method == "POST" else "request.url"
            return _refuse(item, _MANY, "multiple-matches", path)
        if condition.method == "POST":
            return self._create(item, condition, matches)
        if not matches:
            return item if condition.method == "PUT" else Standing(item, None)
        return _act_on(item, condition, matches[0])

    def _create(
        self, item: Ready | Unresolved, condition: Condition, matches: Sequence[Match]
    ) -> Item | Standing:
        if matches:
            return Standing(item, matches[0])
        if (twin := self._created.get(condition.criterion)) is not None and twin != _name(item):
            return Standing(item, None, twin)
        self._created[condition.criterion] = _name(item)
        return item


def _act_on(item: Ready | Unresolved, condition: Condition, match: Match) -> Item:
    """Turn a conditional update or deletion to the one resource that matches."""
    if isinstance(item, Ready):
        return replace(item, incoming=replace(item.incoming, resource_id=match.resource_id))
    if condition.own_id and item.entry.resource_id != match.resource_id:
        reason = "the id differs from the matching resource's"
        return _refuse(item, reason, "invalid", "id")
    resource = {**item.entry.resource, "id": match.resource_id}
    return replace(
        item, entry=replace(item.entry, resource_id=match.resource_id, resource=resource)
    )


def _without_overlap(
    before: Sequence[Item], decided: list[Item | Standing]
) -> list[Item | Standing]:
    """Refuse entries of a transaction that turn out to act on one resource.

    What names one resource twice from the beginning is settled already: repeats of one content.
    """
    acts = Counter(_name(item) for item in decided if isinstance(item, (Ready, Unresolved)))
    found = {
        _name(now)
        for item, now in zip(before, decided, strict=True)
        if isinstance(now, (Ready, Unresolved))
        and isinstance(item, (Ready, Unresolved))
        and _name(now) != _name(item)
    }
    twice = {name for name in found if acts[name] > 1}
    reason = "two entries of this transaction act on one resource"
    return [
        _refuse(item, reason, "invalid", "request.url")
        if isinstance(item, (Ready, Unresolved)) and _name(item) in twice
        else item
        for item in decided
    ]


def _moves(before: Sequence[Item], after: Sequence[Item | Standing]) -> Iterator[tuple[str, str]]:
    """Yield, for what turned out to be another resource, its provisional name and its own."""
    for item, now in zip(before, after, strict=True):
        if isinstance(item, Refused) or isinstance(now, Refused):
            continue
        if isinstance(now, Standing):
            own = f"{_kind(item)}/{now.match.resource_id}" if now.match else now.twin
        else:
            own = _name(now)
        if own and own != _name(item) and not _name(item).endswith("/"):
            yield _name(item), own


def _within(decided: Sequence[Item | Standing]) -> Mapping[tuple[str, str, str], set[str]]:
    """Index what the transaction itself brings by (type, system, value)."""
    local: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for item in decided:
        if isinstance(item, Unresolved):
            pairs = identifiers_of(item.entry.resource.get("identifier"))
        elif isinstance(item, Ready):
            rows = (row for row in item.incoming.rows if row.table == "resource_identifier")
            pairs = [(str(row.values[2]), str(row.values[3])) for row in rows]
        else:
            continue
        for system, value in pairs:
            for asked in (f"={system}", "*"):
                local[_kind(item), asked, value].add(_name(item))
        if not (isinstance(item, Ready) and item.incoming.deleted):
            local[_kind(item), "#", _name(item).partition("/")[2]].add(_name(item))
    return local


def _resolve(
    item: Unresolved,
    found: Found,
    local: Mapping[tuple[str, str, str], set[str]],
    written: set[str],
) -> tuple[dict[str, str], list[Issue]]:
    """Return what each reference that is a search stands for, and what is wrong with the rest.

    What this transaction writes counts as it will be, not as the store has it.
    """
    resolved: dict[str, str] = {}
    faults = []
    for text, criterion in item.references.items():
        kind = criterion.resource_type
        how = "#" if criterion.by_id else "*" if criterion.any_system else f"={criterion.system}"
        names = {f"{kind}/{match.resource_id}" for match in found[criterion]} - written
        names |= local.get((kind, how, criterion.value), set())
        if len(names) == 1:
            resolved[text] = names.pop()
        else:
            path = path_of(item.entry.resource, text)
            faults.append(Issue("warning", "not-found", path, _MANY if names else _NOTHING))
    return resolved, faults


def _refuse(item: Ready | Unresolved, reason: str, code: str, path: str = "") -> Refused:
    where = replace(item.where, path=path)
    kind, _, resource_id = _name(item).partition("/")
    index = item.index if isinstance(item, Ready) else item.entry.index
    return Refused(index, Rejected(where, reason, kind, resource_id, code))


def _condition(item: Item) -> Condition | None:
    return None if isinstance(item, Refused) else item.condition


def _kind(item: Ready | Unresolved) -> str:
    named = item.incoming if isinstance(item, Ready) else item.entry
    return named.resource_type


def _name(item: Ready | Unresolved) -> str:
    named = item.incoming if isinstance(item, Ready) else item.entry
    return f"{named.resource_type}/{named.resource_id}"
