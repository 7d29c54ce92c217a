"""What was chosen beside a question narrows what it says itself, and never opens more."""

from __future__ import annotations

import pytest

from indexing.filters import Filters
from rankers.chosen import both


@pytest.mark.parametrize(
    ("name", "typed", "chosen", "left"),
    [
        ("patient", ("a",), ("b", "c"), ()),
        ("patient", ("a", "b"), ("b", "c"), ("b",)),
        ("patient", ("ab1",), ("AB1", ""), ()),
        ("patient", ("AB1", "ab1"), ("ab1",), ("ab1",)),
        ("type", ("Progress Note",), ("progress note",), ("Progress Note",)),
    ],
)
def test_both_must_let_it_through(
    name: str, typed: tuple[str, ...], chosen: tuple[str, ...], left: tuple[str, ...]
) -> None:
    assert both(Filters(only={name: typed}), Filters(only={name: chosen})).only == {name: left}
