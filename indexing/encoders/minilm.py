"""The default encoder: all-MiniLM-L6-v2 in int8 through ONNX Runtime, on the CPU.

Activations are quantised at run time with one scale per tensor, so a row would depend on what is
padded and batched with it. Each text therefore runs alone, without padding: vectors are the same
whatever the batch, no work is spent on padding, and threads share out the texts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from indexing.encoders.lineage import read_lineage
from indexing.errors import ConfigurationError
from indexing.onnx import session_of
from indexing.ports import Vectors

FOLDER = Path(__file__).parents[1] / "data" / "minilm"
DIMENSION = 384
MAX_TOKENS = 256  # as the model was trained. Source: its sentence_bert_config.json
# Text beyond this never reaches the 256th token unless it is junk, and a tokenizer reads all it
# is given: a 10 MB note would cost seconds.
MAX_CHARACTERS = MAX_TOKENS * 64
_CHUNK = 1024  # texts tokenised at once, which bounds memory


class OnnxEncoder:
    """all-MiniLM-L6-v2: (n, 384) float32, rows of norm 1; the same text gives the same row."""

    def __init__(self, threads: int = 2, folder: Path = FOLDER) -> None:
        self._folder, self._threads = folder, threads
        try:
            self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
            # One thread a run: the threads are across texts.
            self._session = session_of((folder / "model.onnx").read_bytes(), 3)
        except Exception as exc:  # tokenizers raises nothing narrower
            raise ConfigurationError(
                "the encoder's model does not load",
                hint="reinstall, or export it again: python -m indexing.encoders.export",
            ) from exc
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._tokenizer.no_padding()

    @cached_property
    def model(self) -> str:
        """Name the vector space: other weights or another tokenizer are another space."""
        digest = hashlib.sha256()
        for name in ("model.onnx", "tokenizer.json"):
            digest.update((self._folder / name).read_bytes())
        kind = "adapted" if self.lineage else "minilm-l6"
        return f"{kind}-int8-{digest.hexdigest()[:8]}"

    @cached_property
    def lineage(self) -> Mapping[str, Any]:
        """Say how an adapted encoder was made; empty for the default."""
        return read_lineage(self._folder)

    @property
    def floor(self) -> float | None:
        """Return the cosine under which nothing says that texts are related, where its makers
        measured it."""
        floor = self.lineage.get("floor")
        return float(floor) if isinstance(floor, int | float) else None

    @property
    def dimension(self) -> int:
        """Return 384."""
        return DIMENSION

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Encode the first 256 tokens of each text; "" has a vector too."""
        found = np.empty((len(texts), DIMENSION), dtype=np.float32)
        if len(texts) == 1:
            found[0] = self._run(self._tokens(texts)[0])
            return found
        for start in range(0, len(texts), _CHUNK):
            self._encode_chunk(texts[start : start + _CHUNK], found[start : start + _CHUNK])
        return found

    def _encode_chunk(self, texts: Sequence[str], out: Vectors) -> None:
        tokens = self._tokens(texts)
        # Longest first, so that the threads finish together.
        queue = iter(sorted(range(len(texts)), key=lambda i: -len(tokens[i])))
        if self._threads == 1:
            self._drain(queue, tokens, out)
            return
        with ThreadPoolExecutor(self._threads) as pool:
            for done in [
                pool.submit(self._drain, queue, tokens, out) for _ in range(self._threads)
            ]:
                done.result()

    def _drain(
        self, queue: Iterator[int], tokens: Sequence[NDArray[np.int64]], out: Vectors
    ) -> None:
        for i in queue:
            out[i] = self._run(tokens[i])

    def _tokens(self, texts: Sequence[str]) -> list[NDArray[np.int64]]:
        # Unpaired surrogates have no UTF-8: they become "?".
        clean = [t[:MAX_CHARACTERS].encode("utf-8", "replace").decode() for t in texts]
        return [
            np.array([encoding.ids], dtype=np.int64)
            for encoding in self._tokenizer.encode_batch_fast(clean)
        ]

    def _run(self, tokens: NDArray[np.int64]) -> NDArray[np.float32]:
        row: NDArray[np.float32] = self._session.run(["vector"], {"tokens": tokens})[0][0]
        return row
