"""Any sentence-transformers model, by local path or by a name already in the local cache."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from indexing.errors import ConfigurationError
from indexing.ports import Vectors

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


class SentenceTransformersEncoder:
    """A model of the extra `models`; nothing is downloaded unless `download` is True."""

    def __init__(self, name: str, *, download: bool = False, batch: int = 32) -> None:
        try:
            from sentence_transformers import SentenceTransformer
        except ImportError as exc:
            raise ConfigurationError(
                "sentence-transformers is not installed", hint="install the extra `models`"
            ) from exc
        try:
            self._model: SentenceTransformer = SentenceTransformer(
                name, local_files_only=not download
            )
        except (OSError, ValueError) as exc:
            raise ConfigurationError(
                f"model {name!r} is not on this machine",
                hint="give a folder that holds it, or allow the download",
            ) from exc
        self._batch = batch
        self._name = _space(name)

    @property
    def model(self) -> str:
        """Name the vector space; a local folder is told apart by what is in it."""
        return self._name

    @property
    def dimension(self) -> int:
        """Return the length of a row."""
        size = self._model.get_embedding_dimension()
        assert isinstance(size, int)
        return size

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Encode each text, truncated as the model says; rows are normalised here."""
        rows = self._model.encode(
            [t.encode("utf-8", "replace").decode() for t in texts],
            batch_size=self._batch,
            convert_to_numpy=True,
            normalize_embeddings=True,
            show_progress_bar=False,
        )
        return np.asarray(rows, dtype=np.float32).reshape(len(texts), self.dimension)


def _space(name: str) -> str:
    """Name a space by what is in a folder: other weights in the same place are another space."""
    stem = re.sub(r"[^a-z0-9]+", "-", Path(name).name.lower()).strip("-")
    digest = hashlib.sha256()
    folder = Path(name)
    files = sorted(p for p in folder.rglob("*") if p.is_file()) if folder.is_dir() else []
    for path in files:
        with path.open("rb") as opened:
            digest.update(hashlib.file_digest(opened, "sha256").digest())
    if not files:
        digest.update(name.encode())
    return f"st-{stem}-{digest.hexdigest()[:8]}"
