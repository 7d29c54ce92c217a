"""What a request narrows a question to: facet values, filters that must both hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import tzinfo

from indexing.clauses import And, Clause, Field, Or, spell_interval
from indexing.filters import Filters, compared
from rankers.dates import date_range


def both(one: Filters, other: Filters) -> Filters:
    """Let through what both let through."""
    only = {**one.only}
    for name, values in other.only.items():
        accepted = {compared(name, value) for value in values}
        kept = only.get(name, values)
        only[name] = tuple(value for value in kept if compared(name, value) in accepted)
    without = {
        name: (*one.without.get(name, ()), *other.without.get(name, ()))
        for name in {**one.without, **other.without}
    }
    starts = [f.date_from for f in (one, other) if f.date_from is not None]
    ends = [f.date_to for f in (one, other) if f.date_to is not None]
    return Filters(only, without, max(starts, default=None), min(ends, default=None))


def chosen(only: Mapping[str, tuple[str, ...]]) -> Filters:
    """Return the filters of the facet values that were chosen; periods are a clause."""
    return Filters(only={name: v for name, v in only.items() if name != "period" and v})


def periods(years: Iterable[str], zone: tzinfo) -> Clause | None:
    """Return the clause that any of these years satisfies, None for no year."""
    ranges = [date_range(year, 0, zone) for year in years if year]
    fields = tuple(Field("date", spell_interval(*each)) for each in ranges)
    return Or(fields) if fields else None


def every(*clauses: Clause | None) -> Clause | None:
    """Join what must all hold."""
    parts = [clause for clause in clauses if clause is not None]
    if len(parts) < 2:
        return parts[0] if parts else None
    return And(tuple(parts), parts[0].start, parts[0].end)


def separately(filters: Filters) -> list[tuple[str, Filters]]:
    """Return each filter by itself, named, to tell which one removed a note."""
    parts = [(name, Filters(only={name: values})) for name, values in filters.only.items()]
    parts += [(name, Filters(without={name: v})) for name, v in filters.without.items()]
    if filters.date_from is not None or filters.date_to is not None:
        dated = Filters(date_from=filters.date_from, date_to=filters.date_to)
        parts.append(("date", dated))
    return parts
