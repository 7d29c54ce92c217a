"""A BERT sentence encoder as an ONNX graph, written out operator by operator.

ONNX Runtime's fused operators (domain com.microsoft) replace what an exporter would trace: int8
matrix products that quantise their input on the way, one attention per layer. Not so layer norms
with their residual: fused they take six times as long (runtime 1.32: 17 µs for ten tokens, 2.8
apart), a quarter of all that a text took. Mean pooling and the norm are inside, and there is no
mask, because each text runs alone. Source: Devlin et al. 2019, "BERT"; Reimers and Gurevych 2019,
"Sentence-BERT".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Weights = Mapping[str, NDArray[np.float32]]
_FUSED = "com.microsoft"
_PROJECTIONS = ("query", "key", "value")
_EPSILON = 1e-12  # Source: config.json, layer_norm_eps


@dataclass(frozen=True, slots=True)
class Shape:
    """What the weights do not say."""

    layers: int
    heads: int
    max_tokens: int


# Seven bits: a CPU without VNNI adds pairs of 8-bit products in 16 bits and saturates beyond 63,
# so that vectors would differ between machines. Source: ONNX Runtime, "reduce_range".
_TOP = 63


def quantised(weight: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Return the (k, n) weight in 7 bits with one scale per column, symmetric around 0."""
    scale = (np.abs(weight).max(axis=0) / _TOP).astype(np.float32)
    return np.clip(np.rint(weight / scale), -_TOP, _TOP).astype(np.int8), scale


@dataclass(slots=True)
class Builder:
    """Nodes and constants in the making; each method adds one operator, returns its output."""

    weights: Weights
    # Per linear layer, what its input channels are divided by before they are quantised (and its
    # weights multiplied by); None keeps float32: what int8 is measured against.
    smoothing: Mapping[str, NDArray[np.float32]] | None
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)

    def constant(self, name: str, value: NDArray[np.generic]) -> str:
        """Store an array under a name of its own."""
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(
        self, op: str, inputs: list[str], output: str, *, fused: bool = False, **at: object
    ) -> str:
        """Add an operator with one output."""
        domain = _FUSED if fused else ""
        self.nodes.append(helper.make_node(op, inputs, [output], domain=domain, **at))
        return output

    def linear(self, x: str, names: list[str], out: str) -> str:
        """Multiply by the weights of `names` side by side, and add their biases."""
        weight = np.concatenate([self.weights[f"{n}.weight"].T for n in names], axis=1)
        bias = self.constant(f"{out}.b", np.concatenate([self.weights[f"{n}.bias"] for n in names]))
        if self.smoothing is None:
            product = self.node("MatMul", [x, self.constant(f"{out}.w", weight)], f"{out}.product")
            return self.node("Add", [product, bias], out)
        if out in self.smoothing:
            by = self.smoothing[out]
            x = self.node("Mul", [x, self.constant(f"{out}.by", 1 / by)], f"{out}.smooth")
            weight = weight * by[:, None]
        whole, scale = quantised(weight)
        inputs = [
            x,
            self.constant(f"{out}.w", whole),
            self.constant(f"{out}.s", scale),
            self.constant(f"{out}.z", np.zeros(scale.shape, np.int8)),
            bias,
        ]
        return self.node("DynamicQuantizeMatMul", inputs, out, fused=True)

    def added_norm(self, x: str, residual: str, name: str, out: str) -> str:
        """Add the residual and normalise with the scale and shift of layer norm `name`."""
        inputs = [
            self.node("Add", [x, residual], f"{out}.sum"),
            self.constant(f"{out}.g", self.weights[f"{name}.weight"]),
            self.constant(f"{out}.b", self.weights[f"{name}.bias"]),
        ]
        return self.node("LayerNormalization", inputs, out, epsilon=_EPSILON)


def inputs_of(shape: Shape) -> dict[str, tuple[str, list[str]]]:
    """Return {linear layer: (its input, its weights' names)}, of those worth smoothing.

    Not the second of the feed-forward pair: measured, smoothing makes that one worse.
    """
    found = {}
    for layer in range(shape.layers):
        source, out = f"encoder.layer.{layer}", f"layer{layer}"
        before = f"layer{layer - 1}.out" if layer else "embedded"
        found[f"{out}.qkv"] = (before, [f"{source}.attention.self.{n}" for n in _PROJECTIONS])
        found[f"{out}.mixed"] = (f"{out}.seen", [f"{source}.attention.output.dense"])
        found[f"{out}.wide"] = (f"{out}.attended", [f"{source}.intermediate.dense"])
    return found


def build(
    weights: Weights, shape: Shape, smoothing: Mapping[str, NDArray[np.float32]] | None
) -> onnx.ModelProto:
    """Return the model: `tokens` (n, length) int64 to `vector` (n, d) float32 rows of norm 1."""
    make = Builder(weights, smoothing)
    x = _embeddings(make, shape)
    for layer in range(shape.layers):
        x = _layer(make, x, f"encoder.layer.{layer}", f"layer{layer}", shape.heads)
    axis = make.constant("axis", np.array([1], np.int64))
    mean = make.node("ReduceMean", [x, axis], "mean", keepdims=0)
    make.node("LpNormalization", [mean], "vector", axis=-1, p=2)
    d = weights["embeddings.LayerNorm.weight"].shape[0]
    graph = helper.make_graph(
        make.nodes,
        "sentence-encoder",
        [helper.make_tensor_value_info("tokens", TensorProto.INT64, ["n", "length"])],
        [helper.make_tensor_value_info("vector", TensorProto.FLOAT, ["n", d])],
        make.constants,
    )
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid(_FUSED, 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=9)


def _embeddings(make: Builder, shape: Shape) -> str:
    """Words in float16 (half the file), places in float32 with the one segment folded in."""
    table = "embeddings.{}_embeddings.weight".format
    segment = make.weights[table("token_type")][0]
    places = make.weights[table("position")][: shape.max_tokens] + segment
    words = make.constant("words", make.weights[table("word")].astype(np.float16))
    half = make.node("Gather", [words, "tokens"], "word16")
    word = make.node("Cast", [half], "word", to=TensorProto.FLOAT)
    length = make.node("Shape", ["tokens"], "length_of", start=1, end=2)
    zero = make.constant("zero", np.array([0], np.int64))
    place = make.node("Slice", [make.constant("places", places), zero, length, zero], "place")
    return make.added_norm(word, place, "embeddings.LayerNorm", "embedded")


def _layer(make: Builder, x: str, source: str, out: str, heads: int) -> str:
    projections = [f"{source}.attention.self.{n}" for n in _PROJECTIONS]
    joined = make.linear(x, projections, f"{out}.qkv")
    parts = [f"{out}.{n}" for n in "qkv"]
    make.nodes.append(helper.make_node("Split", [joined], parts, axis=2, num_outputs=3))
    seen = make.node("MultiHeadAttention", parts, f"{out}.seen", fused=True, num_heads=heads)
    mixed = make.linear(seen, [f"{source}.attention.output.dense"], f"{out}.mixed")
    x = make.added_norm(mixed, x, f"{source}.attention.output.LayerNorm", f"{out}.attended")
    wide = make.linear(x, [f"{source}.intermediate.dense"], f"{out}.wide")
    bent = make.node("Gelu", [wide], f"{out}.bent", fused=True)
    narrow = make.linear(bent, [f"{source}.output.dense"], f"{out}.narrow")
    return make.added_norm(narrow, x, f"{source}.output.LayerNorm", f"{out}.out")
