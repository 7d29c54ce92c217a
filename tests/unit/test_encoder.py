"""The default encoder against sentence-transformers' vectors, and what it promises of any text."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexing.encoders import OnnxEncoder
from indexing.encoders.minilm import MAX_CHARACTERS
from indexing.errors import ConfigurationError

GOLDEN = Path(__file__).parents[1] / "golden" / "minilm"


@pytest.fixture(scope="module")
def encoder() -> OnnxEncoder:
    return OnnxEncoder(threads=2)


@pytest.fixture(scope="module")
def texts() -> list[str]:
    return list(json.loads((GOLDEN / "texts.json").read_text(encoding="utf-8")))


def test_agrees_with_sentence_transformers(encoder: OnnxEncoder, texts: list[str]) -> None:
    expected = np.load(GOLDEN / "vectors.npy")
    cosines = (encoder.encode(texts) * expected).sum(axis=1)
    assert cosines.mean() > 0.99
    assert cosines.min() > 0.97


def test_keeps_the_neighbours_of_sentence_transformers(
    encoder: OnnxEncoder, texts: list[str]
) -> None:
    pairs = [("heart attack", "myocardial infarction"), ("SOB", "shortness of breath on exertion")]
    expected, found = np.load(GOLDEN / "vectors.npy"), encoder.encode(texts)
    for a, b in pairs:
        i, j = texts.index(a), texts.index(b)
        assert abs(float(found[i] @ found[j]) - float(expected[i] @ expected[j])) < 0.05


def test_rows_are_float32_of_norm_one(encoder: OnnxEncoder, texts: list[str]) -> None:
    found = encoder.encode(texts)
    assert found.dtype == np.float32
    assert found.shape == (len(texts), encoder.dimension)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)


def test_a_row_does_not_depend_on_its_batch(encoder: OnnxEncoder, texts: list[str]) -> None:
    together = encoder.encode(texts)
    np.testing.assert_array_equal(together[::-1], encoder.encode(texts[::-1]))
    np.testing.assert_array_equal(together[3], encoder.encode([texts[3]])[0])
    np.testing.assert_array_equal(together, OnnxEncoder(threads=1).encode(texts))


def test_nothing_in_nothing_out(encoder: OnnxEncoder) -> None:
    assert encoder.encode([]).shape == (0, encoder.dimension)


def test_only_the_first_256_tokens_count(encoder: OnnxEncoder) -> None:
    note = "cough " * 300
    rows = encoder.encode([note, note + "and a fractured hip", "cough " * 200])
    np.testing.assert_array_equal(rows[0], rows[1])
    assert not np.array_equal(rows[0], rows[2])


def test_a_huge_text_is_cut_before_the_tokenizer(encoder: OnnxEncoder) -> None:
    note = "pain in the left knee since the fall " * 2_000
    rows = encoder.encode([note, note[:MAX_CHARACTERS]])
    np.testing.assert_array_equal(rows[0], rows[1])


@settings(max_examples=25, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=[]), max_size=60), max_size=3))
def test_any_text_has_a_unit_vector(encoder: OnnxEncoder, some: list[str]) -> None:
    found = encoder.encode([*some, "\ud800", "\x00"])
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)


def test_the_model_names_its_weights(encoder: OnnxEncoder) -> None:
    name, digest = encoder.model.rsplit("-", 1)
    assert name == "minilm-l6-int8"
    assert len(digest) == 8
    assert encoder.model == OnnxEncoder(threads=1).model


def test_a_missing_model_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        OnnxEncoder(folder=tmp_path)
    assert "export" in caught.value.hint
