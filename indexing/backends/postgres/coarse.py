"""Vectors at one byte a number: a quarter of the memory to pass over, and how far off each may be.

A scan is bound by memory: 41,754 passages of 384 numbers take 5.1 ms in float32 once other work has
emptied the caches, 2.6 here (1.4 on a processor without AMX). What is near enough by `Bounds` is
then scored from the floats themselves, so that a coarse scan changes no answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from indexing.ports import Vectors

ROW_LEVELS = 127
# Without VNNI, processors add pairs of products in 16 bits: 127 * (63 + 64) * 2 just fits.
# Source: ONNX Runtime, "Quantize ONNX models", on U8S8 and saturation.
QUERY_LEVELS, QUERY_ZERO = 63, 64
SLACK = 1e-5  # what float32 itself may be off, at norm 1
SMALLEST = 1e-30  # number of a query that is told from nothing: float32 cannot divide by less
_AT_ONCE = 4096  # rows made coarse at once, which bounds memory
# Rows that lie together, column by column: 24 KB in a row, which the processor fetches ahead. All
# rows in one block are as quick where the runtime multiplies by VNNI (1.1 ms), and 7.2 ms with AMX,
# for which it copies them across 384 pages of memory.
_BLOCK = 64


@dataclass(frozen=True, slots=True)
class Bounds:
    """The product of each row with a query lies within `slack` of `likely`, (n,) float32."""

    likely: Vectors
    slack: float


@dataclass(frozen=True, slots=True)
class Coarse:
    """`codes` (blocks, d, 64) int8, a column for each row: row = code * scale + error. `zeros` are
    what a query's zero adds to each product, `size` and `error` the largest norms of what a code
    stands for and of what it misses."""

    codes: NDArray[np.int8]
    scales: Vectors
    zeros: Vectors
    size: float
    error: float

    def __len__(self) -> int:
        return len(self.scales)

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return self.codes.nbytes + 2 * self.scales.nbytes

    @classmethod
    def of(cls, matrix: Vectors) -> Coarse:
        """Make rows (n, d) float32 coarse; 41,756 of them take 0.2 s."""
        count, dimension = matrix.shape
        codes = np.zeros((-(-count // _BLOCK), dimension, _BLOCK), np.int8)
        found = np.empty((4, count), np.float32)
        for at in range(0, count, _AT_ONCE):
            rows = matrix[at : at + _AT_ONCE]
            end = at + len(rows)
            scales = np.abs(rows).max(axis=1, initial=0.0) / ROW_LEVELS
            scales[scales == 0] = 1.0
            made = np.rint(rows / scales[:, None])
            for block, some in enumerate(range(0, len(rows), _BLOCK), at // _BLOCK):
                columns = made[some : some + _BLOCK].T
                codes[block, :, : columns.shape[1]] = columns
            found[0, at:end] = scales
            found[1, at:end] = QUERY_ZERO * made.sum(axis=1)
            made *= scales[:, None]
            found[2, at:end] = np.linalg.norm(made, axis=1)
            found[3, at:end] = np.linalg.norm(rows - made, axis=1)
        size, error = found[2:].max(axis=1, initial=0.0).tolist()
        return cls(codes, found[0], found[1], size, error)

    def bounds(self, query: Vectors) -> Bounds:
        """Bound the product of every row with a query (d,)."""
        scale = max(float(np.abs(query).max(initial=0.0)), SMALLEST) / QUERY_LEVELS
        made = np.rint(query / scale)
        asked = (made + QUERY_ZERO).astype(np.uint8)[None, :]
        products = _product().run(None, {"query": asked, "rows": self.codes})[0]
        # Exact: they are below 2**24.
        likely: Vectors = products.reshape(-1)[: len(self)].astype(np.float32)
        likely -= self.zeros
        likely *= self.scales * np.float32(scale)
        missed = float(np.linalg.norm(query - made * np.float32(scale)))
        return Bounds(
            likely, self.error * float(np.linalg.norm(query)) + self.size * missed + SLACK
        )


_UINT8, _INT8, _INT32 = 2, 3, 6  # Source: onnx.proto, TensorProto.DataType
_OPSET: Final = 13


@lru_cache(maxsize=1)
def _product() -> onnxruntime.InferenceSession:
    """Return query (1, d) uint8 times each block of rows (b, d, n) int8: the one product of bytes
    that adds up in 32 bits on every processor without copying the rows, but for one with AMX."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    node = _text(1, "query") + _text(1, "rows") + _text(2, "products") + _text(4, "MatMulInteger")
    graph = (
        _part(1, node) + _text(2, "product") + _part(11, _value("query", _UINT8, "1d"))
        + _part(11, _value("rows", _INT8, "bdn")) + _part(12, _value("products", _INT32, "b1n"))
    )  # fmt: skip
    model = _number(1, 8) + _part(7, graph) + _part(8, _number(2, _OPSET))
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _value(name: str, kind: int, axes: str) -> bytes:
    """Spell an array whose axes have these names, as ValueInfoProto."""
    shape = b"".join(_part(1, _text(2, axis)) for axis in axes)
    return _text(1, name) + _part(2, _part(1, _number(1, kind) + _part(2, shape)))


def _text(field: int, value: str) -> bytes:
    return _part(field, value.encode())


def _part(field: int, value: bytes) -> bytes:
    """Spell a field of a message under 128 bytes or a little more. Source: protobuf's encoding."""
    size = len(value)
    spelled = bytes([size]) if size < 128 else bytes([size & 127 | 128, size >> 7])
    return bytes([field << 3 | 2]) + spelled + value


def _number(field: int, value: int) -> bytes:
    return bytes([field << 3, value])
