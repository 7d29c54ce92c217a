"""The adapted encoders of an installation, a folder each under its home, and which one serves.

The record is one small file that is replaced whole; processes look at it, so that no restart is
needed. Without it the default serves.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import orjson

from indexing.encoders.minilm import FOLDER, OnnxEncoder
from indexing.errors import ConfigurationError, InvalidInput, NotFound

FILES = ("model.onnx", "tokenizer.json", "lineage.json")
DEFAULT = "default"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,79}")


class EncoderShelf:
    """What lies in `home/encoders`."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "encoders"
        self._record = self._folder / "serving.json"

    def names(self) -> tuple[str, ...]:
        """List the registered encoders by their spaces."""
        found = self._folder.glob("*/model.onnx") if self._folder.is_dir() else ()
        return tuple(sorted(path.parent.name for path in found))

    def register(self, folder: Path) -> str:
        """Copy an encoder here, and return the name of its space.

        Raises: ConfigurationError where it does not load, InvalidInput where it says not how it
            was made.
        """
        encoder = OnnxEncoder(threads=1, folder=folder)
        if not encoder.lineage:
            raise InvalidInput(
                f"{folder.name} has no lineage.json",
                hint="`anamnesis eval train --encoder --out DIR` writes a whole folder.",
            )
        target = self._folder / encoder.model
        if not target.is_dir():
            draft = self._folder / f".{encoder.model}.{os.getpid()}"
            draft.mkdir(parents=True)
            try:
                for name in FILES:
                    shutil.copyfile(folder / name, draft / name)
                draft.rename(target)
            finally:
                shutil.rmtree(draft, ignore_errors=True)
        return encoder.model

    def folder(self, name: str) -> Path:
        """Return where an encoder lies. Raises: NotFound."""
        if name == DEFAULT:
            return FOLDER
        if not _NAME.fullmatch(name) or name not in self.names():
            known = ", ".join((DEFAULT, *self.names()))
            raise NotFound(f"no encoder {name!r} is registered", hint=f"There is: {known}.")
        return self._folder / name

    def serving(self) -> str:
        """Return the name of what serves. Raises: ConfigurationError."""
        try:
            found = orjson.loads(self._record.read_bytes())
        except FileNotFoundError:
            return DEFAULT
        except (OSError, ValueError) as exc:
            raise ConfigurationError(
                "the record of the encoder that serves does not read",
                hint=f"`anamnesis encoder switch` writes {self._record.name} anew.",
            ) from exc
        return str(found.get("serving", DEFAULT))

    def serve(self, name: str) -> None:
        """Let an encoder serve from now on; durable on return. Raises: NotFound."""
        self.folder(name)
        self._folder.mkdir(parents=True, exist_ok=True)
        draft = self._record.with_suffix(f".{os.getpid()}")
        with draft.open("wb") as file:
            file.write(orjson.dumps({"serving": name}))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._record)
