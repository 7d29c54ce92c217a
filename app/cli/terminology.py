"""`anamnesis terminology load` and `anamnesis concepts`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from app.cli.output import print_json, progress, stderr
from app.wiring import Installation
from indexing.errors import ConfigurationError, EngineUnavailable
from indexing.language.linking import Linker
from indexing.language.terminology import Terminology, load
from indexing.language.terminology.specialties import SPECIALTIES, of_specialty
from rankers.knowledge import Meanings

_SHOWN = 20  # concepts, and rejects on the terminal
_SOUGHT = 400  # concepts looked at before the specialty is asked for
_GROW_S = 15.0  # spent on vectors of names by one call


def load_command(home: Path, paths: Sequence[Path], format_name: str | None, json_out: bool) -> int:
    """Load terminology files onto what is loaded. Returns 1 when some lines were rejected.

    Raises: ConfigurationError for a file of no known format; nothing is loaded then.
    """
    report = load(home, paths, format_name)
    answer = {
        "version": report.version,
        "concepts": report.concepts,
        "names": report.names,
        "edges": report.edges,
        "files": {path: dict(counts) for path, counts in report.files.items()},
        "rejected": len(report.rejects),
        "rejects": list(report.rejects),
    }
    if json_out:
        print_json(answer)
    else:
        for path, counts in report.files.items():
            print(f"{path}: {counts['format']}, {counts['facts']} facts")
        print(f"version {report.version}: {report.concepts} concepts, {report.names} names, "
              f"{report.edges} edges")  # fmt: skip
    for reject in report.rejects[:_SHOWN]:
        stderr.print(reject, markup=False)
    return 1 if report.rejects else 0


def concepts_command(
    installation: Installation, query: str, specialty: str | None, tenant: str | None,
    json_out: bool,
) -> int:  # fmt: skip
    """Find concepts by name (exact, then by words, then by spelling) and by meaning; with a tenant
    among what it added too.

    Raises: ConfigurationError for an unknown specialty, NotFound for an unknown tenant.
    """
    if specialty is not None and specialty.casefold() not in SPECIALTIES:
        raise ConfigurationError(
            "unknown specialty", hint=f"known: {', '.join(sorted(SPECIALTIES))}"
        )
    own = installation.terms.of(installation.tenants.by_code(tenant).tenant_id) if tenant else None
    grown(installation.linker)
    if own is not None:
        grown(own.own_linker)
    terms = own or installation.everybody
    terminology = terms.terminology
    sought = _SHOWN if specialty is None else _SOUGHT
    found = _found(terminology, terms.linker, query, sought)
    if specialty is not None:
        found = [f for f in found if of_specialty(terminology, f.concept_id, specialty.casefold())]
    rows = [_row(terminology, each) for each in found[:_SHOWN]]
    if json_out:
        print_json({"version": terminology.version, "concepts": rows})
    else:
        for row in rows:
            print(f"{row['score']:.2f}  {row['by']:<7}  {row['id']}  {row['name']} ({row['type']})")
    return 0


@dataclass(frozen=True, slots=True)
class _Found:
    """A concept, how well it fits, and by what it was found: name, meaning, both."""

    concept_id: str
    score: float
    by: str


def _found(terminology: Terminology, linker: Meanings, query: str, limit: int) -> list[_Found]:
    """Merge both ways: an exact name stands first, then the better of the two scores counts."""
    try:
        named = dict(linker.named(query, limit))
    except EngineUnavailable as exc:
        stderr.print(f"by words: not asked: {exc}", markup=False)
        named = dict.fromkeys(terminology.find(query), 1.0)
    try:
        near = {each.concept_id: each.cosine for each in linker.nearest(query, limit)}
    except EngineUnavailable as exc:
        stderr.print(f"by meaning: not asked: {exc}", markup=False)
        near = {}
    found = []
    for concept in {**named, **near}:
        by = "both" if concept in named and concept in near else "name"
        score = max(named.get(concept, 0.0), min(near.get(concept, 0.0), 0.99))
        found.append(_Found(concept, score, by if concept in named else "meaning"))
    return sorted(found, key=lambda each: -each.score)[:limit]


def grown(linker: Linker) -> Linker:
    """Make vectors of names for some seconds; what is made is kept, the next call goes on."""
    total, until = len(linker.names), time.monotonic() + _GROW_S
    with progress() as bar:
        task = bar.add_task("vectors of names", total=total, completed=linker.made)
        while time.monotonic() < until and (made := linker.grow(256)):
            bar.advance(task, made)
    if linker.made < total:
        stderr.print(f"by meaning: {linker.made} of {total} names so far; ask again for the rest")
    return linker


def _row(terminology: Terminology, found: _Found) -> dict[str, object]:
    concept = terminology.concept(found.concept_id)
    return {
        "id": concept.id,
        "name": concept.name,
        "type": concept.semantic_type.value,
        "score": round(found.score, 4),
        "by": found.by,
        "codes": [f"{code.system}:{code.code}" for code in concept.codes],
        "names": [{"text": n.text, "kind": n.kind.value} for n in terminology.names(concept.id)],
        "parents": [terminology.concept(p).name for p in terminology.parents(concept.id)],
    }
