"""The adapted encoders of an installation, a folder each under its home, and which one serves.

The record is one small file that is replaced whole; processes look at it, so that no restart is
needed. Without it the default serves.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import orjson

from indexing.encoders.minilm import FOLDER, OnnxEncoder
from indexing.errors import ConfigurationError, InvalidInput, NotFound

FILES = ("model.onnx", "tokenizer.json", "lineage.json")
DEFAULT = "default"
MOST_BYTES = 256 << 20  # the default has 33 MB, its weights in full 90 MB
OFF = 1e-3  # how far a row's norm may be from 1
_DRAFT = ".draft-"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,79}")


class EncoderShelf:
    """What lies in `home/encoders`."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "encoders"
        self._record = self._folder / "serving.json"

    def names(self) -> tuple[str, ...]:
        """List the registered encoders by their spaces."""
        found = self._folder.glob("*/model.onnx") if self._folder.is_dir() else ()
        return tuple(sorted(p.parent.name for p in found if _NAME.fullmatch(p.parent.name)))

    def register(self, folder: Path) -> str:
        """Copy an encoder here, and return the name of its space.

        It is tried as it lies here, by itself, before it has a name.

        Raises: ConfigurationError where it does not load or encode, InvalidInput where it is too
            large or says not how it was made.
        """
        with self._locked():
            for left in self._folder.glob(".*/"):  # by a kill: nobody else registers now
                shutil.rmtree(left, ignore_errors=True)
            draft = self._folder / f"{_DRAFT}{os.getpid()}"
            draft.mkdir()
            try:
                _copied(folder, draft)
                encoder = _tried(draft)
                if not encoder.lineage:
                    raise InvalidInput(
                        f"{folder.name} has no lineage.json",
                        hint="`anamnesis eval train --encoder --out DIR` writes a whole folder.",
                    )
                if not (self._folder / encoder.model).is_dir():
                    _synced(draft)
                    draft.rename(self._folder / encoder.model)
                    _synced(self._folder)
                return encoder.model
            finally:
                shutil.rmtree(draft, ignore_errors=True)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / ".lock").open("wb") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            yield

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
        _synced(self._folder)


def _copied(folder: Path, draft: Path) -> None:
    """Copy what an encoder is made of, as far as it is there."""
    found = [folder / name for name in FILES if (folder / name).is_file()]
    if sum(path.stat().st_size for path in found) > MOST_BYTES:
        raise InvalidInput(
            f"{folder.name} holds more than {MOST_BYTES >> 20} MB",
            hint="Quantise the model: `anamnesis eval train --encoder` exports it in int8.",
        )
    for path in found:
        with path.open("rb") as source, (draft / path.name).open("wb") as target:
            shutil.copyfileobj(source, target)
            target.flush()
            os.fsync(target.fileno())


def _tried(draft: Path) -> OnnxEncoder:
    """Open an encoder and let it encode one text. Raises: ConfigurationError."""
    encoder = OnnxEncoder(threads=1, folder=draft)
    try:
        length = float(np.linalg.norm(encoder.encode(["chest pain"])))
    except Exception:  # noqa: BLE001 - the runtime raises classes of its own
        length = 0.0
    if not abs(length - 1) < OFF:  # one that is no number either
        raise ConfigurationError(
            "the encoder loads and does not encode",
            hint="`anamnesis eval train --encoder --out DIR` writes one that does.",
        )
    return encoder


def _synced(folder: Path) -> None:
    """Make the names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
