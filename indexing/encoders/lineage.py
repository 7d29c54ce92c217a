"""What a folder of an adapted encoder says of how it was made: `lineage.json` beside its model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from indexing.errors import ConfigurationError

_NAME = "lineage.json"


def write_lineage(folder: Path, made_of: Mapping[str, Any]) -> None:
    """Write it beside the model."""
    (folder / _NAME).write_bytes(orjson.dumps(made_of, option=orjson.OPT_INDENT_2) + b"\n")


def read_lineage(folder: Path) -> dict[str, Any]:
    """Return it; empty where the encoder was not adapted. Raises: ConfigurationError."""
    try:
        found = orjson.loads((folder / _NAME).read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as exc:
        raise ConfigurationError(
            f"{folder.name}: {_NAME} does not read",
            hint="`anamnesis eval train --encoder` makes it",
        ) from exc
    if not isinstance(found, dict):
        raise ConfigurationError(f"{folder.name}: {_NAME} is no object")
    return found
