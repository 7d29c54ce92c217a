"""What comes in: every resource checked, cut into rows and texts, and stored in batches.

A transaction Bundle lands whole or not at all; of everything else the good resources land and the
bad ones are reported. At most `BATCH` resources share a database transaction, because a long one
holds the change feed back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import chain
from zoneinfo import ZoneInfo

from indexing.access import Access
from indexing.errors import Conflict, EventRejected
from indexing.fhir.bundle import Entry, Submission, read_submission, relink
from indexing.fhir.documents import documents_of
from indexing.fhir.faults import Issue as FoundIssue
from indexing.fhir.faults import Rejected, Unusable, Where
from indexing.fhir.issues import Issue
from indexing.fhir.projections import patient_of, project
from indexing.fhir.reading import JsonObject
from indexing.fhir.sources import Source
from indexing.fhir.validate import check
from indexing.records import Incoming, Records, Stored

BATCH = 500


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one entry of a submission: stored, or rejected with its place and reason."""

    index: int | None
    resource_type: str
    stored: Stored | None = None
    rejected: Rejected | None = None
    deleted: bool = False
    issues: tuple[Issue, ...] = ()


@dataclass(slots=True)
class Tally:
    """Counts over everything taken in; `by_type` counts accepted entries, repeats included."""

    accepted: int = 0
    rejected: int = 0
    by_type: dict[str, int] = field(default_factory=dict)

    def add(self, outcomes: Iterable[Outcome]) -> None:
        """Count more outcomes."""
        for outcome in outcomes:
            if outcome.rejected is not None:
                self.rejected += 1
            else:
                self.accepted += 1
                kind = outcome.resource_type
                self.by_type[kind] = self.by_type.get(kind, 0) + 1


@dataclass(frozen=True, slots=True)
class _Ready:
    """An entry that may be stored, and where it came from, should the store refuse it."""

    entry: Entry
    incoming: Incoming
    where: Where


class Ingest:
    """Takes submissions into one tenant; `strict` refuses whatever has a validation error."""

    def __init__(
        self, records: Records, access: Access, zone: ZoneInfo, *, strict: bool = False,
        reason: str = "",
    ) -> None:  # fmt: skip
        self._records, self._access, self._zone = records, access, zone
        self._strict, self._reason = strict, reason

    def submit(self, data: bytes, *, where: Where | None = None) -> list[Outcome]:
        """Take one text, a Bundle or a resource, and return one outcome per entry.

        Raises:
            Unusable: the text as a whole cannot be used.
        """
        where = where or Where()
        submission = read_submission(data, file=where.file, line=where.line)
        if submission.atomic:
            return self._submit_whole(submission, where)
        prepared = (self._prepare(each, where) for each in submission)
        return [o for outcomes in self._batches(prepared) for o in outcomes.result()]

    def run(
        self,
        sources: Iterable[Source | Rejected],
        *,
        on_outcomes: Callable[[list[Outcome]], None],
    ) -> Tally:
        """Take every source in, parsing the next batch while the last is being written."""
        tally = Tally()
        for outcomes in self._batches(self._prepared(sources)):
            done = outcomes.result()
            tally.add(done)
            on_outcomes(done)
        return tally

    def _prepared(
        self, sources: Iterable[Source | Rejected]
    ) -> Iterator[_Ready | Outcome | list[_Ready | Outcome]]:
        for source in sources:
            if isinstance(source, Rejected):
                yield _refused(source, None)
                continue
            where = Where(source.file, source.line)
            try:
                submission = read_submission(source.data, file=source.file, line=source.line)
            except Unusable as exc:
                yield _refused(Rejected(exc.where, exc.reason), None)
                continue
            if submission.atomic:
                yield [self._prepare(each, where) for each in submission]
            else:
                for each in submission:
                    yield self._prepare(each, where)

    def _batches(
        self, prepared: Iterable[_Ready | Outcome | list[_Ready | Outcome]]
    ) -> Iterator[Future[list[Outcome]]]:
        """Write in the background, one batch at a time, at most one batch ahead of the reader."""
        with ThreadPoolExecutor(1, thread_name_prefix="ingest") as writer:
            waiting: Future[list[Outcome]] | None = None
            for batch in _grouped(prepared):
                if isinstance(batch, _Whole):
                    submitted = writer.submit(self._store_whole, batch.items)
                else:
                    submitted = writer.submit(self._store, batch)
                if waiting is not None:
                    yield waiting
                waiting = submitted
            if waiting is not None:
                yield waiting

    def _submit_whole(self, submission: Submission, where: Where) -> list[Outcome]:
        return self._store_whole([self._prepare(each, where) for each in submission])

    def _prepare(self, entry: Entry | Rejected, where: Where) -> _Ready | Outcome:
        """Check one entry and cut it into what is stored."""
        if isinstance(entry, Rejected):
            return _refused(entry, entry.where.entry)
        where = replace(where, entry=entry.index)
        kind, name = entry.resource_type, entry.resource_id
        if entry.method == "DELETE":
            return _Ready(entry, Incoming(kind, name, b"", deleted=True), where)
        checked = check(entry.resource)
        wrong = checked.unsafe
        if self._strict and not wrong:
            wrong = tuple(i for i in checked.issues if i.severity == "error")
        if wrong:
            place = replace(where, path=wrong[0].path)
            return _refused(Rejected(place, wrong[0].reason, kind, name), entry.index)
        try:
            return _Ready(entry, self._cut(entry, checked.issues), where)
        except Unusable as exc:
            place = replace(exc.where, file=where.file, line=where.line, entry=entry.index)
            return _refused(Rejected(place, exc.reason, kind, name), entry.index)

    def _cut(self, entry: Entry, issues: tuple[Issue, ...]) -> Incoming:
        links = dict(entry.links)
        if entry.conditional:
            found = self._records.resolve(self._access, entry.conditional)
            relink(entry.resource, found)
            links.update(found)
        resource = entry.resource
        extract = documents_of(resource, self._zone)
        more = tuple(_issue(i) for i in chain(entry.issues, extract.issues))
        return Incoming(
            entry.resource_type, entry.resource_id, entry.received,
            patient_id=patient_of(resource), links=links, issues=issues + more,
            rows=tuple(project(resource, self._zone)), texts=extract.texts,
            merged_into=_merged_into(resource), if_match=_version(entry.if_match),
        )  # fmt: skip

    def _store_whole(self, items: list[_Ready | Outcome]) -> list[Outcome]:
        """Store a transaction: whole, or nothing with the reason at each entry at fault."""
        ready = [item for item in items if isinstance(item, _Ready)]
        if len(ready) == len(items):
            once = {(r.incoming.resource_type, r.incoming.resource_id): r.incoming for r in ready}
            try:
                stored = self._records.store(self._access, list(once.values()), reason=self._reason)
                by_key = dict(zip(once, stored, strict=True))
                return [
                    _accepted(r, by_key[r.incoming.resource_type, r.incoming.resource_id])
                    for r in ready
                ]
            except (Conflict, EventRejected) as exc:
                return [_refused_by_store(r, exc) for r in ready]
        reason = "not stored: another entry of this transaction was rejected"
        return [
            _refused(_rejection(i, reason), i.entry.index) if isinstance(i, _Ready) else i
            for i in items
        ]

    def _store(self, items: list[_Ready | Outcome]) -> list[Outcome]:
        """Store a batch; where the store refuses it, halve it until the culprit stands alone."""
        ready = [item for item in items if isinstance(item, _Ready)]
        outcomes = [item for item in items if isinstance(item, Outcome)]
        return outcomes + self._store_halving(ready)

    def _store_halving(self, ready: list[_Ready]) -> list[Outcome]:
        if not ready:
            return []
        try:
            stored = self._records.store(
                self._access, [r.incoming for r in ready], reason=self._reason
            )
            return [_accepted(r, s) for r, s in zip(ready, stored, strict=True)]
        except (Conflict, EventRejected) as exc:
            if len(ready) == 1:
                return [_refused_by_store(ready[0], exc)]
            half = len(ready) // 2
            return self._store_halving(ready[:half]) + self._store_halving(ready[half:])


