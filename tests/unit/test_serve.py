"""How the application is served."""

from __future__ import annotations

import logging
from importlib import import_module
from logging.config import dictConfig

import pytest
from fastapi import FastAPI

from app.cli.serve import configured


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
