"""What stands in an OpenSearch index, and how a document is laid out in it.

Text is cut into terms and stemmed in Python (`indexing.analysis`), as for every engine, and handed
over with spaces between the terms: OpenSearch only has to split at them, which is what it does
fastest.
Nothing is stored that a search does not need: the source is off, so that no text can be read back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from indexing.access import LABELS
from indexing.backends.opensearch.connect import Kind as Searched
from indexing.compiling import section_field
from indexing.dated import year_of
from indexing.language.headings import canonical_names
from indexing.model import Document
from indexing.ports import LexicalEntry
from indexing.spaces import CLINICAL_NOTES, Kind, Metadata, Space, amounts, texts
from indexing.views import FILLER, View, Views, views

LAYOUT = 4  # of the mapping of words: part of the physical name
VECTORS_LAYOUT = 2  # of the mapping of vectors
LONGEST_KEY = 1_000
LONGEST_ID = 500  # bytes of a doc_id that can be an _id; OpenSearch takes 512
KEYS = ("type", "specialty", "author", "patient")
OTHER_LABEL = "OTHER"
DEEPEST = 50_000  # hits that one search may ask for
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_KEYWORD = {"type": "keyword"}
_RAW = {"type": "keyword", "doc_values": False}
_DATE = {"type": "long"}
_COUNTED = {"type": "keyword", "index": False}  # facets count it, no question asks for it
_READ = {"type": "long", "index": False}

_TYPES: Mapping[Kind, dict[str, Any]] = {
    "id": _KEYWORD, "key": _RAW, "set": _RAW, "instant": _DATE, "number": {"type": "float"},
    "flag": {"type": "boolean"},
}  # fmt: skip

# The filler leaves a gap behind: a phrase never bridges hidden words.
_ANALYSIS = {
    "filter": {"hidden": {"type": "stop", "stopwords": [FILLER]}},
    "analyzer": {
        "terms": {"tokenizer": "whitespace", "filter": ["hidden"]},
        "stems": {"tokenizer": "whitespace"},
    },
}
_TEXT = {"type": "text", "analyzer": "terms"}
_STEMS = {"type": "text", "analyzer": "stems", "index_options": "freqs"}
_VIEWS = ("title", "whole", "asserted", "denied")
_PARTS = ("sections", "whole_sections")


def settings(shards: int) -> dict[str, Any]:
    """Return the settings that both ports share. Statistics are a tenant's: one index, and by
    default one shard. Only a refresh of ours makes writes visible, so that they are on return."""
    return {
        "number_of_shards": shards, "auto_expand_replicas": "0-1", "refresh_interval": "-1",
        "max_result_window": DEEPEST,
    }  # fmt: skip


def words_body(shards: int) -> dict[str, Any]:
    """Return the index of the full text. "LegacyBM25" keeps the factor (k1 + 1), so that scores
    are those of the other engines."""
    similarity = {"default": {"type": "LegacyBM25", "k1": 1.2, "b": 0.75}}
    shown = {f"{name}_shown": _COUNTED for name in (*KEYS, "period")}
    return {
        "settings": settings(shards) | {"similarity": similarity, "analysis": _ANALYSIS},
        "mappings": {
            "_source": {"enabled": False},
            "dynamic": "strict",
            "dynamic_templates": [
                {"stems": {"path_match": "stems.*", "mapping": _STEMS}},
                {"section": {"path_match": "*sections.*", "mapping": _TEXT}},
            ],
            "properties": {
                **fields(CLINICAL_NOTES), "version": _READ, **shown, "section": _RAW,
                **_views(_TEXT),
                "stems": {"properties": _views(_STEMS)},
            },
        },
    }  # fmt: skip


def _views(text: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of one form. The known sections stand in the mapping from the start: each
    that came with a note would be a change of the cluster's state, which every write waits for."""
    sections = {section_field(name): text for name in canonical_names()}
    parts = {"type": "object", "dynamic": True, "properties": sections}
    return dict.fromkeys(_VIEWS, text) | dict.fromkeys(_PARTS, parts)


def measure(space: Space) -> str:
    """Return how the server calls a space's measure."""
    return {"cosine": "cosinesimil", "euclidean": "l2"}[space.metric]


