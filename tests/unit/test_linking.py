"""Concepts by meaning: made in pieces, kept, taken up again, and offered only when sure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from indexing.encoders import OnnxEncoder
from indexing.language import linking
from indexing.language.linking import Confidence, Linker, Signs
from indexing.language.matcher import Matcher
from indexing.language.terminology import Terminology, open_terminology
from indexing.ports import Vectors
from rankers.offers import offer_id, offered, runs, taken
from rankers.query import parse


class Counted:
    """Letter pairs for a model; counts the texts it was given."""

    dimension = 26 * 26

    def __init__(self, model: str = "minilm-l6-test") -> None:
        self.model, self.given = model, 0

    def encode(self, texts: Sequence[str]) -> Vectors:
        self.given += len(texts)
        rows = np.full((len(texts), self.dimension), 1e-4, dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            letters = [ord(c) - 97 for c in text.lower() if "a" <= c <= "z"]
            np.add.at(row, [26 * a + b for a, b in pairwise(letters)], 1)
        found: Vectors = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return found


@pytest.fixture(scope="module")
def terminology() -> Terminology:
    return open_terminology()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("concepts")


@pytest.fixture(scope="module")
def linker(terminology: Terminology, folder: Path) -> Linker:
    made = Linker(terminology, Counted(), folder)
    while made.grow(1000):
        pass
    return made


def test_every_name_gets_its_vector_once(linker: Linker, terminology: Terminology) -> None:
    assert linker.made == len(linker.names) == linker.common
    assert linker.ready
    assert linker.nearest("hypertensions", 3)[0].name == "hypertension"


def test_what_was_made_is_taken_up_again(
    linker: Linker, terminology: Terminology, folder: Path
) -> None:
    encoder = Counted()
    again = Linker(terminology, encoder, folder)
    assert again.ready
    assert again.grow() == 0
    assert encoder.given == 0
    assert again.nearest("hypertensions", 5) == linker.nearest("hypertensions", 5)


def test_a_stopped_build_goes_on_and_a_damaged_piece_is_made_again(
    linker: Linker, terminology: Terminology, folder: Path, tmp_path: Path
) -> None:
    own = tmp_path / next(folder.iterdir()).name
    own.mkdir()
    for path in next(folder.iterdir()).iterdir():
        (own / path.name).write_bytes(path.read_bytes())
    (own / "2.npy").write_bytes(b"\x93NUMPY and then nothing")
    (own / "5.npy").unlink()
    encoder = Counted()
    again = Linker(terminology, encoder, tmp_path)
    assert again.made == 2 * linking.PIECE
    assert not again.ready
    assert again.sure("hypertension") is None  # nothing is offered from a part
    while again.grow(700):
        pass
    assert encoder.given == 2 * linking.PIECE
    assert again.nearest("swelling ankle", 5) == linker.nearest("swelling ankle", 5)


def test_another_version_has_vectors_of_its_own(terminology: Terminology, tmp_path: Path) -> None:
    old = tmp_path / "minilm-l6-test-older"
    old.mkdir()
    other = tmp_path / "another-model-older"
    other.mkdir()
    made = Linker(terminology, Counted(), tmp_path)
    while made.grow(2000):
        pass
    assert not old.exists()
    assert other.exists()


def test_a_model_that_was_not_measured_offers_nothing(terminology: Terminology) -> None:
    made = Linker(terminology, Counted("unknown"), None)
    while made.grow(2000):
        pass
    assert not made.ready
    assert made.sure("hypertension") is None
    assert made.nearest("hypertension", 1)[0].cosine > 0.99


@pytest.mark.parametrize("text", ["", "   ", "x" * 500, "\ud800", "?!", "\x00"])
def test_any_text_may_be_asked(linker: Linker, text: str) -> None:
    linker.sure(text)
    assert len(linker.nearest(text, 3)) <= 3


def test_confidence_grows_with_what_speaks_for_it() -> None:
    model = linking.CONFIDENCE["minilm-l6"]
    weak = model.of(Signs(0.5, 0.01, 0.4, 0.0, True, False))
    strong = model.of(Signs(0.9, 0.2, 0.8, 0.5, False, False))
    assert 0 < weak < 0.1 < model.gate < strong < 1


class Sure:
    """Links every text to one concept."""

    def __init__(self, linker: Linker) -> None:
        self._linker = linker

    def sure(self, text: str) -> linking.Link | None:
        return self._linker.nearest(text, 1)[0]


def test_only_words_without_a_name_are_offered_a_concept(
    linker: Linker, terminology: Terminology
) -> None:
    matcher = Matcher(terminology)

    def texts(query: str) -> list[str]:
        return [run.text for run in runs(query, parse(query).clause, matcher)]

    assert texts("zqy wvut") == ["zqy wvut"]
    assert texts("chest pain") == []
    assert texts('"zqy wvut"') == texts("the") == texts("zq*") == []
    assert texts("(zqy OR chest) section:plan wvut") == ["zqy", "wvut"]


def test_an_offer_stands_for_its_words_and_is_made_once(
    linker: Linker, terminology: Terminology
) -> None:
    matcher = Matcher(terminology)
    query = "hyppertennsionn  zq"
    clause = parse(query).clause
    found = offered(query, clause, terminology, matcher, Sure(linker))
    assert [each.asked for each in found] == [query]
    own = found[0].id
    assert taken("Hyppertennsionn zq", ["is:x", own]) == own.split("/")[0].removeprefix("near:")
    assert taken("hyppertennsionn", [own]) is None
    assert offered(query, clause, terminology, matcher, Sure(linker), [own]) == []


def test_an_offers_id_keeps_odd_words_apart() -> None:
    own = offer_id("S:a/b", "either / or")
    assert taken("Either  /  OR", [own]) == "S:a/b"
    assert taken("either", [own]) is None


@pytest.mark.slow
def test_offers_of_the_real_model_are_right(terminology: Terminology) -> None:
    from eval.linking import report, trials

    encoder = OnnxEncoder()
    made = Linker(terminology, encoder, None)
    while made.grow(1024):
        pass
    tried = [trial for trial in trials(terminology, made, encoder) if not trial.fitted]
    assert isinstance(made.confidence, Confidence)
    sure = [trial for trial in tried if made.confidence.of(trial.signs) >= made.confidence.gate]
    assert sum(trial.right for trial in sure) / len(sure) >= 0.9, report(made.confidence, tried)
