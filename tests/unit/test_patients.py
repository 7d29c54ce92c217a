"""Likeness of patients: what counts, what does not, and that nothing depends on order."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.hospital import features
from eval.similar import DRUG, invented, load, neighbourhoods, ranked
from indexing.errors import InvalidInput
from indexing.features import Profile, table_of
from indexing.language.terminology import open_terminology
from rankers.hierarchy import Hierarchy, bare
from rankers.patients import PatientIndex, allowed_mask

_ABOVE: Mapping[str, Mapping[str, int]] = {
    "focal seizure": {"seizure": 1, "nervous": 2},
    "absence": {"seizure": 1, "nervous": 2},
    "ataxia": {"nervous": 1},
}


def _index(profiles: Mapping[str, Profile]) -> PatientIndex:
    return PatientIndex(table_of(profiles), lambda feature: _ABOVE.get(feature, {}))


def _first(profiles: Mapping[str, Profile], asked: Profile, k: int = 10) -> list[str]:
    index = _index(profiles)
    return [index.table.patient_ids[n.patient] for n in index.rank(asked, k)]


def _crowd(n: int = 40) -> dict[str, Profile]:
    return {f"other-{i}": Profile.of([f"x{i % 7}", "cough"]) for i in range(n)}


def test_a_rare_finding_weighs_more_than_a_common_one() -> None:
    profiles = _crowd() | {
        "rare": Profile.of(["ataxia", "b"]),
        "common": Profile.of(["cough", "b"]),
    }
    assert _first(profiles, Profile.of(["ataxia", "cough"]))[0] == "rare"


def test_what_more_than_half_have_is_common_and_of_ten_nothing_is() -> None:
    crowd = {f"p{i:02}": Profile.of(["absence", "a" if i < 10 else "b"], ["c"]) for i in range(20)}
    crowd["p20"] = Profile.of(["a", "b"], ["d"])
    index = _index(crowd)
    found = ("absence", "seizure", "a", "b", "c", "unknown")
    assert [each for each in found if index.common(each)] == ["absence", "seizure", "a", "b"]
    assert [each for each in found if index.common(each, denied=True)] == ["c"]
    few = _index(dict(list(crowd.items())[:10]))
    assert not any(few.common(each) or few.common(each, denied=True) for each in found)
    assert _index(dict(list(crowd.items())[:11])).common("absence")


def test_a_near_finding_counts_and_less_than_the_same() -> None:
    profiles = _crowd() | {
        "same": Profile.of(["absence", "a"]), "near": Profile.of(["focal seizure", "b"]),
        "far": Profile.of(["c", "d"]),
    }  # fmt: skip
    assert _first(profiles, Profile.of(["absence"])) == ["same", "near"]
    same, near = _index(profiles).rank(Profile.of(["absence"]), 10)
    assert near.parts["findings"] == 0
    assert near.parts["near"] > 0
    assert same.parts["near"] == 0


def test_agreeing_on_what_is_absent_counts() -> None:
    profiles = _crowd() | {
        "b-silent": Profile.of(["ataxia", "q"]), "c-agrees": Profile.of(["ataxia", "q"], ["fever"]),
    }  # fmt: skip
    assert _first(profiles, Profile.of(["ataxia"], ["fever"]), 2) == ["c-agrees", "b-silent"]


def test_one_denial_beside_a_full_chart_is_no_second_half_of_it() -> None:
    chart = [f"f{i}" for i in range(30)]
    profiles = _crowd() | {
        "alike": Profile.of(chart[:18]), "denies": Profile.of(chart[:14], ["fever"]),
    }  # fmt: skip
    assert _first(profiles, Profile.of(chart, ["fever"]), 1) == ["alike"]
    index = _index(profiles)
    shares = [
        next(n for n in index.rank(Profile.of(chart[:found], ["fever"]), 2)
             if index.table.patient_ids[n.patient] == "denies").parts["absent"]
        for found in (1, 5, 14)
    ]  # fmt: skip
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > 2 * shares[-1] > 0
    alone, beside = (
        index.rank(Profile.of(found, ["fever"]), 1)[0].parts["absent"] for found in ([], chart[:1])
    )
    assert alone == pytest.approx(beside)  # as rare as what is found: in full


def test_opposite_findings_are_no_likeness() -> None:
    """Two forms with the same questions and opposite answers."""
    asked = [f"q{i}" for i in range(12)]
    profiles = _crowd() | {"opposite": Profile.of(["z"], asked), "alike": Profile.of(asked[:2])}
    assert _first(profiles, Profile.of(asked)) == ["alike"]


def test_parts_sum_to_the_score_and_scores_fall() -> None:
    found = invented(features(400))
    index = PatientIndex(found.table)
    best = index.rank(found.table.profile(3), 60, allowed_mask(found.table, ()))
    assert len(best) == 60
    for each in best:
        assert sum(each.parts.values()) == pytest.approx(each.score)
    scores = [each.score for each in best]
    assert scores == sorted(scores, reverse=True)


def test_who_is_not_allowed_is_never_shown_and_moves_nobody() -> None:
    found = invented(features(200))
    index, table = PatientIndex(found.table), found.table
    whole = index.rank(table.profile(0), 10)
    shut = [table.patient_ids[n.patient] for n in whole[:3]]
    rest = index.rank(table.profile(0), 10, allowed_mask(table, shut))
    assert not {n.patient for n in rest} & {n.patient for n in whole[:3]}


def test_an_empty_table_and_an_unknown_finding_answer_with_nobody() -> None:
    assert _index({}).rank(Profile.of(["cough"]), 5) == []
    assert _first(_crowd(), Profile.of(["never seen"])) == []
    assert _first(_crowd() | {"bare": Profile.of([])}, Profile.of([])) == []


_SETS = st.frozensets(st.sampled_from("abcdefgh"), max_size=5)


@given(st.lists(st.tuples(_SETS, _SETS), min_size=1, max_size=12), st.randoms())
def test_the_order_of_patients_decides_nothing(rows: list[tuple[frozenset[str], ...]],
                                               chance: object) -> None:  # fmt: skip
    profiles = {f"p{i}": Profile.of(o, e) for i, (o, e) in enumerate(rows)}
    turned = dict(sorted(profiles.items(), reverse=True))
    asked = Profile.of("ab", "c")
    one, other = _index(profiles), _index(turned)
    left = {one.table.patient_ids[n.patient]: n.score for n in one.rank(asked, 50)}
    right = {other.table.patient_ids[n.patient]: n.score for n in other.rank(asked, 50)}
    assert left == pytest.approx(right)


@given(_SETS, _SETS)
def test_a_profile_never_holds_a_finding_as_both(
    found: frozenset[str], absent: frozenset[str]
) -> None:
    profile = Profile.of(found, absent)
    assert not profile.observed & profile.excluded
    assert profile.observed == found


def test_generated_neighbours_are_of_the_same_course_and_never_the_template_twin() -> None:
    found = invented(features(3000))
    index = PatientIndex(found.table, weight=lambda f: 0.3 if f.startswith(DRUG) else 1.0)
    table = found.table

    def rank(patient_id: str) -> list[str]:
        mine = table.profile(table.number_of[patient_id])
        best = index.rank(mine, 10, allowed_mask(table, (patient_id,)))
        return [table.patient_ids[n.patient] for n in best]

    asked = [table.patient_ids[i] for i in np.random.default_rng(5).choice(3000, 60)]
    truth = neighbourhoods(found, asked, rank)
    assert truth.course >= 0.99
    assert truth.twins == 0
    assert truth.precision >= 0.7


def _folder(path: Path, rows: list[dict[str, object]], qrels: str, exclude: str | None) -> Path:
    (path / "qrels").mkdir()
    with gzip.open(path / "corpus.jsonl.gz", "wb") as out:
        out.writelines(orjson.dumps(row) + b"\n" for row in rows)
    (path / "qrels" / "dev.tsv").write_text("query-id\tcorpus-id\tscore\n" + qrels)
    if exclude is not None:
        (path / "exclude_dev.tsv").write_text("query-id\tcorpus-id\n" + exclude)
    return path


_ROWS: list[dict[str, object]] = [
    {"_id": "a", "observed": ["HP:1", "HP:2"], "excluded": ["HP:9"]},
    {"_id": "b", "observed": ["HP:1", "HP:2"], "excluded": ["HP:9"]},
    {"_id": "c", "observed": ["HP:1"], "excluded": []},
    {"_id": "d", "observed": ["HP:5"]},
]


def test_a_folder_is_ranked_without_what_its_exclude_file_names(tmp_path: Path) -> None:
    read = load(_folder(tmp_path, _ROWS, "a\tc\t1\n", "a\tb\na\ta\n"), "dev")
    [(query, hits)] = ranked(PatientIndex(read.table), read)
    assert query == "a"
    assert [patient for patient, _ in hits] == ["c"]


@pytest.mark.parametrize(
    ("rows", "qrels", "exclude", "says"),
    [
        (_ROWS, "a\tnobody\t1\n", None, "no patient has the id 'nobody'"),
        (_ROWS, "a\tc\t1\n", "a b\n", "line 2: wants two ids"),
        ([{"_id": "a", "observed": "HP:1"}], "a\ta\t1\n", None, "line 1: observed is not a list"),
    ],
)
def test_a_faulty_folder_says_where(
    tmp_path: Path, rows: list[dict[str, object]], qrels: str, exclude: str | None, says: str
) -> None:
    with pytest.raises(InvalidInput, match=says):
        load(_folder(tmp_path, rows, qrels, exclude), "dev")


@pytest.mark.slow
def test_published_patients_of_one_disease_are_found(shared_data: Path) -> None:
    """The whole benchmark takes seconds; its figure is the reason for the constants."""
    from eval.measures import by_own, mean

    read = load(shared_data / "benchmarks" / "phenopackets", "dev")
    found = {q: [p for p, _ in hits[:10]] for q, hits in ranked(PatientIndex(read.table), read)}
    assert mean(by_own(read.qrels, found, ["nDCG@10"]))["nDCG@10"] >= 0.48


def test_codes_become_concepts_or_stay_codes(tmp_path: Path) -> None:
    hierarchy = Hierarchy(open_terminology(tmp_path))
    pain = hierarchy.feature("SNOMED", "29857009", "Chest pain (finding)")
    assert hierarchy.name(pain, {}) == "chest pain"
    assert hierarchy.feature("SNOMED", "0", "") == "SNOMED:0"
    assert hierarchy.feature("LOCAL", "", "Something odd") == "text:something odd"
    assert bare("Asthma (disorder)") == "Asthma"
    assert bare("(odd)") == "(odd)"
