"""InfluxDB line protocol to points: good lines are taken, each bad one is named by line and column.

    vital_signs,patient_id=p1,type=heart_rate,unit=/min,device=w3 value=72,battery=88 1788000000000

Some thousand lines at once are read by one expression where each of them has its plain form, and
line by line, column by column, only where one has not: 300,000 lines a second leave 3 microseconds
to each, and streams repeat their tags.
Source: docs.influxdata.com/influxdb/v1/write_protocols/line_protocol_reference
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from indexing.vitals.measurements import Head, Tag, TagFault, head_of
from indexing.vitals.model import FLAGS, Batch, Floats, SeriesKey, Times, batch_of, micros, taken

Precision = Literal["ns", "us", "ms", "s"]
_PER_US = {"ns": 1000.0, "us": 1.0, "ms": 0.001, "s": 0.000001}  # ticks in a microsecond
AHEAD = timedelta(minutes=5)  # a device's clock may be fast by so much
MOST_FAULTS = 1000  # named; the rest are counted

_HEAD = re.compile(rb"(?:\\.|[^\\ ])+")
_FIELDS = re.compile(rb'(?:"(?:\\.|[^"\\])*"|\\.|[^\\ "])+')
_PIECE = re.compile(rb'((?:\\.|[^\\,= ])+)=((?:"(?:\\.|[^"\\])*")|(?:\\.|[^\\,= "])*)')
_ESCAPED = re.compile(rb"\\([,= \\])")
_NUMBER = re.compile(rb"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_STAMP = re.compile(rb"-?\d{1,19}")
_PLAIN = re.compile(
    rb"^([^\s\\]+) value=(-?\d+(?:\.\d+)?)[iu]?"
    rb"((?:,(?:battery|quality)=\d+(?:\.\d+)?)*) (\d{1,18})\n",
    re.MULTILINE,
)
_PIECE_BYTES = 1 << 18
_NOTHING = (float("nan"), float("nan"), 0)  # no quality, no battery, no interpretation


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a line; both count from 1, columns in bytes."""

    line: int
    column: int
    message: str


@dataclass(frozen=True, slots=True)
class Parsed:
    """The good points in the order sent, and what was wrong. `lines` counts those that say
    something, `refused` the bad ones; `jumps` counts how often a series' clock went back by more
    than an hour within the body: such points are taken as late ones."""

    batch: Batch
    faults: tuple[Fault, ...]
    lines: int
    refused: int
    jumps: int


class _Wrong(Exception):
    def __init__(self, at: int, message: str) -> None:
        super().__init__(message)
        self.at = at


def parse(
    body: bytes, *, now: datetime, oldest: datetime | None = None, precision: Precision = "ns"
) -> Parsed:
    """Read a body; a point after `now` by more than AHEAD, or before `oldest`, is a fault."""
    reader = _Reader(body)
    reader.read()
    return reader.parsed(now, oldest, _PER_US[precision])


