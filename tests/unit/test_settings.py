"""A setting that does not read is named, and what it holds is not."""

from __future__ import annotations

import pytest

from app.cli.doctor import settings_finding
from app.cli.main import every_command
from app.settings import Settings, load, strangers
from app.wiring import Installation
from indexing.errors import ConfigurationError


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("LEXICAL", "zincsearch", "'tantivy'"),
        ("PORT", "zebra", "integer"),
        ("ALLOWED_HOSTS", "zebra.example", "JSON"),
        ("ENCODER_THREADS", "zebra", "integer"),
        ("FHIR_BASE", "zebra.example/fhir", "https?://"),
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


def test_a_variable_that_is_no_setting_is_told_with_the_one_that_was_meant(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in (
        ("ANAMNESIS_PRT", "1"), ("anamnesis_lexicl", "x"), ("ANAMNESIS_ZEBRA", "x"),
        ("ANAMNESIS_OF_NOBODY", ""), ("ANAMNESIS_ENGINES_PORT", "9"), ("anamnesis_port", "8081"),
    ):  # fmt: skip
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("ANAMNESIS_HOME", raising=False)
    assert strangers() == {
        "ANAMNESIS_PRT": "ANAMNESIS_PORT", "ANAMNESIS_ZEBRA": "",
        "anamnesis_lexicl": "ANAMNESIS_LEXICAL",
    }  # fmt: skip
    found = settings_finding(Installation(load()))
    assert found.verdict == "warning"
    assert "ANAMNESIS_PRT is no setting and changes nothing: is it ANAMNESIS_PORT?" in found.found


def test_each_command_tells_of_a_variable_that_is_no_setting(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ANAMNESIS_PRT", "zebra")
    every_command()
    said = capsys.readouterr()
    assert said.out == ""
    assert "ANAMNESIS_PRT is no setting" in said.err
    assert "zebra" not in said.err


def test_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty home would be the folder that a command is called in."""
    for name in ("HOME", "PORT", "METRICS_TOKEN", "DATABASE_URL"):
        monkeypatch.setenv(f"ANAMNESIS_{name}", "")
    settings = load()
    assert settings.home == Settings.model_fields["home"].get_default(call_default_factory=True)
    assert settings.port == 8080
    assert settings.metrics_token is None
    assert settings.database_url is None
