"""`anamnesis ingest` and `anamnesis notes`."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TextIO
from zoneinfo import ZoneInfo

import orjson

from app.cli.output import feeder, print_json, progress, stderr
from app.cli.waiting import wait_until_searchable
from app.settings import load
from app.wiring import Installation
from indexing.fhir.faults import Rejected
from indexing.fhir.notes import ENDINGS as NOTE_ENDINGS
from indexing.fhir.notes import parse_map, read_notes
from indexing.fhir.sources import ENDINGS, Source, read_sources
from indexing.ingest import Ingest, Outcome, Tally

Sources = Callable[[ZoneInfo], Iterable[Source | Rejected]]


def ingest_command(
    tenant: str, paths: Sequence[Path], strict: bool, wait: bool, rejects: Path | None, *,
    as_json: bool,
) -> int:  # fmt: skip
    """Take FHIR in; return the exit code."""

    def sources(_zone: ZoneInfo) -> Iterable[Source | Rejected]:
        return read_sources(paths)

    return _take(tenant, sources, strict, wait, rejects, as_json, "ingest command", ENDINGS)


def notes_command(
    tenant: str, columns: Sequence[str], paths: Sequence[Path], wait: bool, rejects: Path | None,
    *, as_json: bool,
) -> int:  # fmt: skip
    """Take plain notes in; return the exit code."""
    keys = parse_map(columns)

    def sources(zone: ZoneInfo) -> Iterable[Source | Rejected]:
        return read_notes(paths, keys, zone, _unseen)

    return _take(tenant, sources, False, wait, rejects, as_json, "notes command", NOTE_ENDINGS)


def _unseen(file: str, columns: Sequence[str]) -> None:
    words = f"{file}: no row has the column {', '.join(columns)} that --map gives"
    stderr.print(words, style="yellow", soft_wrap=True, markup=False)


def _take(
    tenant: str, sources: Sources, strict: bool, wait: bool,
    rejects: Path | None, as_json: bool, reason: str, endings: Sequence[str],
) -> int:  # fmt: skip
    installation = Installation(load())
    found = installation.tenants.by_code(tenant)
    if rejects is not None:
        rejects.parent.mkdir(parents=True, exist_ok=True)
    begin = time.monotonic()
    zone = ZoneInfo(found.time_zone)
    into = Ingest(
        installation.records, feeder(found), zone, strict=strict, reason=reason,
        bases=installation.settings.fhir_bases,
    )  # fmt: skip
    # The writing thread waits for the database many times a batch; each time the parsing thread
    # may keep the interpreter for one interval, 5 ms by default, a third of the whole time.
    sys.setswitchinterval(0.0001)
    tally = _run(into, sources(zone), rejects)
    if not tally.accepted and not tally.rejected:
        stderr.print(nothing_found(endings), soft_wrap=True)
    if wait:
        wait_until_searchable(installation)
    seconds = time.monotonic() - begin
    if as_json:
        print_json(
            {
                "accepted": tally.accepted,
                "rejected": tally.rejected,
                "by_type": dict(sorted(tally.by_type.items())),
                "seconds": round(seconds, 3),
            }
        )
    else:
        print(f"{tally.accepted} accepted, {tally.rejected} rejected, {seconds:.1f} s")
    installation.close()
    return 1 if tally.rejected else 0


def nothing_found(endings: Sequence[str]) -> str:
    """Say that no file held anything, and which ones are looked at: a folder of others is passed
    over without a word for each."""
    return (
        "Nothing was found to take in: of folders and archives, files are read that end in "
        f"{', '.join(endings)}, packed or not."
    )


def _run(into: Ingest, sources: Iterable[Source | Rejected], rejects: Path | None) -> Tally:
    out = rejects.open("w", encoding="utf-8") if rejects else None
    shown = 0
    with progress() as bar:
        task = bar.add_task("resources", total=None)

        def note(outcomes: list[Outcome]) -> None:
            nonlocal shown
            bar.advance(task, len(outcomes))
            for outcome in outcomes:
                if outcome.rejected is None:
                    continue
                if out is not None:
                    _write(out, outcome.rejected)
                elif shown < 20:
                    shown += 1
                    stderr.print(_words(outcome.rejected), markup=False, soft_wrap=True)

        try:
            return into.run(sources, on_outcomes=note)
        finally:
            if out is not None:
                out.close()


def _write(out: TextIO, rejected: Rejected) -> None:
    where = rejected.where
    line = {
        "file": where.file, "line": where.line, "entry": where.entry, "path": where.path,
        "type": rejected.resource_type, "id": rejected.resource_id, "reason": rejected.reason,
    }  # fmt: skip
    out.write(orjson.dumps(line).decode() + "\n")


def _words(rejected: Rejected) -> str:
    return f"rejected: {rejected.where}: {rejected.reason}"