@dataclass(slots=True)
class _Reader:
    body: bytes
    series: list[SeriesKey] = field(default_factory=list)
    heads: dict[bytes, int] = field(default_factory=dict)
    _known: dict[SeriesKey, int] = field(default_factory=dict)
    _of: list[Head] = field(default_factory=list)  # of the series at that place
    _main: list[bool] = field(default_factory=list)
    which: list[int] = field(default_factory=list)
    value: list[float] = field(default_factory=list)
    at: list[int] = field(default_factory=list)
    number: list[int] = field(default_factory=list)  # of the line
    beside: list[int] = field(default_factory=list)  # the place in `said` of what is beside it
    said: list[tuple[float, float, int]] = field(default_factory=lambda: [_NOTHING])
    _besides: dict[bytes, int] = field(default_factory=lambda: {b"": 0})
    faults: list[Fault] = field(default_factory=list)
    count: int = 0
    silent: int = 0
    bad: set[int] = field(default_factory=set)

    def read(self) -> None:
        """Read every line."""
        for piece in _pieces(self.body):
            self._piece(piece)

    def _piece(self, piece: bytes) -> None:
        """Read whole lines: at once, or halved until those that are not plain stand alone."""
        lines = piece.count(b"\n")
        if self._at_once(piece, lines):
            self.count += lines
        elif lines == 1:
            self.count += 1
            self._slowly(self.count, piece[:-1])
        else:
            middle = piece.rfind(b"\n", 0, len(piece) // 2) + 1 or piece.find(b"\n") + 1
            self._piece(piece[:middle])
            self._piece(piece[middle:])

    def _at_once(self, piece: bytes, lines: int) -> bool:
        """Read whole lines, or say that one of them is not in its plain form."""
        rows = _PLAIN.findall(piece)
        if len(rows) != lines:
            return False
        heads, values, besides, stamps = zip(*rows, strict=True)
        try:
            for head in set(heads) - self.heads.keys():
                self._place(head)
            for beside in set(besides) - self._besides.keys():
                self._besides[beside] = self._say(_beside(beside))
        except (_Wrong, TagFault, ValueError):
            return False
        self.which.extend(map(self.heads.__getitem__, heads))
        self.value.extend(map(float, values))
        self.at.extend(map(int, stamps))
        self.beside.extend(map(self._besides.__getitem__, besides))
        self.number.extend(range(self.count + 1, self.count + 1 + lines))
        return True

    def _say(self, said: tuple[float, float, int]) -> int:
        self.said.append(said)
        return len(self.said) - 1

    def _slowly(self, number: int, line: bytes) -> None:
        line = line.rstrip(b"\r")
        if not line.strip() or line.lstrip().startswith(b"#"):
            self.silent += 1
            return
        try:
            self._line(number, line)
        except (_Wrong, TagFault) as exc:
            self._fault(number, exc.at, str(exc))

    def _fault(self, number: int, at: int, message: str) -> None:
        if number not in self.bad:
            self.bad.add(number)
            self.faults.append(Fault(number, at + 1, message))

    def _line(self, number: int, line: bytes) -> None:
        head = _HEAD.match(line)
        if head is None:
            raise _Wrong(0, "a line begins with its measurement")
        place = self._place(head[0])
        fields = _FIELDS.match(line, head.end() + 1)
        if fields is None:
            raise _Wrong(head.end(), "fields are missing, such as value=72")
        stamp = line[fields.end() + 1 :].rstrip()
        if not stamp:
            raise _Wrong(len(line), "the time is missing: a file is not of the moment it is read")
        if not _STAMP.fullmatch(stamp):
            raise _Wrong(fields.end() + 1, "the time is not a whole number of up to 19 digits")
        self._points(number, place, line, fields.start(), fields.end(), int(stamp))

    def _place(self, head: bytes) -> int:
        place = self.heads.get(head)
        if place is None:
            found = _head(head)
            place = self.heads[head] = self._series(found.key, found, main=True)
        return place

    def _series(self, key: SeriesKey, head: Head, *, main: bool) -> int:
        place = self._known.get(key)
        if place is None or self._of[place].change != head.change:
            place = self._known[key] = len(self.series)
            self.series.append(key)
            self._of.append(head)
            self._main.append(main)
        return place

    def _points(
        self, number: int, place: int, line: bytes, start: int, end: int, stamp: int
    ) -> None:
        head, numbers = self._of[place], list[tuple[int, float]]()
        quality = battery = float("nan")
        flag, at = 0, start
        while at < end:
            piece = _PIECE.match(line, at, end)
            if piece is None:
                raise _Wrong(at, "a field reads name=value")
            name, raw, where = piece[1], piece[2], piece.start(2)
            if name == b"interpretation":
                flag = _flag(raw, where)
            elif name == b"quality":
                quality = _bounded(raw, where, 1.0)
            elif name == b"battery":
                battery = _bounded(raw, where, 100.0)
            elif name == b"value" and not head.lone:
                numbers.append((place, _number(raw, where)))
            else:
                beside = head.beside(_name(name, at))
                numbers.append((self._series(beside, head, main=False), _number(raw, where)))
            at = piece.end()
            if at < end and line[at : at + 1] != b",":
                raise _Wrong(at, "a comma stands between fields")
            at += 1
        if not numbers or (not head.lone and numbers[0][0] != place and place not in dict(numbers)):
            raise _Wrong(start, "the field value is missing")
        told = flag or quality == quality or battery == battery
        said = self._say((quality, battery, flag)) if told else 0
        for series, amount in numbers:
            self.beside.append(said if series == place else 0)
            self.which.append(series)
            self.value.append(amount)
            self.at.append(stamp)
            self.number.append(number)

    def parsed(self, now: datetime, oldest: datetime | None, per_us: float) -> Parsed:
        """Check what can be checked for all points at once."""
        batch = self._batch(per_us)
        numbers = np.asarray(self.number, np.int64)
        good = np.ones(len(batch), dtype=bool)
        lines: list[bytes] = []
        for wrong, message, timed in self._checks(batch, now, oldest):
            good &= ~wrong
            for row in np.flatnonzero(wrong):
                number = int(numbers[row])
                lines = lines or self.body.split(b"\n")
                column = _column(lines[number - 1], timed=timed)
                self._fault(number, column, message)
        if self.bad:  # a line is taken whole or not at all
            good &= ~np.isin(numbers, np.fromiter(self.bad, np.int64))
        kept = taken(batch, np.flatnonzero(good))
        faults = sorted(self.faults, key=lambda fault: (fault.line, fault.column))[:MOST_FAULTS]
        return Parsed(kept, tuple(faults), self.count - self.silent, len(self.bad), _jumps(kept))

    def _batch(self, per_us: float) -> Batch:
        which = np.asarray(self.which, np.int32)
        ticks = _ticks(self.at, 1 if per_us == 1000.0 else round(1 / per_us))
        at = ticks // 1000 if per_us == 1000.0 else ticks * round(1 / per_us)
        factor, offset = (
            np.array([getattr(h.change, name) if main else default
                      for h, main in zip(self._of, self._main, strict=True)])
            for name, default in (("factor", 1.0), ("offset", 0.0))
        )  # fmt: skip
        value = np.asarray(self.value, np.float64)
        if len(which) and ((factor != 1.0) | (offset != 0.0)).any():
            value = brought(value, factor[which], offset[which])
        batch = batch_of(self.series, which, at, value)  # type: ignore[arg-type]
        beside = np.array(self.said)[np.asarray(self.beside, np.int64)]
        flag = beside[:, 2].astype(np.int16)
        return replace(batch, quality=beside[:, 0].copy(), battery=beside[:, 1].copy(), flag=flag)

    def _checks(
        self, batch: Batch, now: datetime, oldest: datetime | None
    ) -> list[tuple[NDArray[np.bool_], str, bool]]:
        """Return for each rule which points break it, what to say, and whether it is the time."""
        of = list(zip(self._of, self._main, strict=True))
        low = np.array([head.low if main else -np.inf for head, main in of])
        high = np.array([head.high if main else np.inf for head, main in of])
        finite = np.isfinite(batch.value)
        with np.errstate(invalid="ignore"):
            which = batch.which
            beyond = finite & ((batch.value < low[which]) | (batch.value > high[which]))
        found = [
            (~finite, "NaN and infinity are no measurements", False),
            (beyond, "no such value can be measured on somebody alive", False),
            (batch.at > micros(now + AHEAD), "the time lies ahead of this clock", True),
        ]
        if oldest is not None:
            late = "the time lies before what is kept; see the retention of details"
            found.append((batch.at < micros(oldest), late, True))
        return found


def brought(value: Floats, factor: Floats, offset: Floats) -> Floats:
    """Return values in another unit, as `Change` does one by one."""
    with np.errstate(over="ignore"):  # infinity is refused with what is none
        found = np.round(value * factor + offset, 9)
    return np.where((factor == 1.0) & (offset == 0.0), value, found)


def _ticks(at: list[int], scale: int) -> Times:
    """Return times as numbers of 64 bits; what no such number holds becomes the farthest one, which
    lies ahead of every clock."""
    most = 2**62 // scale
    try:
        ticks = np.asarray(at, np.int64)
    except OverflowError:
        ticks = np.asarray([max(-most, min(each, most)) for each in at], np.int64)
    return np.clip(ticks, -most, most)


def _pieces(body: bytes) -> Iterator[bytes]:
    """Cut at the ends of lines, of which each piece has its own."""
    start = 0
    while start < len(body):
        end = body.rfind(b"\n", start, start + _PIECE_BYTES) + 1
        if end <= start:  # a long line, or the last one
            end = body.find(b"\n", start) + 1 or len(body)
        piece = body[start:end]
        yield piece if piece.endswith(b"\n") else piece + b"\n"
        start = end


def _beside(fields: bytes) -> tuple[float, float, int]:
    """Read what is said after `value`. Raises: ValueError: it is out of bounds."""
    said = {"battery": _NOTHING[0], "quality": _NOTHING[0]}
    for part in fields[1:].decode().split(","):
        name, _, raw = part.partition("=")
        said[name] = float(raw)
    if said["battery"] > 100 or said["quality"] > 1:
        raise ValueError
    return said["quality"], said["battery"], 0


def _head(raw: bytes) -> Head:
    """Read measurement and tags. Raises: _Wrong; TagFault."""
    try:
        measurement, *_ = raw.decode().split(",", 1)
    except UnicodeDecodeError as exc:
        raise _Wrong(exc.start, "not UTF-8") from None
    at, tags = len(measurement.encode()), dict[str, Tag]()
    while at < len(raw):
        piece = _PIECE.match(raw, at + 1)
        if piece is None or raw[at : at + 1] != b",":
            raise _Wrong(at, "a tag reads ,name=value")
        name = _plain(piece[1])
        if name in tags:
            raise _Wrong(at + 1, "this tag stands twice")
        tags[name] = Tag(_plain(piece[2]), at + 1)
        at = piece.end()
    return head_of(measurement, tags)


def _plain(raw: bytes) -> str:
    return _ESCAPED.sub(rb"\1", raw).decode()


def _name(raw: bytes, at: int) -> str:
    name = raw.decode("ascii", "replace")
    if not name.isidentifier() or not name.isascii() or len(name) > 40:
        raise _Wrong(at, "a field's name is letters, digits and '_'")
    return name.lower()


def _number(raw: bytes, at: int) -> float:
    plain = raw[:-1] if raw[-1:] in (b"i", b"u") else raw
    if plain.lower().lstrip(b"+-") in (b"nan", b"inf", b"infinity"):
        raise _Wrong(at, "NaN and infinity are no measurements")
    if not _NUMBER.fullmatch(plain):
        raise _Wrong(at, "not a number")
    return float(plain)


def _bounded(raw: bytes, at: int, most: float) -> float:
    number = _number(raw, at)
    if not 0 <= number <= most:
        raise _Wrong(at, f"must lie between 0 and {most:g}")
    return number


def _flag(raw: bytes, at: int) -> int:
    word = raw.strip(b'"').decode("ascii", "replace")
    if word not in FLAGS:
        raise _Wrong(at, f"not an interpretation; there are {', '.join(FLAGS[1:])}")
    return FLAGS.index(word)


def _column(line: bytes, *, timed: bool) -> int:
    if timed:
        return line.rstrip().rfind(b" ") + 1
    at = line.find(b"value=")
    return at + 6 if at >= 0 else max(line.find(b" "), 0) + 1


def _jumps(batch: Batch) -> int:
    """Count steps back by more than an hour within a series, in the order sent."""
    order = np.argsort(batch.which, kind="stable")
    which, at = batch.which[order], batch.at[order]
    back = (which[1:] == which[:-1]) & (at[1:] - at[:-1] < -3_600_000_000)
    return int(back.sum())
