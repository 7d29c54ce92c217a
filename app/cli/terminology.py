"""`anamnesis terminology load` and `anamnesis concepts`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from app.cli.output import print_json, stderr
from indexing.errors import ConfigurationError
from indexing.language.terminology import Terminology, load, open_terminology
from indexing.language.terminology.specialties import SPECIALTIES, of_specialty

_SHOWN = 20  # concepts, and rejects on the terminal
_SOUGHT = 400  # concepts looked at before the specialty is asked for


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


def concepts_command(home: Path, query: str, specialty: str | None, json_out: bool) -> int:
    """Find concepts by name: exact, then by words, then by spelling.

    Raises: ConfigurationError for an unknown specialty.
    """
    if specialty is not None and specialty.casefold() not in SPECIALTIES:
        raise ConfigurationError(
            "unknown specialty", hint=f"known: {', '.join(sorted(SPECIALTIES))}"
        )
    terminology = open_terminology(home)
    found = terminology.search(query, _SHOWN if specialty is None else _SOUGHT)
    if specialty is not None:
        found = [f for f in found if of_specialty(terminology, f[0], specialty.casefold())]
    rows = [_row(terminology, concept, score) for concept, score in found[:_SHOWN]]
    if json_out:
        print_json({"version": terminology.version, "concepts": rows})
    else:
        for row in rows:
            print(f"{row['score']:.2f}  {row['id']}  {row['name']} ({row['type']})")
    return 0


def _row(terminology: Terminology, concept_id: str, score: float) -> dict[str, object]:
    concept = terminology.concept(concept_id)
    return {
        "id": concept.id,
        "name": concept.name,
        "type": concept.semantic_type.value,
        "score": round(score, 4),
        "codes": [f"{code.system}:{code.code}" for code in concept.codes],
        "names": [{"text": n.text, "kind": n.kind.value} for n in terminology.names(concept_id)],
        "parents": [terminology.concept(p).name for p in terminology.parents(concept_id)],
    }
