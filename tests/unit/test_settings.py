"""A setting that does not read is named, and what it holds is not."""

from __future__ import annotations

import pytest

from app.settings import load
from indexing.errors import ConfigurationError


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("LEXICAL", "zincsearch", "'tantivy'"),
        ("PORT", "zebra", "integer"),
        ("ALLOWED_HOSTS", "zebra.example", "JSON"),
        ("ENCODER_THREADS", "zebra", "integer"),
    ],
)
def test_a_setting_that_does_not_read_is_named(
    name: str, value: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"ANAMNESIS_{name}", value)
    with pytest.raises(ConfigurationError) as caught:
        load()
    told = f"{caught.value} {caught.value.hint}"
    assert told.startswith(f"ANAMNESIS_{name}")
    assert words in told
    assert value not in told
