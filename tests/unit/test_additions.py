"""A tenant's own names as a file says them: every fault by its line, nothing half taken in."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexing.errors import Conflict, InvalidInput
from indexing.language.matcher import Matcher
from indexing.language.terminology import (
    Addition,
    NameKind,
    SemanticType,
    Terminology,
    open_overlaid,
    open_terminology,
)
from indexing.language.terminology.additions import read_additions, removable, standing
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


OWN = """\
site:a\talpha rash\t\tdisorder\trash
site:b\tbeta rash\t\tdisorder\tsite:a
"""


def test_a_parent_may_be_added_after_its_child(terminology: Terminology) -> None:
    """It was removed and added again: rows stand in the order in which they were added."""
    first, second = read_additions(OWN, "own.tsv", terminology)
    own = terminology.with_additions(standing([second, first], terminology))
    assert own.parents("site:b") == ("site:a",)
    assert own.parents("site:a") == ("anm:rash",)


@pytest.mark.parametrize(
    "line", ["site:a\tone more\t\t\tsite:a", "site:a\tone more\t\t\tsite:b"], ids=["self", "circle"]
)
@pytest.mark.parametrize("earlier", [False, True])
def test_nothing_stands_below_itself(terminology: Terminology, line: str, earlier: bool) -> None:
    over, before = terminology, OWN
    if earlier:  # what stands below is in the terminology already, not in the file
        over, before = terminology.with_additions(read_additions(OWN, "own.tsv", over)), "# -\n#\n"
    with pytest.raises(InvalidInput, match=r"own\.tsv, line 3: site:a cannot stand below site:"):
        read_additions(f"{before}{line}\n", "own.tsv", over)


def test_a_circle_that_was_kept_before_is_opened(terminology: Terminology) -> None:
    disorder = SemanticType.DISORDER
    kept = [
        Addition("site:a", "alpha rash", semantic_type=disorder, parent_id="site:b"),
        Addition("site:b", "beta rash", semantic_type=disorder, parent_id="site:a"),
        Addition("site:a", "alpha spots", semantic_type=disorder, parent_id="site:a"),
    ]
    assert [each.parent_id for each in standing(kept, terminology)] == ["site:b", None, None]


def test_a_parent_is_not_removed_from_under_its_child(terminology: Terminology) -> None:
    kept = read_additions(OWN + "site:a\talpha spots\n", "own.tsv", terminology)
    for names in (["site:a"], ["alpha rash", "alpha spots"]):
        with pytest.raises(Conflict, match="site:a is the parent of site:b"):
            removable(kept, names)
    removable(kept, ["alpha rash"])  # the concept has another name
    removable(kept, ["site:a", "site:b"])
    removable(kept[1:2], ["nothing"])  # its parent went before this was seen to


def test_a_tenant_adds_so_many_names_at_once(
    terminology: Terminology, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexing.language.terminology.additions.MOST", 2)
    lines = [f"anm:rash\tspots {word}\n" for word in ("red", "blue", "green")]
    assert len(read_additions("".join(lines[:2]), "own.tsv", terminology)) == 2
    with pytest.raises(InvalidInput, match="more than 2 names"):
        read_additions("".join(lines), "own.tsv", terminology)
