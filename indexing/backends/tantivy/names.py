"""One tenant's index on disk: a folder per rebuild, and a file that says which one counts."""

from __future__ import annotations

import os
import secrets
import shutil
import threading
import time
from collections.abc import Hashable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import tzinfo
from operator import add
from pathlib import Path

import tantivy
from tantivy import Query

from indexing.access import LABELS
from indexing.backends.tantivy.schema import LAYOUT, LIVE, document, open_index, tombstone
from indexing.errors import EngineUnavailable, EventRejected
from indexing.ports import LexicalEntry

HEAP_BYTES = 15_000_000  # Tantivy's least: enough for a follower's batch
BULK_HEAP_BYTES = 96_000_000
BULK_ENTRIES = 100
LOCK_WAIT_S = 10.0
IDLE_S = 0.5  # after which a writer is given back
LOCK_POLL_S = 0.02
MOST_CACHED = 500_000  # ids, of documents and of patients each
MOST_REMEMBERED = 16  # clauses of an index whose matches are kept
REBUILD = "Run `anamnesis index rebuild` for this tenant."
REFILL = "`anamnesis serve` and `anamnesis index follow` fill it anew by themselves."


@contextmanager
def mapped_errors(what: str) -> Iterator[None]:
    """Turn the driver's errors into ours; they may quote terms, so their text is left out."""
    try:
        yield
    except (ValueError, OSError) as exc:
        raise EngineUnavailable(f"the full-text index failed to {what}", hint=REBUILD) from exc
    except BaseException as exc:
        if type(exc).__name__ != "PanicException":  # Rust's, and no subclass of Exception
            raise
        raise EngineUnavailable(f"the full-text index failed to {what}", hint=REBUILD) from exc


def integers(
    searcher: tantivy.Searcher, field: str, addresses: list[tantivy.DocAddress]
) -> list[int]:
    """Return an integer field of those documents, which all have it."""
    return [int(value or 0) for value in searcher.fast_field_values(field, addresses)]


def _keep(cache: dict[int, str], number: int, value: str) -> str:
    """Keep what a number stands for; a full cache is emptied."""
    if len(cache) >= MOST_CACHED:
        cache.clear()
    cache[number] = value
    return value