def vectors_body(
    shards: int, dimension: int, space: Space, searched: Searched = "hnsw"
) -> dict[str, Any]:
    """Return the index of a vector space. Source of m and ef_construction: Malkov & Yashunin
    2018, and the same as the embedded engine's."""
    vector: dict[str, Any] = {"type": "knn_vector", "dimension": dimension}
    if searched == "hnsw":
        vector["method"] = {
            "name": "hnsw", "engine": "lucene", "space_type": measure(space),
            "parameters": {"m": 16, "ef_construction": 128},
        }  # fmt: skip
    nested = {"number": {"type": "integer"}, "vector": vector}
    return {
        # Without k-NN of its own the index holds the vectors alone, for a script to measure.
        "settings": settings(shards) | {"knn": searched == "hnsw"},
        "mappings": {
            "_source": {"enabled": False},
            "dynamic": "strict",
            "properties": {
                **fields(space), "passages": {"type": "nested", "properties": nested},
                # The same vectors to be given back: those of k-NN can only be searched.
                "rows": {"type": "binary", "doc_values": True},
            },
        },
    }  # fmt: skip


def fields(space: Space) -> dict[str, Any]:
    """Return what a space's documents are filtered by, as fields of a mapping."""
    return {name: _TYPES[kind] for name, kind in space.schema.items()}


def key(value: str) -> str:
    """Spell a field's value so that case does not matter."""
    return _clean(value.casefold())[:LONGEST_KEY]


def spelled(space: Space, name: str, value: str) -> str:
    """Spell a value as a space's field holds it."""
    return _clean(value)[:LONGEST_KEY] if space.schema[name] == "id" else key(value)


def micros(instant: datetime) -> int:
    """Count the microseconds since 1970, exactly. A naive instant is taken as UTC."""
    aware = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    return (aware - EPOCH) // timedelta(microseconds=1)


def words(entry: LexicalEntry, zone: tzinfo) -> dict[str, Any]:
    """Lay out one document's text."""
    held, cut = entry.document, views(entry)
    made = {
        **filtered(held),
        **_laid(cut, lambda view: " ".join(view.exact)),
        "stems": _laid(cut, _stems),
        "section": list(cut.sections),
        "period_shown": year_of(held.date_start, zone),
    }  # fmt: skip
    for name, value in _values(held).items():
        made[f"{name}_shown"] = _clean(value)[:LONGEST_KEY]
    return made


def filtered(
    held: Document, space: Space = CLINICAL_NOTES, metadata: Metadata | None = None
) -> dict[str, Any]:
    """Lay out what a document is filtered by in a space. Raises: EventRejected."""
    made: dict[str, Any] = {
        "tenant": held.tenant_id.hex, "doc_id": held.doc_id, "version": held.version, "live": True,
        **amounts(space, held, metadata or {}),
    }  # fmt: skip
    for name, values in texts(space, held, metadata).items():
        made_ = [spelled(space, name, value) for value in values]
        made[name] = made_ if space.schema[name] == "set" else made_[0]
    if "label" in space.schema:
        made["label"] = sorted({each if each in LABELS else OTHER_LABEL for each in held.labels})
    if held.patient_id is not None and "patient_id" in space.schema:
        made["patient_id"] = _clean(held.patient_id)
    if held.date_start is not None and "start" in space.schema:
        first = micros(held.date_start)
        end = held.date_end
        made["start"] = first
        made["end"] = max(micros(end), first + 1) if end is not None else first + 1
    return made


def tombstone(tenant_id: Any, doc_id: str, version: int) -> dict[str, Any]:
    """Lay out what remembers a deletion."""
    return {"tenant": tenant_id.hex, "doc_id": doc_id, "version": version, "live": False}


def _values(held: Document) -> Mapping[str, str]:
    given = (held.type, held.specialty, held.author, held.patient_id or "")
    return dict(zip(KEYS, given, strict=True))


def _laid(cut: Views, form: Callable[[View], str]) -> dict[str, Any]:
    """Lay out one form of every view."""
    parts = {"sections": cut.sections, "whole_sections": cut.whole_sections}
    return {
        **{name: form(getattr(cut, name)) for name in _VIEWS},
        **{
            name: {section_field(each): form(view) for each, view in part.items()}
            for name, part in parts.items()
        },
    }


def _stems(view: View) -> str:
    """Spell the stems; what holds no positions needs no fillers between them."""
    return " ".join(view.stems).replace(FILLER, "")


def stemmed(field: str) -> str:
    """Return the field that holds the stems of a field of terms."""
    return f"stems.{field}"


def _clean(value: str) -> str:
    """A lone surrogate cannot be written to any index."""
    return value if value.isascii() else value.encode("utf-8", "replace").decode()
