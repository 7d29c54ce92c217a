"""What is wrong with a JSON body: the field is named, and no value."""

from __future__ import annotations

from typing import Annotated

import msgspec
import pytest

from app.bodies import decoded
from indexing.errors import InvalidInput


class Body(msgspec.Struct, forbid_unknown_fields=True):
    q: str
    k: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 10
    only: dict[str, list[str]] = {}


NONE = "a field of this body is none of q, k, only"
_decoder = msgspec.json.Decoder(Body)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"{}", "`q` is missing"),
        (b'{"q": 5}', "`q`: expected `str`, got `int`"),
        (b'{"q": "secret", "k": 0}', "`k`: expected `int` >= 1"),
        (b'{"q": "secret", "k": 100000}', "`k`: expected `int` <= 1000"),
        (b'{"q": "x", "only": {"secret": [1]}}', "`only[...][0]`: expected `str`, got `int`"),
        (b"[1]", "the body: expected `object`, got `array`"),
        (b'{"q": "x", "onyl": {}}', f"{NONE}; did you mean `only`?"),
        (b'{"q": "x", "start": 20}', NONE),
        (b'{"q": "x", "a secret": 1}', NONE),
        (b'{"q": "x"', "the body is not JSON"),
        (b"", "the body is not JSON"),
        (b'{"q": "\\ud800"}', "the body is not JSON"),
        (b'{"q": ' + b"[" * 100_000, "`q`: expected `str`, got `array`"),
    ],
)  # fmt: skip
def test_the_field_at_fault_is_named_and_no_value(body: bytes, told: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        decoded(_decoder, body, '{"q": "..."}')
    assert str(refused.value) == told
    assert refused.value.hint == 'send {"q": "..."}'
    assert "secret" not in str(refused.value)


def test_a_body_that_reads_is_returned() -> None:
    assert decoded(_decoder, b'{"q": "x", "k": 3}', "") == Body("x", 3)
