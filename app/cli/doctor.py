"""`anamnesis doctor`: what is wrong with this installation, and what to do about it."""

from __future__ import annotations

import shutil
import stat
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from app.cli.doctor_engines import Look, looks
from app.cli.output import print_json
from app.demo_logins import every_logins
from app.erasing import erasing
from app.pages import folder, plural
from app.refill import fills_vectors
from app.settings import load, strangers, told
from app.tenant_erasing import registry
from app.wiring import Installation
from indexing.backends.postgres.coarse import Coarse
from indexing.backends.postgres.search_values import unfilled
from indexing.errors import AnamnesisError, EngineUnavailable
from indexing.medical_follow import outdated

Verdict = Literal["ok", "warning", "fault"]
_LEAST_FREE_GB = 2


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    name: str
    verdict: Verdict
    found: str
    advice: str = ""


def doctor_command(*, as_json: bool) -> int:
    """Look at everything; exit code 2 when something is at fault."""
    installation = Installation(load())
    engines = looks(installation)
    checks = _CHECKS | {name: _looked(name, look) for name, look in engines.items()}
    found = [_guarded(name, check, installation) for name, check in checks.items()]
    findings = said_once(found)
    installation.close()
    fine = all(finding.verdict != "fault" for finding in findings)
    if as_json:
        print_json({"ok": fine, "findings": [asdict(finding) for finding in findings]})
    else:
        for finding in findings:
            print(f"{finding.verdict:<8} {finding.name:<12} {finding.found}")
            if finding.advice:
                print(f"{'':<21} → {finding.advice}")
    return 0 if fine else 2


def said_once(findings: Sequence[Finding]) -> list[Finding]:
    """Tell the same fault once, in one line: of a dead database every check has the same to say,
    in the driver's several lines."""
    first: dict[tuple[str, str], str] = {}
    told = []
    for each in findings:
        named = first.setdefault((each.found, each.advice), each.name)
        again = each.verdict == "fault" and named != each.name
        advice = "" if again else " ".join(each.advice.split())
        told.append(replace(each, found=f"as {named}", advice=advice) if again
                    else replace(each, advice=advice))  # fmt: skip
    return told


def _guarded(
    name: str, check: Callable[[Installation], Finding], installation: Installation
) -> Finding:
    try:
        return check(installation)
    except AnamnesisError as exc:
        return Finding(name, "fault", str(exc), exc.hint)
    except (OSError, ImportError, ValueError) as exc:
        return Finding(name, "fault", type(exc).__name__, str(exc))


def _looked(name: str, look: Look) -> Callable[[Installation], Finding]:
    """Turn a look at an engine into a finding; its first trouble is told first."""

    def check(installation: Installation) -> Finding:
        found = look(installation)
        if not found.troubles:
            return Finding(name, "ok", found.words)
        words = "; ".join(trouble.what for trouble in found.troubles)
        advice = " ".join(trouble.advice for trouble in found.troubles)
        return Finding(name, "fault", f"{found.words}: {words}", advice)

    return check


def _python(_: Installation) -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding("python", "ok" if sys.version_info >= (3, 11) else "fault", version)


def settings_finding(_: Installation) -> Finding:
    """Say which variables are named like settings and are none."""
    found = [told(name, near) for name, near in strangers().items()]
    if found:
        return Finding("settings", "warning", "; ".join(found), "unset them, or spell them right")
    return Finding("settings", "ok", "every ANAMNESIS_ variable is one")


def _home(installation: Installation) -> Finding:
    _ = installation.conninfos
    home = installation.home
    free = shutil.disk_usage(home).free / 1e9
    words = f"{home}, {free:.0f} GB free"
    if free < _LEAST_FREE_GB:
        return Finding(
            "home", "warning", words, "make room: PostgreSQL stops when the disk is full"
        )
    return Finding("home", "ok", words)


