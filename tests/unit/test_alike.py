"""What stands near good hits gains; the parts add up, and nothing is found by it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import uuid4

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexing.access import Access, Role
from indexing.model import TenantId
from indexing.ports import Vectors
from rankers.alike import DEPTH, FEEDBACK, NAME, WEIGHTS, Alike, centres, towards, weights_of
from rankers.explain import Fused, Signal
from rankers.fusion import SHARES, Share

ACCESS = Access(TenantId(uuid4()), "a", frozenset({Role.CLINICIAN}), "TREAT")


class Rows:
    """Vectors by document."""

    def __init__(self, rows: Mapping[str, Vectors]) -> None:
        self.rows = rows

    def passages(self, access: Access, doc_ids: Sequence[str]) -> Mapping[str, Vectors]:
        return {d: self.rows[d] for d in doc_ids if d in self.rows}


def hits(scores: Sequence[float]) -> tuple[Fused, ...]:
    ordered = sorted(scores, reverse=True)
    return tuple(
        Fused(f"d{i:03}", i + 1, s, {"lexical": Signal(i + 1, s, s)}) for i, s in enumerate(ordered)
    )


def rows(n: int, seed: int = 0) -> dict[str, Vectors]:
    rng = np.random.default_rng(seed)
    return {f"d{i:03}": rng.standard_normal((1 + i % 3, 8)).astype(np.float32) for i in range(n)}


@given(
    scores=st.lists(st.floats(0, 1), max_size=40),
    known=st.integers(0, 40),
    question=st.sampled_from(["tinnitus", "does aspirin help against colon cancer", "x y z " * 90]),
    covered=st.floats(0, 1),
)
def test_the_parts_are_the_score_and_nothing_is_found(
    scores: list[float], known: int, question: str, covered: float
) -> None:
    before = hits(scores)
    after = Alike(Rows(rows(known))).joined(ACCESS, question, before, covered)
    assert {h.doc_id for h in after} == {h.doc_id for h in before}
    assert [h.rank for h in after] == list(range(1, len(after) + 1))
    assert list(after[:DEPTH]) == sorted(after[:DEPTH], key=lambda h: (-h.score, h.doc_id))
    assert after[DEPTH:] == before[DEPTH:]
    was = {h.doc_id: h.score for h in before}
    for hit in after:
        assert hit.score == pytest.approx(sum(s.contribution for s in hit.signals.values()))
        assert hit.score >= was[hit.doc_id]
        assert (NAME in hit.signals) <= (hit.doc_id in rows(known))


def test_a_hit_among_good_hits_passes_one_that_stands_alone() -> None:
    near, far = np.eye(2, dtype=np.float32)
    given = {f"d00{i}": np.stack([near]) for i in (0, 1, 2, 3, 5)} | {"d004": np.stack([far])}
    found = Alike(Rows(given)).joined(ACCESS, "tinnitus", hits([0.9, 0.8, 0.8, 0.8, 0.41, 0.4]))
    order = [hit.doc_id for hit in found]
    assert order.index("d005") < order.index("d004")


def test_of_a_statement_only_what_says_almost_the_same_counts() -> None:
    """d001 has one that is nearly it, which scores, and two beside it that do not."""
    angles = {"d000": 0.0, "d001": 0.2, "d002": 0.9, "d003": 0.9}
    given = {
        d: np.array([[np.cos(angle), np.sin(angle)]], dtype=np.float32)
        for d, angle in angles.items()
    }
    only = Alike(Rows(given))
    before = hits([1.0, 0.0, 0.0, 0.0])
    told = "Aspirin given early lowers the risk of a second stroke."

    def share(question: str) -> float:
        found = {hit.doc_id: hit for hit in only.joined(ACCESS, question, before, 1.0)}
        return found["d001"].score

    assert share(told) > 1.5 * share(told.rstrip("."))


def test_what_is_like_the_best_gains_unless_every_word_is_a_concept() -> None:
    near, far = np.eye(2, dtype=np.float32)
    given = {f"d00{i}": np.stack([near if i in (0, 4) else far]) for i in range(5)}
    only = Alike(Rows(given), dict.fromkeys(FEEDBACK, 0.0))
    before = hits([0.9, 0.3, 0.25, 0.2, 0.1])
    found = only.joined(ACCESS, "tinnitus", before, 0.0)
    assert [hit.doc_id for hit in found] == ["d000", "d004", "d001", "d002", "d003"]
    assert only.joined(ACCESS, "tinnitus", before, 1.0) == before
    assert only.joined(ACCESS, "tinnitus", before, 0.0, told=True) == before


def test_a_hit_without_vectors_keeps_its_score() -> None:
    found = Alike(Rows(rows(2))).joined(ACCESS, "tinnitus", hits([0.9, 0.8, 0.7]))
    assert next(hit for hit in found if hit.doc_id == "d002").signals.keys() == {"lexical"}


def test_among_hits_all_alike_small_differences_stay_small() -> None:
    near = np.array([1.0, 0.0])
    other = np.array([0.97, (1 - 0.97**2) ** 0.5])
    found = towards(np.stack([near, near, near, other]).astype(np.float32), np.array([3, 2, 2, 1]))
    assert found.tolist() == pytest.approx([1, 1, 1, 0.8], abs=1e-4)


def test_a_hit_far_above_the_rest_speaks_almost_alone() -> None:
    """Two others that agree with each other do not outweigh it together."""
    one, two = np.eye(2)
    between = (one + two) / 2**0.5
    rows_ = np.stack([one, two, two, between]).astype(np.float32)
    found = towards(rows_, np.array([0.9, 0.3, 0.3, 0.1]))
    assert found.tolist() == pytest.approx([1, 0, 0, 0.74], abs=0.01)


def test_a_share_of_nothing_is_not_the_default() -> None:
    said = {**SHARES, "keywords": Share(0.45, 0.25, alike=0.0), "note": Share(0.3, 0.25, alike=0.9)}
    assert weights_of(said) == {**WEIGHTS, "keywords": 0.0, "note": 0.9}


def test_a_note_stands_where_the_mean_of_its_passages_points() -> None:
    rows = np.eye(3, dtype=np.float32)
    found = centres([rows[:1], rows[:2], rows])
    expected = [[1, 0, 0], [2**-0.5, 2**-0.5, 0], [3**-0.5] * 3]
    assert found == pytest.approx(np.array(expected), abs=1e-6)
