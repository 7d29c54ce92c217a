"""How the application is served."""

from __future__ import annotations

import logging
from importlib import import_module
from logging.config import dictConfig
from pathlib import Path

import pytest
from fastapi import FastAPI

from app.cli.operate import stop_command
from app.cli.serve import configured
from app.settings import Settings
from app.watch import DatabaseWatch
from app.wiring import Installation
from indexing.backends.postgres.embedded import Server
from indexing.errors import Conflict


@pytest.mark.parametrize(
    ("engine", "name"),
    [("postgres", "psycopg"), ("influxdb", "httpx"), ("opensearch", "opensearch")],
)
def test_a_driver_that_is_silenced_stays_so_whoever_sets_logging_up(
    engine: str, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    import_module(f"indexing.backends.{engine}.connect")
    dictConfig({"version": 1, "disable_existing_loggers": False})  # a site's own, or uvicorn's
    config = configured(FastAPI())
    logging.getLogger(name).error("Ada Example")
    logging.getLogger("uvicorn.error").warning("the server's own")
    assert caplog.messages == ["the server's own"]
    assert not config.access_log


def test_a_database_that_a_server_would_start_again_is_not_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped: list[Path] = []
    monkeypatch.setenv("ANAMNESIS_HOME", str(tmp_path))
    monkeypatch.setattr(Server, "running", lambda _: True)
    monkeypatch.setattr(Server, "stop", lambda server: stopped.append(server.home))
    installation = Installation(Settings(home=tmp_path))
    with DatabaseWatch(installation):
        with DatabaseWatch(installation), pytest.raises(Conflict) as caught:
            stop_command()
        assert "anamnesis serve" in caught.value.hint
        with pytest.raises(Conflict):
            stop_command()  # one of the two servers has ended
    assert stopped == []
    assert stop_command() == 0
    assert stopped == [tmp_path]
