"""Where the books of judgements are kept: a file of each under the lab's folder."""

from __future__ import annotations

import re
from pathlib import Path

from eval.judgements import Book, read, write
from indexing.errors import InvalidInput, NotFound

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")


class Shelf:
    """Books by name; a book is replaced whole, so that a reader never sees half of one."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = folder

    def names(self) -> tuple[str, ...]:
        """List the books."""
        return tuple(sorted(path.name.removesuffix(".jsonl.gz") for path in self._paths()))

    def has(self, name: str) -> bool:
        """Say whether there is such a book."""
        return self._path(name).is_file()

    def open(self, name: str) -> Book:
        """Read a book. Raises: NotFound, InvalidInput."""
        if not self.has(name):
            known = ", ".join(self.names()) or "none"
            raise NotFound(f"no book {name!r}", hint=f"There is: {known}.")
        return read(self._path(name))

    def keep(self, book: Book) -> None:
        """Store a book in place of the one of its name. Raises: InvalidInput."""
        path = self._path(book.name)
        write(book, path)
        path.chmod(0o600)  # topics may be patients'

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise InvalidInput(
                f"{name!r} cannot name a book", hint="Letters, digits, dots and hyphens can."
            )
        return self._folder / f"{name}.jsonl.gz"

    def _paths(self) -> list[Path]:
        return list(self._folder.glob("*.jsonl.gz"))