class Namespace:
    """One Tantivy index: a writer when asked, and a searcher that follows other processes."""

    def __init__(self, folder: Path, zone: tzinfo) -> None:
        self.folder = folder
        self._zone = zone
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._kept: tantivy.IndexWriter | None = None
        self._uses = 0
        self._seen: tuple[int, int, int] | None = None
        self._ids: dict[int, str] = {}
        self._patients: dict[int, str] = {}
        self._labels: tuple[tantivy.Searcher, frozenset[str]] | None = None
        self._remembered: dict[Hashable, frozenset[str]] = {}  # of `_searcher`
        with mapped_errors("open"):
            self.index = open_index(folder)
            self.schema = self.index.schema
            self._searcher = self.index.searcher()

    @classmethod
    def create(cls, folder: Path, zone: tzinfo) -> Namespace:
        """Make an empty index in `folder`."""
        # A home that somebody made beforehand may be open to the machine's other users.
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.mkdir(mode=0o700)
        with mapped_errors("be made"):
            open_index(folder, create=True)
        return cls(folder, zone)

    def searcher(self) -> tantivy.Searcher:
        """Return a searcher of the last commit, whichever process made it."""
        try:
            status = (self.folder / "meta.json").stat()
        except OSError as exc:
            raise EngineUnavailable("the full-text index is gone", hint=REBUILD) from exc
        stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
        if stamp != self._seen:
            with self._lock, mapped_errors("reload"):
                self.index.reload()
                self._searcher = self.index.searcher()
                self._seen = stamp
                self._remembered = {}
        return self._searcher

    def labels(self, searcher: tantivy.Searcher) -> frozenset[str]:
        """Return the labels that some document of this searcher carries, deleted ones among
        them."""
        known = self._labels
        if known is None or known[0] is not searcher:
            found = frozenset(label for label in LABELS if searcher.doc_freq("label", label))
            known = self._labels = (searcher, found)
        return known[1]

    def remembered(self, searcher: tantivy.Searcher, asked: Hashable) -> frozenset[str] | None:
        """Return all documents of this searcher that match what was asked, where that is kept."""
        with self._lock:
            return self._remembered.get(asked) if searcher is self._searcher else None

    def remember(self, searcher: tantivy.Searcher, asked: Hashable, found: frozenset[str]) -> None:
        """Keep all that matches until the index changes: one clause, whether a note calls itself
        copied, is asked of most questions' hits. What an older searcher found is not kept, nor
        the searcher with it: it would hold files that are deleted."""
        with self._lock:
            if searcher is self._searcher:
                if len(self._remembered) >= MOST_REMEMBERED:
                    self._remembered.clear()
                self._remembered[asked] = found

    def doc_ids(self, searcher: tantivy.Searcher, addresses: list[tantivy.DocAddress]) -> list[str]:
        """Return the documents at those places. Stored fields are slow, so serials are cached."""
        serials = integers(searcher, "serial", addresses)
        found: list[str] = []
        for serial, address in zip(serials, addresses, strict=True):
            known = self._ids.get(serial)
            if known is None:
                known = _keep(self._ids, serial, searcher.doc(address)["doc_id"][0])
            found.append(known)
        return found

    def patients(self, searcher: tantivy.Searcher, numbers: Iterable[int]) -> list[str]:
        """Return the ids of the patients whose numbers some documents of this searcher carry."""
        found: list[str] = []
        for number in numbers:
            known = self._patients.get(number)
            if known is None:
                of = Query.term_query(self.schema, "patient_number", number)
                [(_, address)] = searcher.search(of, 1, count=False).hits
                held = searcher.doc(address)["patient_id"]  # a note may be about nobody
                known = _keep(self._patients, number, held[0] if held else "")
            found.append(known)
        return found

    def upsert(self, entries: Sequence[LexicalEntry]) -> None:
        """Write every entry that is not older than what is there, in one commit."""
        newest = {e.document.doc_id: e for e in sorted(entries, key=lambda e: e.document.version)}
        _refuse_unwritable(newest)
        with self._writer(len(newest)) as writer:
            known = self._least_versions(list(newest))
            serial = self._next_serial()
            for doc_id, entry in newest.items():
                if known.get(doc_id, -1) > entry.document.version:
                    continue
                made = _made(entry, serial, self._zone)
                writer.delete_documents_by_term("doc_id", doc_id)
                writer.add_document(made)
                serial += 1
            writer.commit()

    def delete(self, versions: dict[str, int]) -> None:
        """Leave a tombstone for every document that is not newer than its deletion."""
        with self._writer(len(versions)) as writer:
            known = self._least_versions(list(versions))
            serial = self._next_serial()
            for doc_id, version in versions.items():
                if known.get(doc_id, -1) > version:
                    continue
                writer.delete_documents_by_term("doc_id", doc_id)
                writer.add_document(tombstone(doc_id, version, serial))
                serial += 1
            writer.commit()

    def entries(self) -> dict[str, int]:
        """Return the version of every live document."""
        searcher = self.searcher()
        with mapped_errors("list"):
            live = Query.term_query(self.schema, "life", LIVE)
            hits = searcher.search(live, max(1, searcher.num_docs), count=False).hits
            addresses = [address for _, address in hits]
            versions = integers(searcher, "version", addresses)
            return dict(zip(self.doc_ids(searcher, addresses), versions, strict=True))

    def _least_versions(self, doc_ids: list[str]) -> dict[str, int]:
        """Return the least version that may replace each of those documents; a deletion wins over
        an upsert of its own version."""
        searcher = self.searcher()
        wanted = Query.term_set_query(self.schema, "doc_id", doc_ids)
        hits = searcher.search(wanted, max(1, len(doc_ids)), count=False).hits
        addresses = [address for _, address in hits]
        versions = integers(searcher, "version", addresses)
        gone = integers(searcher, "gone", addresses)
        least = map(add, versions, gone)
        return dict(zip(self.doc_ids(searcher, addresses), least, strict=True))

    def _next_serial(self) -> int:
        searcher = self.searcher()
        if not searcher.num_docs:
            return 1
        top = searcher.search(Query.all_query(), 1, count=False, order_by_field="serial").hits
        return int(top[0][0]) + 1

    def release(self) -> None:
        """Give the writer back, its merges ended, so that another process may write."""
        with self._writing:
            writer, self._kept = self._kept, None
            if writer is not None:
                with mapped_errors("be merged"):
                    writer.wait_merging_threads()

    @contextmanager
    def _writer(self, size: int) -> Iterator[tantivy.IndexWriter]:
        """Hold the one writer; nothing is kept unless the block commits.

        It stays open for a moment: merges go on beside the next commits, where waiting for each
        would hold up the note behind it. Dropping a writer kills its merges.
        """
        with self._writing, mapped_errors("be written"):
            writer = self._kept
            if writer is None:
                heap = BULK_HEAP_BYTES if size >= BULK_ENTRIES else HEAP_BYTES
                writer = self._locked_writer(heap)
            self._kept = None  # what was added before an error goes with it
            yield writer
            self._kept = writer
            self._uses += 1
        timer = threading.Timer(IDLE_S, self._release_idle, (self._uses,))
        timer.daemon = True
        timer.start()

    def _release_idle(self, uses: int) -> None:
        if uses == self._uses:
            with suppress(EngineUnavailable):  # the next writer meets the same fault, and says so
                self.release()

    def _locked_writer(self, heap: int) -> tantivy.IndexWriter:
        """The lock is the operating system's, so a killed process leaves none behind."""
        deadline = time.monotonic() + LOCK_WAIT_S
        while True:
            try:
                return self.index.writer(heap, 1)
            except ValueError as exc:
                if "LockBusy" not in str(exc):
                    raise
                if time.monotonic() > deadline:
                    message = "another process is writing to the full-text index"
                    raise EngineUnavailable(message, hint="Try again.") from exc
                time.sleep(LOCK_POLL_S)


