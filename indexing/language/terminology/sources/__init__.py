"""Readers of terminology files, one module per family, each recognised by its header."""

from __future__ import annotations

from pathlib import Path

from indexing.errors import ConfigurationError
from indexing.language.terminology.facts import Facts


def recognise(path: Path, format_name: str | None = None) -> str:
    """Return the name of the file's format. Raises: ConfigurationError when none fits."""
    raise ConfigurationError(f"{path}: format not recognised")


def read_source(path: Path, format_name: str) -> tuple[Facts, str, list[str]]:
    """Read a file: its facts, the digest of its content, and "file:line: reason" per bad line."""
    raise NotImplementedError
