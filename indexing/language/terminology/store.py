"""Where an installation keeps its terminology: versions side by side, one of them current.

`<home>/terminology/sources/<digest>.zst` holds what each loaded file says; `<version>/` is the
snapshot compiled from the seed and all of them; `current` names the version in force. What is
loaded stays in force, compiled with the seed of that day, until the next `load`: a new release
brings a new seed, and no start waits a minute for it.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import zstandard

from indexing.errors import ConfigurationError
from indexing.language.terminology import compiled as snapshots
from indexing.language.terminology import facts as statements
from indexing.language.terminology import seed
from indexing.language.terminology.compile import compile_facts
from indexing.language.terminology.compiled import Compiled
from indexing.language.terminology.facts import Facts
from indexing.language.terminology.model import Addition
from indexing.language.terminology.overlay import overlaid_version
from indexing.language.terminology.reader import Terminology
from indexing.language.terminology.sources import read_source, recognise

_open: dict[Path, Terminology] = {}
_OVERLAYS = "overlays"
_MOST_OVERLAYS = 40  # of all tenants and states
_BUILDING = ".building-"
_LEFT_S = 3600.0  # nobody writes a snapshot for an hour: a kill left it
_TRIES = 5


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What a load did. `files` by path: its format and the rows it gave; `rejects` are
    "file:line: reason"."""

    version: str
    concepts: int
    names: int
    edges: int
    files: Mapping[str, Mapping[str, int | str]] = field(default_factory=dict)
    rejects: Sequence[str] = ()


@cache
def seed_terminology() -> Terminology:
    """Return the shipped seed, compiled in memory."""
    return Terminology(compile_facts(seed.read(), _version(())))


@cache
def no_terminology() -> Terminology:
    """Return one without a concept: what a search is worth without any."""
    return Terminology(compile_facts(Facts(), "none"))


def open_terminology(home: Path | None = None) -> Terminology:
    """Open the current terminology of the installation at `home`; the shipped seed where none was
    loaded (or `home` is None). The same object is returned while the version stays the same."""
    if home is None:
        return seed_terminology()
    folder = home / "terminology"
    current = _current(folder)
    snapshot = folder / (current or _version(()))
    if snapshot not in _open:
        found = snapshots.read(snapshot)
        if found is None and current is None:
            found = seed_terminology().compiled
            _save(found, folder)
        elif found is None:  # gone, or of another format
            found = _compile(folder, _sources(folder))
            _point(folder, found.version)
            snapshot = folder / found.version
        for older in [path for path in _open if path.parent == folder]:
            del _open[older]
        _open[snapshot] = Terminology(found)
    return _open[snapshot]


def open_overlaid(home: Path, base: Terminology, additions: Sequence[Addition]) -> Terminology:
    """Return a terminology with a tenant's additions over it, compiled once for each version and
    kept beside it, readable by its owner alone. Raises: InvalidInput."""
    version = overlaid_version(base.version, additions)
    folder = home / "terminology" / _OVERLAYS
    found = snapshots.read(folder / version)
    if found is None:
        made = base.with_additions(additions)
        with suppress(FileNotFoundError):  # another process takes the folder away: a tenant leaves
            _keep_overlaid(folder, made.compiled)
        return made
    return Terminology(found)


def _keep_overlaid(folder: Path, compiled: Compiled) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _sweep(folder)
    kept = [path for path in folder.iterdir() if not path.name.startswith(".")]
    for older in sorted(kept, key=_written)[: -_MOST_OVERLAYS + 1]:
        shutil.rmtree(older, ignore_errors=True)  # who wants it compiles it again
    _save(compiled, folder)


def forget_overlaid(home: Path) -> None:
    """Drop every tenant's compiled additions; whoever still has some compiles them again."""
    shutil.rmtree(home / "terminology" / _OVERLAYS, ignore_errors=True)


def outdated(home: Path) -> bool:
    """Say whether loading again would make another version: there is a newer seed."""
    folder = home / "terminology"
    return _current(folder) not in (None, _version(_sources(folder)))


