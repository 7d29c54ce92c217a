"""Where the books of judgements are kept: a file of each under the lab's folder."""

from __future__ import annotations

import fcntl
import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from eval.judgements import GRADES, Book, Judgement, read, write
from indexing.errors import InvalidInput, NotFound

_log = logging.getLogger("anamnesis.lab")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")


@dataclass(frozen=True, slots=True)
class Taken:
    """A judge's word taken back: what stands beside a book until it is kept again."""

    topic_id: str
    doc_id: str
    judge: str


class Shelf:
    """Books by name. A book is replaced whole, so that a reader never sees half of one; what is
    judged since lies beside it, a line for each word, until the book is kept again."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = folder

    def names(self) -> tuple[str, ...]:
        """List the books."""
        found = self._folder.glob("*.jsonl.gz")
        return tuple(sorted(path.name.removesuffix(".jsonl.gz") for path in found))

    def has(self, name: str) -> bool:
        """Say whether there is such a book."""
        return self._path(name).is_file()

    def open(self, name: str) -> Book:
        """Read a book. Raises: NotFound, InvalidInput."""
        if not self.has(name):
            known = ", ".join(self.names()) or "none"
            raise NotFound(f"no book {name!r}", hint=f"There is: {known}.")
        with self._locked(fcntl.LOCK_SH):
            book, since = read(self._path(name)), list(self._since(name))
        back = {(e.topic_id, e.doc_id, e.judge) for e in since}
        last = {(e.topic_id, e.doc_id, e.judge): e for e in since}
        kept = [j for j in book.judgements if (j.topic_id, j.doc_id, j.judge) not in back]
        added = [each for each in last.values() if isinstance(each, Judgement)]
        return book.judged((*kept, *added))

    def judge(self, name: str, word: Judgement | Taken) -> None:
        """Add a word to a book, or take one back; durable on return. Raises: InvalidInput."""
        if isinstance(word, Judgement) and word.grade not in GRADES:
            raise InvalidInput("a grade is 0, 1, 2 or 3")
        with self._locked(fcntl.LOCK_EX), self._beside(name).open("ab") as out:
            out.truncate(sum(len(line) + 1 for line in self._lines(name)))
            out.write(orjson.dumps(asdict(word)) + b"\n")
            out.flush()
            os.fsync(out.fileno())

    def keep(self, book: Book) -> None:
        """Store a book in place of the one of its name. Raises: InvalidInput."""
        path = self._path(book.name)
        with self._locked(fcntl.LOCK_EX):
            write(book, path)
            path.chmod(0o600)  # topics may be patients'
            self._beside(book.name).unlink(missing_ok=True)

    def drop(self, name: str) -> None:
        """Remove a book with what stands beside it."""
        with self._locked(fcntl.LOCK_EX):
            self._path(name).unlink(missing_ok=True)
            self._beside(name).unlink(missing_ok=True)

    def _since(self, name: str) -> Iterator[Judgement | Taken]:
        for number, line in enumerate(self._lines(name), 1):
            try:
                row = orjson.loads(line)
                yield Judgement(**row) if "grade" in row else Taken(**row)
            except (orjson.JSONDecodeError, TypeError) as exc:
                raise InvalidInput(
                    f"{self._beside(name).name}, line {number}: not a judgement",
                    hint="Take the line away: it was changed from outside.",
                ) from exc

    def _lines(self, name: str) -> list[bytes]:
        """Read what stands beside a book, line by line. One that breaks off at the end was never
        acknowledged: it is left out, and the next word is written in its place."""
        path = self._beside(name)
        *lines, rest = path.read_bytes().split(b"\n") if path.is_file() else [b""]
        if rest:
            _log.warning(
                "%s, line %d: broken off by a crash and left out: who judged it was not told that "
                "it is kept", path.name, len(lines) + 1,
            )  # fmt: skip
        return lines

    def _path(self, name: str) -> Path:
        return self._folder / f"{_named(name)}.jsonl.gz"

    def _beside(self, name: str) -> Path:
        return self._folder / f"{_named(name)}.since"

    @contextmanager
    def _locked(self, how: int) -> Iterator[None]:
        """Keep others out: several judges write into one book."""
        with (self._folder / "lock").open("ab") as held:
            fcntl.flock(held, how)
            yield


def _named(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            f"{name!r} cannot name a book", hint="Letters, digits, dots and hyphens can."
        )
    return name