def _made(entry: LexicalEntry, serial: int, zone: tzinfo) -> tantivy.Document:
    try:
        return document(entry, serial, zone)
    except (ValueError, UnicodeError, OverflowError) as exc:
        raise EventRejected("the full-text index cannot hold this document") from exc


def _refuse_unwritable(doc_ids: Iterable[str]) -> None:
    try:
        "".join(doc_ids).encode()
    except UnicodeEncodeError as exc:
        raise EventRejected("a document's id holds an unpaired surrogate") from exc


class Shelf:
    """A tenant's folder. Names of indexes are unguessable and never used again."""

    def __init__(self, folder: Path, zone: tzinfo) -> None:
        self.folder = folder
        self._zone = zone
        self._open: Namespace | None = None
        self._lock = threading.Lock()
        self._read: tuple[tuple[int, int], str] | None = None

    def current(self) -> Namespace | None:
        """Return the index that counts, None before the first document."""
        name = self._name()
        if name is None:
            return None
        if not _is_of_this_layout(name):
            raise EngineUnavailable("the full-text index has another layout", hint=REFILL)
        with self._lock:
            if self._open is None or self._open.folder.name != name:
                self._open = Namespace(self.folder / name, self._zone)
            return self._open

    def outdated(self) -> bool:
        """Say whether the index that counts was laid out by another version."""
        name = self._name()
        return name is not None and not _is_of_this_layout(name)

    def current_or_new(self) -> Namespace:
        """Return the index that counts; make one when there is none."""
        found = self.current()
        if found is None:
            self.switch(self.fresh())
            found = self.current()
        assert found is not None  # just switched to
        return found

    def fresh(self) -> Namespace:
        """Make an empty index beside the one that counts."""
        return Namespace.create(self.folder / f"{LAYOUT}-{secrets.token_hex(12)}", self._zone)

    def switch(self, namespace: Namespace) -> None:
        """Let `namespace` count from now on, and remove every other."""
        spelled = self.folder / f"current.{secrets.token_hex(6)}"
        with spelled.open("w", encoding="ascii") as out:
            out.write(namespace.folder.name)
            out.flush()
            os.fsync(out.fileno())
        spelled.replace(self.folder / "current")
        with self._lock:
            before, self._open = self._open, namespace
        if before is not None:
            before.release()
        for other in self.folder.iterdir():
            if other.is_dir() and other != namespace.folder:
                shutil.rmtree(other, ignore_errors=True)

    def abandon(self, namespace: Namespace) -> None:
        """Remove an index that never counted."""
        namespace.release()
        shutil.rmtree(namespace.folder, ignore_errors=True)

    def close(self) -> None:
        """Let go of the index that is open; whoever asks opens it again."""
        with self._lock:
            before, self._open = self._open, None
        if before is not None:
            with suppress(EngineUnavailable):  # its files may be gone
                before.release()

    def drop(self) -> None:
        """Remove everything."""
        with self._lock:
            before, self._open = self._open, None
            if before is not None:
                before.release()
            with suppress(FileNotFoundError):
                shutil.rmtree(self.folder)

    def _name(self) -> str | None:
        path = self.folder / "current"
        try:
            status = path.stat()  # every switch is a file of its own: a question asks ten times
            stamp = (status.st_ino, status.st_mtime_ns)
            if self._read is None or self._read[0] != stamp:
                self._read = (stamp, path.read_text(encoding="ascii").strip())
            name = self._read[1]
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as exc:
            raise EngineUnavailable("the full-text index cannot be found", hint=REBUILD) from exc
        return name


def _is_of_this_layout(name: str) -> bool:
    return name.startswith(f"{LAYOUT}-") and "/" not in name
