"""Any cross-encoder of sentence-transformers, by local path or by a name in the local cache."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from indexing.errors import ConfigurationError

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder


class CrossEncoderReranker:
    """A model of the extra `models`; nothing is downloaded unless `download` is True."""

    def __init__(self, name: str, *, download: bool = False, batch: int = 16) -> None:
        try:
            from sentence_transformers import CrossEncoder
            from torch.nn import Sigmoid
        except ImportError as exc:
            raise ConfigurationError(
                "sentence-transformers is not installed", hint="install the extra `models`"
            ) from exc
        try:
            self._model: CrossEncoder = CrossEncoder(
                name, local_files_only=not download, activation_fn=Sigmoid()
            )
        except (OSError, ValueError) as exc:
            raise ConfigurationError(
                f"model {name!r} is not on this machine",
                hint="give a folder that holds it, or allow the download",
            ) from exc
        if self._model.config.num_labels != 1:
            raise ConfigurationError(
                f"model {name!r} gives {self._model.config.num_labels} labels, not one score",
                hint="take a cross-encoder that was trained to rank",
            )
        self._batch = batch

    def score(self, question: str, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return (n,) float32 in 0..1: how well each text answers the question."""
        pairs = [(_clean(question), _clean(text)) for text in texts]
        if not pairs:
            return np.empty(0, np.float32)
        found = self._model.predict(
            pairs, batch_size=self._batch, convert_to_numpy=True, show_progress_bar=False
        )
        return np.asarray(found, dtype=np.float32).reshape(len(texts))


def _clean(text: str) -> str:
    """Unpaired surrogates have no UTF-8: they become "?"."""
    return text.encode("utf-8", "replace").decode()