@dataclass(frozen=True, slots=True)
class _Whole:
    items: list[_Ready | Outcome]


def _grouped(
    prepared: Iterable[_Ready | Outcome | list[_Ready | Outcome]],
) -> Iterator[list[_Ready | Outcome] | _Whole]:
    """Group singles up to `BATCH`, never two of one id together; transactions stand alone."""
    batch: list[_Ready | Outcome] = []
    seen: set[tuple[str, str]] = set()
    for item in prepared:
        if isinstance(item, list):
            if batch:
                yield batch
                batch, seen = [], set()
            yield _Whole(item)
            continue
        key = (
            (item.incoming.resource_type, item.incoming.resource_id)
            if isinstance(item, _Ready)
            else None
        )
        if len(batch) >= BATCH or (key is not None and key in seen):
            yield batch
            batch, seen = [], set()
        batch.append(item)
        if key is not None:
            seen.add(key)
    if batch:
        yield batch


def _issue(found: FoundIssue) -> Issue:
    severity = "error" if found.severity == "fatal" else found.severity
    return Issue(severity, "processing", found.path, found.reason)


def _accepted(ready: _Ready, stored: Stored) -> Outcome:
    return Outcome(
        ready.entry.index, stored.resource_type, stored,
        deleted=ready.incoming.deleted, issues=ready.incoming.issues,
    )  # fmt: skip


def _refused(rejected: Rejected, index: int | None) -> Outcome:
    return Outcome(index, rejected.resource_type, rejected=rejected)


def _rejection(ready: _Ready, reason: str) -> Rejected:
    return Rejected(ready.where, reason, ready.entry.resource_type, ready.entry.resource_id)


def _refused_by_store(ready: _Ready, exc: Exception) -> Outcome:
    return _refused(_rejection(ready, str(exc)), ready.entry.index)


def _merged_into(resource: JsonObject) -> str | None:
    """Return the patient that replaces this one. Source: R4, Patient.link.type replaced-by."""
    links = resource.get("link") if resource.get("resourceType") == "Patient" else None
    for link in links if isinstance(links, list) else []:
        if isinstance(link, dict) and link.get("type") == "replaced-by":
            other = link.get("other")
            target = other.get("reference") if isinstance(other, dict) else None
            if isinstance(target, str) and target.startswith("Patient/"):
                return target.removeprefix("Patient/").split("/")[0]
    return None


def _version(if_match: str | None) -> int | None:
    """Read the version from an ETag such as W/"3"."""
    digits = (if_match or "").removeprefix("W/").strip('"')
    return int(digits) if digits.isdecimal() else None
