"""One text to what may be stored: checked, and cut into rows and documents. No database."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, replace
from itertools import chain
from multiprocessing import get_context
from typing import TypeAlias
from zoneinfo import ZoneInfo

from indexing.fhir.bundle import Entry, Submission, path_of, read_submission, relink
from indexing.fhir.conditions import Condition, Criterion, criterion_of, read_criterion
from indexing.fhir.documents import documents_of
from indexing.fhir.faults import Issue as FoundIssue
from indexing.fhir.faults import Rejected, Unusable, Where
from indexing.fhir.here import local
from indexing.fhir.issues import Issue
from indexing.fhir.projections import merged_into, patient_of, project, replaced_patients
from indexing.fhir.search.values import search_lines
from indexing.fhir.sources import Source
from indexing.fhir.validate import check
from indexing.records import Incoming

# Below this many resources a second process costs more to start than it saves.
_ALONE_UP_TO = 2_000
_CHUNK_BYTES = 256 * 1024  # sources are sent to it together until they weigh this
_AHEAD = 3  # chunks under way: bounds the memory, keeps both processes busy
_PARENT_LOOK_S = 1.0
_NO_VERSION = -1


@dataclass(frozen=True, slots=True)
class Ready:
    """An entry that may be stored, and where it came from, should the store refuse it.

    With a `condition` a search of the store decides what becomes of it.
    """

    index: int | None
    where: Where
    incoming: Incoming
    condition: Condition | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """An entry, or a whole text, that may not be stored."""

    index: int | None
    rejected: Rejected


@dataclass(frozen=True, slots=True)
class Unresolved:
    """An entry that cannot be cut before the store has been searched: it refers to others by a
    search, or to an entry that may turn out to be another resource, or is one."""

    entry: Entry
    where: Where
    issues: tuple[Issue, ...]
    references: Mapping[str, Criterion]
    condition: Condition | None = None


@dataclass(frozen=True, slots=True)
class Whole:
    """A transaction: all of its entries or none."""

    items: tuple[Item, ...]


Item: TypeAlias = Ready | Refused | Unresolved


@dataclass(frozen=True, slots=True)
class Rules:
    """What preparing depends on beside the text; `strict` refuses every validation error, `bases`
    are this server's own addresses of FHIR."""

    zone: ZoneInfo
    strict: bool = False
    bases: frozenset[str] = frozenset()


def prepare(source: Source | Rejected, rules: Rules) -> Iterator[Item | Whole]:
    """Yield what one text holds; a text that cannot be used is one `Refused`."""
    if isinstance(source, Rejected):
        yield Refused(None, source)
        return
    try:
        submission = read_submission(source.data, file=source.file, line=source.line)
    except Unusable as exc:
        yield Refused(None, Rejected(exc.where, exc.reason))
        return
    yield from prepare_entries(submission, Where(source.file, source.line), rules)


def prepare_entries(submission: Submission, where: Where, rules: Rules) -> Iterator[Item | Whole]:
    """Yield what a text holds, once it is read."""
    movable = submission.movable
    items = (_prepare(entry, where, rules, submission.atomic, movable) for entry in submission)
    if submission.atomic:
        yield Whole(tuple(items))
    else:
        yield from items


def prepare_all(sources: Iterable[Source | Rejected], rules: Rules) -> Iterator[Item | Whole]:
    """Prepare every source in order; a long run is prepared in a process beside this one, so that
    one core parses and checks while another writes."""
    rest, done = iter(sources), 0
    for source in rest:
        for item in prepare(source, rules):
            done += len(item.items) if isinstance(item, Whole) else 1
            yield item
        if done > _ALONE_UP_TO:
            break
    chunks = _chunks(rest)
    if (first := next(chunks, None)) is None:
        return
    with ProcessPoolExecutor(
        1, mp_context=get_context("spawn"), initializer=_leave_with_parent, initargs=(os.getpid(),)
    ) as beside:
        under_way: deque[Future[list[Item | Whole]]] = deque()
        for chunk in chain([first], chunks):
            under_way.append(beside.submit(_prepare_chunk, chunk, rules))
            if len(under_way) >= _AHEAD:
                yield from under_way.popleft().result()
        while under_way:
            yield from under_way.popleft().result()


def _chunks(sources: Iterator[Source | Rejected]) -> Iterator[list[Source | Rejected]]:
    chunk: list[Source | Rejected] = []
    weight = 0
    for source in sources:
        chunk.append(source)
        weight += len(source.data) if isinstance(source, Source) else 100
        if weight >= _CHUNK_BYTES:
            yield chunk
            chunk, weight = [], 0
    if chunk:
        yield chunk


