"""The encoder taught for real, by a few pairs: it learns, exports, and the default loads it."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

if find_spec("onnx") is None:
    pytest.skip("needs the extra `models`: make test-models", allow_module_level=True)

from app.cli.eval_adapt import adapt_command
from eval.adapt import LOOK_EVERY, MOST_STEPS, UNSEEN_STEPS, adapt
from eval.pairs import Pair
from eval.turning import Turned
from eval.worth import FEWEST_TOPICS, Yardstick, yardstick
from indexing.encoders import OnnxEncoder
from indexing.encoders.minilm import FOLDER
from indexing.encoders.turned import export_turned
from indexing.errors import InvalidInput

# A house's own words for its wards: nothing that the model knows.
HOUSE = {
    "falcon": "cardiology", "heron": "neurology", "osprey": "oncology", "kestrel": "urology",
    "merlin": "surgery", "harrier": "pediatrics", "buzzard": "dermatology", "kite": "radiology",
}  # fmt: skip
NOTHING = yardstick([], 1)


def house() -> list[Pair]:
    return [
        Pair("judged", f"{word} {number}", f"the {ward} ward, bed {number}", f"{word}{number}")
        for number in range(16)
        for word, ward in HOUSE.items()
    ]


def yard() -> Yardstick:
    """Ask for the wards by numbers that were not taught."""
    words = [(f"{word} {number}", ward) for number in range(16, 26) for word, ward in HOUSE.items()]
    wards = [f"the {ward} ward, bed {number}" for ward in HOUSE.values() for number in (30, 31)]
    gains = np.array([[float(ward in text) for text in wards] for _, ward in words])
    return Yardstick(
        tuple(word for word, _ in words), tuple(wards), tuple(range(len(wards))), gains
    )


def test_the_encoder_learns_gains_exports_and_loads(tmp_path: Path) -> None:
    heard: list[int] = []
    found = adapt(tmp_path / "own", house(), yard(), OnnxEncoder(), each=heard.append)
    assert found.after < found.before
    assert found.worth is not None
    assert found.worth.gains
    assert found.worth.taught > found.worth.published + 0.1
    assert found.worth.topics == len(yard().questions) >= FEWEST_TOPICS
    assert found.steps in range(LOOK_EVERY, MOST_STEPS + 1, LOOK_EVERY)
    assert sum(heard) == MOST_STEPS
    assert found.pairs + found.held_out == len(house())
    adapted = OnnxEncoder(folder=tmp_path / "own")
    assert found.model == adapted.model == adapted.lineage["model"]
    assert adapted.model.startswith("adapted-int8-")
    assert adapted.model != OnnxEncoder().model
    assert -1 < found.floor < 1
    assert adapted.floor == found.floor
    assert adapted.lineage["worth"]["gains"] is True
    by_the_file = yard().figures(adapted).mean()
    assert by_the_file == pytest.approx(found.worth.taught, abs=0.02)  # chosen by all, not by half
    assert sorted(path.name for path in (tmp_path / "own").iterdir()) == [
        "lineage.json", "model.onnx", "tokenizer.json",
    ]  # fmt: skip


def test_the_file_gives_the_turned_vectors(tmp_path: Path) -> None:
    turn = np.random.default_rng(1).normal(0, 0.02, (384, 384)).astype(np.float32)
    turn += np.eye(384, dtype=np.float32)
    export_turned(FOLDER, tmp_path, turn)
    texts = ["chest pain on exertion", "shortness of breath", ""]
    rows = OnnxEncoder(folder=tmp_path).encode(texts)
    np.testing.assert_allclose(rows, Turned(OnnxEncoder(), turn).encode(texts), atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    assert ((rows * OnnxEncoder().encode(texts)).sum(axis=1) < 0.99).all()


def test_without_judgements_nothing_is_said_of_its_worth(tmp_path: Path) -> None:
    found = adapt(tmp_path / "own", house(), NOTHING, OnnxEncoder())
    assert (found.steps, found.worth) == (UNSEEN_STEPS, None)
    again = adapt(tmp_path / "other", house(), NOTHING, OnnxEncoder())
    assert again.model == found.model  # to the last bit


def test_too_few_pairs_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="too few"):
        adapt(tmp_path / "own", house()[:30], NOTHING, OnnxEncoder())
    assert not (tmp_path / "own").exists()


def benchmark(folder: Path, topics: int) -> str:
    """Write a set in which each bird of the house finds the beds of its ward."""
    (folder / "qrels").mkdir(parents=True)
    beds = {
        f"{ward}{bed}": f"A bed by the window of the {ward} ward, number {bed}."
        for ward in HOUSE.values()
        for bed in range(6)
    }
    corpus = [{"_id": name, "title": f"Bed {name}", "text": text} for name, text in beds.items()]
    birds = list(HOUSE.items())
    asked = {f"t{n}": f"{birds[n % 8][0]} {n}" for n in range(topics)}
    judged = [(f"t{n}", f"{birds[n % 8][1]}{bed}") for n in range(topics) for bed in range(6)]
    rows = [f"{topic}\t{name}\t1" for topic, name in judged]
    files = {
        "corpus.jsonl": map(json.dumps, corpus),
        "queries.jsonl": (json.dumps({"_id": n, "text": text}) for n, text in asked.items()),
        "qrels/train.tsv": ["query-id\tcorpus-id\tscore", *rows],
    }
    for name, lines in files.items():
        (folder / name).write_text("".join(f"{line}\n" for line in lines))
    return f"{folder}:train"


@pytest.mark.parametrize(("topics", "said"), [(600, "it gains"), (60, "too few judged topics")])
def test_the_command_says_whether_it_gains(
    topics: int, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = benchmark(tmp_path / "birds", topics)
    assert adapt_command(tmp_path / "home", [own], 1500, tmp_path / "own", False) == 0
    assert said in capsys.readouterr().out
    lineage = OnnxEncoder(folder=tmp_path / "own").lineage
    assert lineage["trained_on"][0]["set"] == "birds train"
    assert (lineage["worth"] is None) == ("too few" in said)
    assert set(lineage["kinds"]) == {"judged", "title", "synonym"}
