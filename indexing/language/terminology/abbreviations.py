"""What short forms stand for: shares of use from corpus lists, over the concepts we know."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from indexing.language.terminology.facts import Facts
from indexing.language.terminology.lexicon import Keyer
from indexing.language.terminology.model import NameKind

_LISTED = 0.05  # what one list without frequencies adds to a sense's share
_SEEDED = 0.5  # the least share of a sense that the seed names
_LEAST = 0.01  # senses rarer than this are noise of the lists
_MAX_SHORT = 8


def abbreviation_names(
    facts: Facts, names: Sequence[Mapping[str, tuple[Any, ...]]], keys: Keyer
) -> Iterator[tuple[int, str, float]]:
    """Yield (concept row, short form, share of its uses) for every short form of a known concept.

    Senses whose long form is no concept of ours keep their share, so that a short form that
    mostly means something else does not look certain.
    """
    concepts: dict[str, int] = {}
    seeded: dict[str, set[int]] = defaultdict(set)
    for concept, table in enumerate(names):
        for text, kind, _, trusted in table.values():
            if kind is NameKind.ABBREVIATION:
                if trusted:
                    seeded[text.upper()].add(concept)
            else:
                concepts.setdefault(keys.key(text), concept)
    for short, senses in sorted(_senses(facts, keys).items()):
        shares: dict[int, float] = defaultdict(float)
        for long_key, share in senses.items():
            if long_key in concepts:
                shares[concepts[long_key]] += share
        for concept in seeded.get(short, ()):
            shares[concept] = max(shares[concept], _SEEDED)
        total = max(sum(senses.values()), sum(shares.values()))
        for concept, share in sorted(shares.items()):
            if share / total >= _LEAST:
                yield concept, short, share / total


def _senses(facts: Facts, keys: Keyer) -> dict[str, dict[str, float]]:
    """Return {SHORT: {key of the long form: mass}}; a source with frequencies weighs their mean."""
    by_source: dict[str, dict[str, dict[str, float]]] = defaultdict(lambda: defaultdict(dict))
    for short, long, weight, source in facts.abbreviations:
        form = short.strip().upper()
        if 2 <= len(form) <= _MAX_SHORT and not form.isdigit() and form[0].isalnum():
            senses = by_source[form][source]
            key = keys.key(long) or long
            senses[key] = max(senses.get(key, 0.0), weight)
    merged: dict[str, dict[str, float]] = {}
    for form, sources in by_source.items():
        counted = [s for s in sources.values() if any(w > 0 for w in s.values())]
        shares: dict[str, float] = defaultdict(float)
        for senses in sources.values():
            for key, weight in senses.items():
                shares[key] += weight / len(counted) if weight > 0 else _LISTED
        merged[form] = dict(shares)
    return merged
