"""The learned ranker: it learns what pays, says why, keeps its lineage, and finds nothing."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from eval.learn import Example, example, lineage, precedents, train
from indexing.errors import ConfigurationError, InvalidInput
from indexing.ports import Vectors
from rankers.explain import Fused, Signal
from rankers.learned import BASE, DEPTH, NEAREST, PRECEDENT, Learned, Precedents, features, save

pytest.importorskip("lightgbm", reason="the extra `lab` is not installed")

RNG = np.random.default_rng(3)


class Fixed:
    """An encoder of one direction."""

    model, dimension = "fixed", 2

    def encode(self, texts: Sequence[str]) -> Vectors:
        return np.tile(np.array([1, 0], np.float32), (len(texts), 1))


def hits(n: int, graph_at: Sequence[int] = ()) -> list[Fused]:
    """Return hits by falling lexical scores; some have a graph signal as well."""
    found = []
    for at in range(n):
        signals = {"lexical": Signal(at + 1, float(n - at), (n - at) / n)}
        if at in graph_at:
            signals["graph"] = Signal(1, 1.0, 0.0)
        found.append(Fused(f"d{at:03}", at + 1, (n - at) / n, signals))
    return found


def taught(n: int = 60) -> list[Example]:
    """Topics whose relevant hits are those that the graph found, wherever they stand."""
    found = []
    for topic in range(n):
        at = RNG.choice(30, 3, replace=False).tolist()
        judged = {f"d{i:03}": 1 for i in at}
        found.append(example(f"t{topic}", "tinnitus", hits(30, at), judged, {}))
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("learned")
    trained = train(taught())
    assert trained.held_out > 0.9 > trained.before
    known = precedents(np.array([[1, 0], [0, 1]]), [{"d002": 1, "d003": 0}, {"d004": 1}])
    of = lineage(trained, model="fixed", trained_on=[{"set": "s train"}], created="now")
    save(made, trained.trees, of, known)
    return made


def test_it_orders_by_what_it_learned_and_the_parts_are_the_score(folder: Path) -> None:
    learned = Learned(folder, Fixed())
    before = hits(DEPTH + 20, (7, 25))
    after = learned.reordered("tinnitus", before)
    assert {hit.doc_id for hit in after[:2]} == {"d007", "d025"}
    assert {hit.doc_id for hit in after} == {hit.doc_id for hit in before}
    assert list(after[DEPTH:]) == before[DEPTH:]
    assert [hit.rank for hit in after] == list(range(1, len(after) + 1))
    scores = [hit.score for hit in after]
    assert all(one >= other - 1e-9 for one, other in pairwise(scores))
    for hit in after[:DEPTH]:
        assert hit.score == pytest.approx(sum(s.contribution for s in hit.signals.values()))
        assert {PRECEDENT, BASE} < hit.signals.keys()
    assert after[0].signals["graph"].contribution > 0
    assert learned.lineage["topics"] == 60
    assert learned.trained_on == ("s train",)


def test_a_statement_is_to_trees_what_its_question_is() -> None:
    question = "tinnitus of the left ear since early childhood"
    rows = features(hits(3), question, {})
    assert np.array_equal(features(hits(3), f"{question}.", {}), rows, equal_nan=True)
    assert not np.array_equal(features(hits(3), "tinnitus", {}), rows, equal_nan=True)


def test_precedents_leave_the_question_itself_out() -> None:
    near = np.array([[1, 0]] * 2 + [[0.6, 0.8]], np.float32)
    known = Precedents(near, [{"a": 2}, {"b": 1}, {"a": 1}])
    every = known.of(np.array([1, 0], np.float32))
    assert every["a"] == pytest.approx(2 + 0.6**4)
    assert "a" not in Precedents(near[:2], [{"a": 2}, {"b": 1}]).of(near[0], without=0)
    assert NEAREST > 3


def test_what_does_not_fit_is_said(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="holds no learned ranker"):
        Learned(tmp_path, Fixed())
    other = Fixed()
    other.model = "another"
    with pytest.raises(ConfigurationError, match="another model"):
        Learned(folder, other)
    with pytest.raises(InvalidInput, match="fewer than"):
        train(taught(5))
