"""What stands in a Tantivy index, and how a document is laid out in it.

Text is cut into terms in Python (`indexing.analysis`) and handed over with spaces between them:
Tantivy's own regular-expression tokeniser runs at a quarter of that speed.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path

import tantivy

from indexing.access import LABELS
from indexing.dated import year_of
from indexing.ports import LexicalEntry
from indexing.views import FILLER, View, views

LAYOUT = 3  # of the schema; an index of another layout is rebuilt
LONGEST_KEY = 1_000
LIVE, GONE = "live", "gone"
KEYS = ("type", "specialty", "author", "patient")
OTHER_LABEL = "OTHER"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_STEMMED = ("title", "whole", "asserted", "denied")
_EXACT = ("whole_exact", "asserted_exact", "denied_exact")
_SCOPED = ("sections", "whole_sections")
_RAW = ("label", "section", "life")
_STORED = ("doc_id", "patient_id")
_SHOWN = ("type", "specialty", "author", "period")  # as written; a patient is counted by number


def schema() -> tantivy.Schema:
    """Build the schema: stems for ranking, exact terms with positions for phrases."""
    builder = tantivy.SchemaBuilder()
    for name in _STEMMED:
        builder.add_text_field(name, tokenizer_name="terms", index_option="freq")
    for name in _EXACT:
        builder.add_text_field(name, tokenizer_name="terms", index_option="position")
    for name in _SCOPED:
        builder.add_json_field(name, tokenizer_name="terms", index_option="position")
    for name in (*_RAW, *KEYS):
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic")
    for name in _SHOWN:
        builder.add_text_field(f"{name}_shown", tokenizer_name="raw", fast=True)
    builder.add_unsigned_field("patient_number", indexed=True, fast=True)
    for name in _STORED:
        builder.add_text_field(name, stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_unsigned_field("version", stored=True, fast=True)
    builder.add_unsigned_field("serial", fast=True)
    builder.add_unsigned_field("gone", fast=True)
    builder.add_integer_field("start", indexed=True, fast=True)
    builder.add_integer_field("end", indexed=True, fast=True)
    return builder.build()


def open_index(folder: Path, *, create: bool = False) -> tantivy.Index:
    """Open the index in `folder` with our tokeniser registered."""
    folder_name = str(folder)
    index = tantivy.Index(schema(), folder_name) if create else tantivy.Index.open(folder_name)
    analyser = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace())
    # The filler leaves a gap behind: a phrase never bridges hidden words.
    analyser = analyser.filter(tantivy.Filter.custom_stopword([FILLER]))
    index.register_tokenizer("terms", analyser.build())
    index.config_reader("manual", 0)
    return index


def key(value: str) -> str:
    """Spell a field's value so that case does not matter."""
    return value.casefold()[:LONGEST_KEY]


def number_of(patient_id: str) -> int:
    """Return what a patient is counted by. Of numbers Tantivy tells those that are shown; of texts
    it looks up each that occurs, in every segment, which took most of a search's facets.

    63 bits of a digest, the same in every index: two of a million patients share one in 20 million
    indexes, and would be counted together.
    """
    digest = hashlib.blake2b(patient_id.encode(), digest_size=8).digest()
    return int.from_bytes(digest) >> 1


def micros(instant: datetime) -> int:
    """Count the microseconds since 1970, exactly. A naive instant is taken as UTC."""
    aware = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    return (aware - EPOCH) // timedelta(microseconds=1)


def document(entry: LexicalEntry, serial: int, zone: tzinfo) -> tantivy.Document:
    """Lay out one document. `serial` is new for every one ever written to this index."""
    made, held = tantivy.Document(), entry.document
    cut = views(entry)
    made.add_text("title", " ".join(cut.title.stems))
    _add_view(made, "whole", cut.whole)
    _add_view(made, "asserted", cut.asserted)
    _add_view(made, "denied", cut.denied)
    for name, parts in (("sections", cut.sections), ("whole_sections", cut.whole_sections)):
        if parts:
            made.add_json(name, {section: " ".join(v.stems) for section, v in parts.items()})
    for section in cut.sections:
        made.add_text("section", section)
    values = {"type": held.type, "specialty": held.specialty, "author": held.author}
    for name, value in values.items():
        made.add_text(name, key(value))
        made.add_text(f"{name}_shown", value[:LONGEST_KEY])
    made.add_text("patient", key(held.patient_id or ""))
    made.add_unsigned("patient_number", number_of(held.patient_id or ""))
    if held.patient_id is not None:
        made.add_text("patient_id", held.patient_id)
    for label in {label if label in LABELS else OTHER_LABEL for label in held.labels}:
        made.add_text("label", label)
    _add_dates(made, held.date_start, held.date_end, zone)
    _add_identity(made, held.doc_id, held.version, serial, LIVE)
    return made


def tombstone(doc_id: str, version: int, serial: int) -> tantivy.Document:
    """Lay out what remembers a deletion."""
    made = tantivy.Document()
    _add_identity(made, doc_id, version, serial, GONE)
    return made


def _add_view(made: tantivy.Document, name: str, view: View) -> None:
    made.add_text(name, " ".join(view.stems))
    made.add_text(f"{name}_exact", " ".join(view.exact))


def _add_dates(
    made: tantivy.Document, start: datetime | None, end: datetime | None, zone: tzinfo
) -> None:
    made.add_text("period_shown", year_of(start, zone))
    if start is not None:
        first = micros(start)
        made.add_integer("start", first)
        made.add_integer("end", max(micros(end), first + 1) if end is not None else first + 1)


def _add_identity(
    made: tantivy.Document, doc_id: str, version: int, serial: int, life: str
) -> None:
    made.add_text("doc_id", doc_id)
    made.add_unsigned("version", version)
    made.add_unsigned("serial", serial)
    made.add_text("life", life)
    made.add_unsigned("gone", int(life == GONE))