def _secrets(installation: Installation) -> Finding:
    _ = installation.secrets
    loose = [p.name for p in _secret_files(installation.home) if p.stat().st_mode & 0o077]
    if loose:
        advice = f"chmod 600 {' '.join(loose)} in the home folder"
        return Finding("secrets", "fault", "others may read them", advice)
    return Finding("secrets", "ok", "readable by their owner only")


def _secret_files(home: Path) -> Iterator[Path]:
    for path in (home / "secrets.json", *every_logins(home)):
        if stat.S_ISREG(path.stat().st_mode if path.exists() else 0):
            yield path


def _database(installation: Installation) -> Finding:
    with installation.database.transaction() as conn:
        row = conn.execute(
            "SELECT current_setting('server_version'), current_setting('server_version_num')::int, "
            "(SELECT extversion FROM pg_extension WHERE extname = 'vector')"
        ).fetchone()
    assert row is not None
    words = f"PostgreSQL {row[0]}, pgvector {row[2]}"
    if row[1] < 150000:
        return Finding("database", "fault", words, "use PostgreSQL 15 or newer")
    return Finding("database", "ok", words)


def _durability(installation: Installation) -> Finding:
    with installation.database.transaction() as conn:
        rows = conn.execute(
            "SELECT name, setting FROM pg_settings WHERE name IN "
            "('fsync', 'full_page_writes', 'synchronous_commit') AND setting = 'off'"
        ).fetchall()
    off = ", ".join(row[0] for row in rows)
    if off:
        return Finding("durability", "fault", f"{off} off", "a power cut would lose notes: turn on")
    return Finding("durability", "ok", "fsync, full_page_writes, synchronous_commit on")


def _encoder(installation: Installation) -> Finding:
    encoder = installation.encoder
    vector = encoder.encode(["chest pain"])
    if vector.shape != (1, encoder.dimension):
        return Finding("encoder", "fault", f"{encoder.model}: wrong shape", "reinstall")
    return Finding("encoder", "ok", f"{encoder.model}, {encoder.dimension} dimensions")


def vectors_finding(installation: Installation) -> Finding:
    """Say whose notes have no vectors of the model that serves, and others' instead."""
    encoder = installation.encoder
    words = f"{encoder.model}, {encoder.dimension} dimensions"
    old = [
        each.code for each in installation.tenants.all()
        if installation.derived.lacks(each.tenant_id, encoder.model)
    ]  # fmt: skip
    if old:
        by_hand = "`anamnesis index rebuild --tenant T`"
        alone = f"`anamnesis serve` makes them anew as it starts; {by_hand} now"
        advice = alone if fills_vectors(installation) else f"run {by_hand} for each"
        advice += "; until then meaning is missing"
        named = f"notes have vectors of another model than {words}: {', '.join(old)}"
        return Finding("vectors", "warning", named, advice)
    return Finding("vectors", "ok", f"of every tenant by {words}")


def coarse_finding(_: Installation) -> Finding:
    """Say whether vectors can be scanned coarse here, as a server does with those that it keeps."""
    try:
        Coarse.of(np.eye(2, dtype=np.float32))
    except EngineUnavailable as exc:
        return Finding("coarse scan", "warning", str(exc), exc.hint)
    return Finding("coarse scan", "ok", "vectors that are kept in memory are scanned by bytes")


def words_finding(installation: Installation) -> Finding:
    """Say whose full-text index another version laid out, which this one cannot read."""
    old = [
        each.code for each in installation.tenants.all()
        if installation.lexical.outdated(each.tenant_id)
    ]  # fmt: skip
    if old:
        named = ", ".join(old)
        words = f"the full-text index has the layout of another version: {named}"
        advice = (
            "`anamnesis serve` fills it anew as it starts; `anamnesis index rebuild --tenant T` now"
        )
        return Finding("words", "warning", words, advice)
    return Finding("words", "ok", "every full-text index is laid out as questions are asked")