def load(home: Path, paths: Sequence[Path], format_name: str | None = None) -> LoadReport:
    """Add `paths` to what is loaded, compile a new version and make it current. Without paths,
    compile what is loaded with the seed of this release. A version that stands is not made again.

    Raises: ConfigurationError for a file whose format is not recognised (nothing is loaded).
    """
    formats = [(path, recognise(path, format_name)) for path in _files(paths)]
    folder = home / "terminology"
    (folder / "sources").mkdir(parents=True, exist_ok=True)
    files: dict[str, Mapping[str, int | str]] = {}
    rejects: list[str] = []
    for path, format_ in formats:
        read, digest, bad = read_source(path, format_)
        rejects += bad
        _keep(folder / "sources" / f"{digest}.zst", read)
        files[str(path)] = {"format": format_, "facts": read.count(), "rejected": len(bad)}
    before = _current(folder)
    sources = _sources(folder)
    # What is loaded again, or went and came back, is compiled already.
    compiled = snapshots.read(folder / _version(sources)) or _compile(folder, sources)
    _point(folder, compiled.version)
    if before != compiled.version:
        _prune(folder, {compiled.version, before or ""})
    edges = len(compiled.graph.other) // 2
    names = len(compiled.name_texts)
    return LoadReport(compiled.version, len(compiled.ids), names, edges, files, tuple(rejects))


def _current(folder: Path) -> str | None:
    """Return the version in force, None where nothing was loaded."""
    try:
        return (folder / "current").read_text("ascii").strip() or None
    except FileNotFoundError:
        return None


def _prune(folder: Path, kept: Collection[str]) -> None:
    """Leave the version in force and the one before it, which a process may be about to read,
    tenants' own, and what others are writing."""
    _sweep(folder)
    for path in folder.iterdir():
        own = path.name.startswith(".") or path.name in {"sources", _OVERLAYS, *kept}
        if path.is_dir() and not own:
            shutil.rmtree(path, ignore_errors=True)


def _sweep(folder: Path) -> None:
    """Remove what a kill left half written."""
    for path in folder.glob(f"{_BUILDING}*"):
        if time.time() - _written(path) > _LEFT_S:
            shutil.rmtree(path, ignore_errors=True)


def _written(path: Path) -> float:
    """Return when something was written, in seconds; 0 where another process has removed it."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _files(paths: Iterable[Path]) -> list[Path]:
    """Return the files meant by `paths`: a folder means every file below it that is data."""
    found: list[Path] = []
    for path in paths:
        below = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
        found += [p for p in below if not (path.is_dir() and p.suffix.lower() == ".md")]
    return found


def _sources(folder: Path) -> tuple[str, ...]:
    return tuple(sorted(p.stem for p in (folder / "sources").glob("*.zst")))


def _version(sources: Sequence[str]) -> str:
    """Name a terminology by what it is made of; the order of loading does not count."""
    made_of = (str(snapshots.FORMAT), seed.digest(), *sorted(sources))
    return hashlib.blake2b("\n".join(made_of).encode(), digest_size=8).hexdigest()


def _compile(folder: Path, sources: Sequence[str]) -> Compiled:
    """Compile the seed with the kept sources and keep the snapshot."""
    facts: Facts = seed.read()
    for digest in sources:
        packed = (folder / "sources" / f"{digest}.zst").read_bytes()
        facts.extend(statements.restore(zstandard.ZstdDecompressor().decompress(packed)))
    compiled = compile_facts(facts, _version(sources))
    _save(compiled, folder)
    return compiled


def _save(compiled: Compiled, folder: Path) -> None:
    """Write a snapshot, whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(dir=folder, prefix=_BUILDING))
    try:
        snapshots.save(compiled, building)
        building.chmod(0o755)
        _settle(building, folder / compiled.version)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _settle(building: Path, target: Path) -> None:
    """Move a snapshot to its place; where another process was faster, its own stays, which others
    may be reading."""
    for _ in range(_TRIES):
        try:
            building.rename(target)
            return
        except OSError as exc:
            if exc.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                raise
        if snapshots.read(target) is not None:
            return
        _take_away(target)
    raise ConfigurationError(
        f"{target.name} cannot be replaced", hint=f"remove it from {target.parent.name} by hand"
    )


def _take_away(broken: Path) -> None:
    """Remove a snapshot at once for whoever looks, file by file beside."""
    aside = Path(tempfile.mkdtemp(dir=broken.parent, prefix=_BUILDING))
    try:
        with suppress(FileNotFoundError):  # another process took it away
            broken.rename(aside / broken.name)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _keep(path: Path, facts: Facts) -> None:
    _replace(path, zstandard.ZstdCompressor().compress(statements.dump(facts)))


def _point(folder: Path, version: str) -> None:
    _replace(folder / "current", version.encode())


def _replace(path: Path, data: bytes) -> None:
    """Write a file so that a reader sees the old one or the new one, never half of it."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
    with os.fdopen(handle, "wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())
    Path(name).replace(path)
