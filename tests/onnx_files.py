"""Files of small ONNX models, written field by field: the package that writes them is no need."""

from __future__ import annotations

import json


def field(number: int, value: bytes | str | int) -> bytes:
    """Write one field of a protocol buffer: a number, or bytes by their length."""
    if isinstance(value, int):
        return bytes([number << 3]) + _varint(value)
    raw = value.encode() if isinstance(value, str) else value
    return bytes([number << 3 | 2]) + _varint(len(raw)) + raw


def _varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def onnx_model(
    features: list[str], operator: str = "Sigmoid", domain: str = "", weight: bytes = b""
) -> bytes:
    """Write a model of one operator over one column, and a weight `w`. Source: onnx.proto."""
    shape = field(1, field(2, "n")) + field(1, field(1, 1))
    tensor = field(2, field(1, field(1, 1) + field(2, shape)))
    node = field(1, "x") + (field(1, "w") if weight else b"")
    node += field(2, "y") + field(4, operator)
    node += field(7, domain) if domain else b""
    graph = field(1, node) + field(2, "g") + (field(5, weight) if weight else b"")
    graph += field(11, field(1, "x") + tensor) + field(12, field(1, "y") + tensor)
    named = field(14, field(1, "features") + field(2, json.dumps(features)))
    opset = field(8, field(1, "") + field(2, 13))
    return field(1, 7) + opset + field(7, graph) + named
