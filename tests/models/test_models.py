"""The extra `models`, for real: encoders and cross-encoders from a folder of this machine."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

if find_spec("torch") is None:
    pytest.skip("needs the extra `models`: make test-models", allow_module_level=True)

import torch
from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

from indexing.encoders import CrossEncoderReranker, OnnxEncoder, SentenceTransformersEncoder
from indexing.encoders.export import weights_folder
from indexing.errors import ConfigurationError

TEXTS = ["chest pain on exertion", "the patient denies fever", "", "x\ud800y"]


def test_any_encoder_stands_behind_the_same_port() -> None:
    encoder = SentenceTransformersEncoder(str(weights_folder()))
    rows = encoder.encode(TEXTS)
    assert rows.shape == (len(TEXTS), encoder.dimension)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    # The default is the same model in int8: the same meaning, not the same bits.
    assert ((rows * OnnxEncoder().encode(TEXTS)).sum(axis=1) > 0.98).all()
    assert encoder.encode([]).shape == (0, encoder.dimension)


def test_other_weights_in_the_same_folder_are_another_space(tmp_path: Path) -> None:
    names = set()
    for seed in (1, 2):
        _save(tmp_path, labels=1, seed=seed)
        names.add(SentenceTransformersEncoder(str(tmp_path)).model)
    assert len(names) == 2


def test_a_cross_encoder_scores_pairs_between_nothing_and_one(tmp_path: Path) -> None:
    _save(tmp_path, labels=1)
    reranker = CrossEncoderReranker(str(tmp_path))
    points = reranker.score("chest pain", TEXTS)
    assert points.shape == (len(TEXTS),)
    assert ((points >= 0) & (points <= 1)).all()
    assert reranker.score("chest pain", []).shape == (0,)


def test_a_classifier_is_no_reranker(tmp_path: Path) -> None:
    _save(tmp_path, labels=3)
    with pytest.raises(ConfigurationError, match="3 labels"):
        CrossEncoderReranker(str(tmp_path))


@pytest.mark.parametrize("name", ["no/such-model", "/no/such/folder"])
def test_nothing_is_downloaded(name: str) -> None:
    for kind in (SentenceTransformersEncoder, CrossEncoderReranker):
        with pytest.raises(ConfigurationError, match="not on this machine"):
            kind(name)


def _save(folder: Path, *, labels: int, seed: int = 0) -> None:
    """Write a tiny untrained model: what is tested is the way to it, not its judgement."""
    torch.manual_seed(seed)
    config = BertConfig(
        hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
        num_labels=labels,
    )  # fmt: skip
    BertForSequenceClassification(config).save_pretrained(folder)
    AutoTokenizer.from_pretrained(str(weights_folder())).save_pretrained(folder)
