"""`anamnesis vitals`: line protocol in, series out, roll-ups and retention."""

from __future__ import annotations

import gzip
import sys
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from app.cli.output import operator, print_json, progress, stderr
from app.following import retain, settle
from app.moves import paused
from app.series import hours_json, points_json
from app.series_wiring import intake_of
from app.settings import load
from app.wiring import Installation
from indexing.backends.postgres.fates import PostgresFates
from indexing.backends.postgres.observed import PostgresObserved
from indexing.backends.postgres.watched import WatchedVitals
from indexing.errors import InvalidInput
from indexing.model import ChangeEvent, Position, TenantId
from indexing.outcomes import draw
from indexing.vitals.intake import Intake, Taken
from indexing.vitals.lines import Fault, Precision
from indexing.vitals.model import Span
from indexing.vitals.observations import VitalsFollower

PIECE = 12 << 20  # bytes of a file that are one transaction: some 150,000 lines
_NAMED = 20  # faults on the terminal


def ingest_command(
    tenant: str, paths: Sequence[Path], precision: Precision, *, as_json: bool
) -> int:
    """Take line protocol in; return 1 when lines were refused."""
    installation = Installation(load())
    found = installation.tenants.by_code(tenant)
    began, into = time.monotonic(), intake_of(installation)
    total = Taken(0, 0, 0, 0, 0, ())
    for path in paths:
        taken = take(into, found.tenant_id, path, precision)
        total = _added(total, taken)
        for fault in taken.faults[:_NAMED]:
            stderr.print(f"{path}:{fault.line}:{fault.column}: {fault.message}", markup=False)
    watched = WatchedVitals(installation.vitals, installation.database)
    watched.taken(operator(found), total.points, total.refused)
    took = time.monotonic() - began
    answer = asdict(total) | {"seconds": round(took, 3), "points_s": round(total.points / took)}
    if as_json:
        print_json(answer)
    else:
        print(f"{total.points} points of {total.lines} lines in {took:.1f} s; "
              f"{total.refused} lines refused, {total.anomalies} anomalies")  # fmt: skip
    installation.close()
    return 1 if total.refused else 0


def take(into: Intake, tenant_id: TenantId, path: Path, precision: Precision) -> Taken:
    """Store a file piece by piece: while the database writes one, the next is read.

    Raises:
        InvalidInput: the file cannot be read.
    """
    total, before, waiting = Taken(0, 0, 0, 0, 0, ()), 0, None
    with ThreadPoolExecutor(1) as writer, _opened(path) as source:
        for piece in _read(pieces(source), path):
            parsed = into.read(piece, precision)
            if waiting is not None:
                total = _added(total, waiting.result())
            faults = tuple(Fault(f.line + before, f.column, f.message) for f in parsed.faults)
            waiting = _submitted(writer, into, tenant_id, replace(parsed, faults=faults))
            before += piece.count(b"\n")
        return total if waiting is None else _added(total, waiting.result())


def _submitted(writer: ThreadPoolExecutor, into: Intake, *arguments: Any) -> Future[Taken]:
    return writer.submit(into.keep, *arguments)


def _opened(path: Path) -> BinaryIO:
    try:
        if str(path) == "-":
            return sys.stdin.buffer
        return gzip.open(path) if path.suffix == ".gz" else path.open("rb")  # type: ignore[return-value]
    except OSError as exc:
        raise InvalidInput(f"{path} cannot be read: {exc.strerror}") from None


def _read(found: Iterator[bytes], path: Path) -> Iterator[bytes]:
    """Pass pieces on. Raises: InvalidInput: the file ends, or is packed, otherwise than it says."""
    try:
        yield from found
    except (OSError, EOFError, zlib.error):
        hint = "what came before is stored; sent again, it changes nothing"
        raise InvalidInput(f"{path} cannot be read to its end", hint=hint) from None


def pieces(source: BinaryIO, size: int = PIECE) -> Iterator[bytes]:
    """Cut at the ends of lines."""
    rest = b""
    while block := source.read(size):
        head, end, tail = block.rpartition(b"\n")
        if end:
            yield rest + head + b"\n"
            rest = tail
        else:
            rest += block
    if rest:
        yield rest


