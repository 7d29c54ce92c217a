"""Write an encoder whose vectors are those of another, turned by a matrix: still one ONNX file."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexing.errors import ConfigurationError


def export_turned(source: Path, target: Path, turn: NDArray[np.float32]) -> None:
    """Write `source`'s files into `target` with the mean of the words' vectors (d) multiplied by
    `turn` (d, d) before it gets norm 1; in float32, so that nothing more is lost than int8 loses.

    Raises: ConfigurationError without the package `onnx`.
    """
    try:
        import onnx
        from onnx import helper, numpy_helper
    except ImportError as exc:
        raise ConfigurationError(
            "writing an encoder needs the package onnx",
            hint="`make models` puts it into an environment of its own, .venv-models; or install "
            "the extra `export`.",
        ) from exc
    model = onnx.load(source / "model.onnx")
    norm = next(node for node in model.graph.node if node.op_type == "LpNormalization")
    before = norm.input[0]
    norm.input[0] = "turned"
    nodes = list(model.graph.node)
    nodes.insert(nodes.index(norm), helper.make_node("MatMul", [before, "turn"], ["turned"]))
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    model.graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(turn), "turn"))
    (target / "model.onnx").write_bytes(model.SerializeToString(deterministic=True))
    shutil.copyfile(source / "tokenizer.json", target / "tokenizer.json")
