"""Texts arrive in the database as they were."""

from __future__ import annotations

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from indexing.backends.postgres.arrays import array
from indexing.backends.postgres.connect import Database

TEXTS = st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TEXTS)
@example([])
@example(["", "NULL", 'a"b', "a\\b", "{a,b}", " a "])
def test_texts_arrive_as_they_were(database: Database, values: list[str]) -> None:
    with database.transaction() as conn:
        row = conn.execute("SELECT %s::text[]", (array(values),)).fetchone()
    assert row == (values,)
