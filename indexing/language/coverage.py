"""How much of a folder of public data the shipped seed covers: `python -m …coverage DIR`.

Counts only; prints no text of a note.
"""

from __future__ import annotations

import gzip
import io
import re
import sys
import tarfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import zstandard

from indexing.language.matcher import Matcher
from indexing.language.terminology import Terminology, open_terminology

_WINDOW = 1 << 31  # bytes: the patients' archive is packed with a long window
_CODED = {
    "Condition": "code",
    "Procedure": "code",
    "Observation": "code",
    "MedicationRequest": "medicationCodeableConcept",
}


def lines(path: Path) -> Iterator[Any]:
    """Yield the objects of a gzipped JSON-lines file; none when it is absent."""
    if path.is_file():
        with gzip.open(path, "rt", encoding="utf-8") as stream:
            for line in stream:
                yield orjson.loads(line)


def notes(matcher: Matcher, folder: Path) -> dict[str, float]:
    """Measure how densely the notes are covered."""
    texts = [row["text"] for row in lines(folder / "benchmarks/mtsamples-lay/corpus.jsonl.gz")]
    found = [matcher.find(text) for text in texts]
    words = sum(len(re.findall(r"\w+", text)) for text in texts)
    mentions = sum(map(len, found))
    return {
        "notes": len(texts),
        "notes_with_5_concepts": sum(len({s.concept_id for s in f}) >= 5 for f in found),
        "mentions_per_100_words": round(100 * mentions / max(words, 1), 2),
        "distinct_concepts": len({s.concept_id for f in found for s in f}),
    }


def lay(terminology: Terminology, folder: Path) -> dict[str, float]:
    """Measure how many lay queries and clinical labels of the benchmark are names, and whether
    they name one concept."""
    rows = list(lines(folder / "benchmarks/mtsamples-lay/queries.jsonl.gz"))
    queries = [set(terminology.find(row["text"])) for row in rows]
    labels = [set(terminology.find(row["label"])) for row in rows]
    return {
        "queries": len(rows),
        "query_is_a_name": sum(map(bool, queries)),
        "label_is_a_name": sum(map(bool, labels)),
        "same_concept": sum(bool(q & label) for q, label in zip(queries, labels, strict=True)),
    }


def coded(terminology: Terminology, matcher: Matcher, folder: Path) -> dict[str, dict[str, float]]:
    """Measure, by resource type, the share of distinct codes (and of their uses) that are known."""
    uses: dict[str, Counter[tuple[str, str]]] = {kind: Counter() for kind in _CODED}
    for resource in _resources(folder / "patients/synthea_r4_500.tar.zst"):
        kind = resource["resourceType"]
        if kind in _CODED and _CODED[kind] in resource:
            for coding in resource[_CODED[kind]].get("coding", ())[:1]:
                uses[kind][coding.get("code", ""), coding.get("display", "")] += 1
    return {kind: _known(terminology, matcher, counts) for kind, counts in uses.items()}


def _known(
    terminology: Terminology, matcher: Matcher, counts: Counter[tuple[str, str]]
) -> dict[str, float]:
    systems = ("SNOMED", "RXNORM", "LOINC")
    exact = {
        key: any(terminology.by_code(system, key[0]) for system in systems)
        or bool(terminology.find(re.sub(r"\s*\([a-z ]+\)$", "", key[1])))
        for key in counts
    }
    inside = {key: exact[key] or bool(matcher.find(key[1])) for key in counts}
    total = max(sum(counts.values()), 1)
    return {
        "codes": len(counts),
        "known_by_code_or_name": sum(exact.values()),
        "share_of_uses": round(sum(n for k, n in counts.items() if exact[k]) / total, 3),
        "holds_a_known_name": sum(inside.values()),
    }


def _resources(archive: Path) -> Iterator[Any]:
    if not archive.is_file():
        return
    unpacker = zstandard.ZstdDecompressor(max_window_size=_WINDOW)
    with (
        archive.open("rb") as packed,
        unpacker.stream_reader(packed) as stream,
        tarfile.open(fileobj=io.BufferedReader(stream), mode="r|") as tar,
    ):
        for member in tar:
            part = tar.extractfile(member) if member.isfile() else None
            if part is not None and member.name.endswith(".json"):
                for entry in orjson.loads(part.read()).get("entry", ()):
                    yield entry["resource"]


def main(folder: Path, home: Path | None = None) -> None:
    """Print what the seed (or the terminology loaded at `home`) covers of the data in `folder`."""
    terminology = open_terminology(home)
    matcher = Matcher(terminology)
    names = len(terminology.compiled.name_texts)
    report = {
        "version": terminology.version,
        "concepts": len(terminology),
        "names": names,
        "notes": notes(matcher, folder),
        "lay": lay(terminology, folder),
        "patients": coded(terminology, matcher, folder),
    }
    sys.stdout.write(orjson.dumps(report, option=orjson.OPT_INDENT_2).decode() + "\n")


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: python -m indexing.language.coverage DIR [HOME]")
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) == 3 else None)
