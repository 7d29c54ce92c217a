"""Scores of answers: what is undetermined is counted, repeats show their spread, ragas is apart."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

import pytest

from eval import answers
from eval.answers import CHILD, REPEATS, Model, Scored, measured, samples
from eval.benchmark import Benchmark, Text
from indexing.errors import ConfigurationError, EngineUnavailable
from rankers.answer import Answer, Sentence

PYTHON = Path(__file__).parents[2] / ".venv-ragas" / "bin" / "python"
SET = Benchmark(
    "set",
    (Text("a", "", "Chest pain on exertion.", {}), Text("b", "", "Denies chest pain.", {})),
    {"t1": "chest pain", "t2": "nothing"},
    {"t1": {"a": 3, "b": 0}, "t2": {"b": 1}},
)


def answer(question: str) -> Answer:
    found = [
        Sentence(1, doc_id, None, "", None, "", text, (), 0)
        for doc_id, text in (("a", "Chest pain on exertion."), ("b", "Denies chest pain."))
    ]
    best = tuple(found) if question == "chest pain" else ()
    return Answer((), "present", False, 0, (), best=best)


@pytest.fixture
def rows() -> list[dict[str, Any]]:
    return list(samples(SET, answer))


def test_a_sample_holds_what_was_used_and_what_should_have_been(rows: list[dict[str, Any]]) -> None:
    assert rows[0]["response"] == "Chest pain on exertion. Denies chest pain."
    assert rows[0]["retrieved_ids"] == ["a", "b"]
    assert rows[0]["reference_ids"] == ["a"]
    assert rows[0]["grades"] == [3, 0]
    assert rows[1]["reference_ids"] == ["b"]
    assert rows[1]["retrieved"] == []


def test_without_its_environment_it_says_how_to_make_it(rows: list[dict[str, Any]]) -> None:
    with pytest.raises(ConfigurationError, match="environment of its own"):
        measured(rows, Path("/nowhere/python"), None, lambda: None)


def test_a_child_that_breaks_is_no_score(rows: list[dict[str, Any]], tmp_path: Path) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\nexit 3\n")
    broken.chmod(0o755)
    with pytest.raises(EngineUnavailable, match="code 3"):
        measured(rows, broken, None, lambda: None)


def test_repeats_show_their_spread_and_what_could_not_be_scored() -> None:
    found = answers._repeated([{"f": [0.5, 0.7, 0.6]}, {"f": [None, 1.0, 1.0]}])
    assert found == {"f": Scored(0.6, 1, 2, 0.2)}
    assert answers._scores([{"p": None}, {"p": 0.5}]) == {"p": Scored(0.5, 1, 2)}
    assert answers._scores([{"p": None}])["p"].mean is None


@contextmanager
def stub(refusing: int = 0) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A language model that agrees with everything, and refuses its first requests."""
    asked: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append({"path": self.path, "key": self.headers["Authorization"], **body})
            if len(asked) <= refusing:
                self._send(500, {"error": {"message": "no"}})
                return
            said = json.dumps(self._verdict(json.dumps(body["messages"])))
            choice = {"index": 0, "finish_reason": "stop",
                      "message": {"role": "assistant", "content": said}}  # fmt: skip
            self._send(200, {
                "id": "1", "object": "chat.completion", "created": 1, "model": body["model"],
                "choices": [choice],
                "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
            })  # fmt: skip

        def _verdict(self, words: str) -> object:
            schema = words.rpartition("json_schema")[2] or words
            if "NLIStatementOutput" in schema or "StatementFaithfulnessAnswer" in schema:
                one = {"statement": "s", "reason": "r", "verdict": 1}
                return {"statements": [one]}
            if "StatementGeneratorOutput" in schema:
                return {"statements": ["The patient has chest pain."]}
            return {"reason": "r", "verdict": 1}

        def _send(self, code: int, value: object) -> None:
            data = json.dumps(value).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{cast(tuple[str, int], server.server_address)[1]}/v1", asked
    server.shutdown()
    server.server_close()


@pytest.fixture
def python() -> Path:
    if not PYTHON.is_file():
        if os.environ.get("CI"):
            pytest.fail("`make ragas` has not made its environment, and CI must not skip it")
        pytest.skip("needs `make ragas`")
    return PYTHON


@pytest.mark.slow
def test_ragas_scores_by_ids_and_texts_and_by_a_model_thrice(
    rows: list[dict[str, Any]], python: Path
) -> None:
    with stub() as (url, asked):
        found = measured(rows, python, Model(url, "judge", "secret"), lambda: None)
    assert (found.topics, found.answered, found.judged, found.wrong) == (2, 1, 2, 1)
    assert found.scores["id precision"] == Scored(0.5, 1, 2)
    assert found.scores["id recall"] == Scored(1.0, 1, 2)
    assert found.scores["text precision"].mean == pytest.approx(1, abs=0.5)
    assert found.llm == {
        "faithfulness": Scored(1.0, 1, 2, 0.0), "context utilization": Scored(1.0, 1, 2, 0.0),
    }  # fmt: skip
    assert {each["path"] for each in asked} == {"/v1/chat/completions"}
    assert {each["key"] for each in asked} == {"Bearer secret"}
    assert len(asked) == REPEATS * (2 + 2)


@pytest.mark.slow
def test_what_a_model_does_not_answer_is_undetermined(
    rows: list[dict[str, Any]], python: Path
) -> None:
    with stub(refusing=10_000) as (url, _):
        found = measured(rows, python, Model(url, "judge"), lambda: None)
    assert found.llm["faithfulness"] == Scored(None, 0, 2, 0.0)
    assert found.scores["id recall"] == Scored(1.0, 1, 2)


def test_the_child_imports_nothing_of_ours_and_tells_nobody() -> None:
    text = CHILD.read_text("utf-8")
    for package in ("app", "eval", "rankers", "indexing"):
        assert f"from {package}" not in text
    assert text.index("RAGAS_DO_NOT_TRACK") < text.index("from ragas")
    done = subprocess.run([sys.executable, "-I", str(CHILD)], input="", capture_output=True,
                          text=True, check=False)  # fmt: skip
    assert done.returncode != 0  # no first line: nothing is scored in silence