def _prepare_chunk(chunk: Sequence[Source | Rejected], rules: Rules) -> list[Item | Whole]:
    return [item for source in chunk for item in prepare(source, rules)]


def _leave_with_parent(parent: int) -> None:
    """End this process when the one that asked is gone, however it went."""

    def watch() -> None:
        never = threading.Event()
        while os.getppid() == parent:
            never.wait(_PARENT_LOOK_S)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _prepare(
    entry: Entry | Rejected, where: Where, rules: Rules, atomic: bool, movable: frozenset[str]
) -> Item:
    """Check one entry and cut it into what is stored, where that does not hang on the store."""
    if isinstance(entry, Rejected):
        return Refused(entry.where.entry, entry)
    entry = local(entry, rules.bases)
    where = replace(where, entry=entry.index)
    kind, name = entry.resource_type, entry.resource_id
    try:
        condition = _condition(entry)
        references = _references(entry, strict=atomic)
    except Unusable as exc:
        place = replace(where, path=exc.where.path)
        return Refused(entry.index, Rejected(place, exc.reason, kind, name, "invalid"))
    if entry.method == "DELETE":
        gone = Incoming(kind, name, b"", deleted=True, if_match=_version(entry.if_match))
        return Ready(entry.index, where, gone, condition)
    checked = check(entry.resource)
    wrong = checked.unsafe
    if rules.strict and not wrong:
        wrong = tuple(i for i in checked.issues if i.severity == "error")
    if wrong:
        place = replace(where, path=wrong[0].path)
        return Refused(entry.index, Rejected(place, wrong[0].reason, kind, name))
    found = Unresolved(entry, where, checked.issues, references, condition)
    moving = bool(movable) and not movable.isdisjoint(entry.links.values())
    return found if references or moving or entry.search else cut(found, {}, rules)


def _condition(entry: Entry) -> Condition | None:
    """Read the search that decides what the entry does; None where it has none."""
    if entry.search is not None and entry.method != "POST":
        search, path = entry.search, "request.url"
    elif entry.if_none_exist and entry.method == "POST":
        search, path = entry.if_none_exist, "request.ifNoneExist"
    else:
        return None
    try:
        criterion = read_criterion(entry.resource_type, search.removeprefix("?"))
    except Unusable as exc:
        raise exc.at(path=path) from None
    return Condition(entry.method, criterion, entry.own_id)


def _references(entry: Entry, *, strict: bool) -> Mapping[str, Criterion]:
    """Read the references that are searches. Only a transaction must have them all resolved."""
    found = {}
    for text in entry.conditional:
        try:
            found[text] = criterion_of(text)
        except Unusable as exc:
            if strict:
                raise exc.at(path=path_of(entry.resource, text)) from None
    return found


def cut(found: Unresolved, resolved: Mapping[str, str], rules: Rules) -> Ready | Refused:
    """Cut a checked entry into rows and texts, once what it refers to is known.

    `resolved` maps references, as sent or as far as the Bundle told, to what they became.
    """
    entry, where = found.entry, found.where
    resource = entry.resource
    links = {
        **{sent: resolved.get(target, target) for sent, target in entry.links.items()},
        **{sent: target for sent, target in resolved.items() if sent in found.references},
    }
    try:
        if resolved:
            relink(resource, resolved)
        extract = documents_of(resource, rules.zone)
        patient = entry.resource_type == "Patient"
        more = tuple(_issue(i) for i in chain(entry.issues, extract.issues))
        incoming = Incoming(
            entry.resource_type, entry.resource_id, entry.received,
            patient_id=patient_of(resource), links=links, issues=found.issues + more,
            rows=tuple(project(resource, rules.zone)), search=search_lines(resource, rules.zone),
            texts=extract.texts,
            merged_into=merged_into(resource) if patient else None,
            replaced_patients=tuple(replaced_patients(resource)) if patient else (),
            if_match=_version(entry.if_match),
        )  # fmt: skip
    except Unusable as exc:
        place = replace(exc.where, file=where.file, line=where.line, entry=entry.index)
        rejected = Rejected(place, exc.reason, entry.resource_type, entry.resource_id)
        return Refused(entry.index, rejected)
    return Ready(entry.index, where, incoming, found.condition)


def _issue(found: FoundIssue) -> Issue:
    severity = "error" if found.severity == "fatal" else found.severity
    return Issue(severity, "processing", found.path, found.reason)


def _version(if_match: str | None) -> int | None:
    """Read the version from an ETag such as W/"3"; one that we never gave out is met by none."""
    if not if_match:
        return None
    digits = if_match.strip().removeprefix("W/").strip('"')
    return int(digits) if digits.isdecimal() and len(digits) < 10 else _NO_VERSION
