"""What a value of a criterion is held against, in the units that are recorded."""

from __future__ import annotations

from datetime import UTC
from decimal import Decimal

import pytest

from indexing.cohorts import Limit
from indexing.errors import InvalidQuery
from rankers.cohort_language import Criterion, read_definition
from rankers.measured import limits_in


def criterion(text: str) -> Criterion:
    return read_definition(text, UTC).criteria[0]


def test_a_value_is_held_against_every_unit_that_it_becomes_and_no_other() -> None:
    asked = criterion("value hemoglobin < 10 g/dL")
    assert limits_in(asked, ["%", "g/L", "g/dL", ""]) == [
        Limit("g/L", Decimal(100)), Limit("g/dL", Decimal(10)),
    ]  # fmt: skip


def test_degrees_are_moved_not_only_scaled() -> None:
    (found,) = limits_in(criterion("value temperature > 38 Cel"), ["[degF]"])
    assert found.number == pytest.approx(Decimal("100.4"))


def test_a_bare_number_is_refused_where_it_would_mean_two_things() -> None:
    asked = criterion("value hemoglobin < 10")
    with pytest.raises(InvalidQuery, match="several units") as caught:
        limits_in(asked, ["g/dL", "%"])
    assert caught.value.hint == "Recorded in g/dL, %."
    for same in (["g/dL"], ["g/dL", ""], ["mmHg", "mm[Hg]"], ["10*3/uL", "10*9/L"], []):
        assert limits_in(asked, same) == [Limit(None, Decimal(10))]


def test_a_unit_that_nothing_is_recorded_in_is_refused_at_its_place() -> None:
    text = "value hemoglobin < 10 bananas"
    with pytest.raises(InvalidQuery) as caught:
        limits_in(criterion(text), ["g/dL", "{Mrs Zq}"])
    assert caught.value.position == text.index("bananas")
    assert caught.value.hint == "Recorded in g/dL."


def test_what_nobody_has_a_value_of_is_held_against_nothing() -> None:
    assert limits_in(criterion("value hemoglobin < 10 bananas"), []) == []
