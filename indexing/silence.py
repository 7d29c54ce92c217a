"""Drivers whose logs quote patients or questions: nothing of theirs is told.

A filter, not `disabled`: whoever sets logging up anew (uvicorn, a site's own `dictConfig`) switches
disabled loggers on again.
"""

from __future__ import annotations

import logging


def silence(*names: str) -> None:
    """Let the loggers of these names drop what they are given; those below them still tell."""
    for name in names:
        logging.getLogger(name).addFilter(_nothing)


def _nothing(_: logging.LogRecord) -> bool:
    return False
