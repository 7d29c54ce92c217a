"""The encoder taught for real, by a few pairs: it learns, exports, and the default loads it."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

if find_spec("torch") is None:
    pytest.skip("needs the extra `models`: make test-models", allow_module_level=True)

from eval.adapt import adapt
from eval.benchmark import Benchmark, Text
from eval.pairs import Pair, pairs
from eval.teaching import Course
from indexing.encoders import OnnxEncoder
from indexing.encoders.export import weights_folder
from indexing.errors import InvalidInput

# A house's own words for its wards: nothing that the model knows.
HOUSE = {
    "falcon": "cardiology", "heron": "neurology", "osprey": "oncology", "kestrel": "urology",
    "merlin": "surgery", "harrier": "pediatrics", "buzzard": "dermatology", "kite": "radiology",
}  # fmt: skip


def house() -> list[Pair]:
    return [
        Pair("judged", f"{word} {number}", f"the {ward} ward, bed {number}", f"{word}{number}")
        for number in range(16)
        for word, ward in HOUSE.items()
    ]


def test_the_encoder_learns_exports_and_loads(tmp_path: Path) -> None:
    heard: list[int] = []
    found = adapt(
        weights_folder(), tmp_path / "own", house(), epochs=2, rate=1e-4, each=heard.append
    )
    assert found.after < found.before
    assert found.right[1] >= found.right[0]
    assert sum(heard) == 2 * found.pairs
    assert found.pairs + found.held_out == len(house())
    adapted = encoder = OnnxEncoder(folder=tmp_path / "own")
    assert found.model == adapted.model == adapted.lineage["model"]
    assert adapted.model.startswith("adapted-int8-")
    assert adapted.model != OnnxEncoder().model
    assert -1 < found.floor < 1
    assert adapted.floor == found.floor
    texts = ["chest pain on exertion", "shortness of breath"]
    rows = encoder.encode(texts)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    moved = (rows * OnnxEncoder().encode(texts)).sum(axis=1)
    assert (moved < 0.9999).all()  # it is another space
    assert (moved > 0.5).all()  # and no ruin of the first
    assert sorted(path.name for path in (tmp_path / "own").iterdir()) == [
        "lineage.json", "model.onnx", "tokenizer.json",
    ]  # fmt: skip


def test_a_killed_run_goes_on_where_it_stood(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eval.teaching.KEPT_EVERY", 1)
    whole = adapt(weights_folder(), tmp_path / "whole", house())
    heard: list[int] = []

    def kill(n: int) -> None:
        heard.append(n)
        if len(heard) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        adapt(weights_folder(), tmp_path / "own", house(), each=kill)
    assert [path.name for path in tmp_path.iterdir() if path.name != "whole"] == [".own.taught"]
    again: list[int] = []
    found = adapt(weights_folder(), tmp_path / "own", house(), each=again.append)
    assert again[0] == sum(heard)  # at once: these are not taught a second time
    assert sum(again) == found.pairs
    assert found.model == whole.model  # to the last bit of the weights
    assert sorted(path.name for path in tmp_path.iterdir()) == ["own", "whole"]


def test_half_a_file_and_another_course_begin_anew(tmp_path: Path) -> None:
    kept = tmp_path / ".own.taught"
    kept.write_bytes(b"half a file")
    found = adapt(weights_folder(), tmp_path / "own", house(), each=lambda _: None)
    course = Course(weights_folder(), kept)
    course.teach(house(), 1, lambda _: None)
    heard: list[int] = []
    other = adapt(weights_folder(), tmp_path / "own", house(), rate=1e-4, each=heard.append)
    assert len(heard) == other.steps
    assert other.model != found.model


def test_too_few_pairs_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    corpus = (Text("a", "Chest pain", "The patient has had chest pain since this morning.", {}),)
    few = pairs([("set", Benchmark("set", corpus, {}, {}))], None, 100)
    with pytest.raises(InvalidInput, match="too few"):
        adapt(weights_folder(), tmp_path / "own", few)
    assert not (tmp_path / "own").exists()
