"""What a test refutes of what was told, thought or feared."""

from __future__ import annotations

import pytest

from tests.unit.test_assertion import judge

SENTENCES = """
Concern for {appendicitis|uncertain}, but labs negative.
Worried about {MI|uncertain} but EKG negative.
Thought to have {lupus|uncertain} but labs negative.
Told she had {lupus|negated} but labs negative.
Concern for {DVT|negated} but ultrasound negative.
Concern for {sepsis|negated}, but labs later ruled out.
He told the team that he had {hepatitis C|negated} but testing negative.
Reported having {syphilis|negated} but testing was negative.
Says he has {HIV|present} but viral load negative.
Told he had {HIV|present} but viral load negative.
Told he had {hepatitis C|negated} but RNA negative.
He told us he had {chest pain|present} but testing negative.
Says he has {migraines|present}, but CT negative.
"""


@pytest.mark.parametrize("marked", SENTENCES.strip().splitlines())
def test_a_test_refutes_what_it_decides(marked: str) -> None:
    for words, expected, found in judge(marked):
        assert found.assertion == expected, words
