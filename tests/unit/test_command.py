"""What every command keeps: its exit codes, and hints that name commands which exist."""

from __future__ import annotations

import re
from gzip import BadGzipFile
from pathlib import Path

import pytest
import typer.main

from app.cli import main as command
from app.cli.search import _show, search_command
from app.cli.serve import listen
from app.settings import Settings
from indexing.errors import ConfigurationError, InvalidInput
from indexing.ports import Freshness
from rankers.answer import Absence, Answer, Hit, Snippet

ROOT = Path(__file__).parents[2]
NAMED = re.compile(r"`anamnesis ((?:[a-z]+(?:-[a-z]+)* ?)+)")


def test_a_port_that_is_none_is_wrong_usage() -> None:
    with pytest.raises(ConfigurationError, match="port 99999999 cannot be used"):
        listen(Settings(port=99999999))


def test_a_question_that_is_no_unicode_is_wrong_usage() -> None:
    with pytest.raises(InvalidInput, match="not UTF-8"):
        search_command("any", "pain\udcff", 1, "lexical", False, None, as_json=True)


@pytest.mark.parametrize(
    ("line", "query"),
    [
        (["--tenant", "t", "-x"], "-x"),
        (["-x pain", "--tenant", "t", "--plain"], "-x pain"),
        (["--tenant", "t", "--plain", "-x"], "-x"),
        (["--tenant=t", "--", "-x"], "-x"),
        (["--tenant", "t", "--", "--x"], "--x"),
        (["--tenant", "t", "pain"], "pain"),
    ],
)
def test_a_question_may_begin_with_a_hyphen(line: list[str], query: str) -> None:
    asks = typer.main.get_command(command.app).commands["search"]
    assert asks.make_context("search", line).params["query"] == query


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (["--tenant", "t", "--plian", "pain"], "No such option: --plian"),
        (["--tenant", "t", "--k", "-1", "pain"], "greater than or equal to 1"),
        (["--tenant", "t", "-x", "pain"], "extra argument"),
    ],
)
def test_a_misspelt_option_is_no_question(line: list[str], words: str) -> None:
    asks = typer.main.get_command(command.app).commands["search"]
    with pytest.raises(Exception, match=words):
        asks.make_context("search", line)


def test_the_command_proves_absence_too(capsys: pytest.CaptureFixture[str]) -> None:
    proved = Absence("No mention in 4 of 4 notes.", 4, 4, None)
    _show(Answer((), "present", False, 0, (), absence=proved))
    assert capsys.readouterr().out == "No mention in 4 of 4 notes.\n"


def test_the_command_says_what_it_could_not_look_through(
    capsys: pytest.CaptureFixture[str],
) -> None:
    fresh = Freshness(None, {"lexical": 2, "vector": 3})
    _show(Answer((), "present", False, 0, (), freshness=fresh))
    assert "3 notes still being indexed" in capsys.readouterr().err


def test_what_a_note_holds_steers_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    snippet = Snippet("Denies\x1b[2K\rpain\x9b1A.")
    hit = Hit(1, "n", 1.0, {}, title="Visit\x1b]0;x\x07\n  2  n", snippet=snippet)
    _show(Answer((), "present", False, 1, (hit,)))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert all(line.isprintable() for line in lines)


def test_every_command_that_a_hint_or_a_page_names_is_there() -> None:
    root = typer.main.get_command(command.app)
    files = [
        path for top in ("app", "indexing", "rankers", "eval", "templates")
        for path in (ROOT / top).rglob("*") if path.suffix in (".py", ".html")
    ]  # fmt: skip
    named = {
        m[1].strip() for f in [*files, ROOT / "README.md"] for m in NAMED.finditer(f.read_text())
    }
    unknown = set()
    for words in named:
        at = root
        for word in words.split():
            below = getattr(at, "commands", {})
            if not below:
                break
            if word not in below:
                unknown.add(words)
                break
            at = below[word]
    assert len(named) > 20
    assert unknown == set()


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (FileNotFoundError(2, "No such file", "/x/r.ndjson"), 2),
        (KeyError("Jane Doe, 1951"), 3),
        (BadGzipFile("Jane Doe, 1951"), 3),
    ],
)
def test_what_nobody_foresaw_neither_quotes_nor_says_done_with_rejects(
    fault: Exception, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails() -> None:
        raise fault

    monkeypatch.setattr(command, "app", fails)
    with pytest.raises(SystemExit) as ended:
        command.main()
    assert ended.value.code == code
    told = capsys.readouterr().err
    assert "Jane" not in told
    assert "Traceback" not in told
    assert ("/x/r.ndjson: No such file" in told) == (code == 2)
    assert (type(fault).__name__ in told) == (code == 3)
