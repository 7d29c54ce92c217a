"""Plain notes, JSONL or CSV, to FHIR DocumentReferences: one path for everything."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from indexing.errors import ConfigurationError
from indexing.fhir.documents import NOTE_SYSTEM
from indexing.fhir.faults import Rejected, Unusable, Where
from indexing.fhir.reading import parse
from indexing.fhir.reference import valid_id
from indexing.fhir.sources import MAX_LINE, Source, read_lines
from indexing.fhir.spoken_dates import spoken_date
from indexing.fhir.streams import Opened, open_texts

KEYS = ("text", "id", "patient", "date", "type", "specialty", "author", "title", "encounter")

Columns = Mapping[str, tuple[str, ...]]
Unseen = Callable[[str, Sequence[str]], object]
"""Is told a file and the columns that none of its rows has."""

_UTC = ZoneInfo("UTC")
_TABLES = {".csv": ",", ".tsv": "\t"}
ENDINGS = (".jsonl", ".ndjson", ".json", *_TABLES)
_DELIMITERS = (",", ";", "\t", "|")  # spreadsheets write what their country uses
_WIDE = (b"\xff\xfe", b"\xfe\xff")  # how UTF-16 begins
_MAX_FIELD = 16 * 1024 * 1024  # characters; an unclosed quote swallows the rest of a file
_MAX_SHORT = 1000  # characters of what is not text: a mistaken mapping shows itself here


def parse_map(pairs: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Parse `KEY=COLUMN` arguments; a KEY given twice joins its columns, in order.

    A column of a JSON row may be a path, `metadata.patient_id`.

    Raises:
        ConfigurationError: unknown key, no `=`, or no `text`.
    """
    columns: dict[str, tuple[str, ...]] = {}
    hint = f"keys: {' '.join(KEYS)}"
    for pair in pairs:
        key, mark, column = pair.partition("=")
        if not mark or not column:
            raise ConfigurationError("--map takes KEY=COLUMN", hint=hint)
        if key not in KEYS:
            raise ConfigurationError("--map got a key that is none", hint=hint)
        columns[key] = (*columns.get(key, ()), column)
    if "text" not in columns:
        raise ConfigurationError("--map must say which column holds the text", hint=hint)
    return columns


def read_notes(
    paths: Iterable[Path],
    columns: Columns,
    zone: ZoneInfo = _UTC,
    unseen: Unseen = lambda _file, _columns: None,
) -> Iterator[Source | Rejected]:
    """Yield one DocumentReference's bytes per good row, and a `Rejected` per bad one.

    Feed each `Source.data` to `bundle.read_submission`; the same row gives the same bytes. `zone`
    is the site's, for times without an offset. In a CSV, `line` is where the row ends. JSON rows
    may leave out any column; one that all of a file leave out is likelier misspelt.
    """
    for opened in open_texts(paths, ENDINGS):
        if isinstance(opened, Rejected):
            yield opened
            continue
        try:
            yield from _read_rows(opened, columns, zone, unseen)
        except Unusable as fault:
            yield Rejected(Where(file=opened.file, line=fault.where.line), fault.reason)


def _read_rows(
    opened: Opened, columns: Columns, zone: ZoneInfo, unseen: Unseen
) -> Iterator[Source | Rejected]:
    left, looked = _names(columns), False
    delimiter = _TABLES.get(Path(opened.name.lower()).suffix)
    rows = _json_rows(opened) if delimiter is None else _table_rows(opened, columns, delimiter)
    for line, row in rows:
        try:
            if isinstance(row, Unusable):
                raise row
            looked = True
            left = {column for column in left if _at(row, column) is None}
            yield Source(opened.file, line, note_resource(row, columns, zone))
        except Unusable as fault:
            where = Where(file=opened.file, line=line, path=fault.where.path)
            yield Rejected(where, fault.reason, "DocumentReference")
    if looked and left:
        unseen(opened.file, sorted(left))


def _json_rows(opened: Opened) -> Iterator[tuple[int, dict[str, Any] | Unusable]]:
    for line, data in read_lines(opened):
        try:
            yield line, parse(data)
        except Unusable as fault:
            yield line, fault


def _table_rows(
    opened: Opened, columns: Columns, delimiter: str
) -> Iterator[tuple[int, dict[str, Any] | Unusable]]:
    csv.field_size_limit(_MAX_FIELD)
    head = opened.stream.peek()
    if head.startswith(_WIDE):
        raise Unusable("UTF-16, not UTF-8: save it as UTF-8")
    delimiter = _delimiter(head, columns, delimiter)
    # What is not UTF-8 becomes a stray surrogate, and the row that holds it is refused, not all.
    text = io.TextIOWrapper(
        opened.stream, encoding="utf-8-sig", errors="surrogateescape", newline=""
    )
    rows = csv.reader(text, delimiter=delimiter, strict=True)
    try:
        names = next(rows, [])
        _check_header(names, columns)
        while (row := _next_row(rows)) is not None:
            if isinstance(row, Unusable):
                yield rows.line_num, row
            elif len(row) > len(names):
                yield rows.line_num, Unusable("more fields than the header names")
            elif row:
                yield rows.line_num, dict(zip(names, row, strict=False))
    except csv.Error as exc:
        raise Unusable("a header that cannot be read", Where(line=1)) from exc
    finally:
        text.detach()


