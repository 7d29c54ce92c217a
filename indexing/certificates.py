"""The file of certificates that a site names for one of its servers."""

from __future__ import annotations

from pathlib import Path

from indexing.errors import ConfigurationError


def standing(ca: Path | None, setting: str) -> Path | None:
    """Return a named file, None where none is named and the system's certificates count.

    Raises: ConfigurationError: it is not there.
    """
    if ca is not None and not ca.is_file():
        raise ConfigurationError(
            f"the file of certificates {ca} is not there",
            hint=f"Set {setting} to the file that signs the server's.",
        )
    return ca