def dates_finding(installation: Installation) -> Finding:
    """Say whose dates were stored before it was kept how vague they are."""
    old = [
        each.code for each in installation.tenants.all()
        if unfilled(installation.database, each.tenant_id)
    ]  # fmt: skip
    if old:
        words = f"stored before it was kept how vague they are: {', '.join(old)}"
        advice = "run `anamnesis fhir fill`; until then moved ones tell by how many days"
        return Finding("dates", "warning", words, advice)
    return Finding("dates", "ok", "kept as vague as they were sent")


def language_finding(installation: Installation) -> Finding:
    """Say whose notes were read by older rules or another terminology than questions are."""
    old = [
        each.code for each in installation.tenants.all()
        if installation.derived.outdated(
            each.tenant_id, installation.language_version_of(each.tenant_id), 1
        )
    ]  # fmt: skip
    if old:
        words = f"notes were read by older rules or another terminology: {', '.join(old)}"
        advice = (
            "`anamnesis serve` reads them again while it is quiet; `anamnesis index follow "
            "--tenant T --until-current` now"
        )
        return Finding("language", "warning", words, advice)
    return Finding("language", "ok", "every note was read as questions are")


def _terminology(installation: Installation) -> Finding:
    from indexing.language.terminology.store import outdated

    known = installation.terminology
    if outdated(installation.home):
        words = f"version {known.version}, compiled with an older seed"
        return Finding("terminology", "warning", words, "run `anamnesis terminology load`")
    return Finding("terminology", "ok", f"version {known.version}")


def _pages(_: Installation) -> Finding:
    count = sum(1 for _ in folder("templates").rglob("*.html"))
    if not count or not (folder("static") / "style.css").exists():
        return Finding("pages", "fault", "templates or static files are missing", "reinstall")
    return Finding("pages", "ok", f"{count} templates")


def _followers(installation: Installation) -> Finding:
    tenants = installation.tenants.all()
    parked = 0
    for tenant in tenants:
        with installation.database.tenant(tenant.tenant_id) as conn:
            row = conn.execute("SELECT count(*) FROM parked").fetchone()
            parked += row[0] if row else 0
    if parked:
        advice = "`anamnesis index reconcile` tries them again"
        return Finding("followers", "warning", f"{parked} events are parked", advice)
    return Finding("followers", "ok", f"{plural(len(tenants), 'tenant')}, nothing parked")


def _erasures(installation: Installation) -> Finding:
    own, tenants = erasing(installation), installation.tenants.all()
    begun = [each.code for each in tenants if own.unfinished(each.tenant_id)]
    if whole := [each.code for each in registry(installation).unfinished()]:
        words = f"begun and not finished, of whole tenants: {', '.join(whole)}"
        return Finding("erasures", "warning", words, "run `anamnesis tenants erase CODE` for each")
    if begun:
        words = f"begun and not finished: {', '.join(begun)}"
        return Finding("erasures", "warning", words, "run `anamnesis erase --tenant T` for each")
    return Finding("erasures", "ok", "none is unfinished")


def _graph(installation: Installation) -> Finding:
    own, tenants = installation.medical, installation.tenants.all()
    old = [
        each.code for each in tenants
        if outdated(each.tenant_id, own.facts, own.graph, own.version_of(each.tenant_id))
    ]  # fmt: skip
    if old:
        words = f"made by an older version or terminology: {', '.join(old)}"
        advice = "`anamnesis serve` makes it anew while it is quiet; `anamnesis graph rebuild` now"
        return Finding("graph", "warning", words, advice)
    return Finding("graph", "ok", f"{plural(len(tenants), 'tenant')}, made as it is made now")


_CHECKS: dict[str, Callable[[Installation], Finding]] = {
    "python": _python,
    "settings": settings_finding,
    "home": _home,
    "secrets": _secrets,
    "database": _database,
    "durability": _durability,
    "encoder": _encoder,
    "vectors": vectors_finding,
    "coarse scan": coarse_finding,
    "words": words_finding,
    "dates": dates_finding,
    "terminology": _terminology,
    "language": language_finding,
    "pages": _pages,
    "followers": _followers,
    "erasures": _erasures,
    "graph": _graph,
}
