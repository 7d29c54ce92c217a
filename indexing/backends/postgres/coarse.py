"""Vectors at one byte a number: a quarter of the memory to pass over, and how far off each may be.

A scan is bound by memory: 41,754 passages of 384 numbers take 5.1 ms in float32 once other work has
emptied the caches, 1.0 here. What is near enough by `Bounds` is then scored from the floats
themselves, so that a coarse scan changes no answer.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Final

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from indexing.errors import EngineUnavailable
from indexing.ports import Vectors

_log = logging.getLogger("anamnesis.vectors")

ROW_LEVELS = 127
# Without VNNI, processors add pairs of products in 16 bits: 127 * (63 + 64) * 2 just fits.
# Source: ONNX Runtime, "Quantize ONNX models", on U8S8 and saturation.
QUERY_LEVELS, QUERY_ZERO = 63, 64
SLACK = 1e-5  # what float32 itself may be off, at norm 1
SMALLEST = 1e-30  # number of a query that is told from nothing: float32 cannot divide by less
_AT_ONCE = 4096  # rows made coarse at once, which bounds memory
_TOGETHER = 65_536  # rows of one product: while one is made, its bytes are there three times


@dataclass(frozen=True, slots=True)
class Bounds:
    """The product of each row with a query lies within `slack` of `likely`, (n,) float32."""

    likely: Vectors
    slack: float


@dataclass(frozen=True, slots=True)
class Coarse:
    """`products` multiply a query by the codes of so many rows each: row = code * scale + error.
    `size` and `error` are the largest norms of what a code stands for and of what it misses."""

    products: Sequence[onnxruntime.InferenceSession]
    scales: Vectors
    size: float
    error: float
    nbytes: int

    def __len__(self) -> int:
        return len(self.scales)

    @classmethod
    def of(cls, matrix: Vectors) -> Coarse:
        """Make rows (n, d) float32 coarse; 41,756 of them take 0.2 s.

        Raises: EngineUnavailable: the runtime cannot multiply by them.
        """
        count, dimension = matrix.shape
        scales = np.empty(count, np.float32)
        products, size, error = [], 0.0, 0.0
        for start in range(0, count, _TOGETHER):
            codes = np.empty((dimension, min(_TOGETHER, count - start)), np.int8)
            for at in range(0, codes.shape[1], _AT_ONCE):
                rows = matrix[start + at : start + min(at + _AT_ONCE, codes.shape[1])]
                own = np.abs(rows).max(axis=1, initial=0.0) / ROW_LEVELS
                own[own == 0] = 1.0
                made = np.rint(rows / own[:, None])
                codes[:, at : at + len(rows)] = made.T
                scales[start + at : start + at + len(rows)] = own
                made *= own[:, None]
                size = max(size, float(np.linalg.norm(made, axis=1).max()))
                error = max(error, float(np.linalg.norm(rows - made, axis=1).max()))
            products.append(_product(codes))
        return cls(tuple(products), scales, size, error, count * dimension + scales.nbytes)

    def bounds(self, query: Vectors) -> Bounds:
        """Bound the product of every row with a query (d,)."""
        scale = max(float(np.abs(query).max(initial=0.0)), SMALLEST) / QUERY_LEVELS
        made = np.rint(query / scale)
        asked = {"query": (made + QUERY_ZERO).astype(np.uint8)[None, :]}
        found = [each.run(None, asked)[0][0] for each in self.products]
        # Exact: they are below 2**24.
        likely: Vectors = np.concatenate(found or [[]]).astype(np.float32)
        likely *= self.scales * np.float32(scale)
        missed = float(np.linalg.norm(query - made * np.float32(scale)))
        return Bounds(
            likely, self.error * float(np.linalg.norm(query)) + self.size * missed + SLACK
        )


def coarse_of(rows: Vectors) -> Coarse | None:
    """Make rows coarse; None where that cannot be done: they are scanned as they are."""
    try:
        return Coarse.of(rows)
    except (EngineUnavailable, MemoryError) as exc:
        why = type(exc.__cause__ or exc).__name__
        _log.error("%d vectors are scanned as floats, not coarse: %s", len(rows), why)
        return None


# Source: onnx.proto, TensorProto.DataType and DataLocation
_UINT8, _INT8, _INT32 = 2, 3, 6
_GIVEN = 1
_OPSET: Final = 13


def _product(codes: NDArray[np.int8]) -> onnxruntime.InferenceSession:
    """Return query (1, d) uint8, its zero at 64, times codes (d, n) int8. They are the model's own
    and lie as the processor multiplies them: given with each question, they are copied for it
    (2.0 ms for 1.0 with AMX).

    Raises: EngineUnavailable: the runtime cannot be had for it.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Beside the model: what stands in it is kept a second time.
    held = onnxruntime.OrtValue.ortvalue_from_numpy(codes)
    options.add_external_initializers(["codes"], [held])
    asked = b"".join(_text(1, name) for name in ("query", "codes", "zero"))
    graph = (
        _part(1, asked + _text(2, "products") + _text(4, "MatMulInteger")) + _text(2, "product")
        + _part(5, _given("codes", _INT8, codes.shape))
        + _part(5, _number(2, _UINT8) + _text(8, "zero") + _part(9, bytes([QUERY_ZERO])))
        + _part(11, _value("query", _UINT8, "1d")) + _part(12, _value("products", _INT32, "1n"))
    )  # fmt: skip
    model = _number(1, 8) + _part(7, graph) + _part(8, _number(2, _OPSET))
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as exc:  # the runtime raises classes of its own
        raise EngineUnavailable(
            f"ONNX Runtime cannot multiply by bytes ({type(exc).__name__})",
            hint="vectors are scanned as floats, which takes longer; see to its memory, reinstall",
        ) from exc


def _given(name: str, kind: int, shape: Sequence[int]) -> bytes:
    """Spell an array that is given beside the model, as TensorProto; its place is only named."""
    told = {"location": name, "offset": "0", "length": str(prod(shape))}
    places = b"".join(_part(13, _text(1, key) + _text(2, value)) for key, value in told.items())
    sizes = b"".join(_number(1, size) for size in shape)
    return sizes + _number(2, kind) + _text(8, name) + places + _number(14, _GIVEN)


def _value(name: str, kind: int, axes: str) -> bytes:
    """Spell an array whose axes have these names, as ValueInfoProto."""
    shape = b"".join(_part(1, _text(2, axis)) for axis in axes)
    return _text(1, name) + _part(2, _part(1, _number(1, kind) + _part(2, shape)))


def _text(field: int, value: str) -> bytes:
    return _part(field, value.encode())


def _part(field: int, value: bytes) -> bytes:
    return bytes([field << 3 | 2]) + _spelled(len(value)) + value


def _number(field: int, value: int) -> bytes:
    return bytes([field << 3]) + _spelled(value)


def _spelled(value: int) -> bytes:
    """Spell a number in sevens of bits, the lowest first. Source: protobuf's encoding."""
    spelled = bytearray()
    while value > 127:
        spelled.append(value & 127 | 128)
        value >>= 7
    return bytes([*spelled, value])
