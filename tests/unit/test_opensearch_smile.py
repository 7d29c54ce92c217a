"""The binary form of a request: its bytes as the format's specification spells them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexing.backends.opensearch.smile import END, dumps

HEAD = b":)\n\x00"

TEXTS = st.text(st.characters(exclude_categories=("Cs",)))
WHOLE = st.integers(-(1 << 63), (1 << 63) - 1)
PLAIN = st.none() | st.booleans() | WHOLE | st.floats() | TEXTS
VALUES = st.recursive(
    PLAIN, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner), max_leaves=10
)


@pytest.mark.parametrize(
    ("value", "spelled"),
    [
        ("é", b"\xe4\xc3\xa9\xfc"), ("", b"\xe4\xfc"), (None, b"\x21"),
        (False, b"\x22"), (True, b"\x23"),
        (0, b"\x24\x80"), (-1, b"\x24\x81"), (31, b"\x24\xbe"), (32, b"\x24\x01\x80"),
        (-(1 << 31), b"\x24\x1f\x7f\x7f\x7f\xbf"), (1 << 31, b"\x25\x20\x00\x00\x00\x80"),
        (1.5, b"\x29\x00\x3f\x7c\x00\x00\x00\x00\x00\x00\x00"),
        (["a", [2]], b"\xf8\xe4a\xfc\xf8\x24\x84\xf9\xf9"),
        (np.array([1.5, -0.0], np.float32), (b"\xf8\x28\x03\x7e\x00\x00\x00"
         b"\x28\x08\x00\x00\x00\x00\xf9")),
        (np.zeros(0, np.float32), b"\xf8\xf9"),
        ({"n": 1}, b"\xfa\x80n\x24\x82\xfb"), ({"é": 1}, b"\xfa\x34\xc3\xa9\xfc\x24\x82\xfb"),
        ({"k" * 64: 1}, b"\xfa\xbf" + b"k" * 64 + b"\x24\x82\xfb"),
        ({"k" * 65: 1}, b"\xfa\x34" + b"k" * 65 + b"\xfc\x24\x82\xfb"),
    ],
)  # fmt: skip
def test_each_value_is_spelled_as_the_specification_says(value: object, spelled: bytes) -> None:
    assert dumps({"v": value}) == HEAD + b"\xfa\x80v" + spelled + b"\xfb" + END


@given(st.dictionaries(TEXTS, VALUES), st.lists(st.floats(width=32), max_size=20))
def test_no_document_holds_what_parts_documents(
    document: dict[str, object], row: list[float]
) -> None:
    made = dumps(document | {"vector": np.array(row, np.float32)})
    assert made.endswith(END)
    assert made.count(END) == 1


@pytest.mark.parametrize("value", [1 << 63, -(1 << 63) - 1])
def test_a_number_that_no_server_holds_is_refused(value: int) -> None:
    with pytest.raises(OverflowError):
        dumps({"n": value})


def test_what_is_no_value_is_refused() -> None:
    with pytest.raises(TypeError, match="object"):
        dumps({"n": object()})
