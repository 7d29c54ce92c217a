"""Filters and access as Weaviate filters: the one place that builds them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from weaviate.classes.query import Filter

from indexing.access import Access
from indexing.backends.weaviate.schema import micros, spelled, whole
from indexing.filters import Filters, whose
from indexing.spaces import Space, filtered_by, numbers


def guard(access: Access, filters: Filters, space: Space) -> Any | None:
    """Compile what this access and these filters let through; None when that is nothing."""
    parts: list[Any] = [Filter.by_property("tenant").equal(access.tenant_id.hex)]
    if access.closed_labels and "label" in space.schema:
        parts.append(Filter.by_property("label").contains_none(sorted(access.closed_labels)))
    if access.patients is not None and "patient_id" in space.schema:
        if not access.patients:
            return None
        opened = sorted(whole(each) for each in access.patients)
        parts.append(Filter.by_property("patient_id").contains_any(opened))
    for name, values in filters.only.items():
        if name not in filtered_by(space) or not values:
            return None
        parts.append(_any_of(space, name, values))
    for name, values in filters.without.items():
        if name in filtered_by(space) and values:
            parts.append(Filter.not_(_any_of(space, name, values)))
    if {*filters.at_least, *filters.at_most} - numbers(space):
        return None
    for name, least in filters.at_least.items():
        parts.append(Filter.by_property(name).greater_or_equal(least))
    for name, most in filters.at_most.items():
        parts.append(Filter.by_property(name).less_or_equal(most))
    if filters.date_from is not None:
        parts.append(Filter.by_property("end").greater_than(micros(filters.date_from)))
    if filters.date_to is not None:
        parts.append(Filter.by_property("start").less_than(micros(filters.date_to)))
    return Filter.all_of(parts)


def _any_of(space: Space, name: str, values: Iterable[str]) -> Any:
    if name == "patient":
        ids, nobodys = whose(values)
        parts = [Filter.by_property(name).equal(whole(""))] if nobodys else []
        if ids:
            opened = [whole(each) for each in ids]
            parts.append(Filter.by_property("patient_id").contains_any(opened))
        return Filter.any_of(parts)
    told = sorted({spelled(space, name, value) for value in values})
    return Filter.by_property(name).contains_any(told)
