"""What a search answers, as values and as the JSON that scripts and other sites rely on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from indexing.filters import Filters
from indexing.ports import AssertionMode, Freshness
from rankers.explain import Signal

LEGS: tuple[str, ...] = ("lexical", "vector", "graph")


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """One question. `only` holds facet values by facet name ("period" is a year); `rejected` and
    `accepted` are ids of expansion chips switched off and on by hand. `assertion` None leaves it
    to the query, and to "present" where that says nothing. `bare` skips everything but the
    ranking (evaluation): no snippets, facets or counts. `newest`: the newest first.
    """

    q: str
    k: int = 10
    rankers: tuple[str, ...] = LEGS
    plain: bool = False
    assertion: AssertionMode | None = None
    filters: Filters = field(default_factory=Filters)
    only: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    rejected: tuple[str, ...] = ()
    accepted: tuple[str, ...] = ()
    bare: bool = False
    newest: bool = False


class ShownChip(msgspec.Struct, frozen=True):
    """A piece of the query (`removed` is the query without it), or an expansion (`id` rejects or
    accepts it; `offered`: not applied; `count` notes that hold it). Of the kinds "spelling" and
    "time", `removed` is the query as it is most likely spelled, or with its time as a date: asking
    that takes the offer up."""

    kind: str
    label: str
    start: int = 0
    end: int = 0
    removed: str = ""
    id: str = ""
    count: int | None = None
    offered: bool = False


class Mark(msgspec.Struct, frozen=True):
    """`text[start:end]` of a snippet, in code points. Kinds: literal, phrase, synonym, concept,
    semantic, negated (any mention that default search leaves out), cue."""

    start: int
    end: int
    kind: str


class Lead(msgspec.Struct, frozen=True):
    """Words further up that decide what a sentence says ("Denies:"), at `at` of the note."""

    text: str
    at: int


class Snippet(msgspec.Struct, frozen=True):
    """The sentence that answers best; it begins at `at` of the note."""

    text: str = ""
    marks: tuple[Mark, ...] = ()
    section: str = ""
    at: int = 0
    lead: Lead | None = None


class Hit(msgspec.Struct, frozen=True):
    """One note. `concepts` maps concept id to its share of the graph's score; `passage` is the
    number of the one that lies nearest in meaning. What stands after `passage` is empty until the
    note has been read: `repeated` counts the later notes that repeat the paragraph shown, `copy_of`
    names the earlier note that has it first."""

    rank: int
    doc_id: str
    score: float
    signals: Mapping[str, Signal]
    concepts: Mapping[str, float] = {}
    passage: int | None = None
    patient_id: str | None = None
    title: str = ""
    date: str | None = None
    type: str = ""
    specialty: str = ""
    author: str = ""
    snippet: Snippet = Snippet()
    repeated: int = 0
    copy_of: str = ""


class Sentence(msgspec.Struct, frozen=True):
    """A sentence of the note at `rank` that answers; it begins at `at` of the note. `says` is how
    the note speaks of it (an assertion), `covers` the share of what is asked that stands in it."""

    rank: int
    doc_id: str
    patient_id: str | None
    title: str
    date: str | None
    section: str
    text: str
    marks: tuple[Mark, ...]
    at: int
    says: str = "present"
    covers: float = 1.0
    lead: Lead | None = None


class Absence(msgspec.Struct, frozen=True):
    """Proof that nothing was found: how many notes were looked through, and up to when."""

    statement: str
    searched: int
    total: int
    complete_to: str | None


@dataclass(frozen=True, slots=True)
class Answer:
    """`missing` names the legs that did not answer; `notices` say what the reader should know.

    `total` counts the notes that match by their words, and those that another leg alone found:
    by concept, or by meaning where that is near enough to say something.
    `hidden` counts notes by the status that kept them out; as in `facets`, None in a view that does
    not tell so few. `best` are the sentences that answer,
    none where no note says it in a sentence.
    """

    chips: tuple[ShownChip, ...]
    assertion: AssertionMode
    exact: bool
    total: int
    hits: tuple[Hit, ...]
    freshness: Freshness | None = None
    facets: Mapping[str, tuple[Mapping[str, Any], ...]] = field(default_factory=dict)
    hidden: Mapping[str, int | None] = field(default_factory=dict)
    absence: Absence | None = None
    missing: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    took_ms: Mapping[str, float] = field(default_factory=dict)
    best: tuple[Sentence, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the public shape."""
        said: dict[str, Any] = msgspec.to_builtins({"answers": self.best, "hits": self.hits})
        return {**self._beside(), **said}

    def ranking_json(self) -> dict[str, Any]:
        """Return what a frozen page keeps: where each hit stands and why, not what is there."""
        return {**self._beside(), "hits": [_ranked_json(hit) for hit in self.hits]}

    def _beside(self) -> dict[str, Any]:
        return {
            "query": {
                "chips": msgspec.to_builtins(self.chips),
                "assertion": self.assertion,
                "exact": self.exact,
            },
            "total": self.total,
            "freshness": _freshness_json(self.freshness),
            "facets": {name: [dict(v) for v in values] for name, values in self.facets.items()},
            "hidden": dict(self.hidden),
            "absence": msgspec.to_builtins(self.absence),
            "missing": list(self.missing),
            "notices": list(self.notices),
            "took_ms": dict(self.took_ms),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Answer:
        """Read back what `to_json` wrote; unknown keys are left aside."""
        query = stored["query"]
        return cls(
            chips=msgspec.convert(query["chips"], tuple[ShownChip, ...]),
            assertion=query.get("assertion", "present"),
            exact=query.get("exact", False),
            total=stored["total"],
            hits=tuple(hit_of(hit) for hit in stored["hits"]),
            freshness=_freshness(stored.get("freshness")),
            facets={name: tuple(v) for name, v in stored.get("facets", {}).items()},
            hidden=stored.get("hidden", {}),
            absence=msgspec.convert(stored.get("absence"), Absence | None),
            missing=tuple(stored.get("missing", ())),
            notices=tuple(stored.get("notices", ())),
            took_ms=stored.get("took_ms", {}),
            best=msgspec.convert(stored.get("answers", ()), tuple[Sentence, ...]),
        )


def hit_of(stored: Mapping[str, Any]) -> Hit:
    """Read one hit back."""
    return msgspec.convert(stored, Hit)


def _ranked_json(hit: Hit) -> dict[str, Any]:
    return {
        "rank": hit.rank, "doc_id": hit.doc_id, "score": hit.score, "passage": hit.passage,
        "signals": msgspec.to_builtins(hit.signals),
    }  # fmt: skip


def _freshness_json(fresh: Freshness | None) -> dict[str, Any] | None:
    if fresh is None:
        return None
    complete = fresh.complete_to.isoformat() if fresh.complete_to else None
    return {
        "complete_to": complete,
        "pending": dict(fresh.pending),
        "lingering_s": fresh.lingering_s,
    }


def _freshness(stored: Mapping[str, Any] | None) -> Freshness | None:
    if stored is None:
        return None
    complete = stored["complete_to"]
    return Freshness(
        datetime.fromisoformat(complete) if complete else None,
        stored["pending"],
        stored["lingering_s"],
    )


def facets_json(facets: Mapping[str, Any]) -> dict[str, tuple[Mapping[str, Any], ...]]:
    """Return facets as the answer keeps them."""
    return {
        name: tuple({"value": each.value, "count": each.count} for each in values)
        for name, values in facets.items()
    }