def _added(total: Taken, more: Taken) -> Taken:
    return Taken(
        total.lines + more.lines, total.points + more.points, total.refused + more.refused,
        total.jumps + more.jumps, total.anomalies + more.anomalies,
        (*total.faults, *more.faults)[:1000],
    )  # fmt: skip


def query_command(
    tenant: str, subject: str, kind: str | None, limits: tuple[datetime | None, datetime | None],
    *, hours: bool, as_json: bool,
) -> int:  # fmt: skip
    """Print series; return the exit code."""
    installation = Installation(load())
    access = operator(installation.tenants.by_code(tenant))
    start, end = (at.replace(tzinfo=UTC) if at else None for at in limits)
    span = Span(start, end, [kind] if kind else None)
    watched = WatchedVitals(installation.vitals, installation.database)
    rows = (
        [hours_json(each) for each in watched.rollups(access, [subject], span)]
        if hours
        else [points_json(each) for each in watched.points(access, [subject], span)]
    )
    if as_json:
        print_json({"series": rows})
    else:
        _print(rows, "hours" if hours else "points")
    installation.close()
    return 0


def _print(rows: Sequence[dict[str, Any]], of: str) -> None:
    """Print series as tables, each with what it is of; what nobody said is a dash."""
    rows = [row for row in rows if row[of]]
    if not rows:
        stderr.print("No series of that subject and kind.")
    for row in rows:
        where = " · ".join(filter(None, (row["device"], row["place"], row["source"])))
        print(f"{row['kind']} [{row['unit']}] {where}")
        lines = [[*row[of][0]], *([*map(_cell, each.values())] for each in row[of])]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        for line in lines:
            cells = (f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True))
            print("  " + "  ".join(cells).rstrip())
        if of == "points" and any(each["anomaly"] is not None for each in row[of]):
            print(f"  anomaly: {row['anomaly_method']}, from {row['threshold']} on")


def _cell(value: object) -> str:
    """Write one value: six digits of a number, a dash for nothing."""
    if value is None or value == "":
        return "-"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def rollup_command(tenant: str, *, as_json: bool) -> int:
    """Roll up and drop what is past its time; return the exit code."""
    installation = Installation(load())
    found = installation.tenants.by_code(tenant)
    hours = settle(installation, [found.tenant_id])
    points, dropped = retain(installation, [found.tenant_id])
    answer = {"hours": hours, "dropped_points": points, "dropped_hours": dropped}
    if as_json:
        print_json(answer)
    else:
        print(f"{hours} hours rolled up; {points} points and {dropped} hours past their time")
    installation.close()
    return 0


def fill_command(tenant: str, *, as_json: bool) -> int:
    """Fill the series from the records; return the exit code.

    Raises:
        EngineUnavailable: another process keeps following.
    """
    installation = Installation(load())
    found = installation.tenants.by_code(tenant)
    with paused(installation), progress() as bar:
        task = bar.add_task("Observations", total=None)
        observations = filled(
            installation, found.tenant_id, lambda done: bar.update(task, completed=done)
        )
        fates = PostgresFates(installation.database)
        predictions = draw(fates, installation.vitals, found.tenant_id)
    answer = {"observations": observations, "predictions": predictions}
    if as_json:
        print_json(answer)
    else:
        print(f"{observations} Observations and {predictions} predictions read into the series")
    installation.close()
    return 0


def filled(
    installation: Installation, tenant_id: TenantId, told: Callable[[int], None] = lambda _: None
) -> int:
    """Read every live Observation of a tenant into the series; return how many. A point that stands
    there is corrected, so that it may be broken off and begun again."""
    source = PostgresObserved(installation.database)
    follower = VitalsFollower(source, installation.vitals)
    after, done = "", 0
    while ids := source.ids(tenant_id, after, follower.batch):
        follower.apply(
            tenant_id,
            [
                ChangeEvent(Position(0, 0), tenant_id, follower.kind, f"Observation/{each}", 0)
                for each in ids
            ],
        )
        after, done = ids[-1], done + len(ids)
        told(done)
    return done
