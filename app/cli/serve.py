"""`anamnesis serve`."""

from __future__ import annotations

import errno
import socket

import uvicorn
from fastapi import FastAPI

from app.cli.doctor_engines import ready
from app.cli.output import stderr
from app.companion import Companion
from app.large_pages import LargePages
from app.letting_go import LettingGo
from app.memory import collect_seldom
from app.services import services_of
from app.settings import Settings, load, strangers
from app.watch import DatabaseWatch
from app.web import create_app
from app.wiring import Installation
from indexing.errors import ConfigurationError


def serve_command(host: str | None, port: int | None) -> int:
    """Serve until interrupted; return the exit code."""
    settings = with_address(load(), host, port)
    listening = listen(settings)
    installation = Installation(settings)
    _ = installation.conninfos
    ready(installation, stderr.print)
    run(installation, listening)
    return 0


def with_address(settings: Settings, host: str | None, port: int | None) -> Settings:
    """Return the settings with what the command line says about the address."""
    chosen = {"host": host, "port": port}
    return settings.model_copy(update={k: v for k, v in chosen.items() if v is not None})


def listen(settings: Settings) -> socket.socket:
    """Take the address before anything else is done, so that a busy port is told at once.

    Raises:
        ConfigurationError: the address cannot be had.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    taken = socket.socket(family, socket.SOCK_STREAM)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        taken.bind((settings.host, settings.port))
    except (OSError, OverflowError) as exc:
        taken.close()
        busy = isinstance(exc, OSError) and exc.errno == errno.EADDRINUSE
        why = "is taken by another program" if busy else "cannot be used"
        raise ConfigurationError(
            f"{settings.host} port {settings.port} {why}", hint="choose one with --port"
        ) from exc
    return taken


def address(settings: Settings) -> str:
    """Return the address to open in a browser."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{host}:{settings.port}"


def run(installation: Installation, listening: socket.socket) -> None:
    """Serve on a bound socket with the follower beside it, until interrupted."""
    settings = installation.settings
    collect_seldom()
    config = configured(create_app(services_of(installation)))
    untold = dict.fromkeys(strangers())  # what this process said of them is said
    beside = Companion({"ANAMNESIS_HOME": str(settings.home), **untold})
    with beside, DatabaseWatch(installation), LettingGo(installation), LargePages():
        uvicorn.Server(config).run(sockets=[listening])
    installation.close()


def configured(app: FastAPI) -> uvicorn.Config:
    """Return how an application is served."""
    return uvicorn.Config(
        app,
        log_config=None,  # its own switches loggers on again that were switched off
        log_level="warning",
        access_log=False,  # addresses carry ids; the audit keeps who saw what
        server_header=False,
        timeout_graceful_shutdown=10,
        http="httptools",
        forwarded_allow_ips="",
        proxy_headers=False,
    )
