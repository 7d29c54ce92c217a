"""Where the sentence around a name begins and stops."""

from __future__ import annotations

import pytest

from rankers.sentence import sentence_of


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("Improved. NAME was kept. Well.", " NAME was kept"),
        ("No. He has NAME", " He has NAME"),
        ("NAME b.i.d. but skips it", "NAME b.i.d. but skips it"),
        ("rest; NAME; rest", " NAME"),
        ("rest\nNAME\nrest", "NAME"),
        ("far before it NAME stands and far behind it", "before it NAME stands and far behi"),
    ],
)
def test_a_sentence_stops_where_the_next_begins(text: str, sentence: str) -> None:
    start = text.index("NAME")
    first, last = sentence_of(text, start, start + 4, 10, 20)
    assert text[first:last] == sentence
