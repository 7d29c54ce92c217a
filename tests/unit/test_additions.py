"""A tenant's own names as a file says them: every fault by its line, nothing half taken in."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexing.errors import InvalidInput
from indexing.language.matcher import Matcher
from indexing.language.terminology import (
    Addition,
    NameKind,
    SemanticType,
    Terminology,
    open_overlaid,
    open_terminology,
)
from indexing.language.terminology.additions import read_additions, standing
from rankers.answer import LEGS, SearchRequest
from rankers.plan import Planner

GOOD = """\
concept\tname\tkind\ttype\tparent
# what this house says
anm:hypertension\tthe squeeze\tlay
heart attack\tmyo event
site:ward-9-rash\tward nine rash\t\tdisorder\trash
site:ward-9-rash\tW9R\tabbreviation
"""


@pytest.fixture(scope="module")
def terminology() -> Terminology:
    return open_terminology(None)


def test_a_file_is_read_by_ids_names_and_new_ids(terminology: Terminology) -> None:
    assert read_additions(GOOD, "own.tsv", terminology) == [
        Addition("anm:hypertension", "the squeeze", NameKind.LAY),
        Addition("anm:myocardial-infarction", "myo event"),
        Addition("site:ward-9-rash", "ward nine rash", NameKind.SYNONYM, SemanticType.DISORDER,
                 "anm:rash"),
        Addition("site:ward-9-rash", "W9R", NameKind.ABBREVIATION, SemanticType.DISORDER),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("anm:hypertension", "wants 2 to 5 columns"),
        ("anm:hypertension\t", "no letter"),
        ("anm:hypertension\t120/80", "no letter"),
        ("anm:hypertension\tsqueeze\tnickname", "no kind 'nickname': synonym, lay, abbreviation"),
        ("hypertensoin\tsqueeze", "no concept 'hypertensoin'; there is Hypertension"),
        ("site:x\tsqueeze", "wants a type of disorder"),
        ("site:X!\tsqueeze\t\tdisorder", "small letters"),
        ("site:x\tsqueeze\t\tdisorder\tnowhere at all", "no concept 'nowhere at all'"),
        ("anm:hypertension\tsqueeze\t\tdisorder", "a type and a parent are for a new concept"),
        ("anm:hypertension\t" + "x" * 201, "longer than 200"),
        ("anm:hypertension\tsq\x07ueeze", "not plain text"),
    ],
)
def test_each_fault_says_where_and_what(terminology: Terminology, line: str, said: str) -> None:
    text = f"anm:hypertension\tthe squeeze\n{line}\n"
    with pytest.raises(InvalidInput, match=r"own\.tsv, line 2: ") as caught:
        read_additions(text, "own.tsv", terminology)
    assert said.casefold() in str(caught.value).casefold()


def test_faults_are_told_together_and_bounded(terminology: Terminology) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_additions("nonsense\n" * 50, "own.tsv", terminology)
    assert str(caught.value).count("own.tsv, line ") == 20
    assert "and 30 more" in str(caught.value)
    with pytest.raises(InvalidInput, match="twice"):
        read_additions("anm:rash\tspots\nanm:rash\tSpots\n", "own.tsv", terminology)
    with pytest.raises(InvalidInput, match="no line with a name"):
        read_additions("# nothing\n\n", "own.tsv", terminology)


@given(st.text(max_size=80))
def test_any_text_is_read_or_refused(text: str) -> None:
    own = open_terminology(None)
    try:
        found = read_additions(text, "own.tsv", own)
    except InvalidInput:
        return
    assert found


def test_what_a_house_says_twice_means_is_only_offered(terminology: Terminology) -> None:
    """CP is chest pain and cerebral palsy; that a house adds it for one settles no question."""
    own = terminology.with_additions(
        read_additions("anm:chest-pain\tCP\tabbreviation\n", "own.tsv", terminology)
    )
    for each in (terminology, own):
        plan = Planner(each, Matcher(each)).plan(SearchRequest(q="CP", rankers=LEGS), 10, UTC)
        wordings = [w for w in plan.wordings if w.kind == "ambiguous"]
        assert {w.text.casefold() for w in wordings} >= {"chest pain", "cerebral palsy"}
        assert all(w.offered for w in plan.wordings)


def test_additions_outlive_the_terminology_that_they_were_made_over(
    terminology: Terminology, tmp_path: Path
) -> None:
    made = [
        Addition("gone:1", "a name of what is gone"),
        Addition(
            "site:x", "ward nine rash", semantic_type=SemanticType.DISORDER, parent_id="gone:1"
        ),
        Addition("anm:rash", "spots"),
    ]
    kept = standing(made, terminology)
    assert [each.name for each in kept] == ["ward nine rash", "spots"]
    assert kept[0].parent_id is None
    own = open_overlaid(tmp_path, terminology, kept)
    again = open_overlaid(tmp_path, terminology, kept)
    assert own.version == again.version != terminology.version
    assert again.find("ward nine rash") == ("site:x",)
    assert (tmp_path / "terminology" / "overlays").stat().st_mode & 0o077 == 0