def _delimiter(head: bytes, columns: Columns, usual: str) -> str:
    """Return what parts a table's columns: what its ending says, unless another sign alone gives
    the header every name that is asked for."""
    [first, *_] = head.decode("utf-8-sig", "surrogateescape").splitlines() or [""]
    wanted = _names(columns)
    for sign in (usual, *_DELIMITERS):
        with suppress(csv.Error):
            if wanted <= set(next(csv.reader([first], delimiter=sign, strict=True), [])):
                return sign
    return usual


def _next_row(rows: Iterator[list[str]]) -> list[str] | Unusable | None:
    try:
        return next(rows, None)
    except csv.Error:
        return Unusable("broken CSV: a quote that is not closed, or a field beyond 16 MB")


def _check_header(names: list[str], columns: Columns) -> None:
    if not names:
        raise Unusable("empty, without even a header")
    absent = _names(columns) - set(names)
    if absent:
        raise Unusable("no column of the name that --map gives: " + ", ".join(sorted(absent)))
    if len(set(names)) != len(names):
        raise Unusable("a column name stands twice in the header", Where(line=1))


def _names(columns: Columns) -> set[str]:
    return {column for several in columns.values() for column in several}


def note_resource(row: Mapping[str, Any], columns: Columns, zone: ZoneInfo) -> bytes:
    """Return the DocumentReference that a row means; the same row gives the same bytes.

    Raises:
        Unusable: no text, or a patient, encounter, id or date that cannot be what it is named;
            `where.path` is the key.
    """
    values = {key: _value(row, key, columns.get(key, ())) for key in KEYS}
    text = values["text"]
    if not text.strip():
        raise Unusable("no text", Where(path="text"))
    resource: dict[str, Any] = {"resourceType": "DocumentReference", **_identity(values)}
    resource["status"] = "current"
    if values["type"]:
        resource["type"] = {"text": values["type"]}
    if patient := _reference(values["patient"], "Patient", "patient"):
        resource["subject"] = {"reference": patient}
    if values["author"]:
        resource["author"] = [{"display": values["author"]}]
    if values["title"]:
        resource["description"] = values["title"]
    data = base64.b64encode(text.encode()).decode()
    attachment = {"contentType": "text/plain; charset=utf-8", "data": data}
    resource["content"] = [{"attachment": attachment}]
    if context := _context(values, zone):
        resource["context"] = context
    return json.dumps(resource, ensure_ascii=False, separators=(",", ":")).encode()


def _value(row: Mapping[str, Any], key: str, columns: tuple[str, ...]) -> str:
    glue = "\n" if key == "text" else ", "
    pieces = [_flat(_at(row, column), glue) for column in columns]
    text = glue.join(piece for piece in pieces if piece)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Unusable("not UTF-8", Where(path=key)) from None
    if "\0" in text:
        raise Unusable("U+0000, which no database stores", Where(path=key))
    if key == "text":
        return text
    if len(text) > _MAX_SHORT:
        raise Unusable(f"longer than {_MAX_SHORT} characters", Where(path=key))
    return text.strip()


def _at(row: Mapping[str, Any], column: str) -> object:
    """Return a column's value; a dotted name that is no column is a path into objects."""
    if column in row or "." not in column:
        return row.get(column)
    value: object = row
    for step in column.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def _flat(value: object, glue: str) -> str:
    """Return a value as text; lists are joined, objects have no text."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return glue.join(piece for item in value if (piece := _flat(item, glue)))
    if value is None or isinstance(value, (dict, bool)):
        return ""
    return str(value)


def _identity(values: Mapping[str, str]) -> dict[str, Any]:
    """Keep an id that FHIR allows; else derive one, and keep the sender's as identifier."""
    own = values["id"]
    if own and valid_id(own):
        return {"id": own}
    seed = ["id", own] if own else ["row", *(values[key] for key in KEYS if key != "id")]
    digest = hashlib.sha256(json.dumps(seed).encode()).hexdigest()
    identity: dict[str, Any] = {"id": f"note-{digest[:40]}"}
    if own:
        identity["identifier"] = [{"system": NOTE_SYSTEM, "value": own}]
    return identity


def _reference(text: str, kind: str, key: str) -> str:
    bare = text.removeprefix(f"{kind}/")
    if bare and not valid_id(bare):
        reason = f"not the id of a {kind}: 1 to 64 of A-Z a-z 0-9 - ."
        raise Unusable(reason, Where(path=key))
    return f"{kind}/{bare}" if bare else ""


def _context(values: Mapping[str, str], zone: ZoneInfo) -> dict[str, Any]:
    context: dict[str, Any] = {}
    if encounter := _reference(values["encounter"], "Encounter", "encounter"):
        context["encounter"] = [{"reference": encounter}]
    if values["date"]:
        try:
            moment = spoken_date(values["date"], zone)
        except ValueError:
            reason = "not a date, or a day that does not exist"
            raise Unusable(reason, Where(path="date")) from None
        # DocumentReference.date must be to the second; a Period may be as vague as the sender.
        context["period"] = {"start": moment, "end": moment}
    if values["specialty"]:
        context["practiceSetting"] = {"text": values["specialty"]}
    return context


__all__ = ["Columns", "KEYS", "MAX_LINE", "NOTE_SYSTEM", "note_resource", "parse_map", "read_notes"]
