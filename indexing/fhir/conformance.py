"""Measure the validator: `python -m indexing.fhir.conformance DATA [--bundles N]`.

DATA holds `fhir-r4/` (validator cases with the reference validator's verdict, official examples,
primitive literals) and `patients/` (Synthea bundles). Prints agreement, false errors and speed.
"""

from __future__ import annotations

import argparse
import gzip
import json
import tarfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import zstandard

from indexing.fhir.faults import Unusable
from indexing.fhir.primitives import CHECKS
from indexing.fhir.reading import parse
from indexing.fhir.validate import check

# Cases of these modules judge other services: terminology, snapshots, signatures, CDS Hooks, ...
OTHER_MODULES = frozenset(
    "tx tx-advanced cdshooks matchetype api sd dsig json5 xver".split()  # as the suite names them
)


@dataclass(frozen=True, slots=True)
class Agreement:
    """How often two judges said the same; `misses` names where they did not."""

    agreed: int
    total: int
    misses: tuple[str, ...]

    @property
    def share(self) -> float:
        return self.agreed / self.total if self.total else 0.0


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def errors_of(text: bytes) -> list[str]:
    """The errors of one file, as "path: reason"; one for text that is no JSON object."""
    try:
        resource = parse(text)
    except Unusable as fault:
        return [fault.reason]
    return [f"{i.path}: {i.reason}" for i in check(resource).issues if i.severity == "error"]


def cases(folder: Path) -> Agreement:
    """Error or no error, against the reference validator, on the cases that base R4 decides."""
    agreed, misses = 0, []
    total = 0
    for case in _lines(folder / "validator_cases.jsonl.gz"):
        if case["needs_packages"] or case["needs_profiles"] or case["module"] in OTHER_MODULES:
            continue
        total += 1
        found = errors_of(case["json"].encode())
        if bool(found) == bool(case["errors"]):
            agreed += 1
        else:
            misses.append(f"{case['name']}: reference {case['errors']}, here {len(found)} errors")
    return Agreement(agreed, total, tuple(misses))


def examples(folder: Path) -> Agreement:
    """Official examples without an error."""
    agreed, total, misses = 0, 0, []
    for row in _lines(folder / "examples_r4.jsonl.gz"):
        total += 1
        found = errors_of(json.dumps(row["resource"], ensure_ascii=False).encode())
        if found:
            misses.append(f"{row['file']}: {found[0]}")
        else:
            agreed += 1
    return Agreement(agreed, total, tuple(misses))


def primitive_literals(folder: Path) -> Agreement:
    """Valid and invalid literals of the primitive types, and of Reference."""
    agreed, total, misses = 0, 0, []
    for row in _lines(folder / "primitives_valid_invalid.jsonl.gz"):
        total += 1
        if literal_is_valid(row["type"], row["json"]) == (row["expect"] == "valid"):
            agreed += 1
        else:
            misses.append(f"{row['type']}: expected {row['expect']}")
    return Agreement(agreed, total, tuple(misses))


def literal_is_valid(snake_name: str, literal: str) -> bool:
    """Judge one literal; null is an absent value, which only xhtml does not have."""
    first, *rest = snake_name.split("_")
    kind = first + "".join(word.title() for word in rest)
    try:
        value = parse(f'{{"value": {literal}}}'.encode())["value"]
    except Unusable:
        return False
    if kind == "reference":
        basic = {"resourceType": "Basic", "code": {"text": "x"}, "subject": value}
        contained = {"resourceType": "Patient", "id": "p1"}
        if value.get("reference", "").startswith("#"):
            basic["contained"] = [contained]
        return check(basic).valid
    if value is None:
        return kind != "xhtml"
    return CHECKS[kind](value) is None


def synthea(path: Path) -> Iterator[bytes]:
    """The bundles in a tar packed by zstd with a long window."""
    reader = zstandard.ZstdDecompressor(max_window_size=2**27)
    with (
        path.open("rb") as packed,
        reader.stream_reader(packed) as plain,
        tarfile.open(fileobj=plain, mode="r|") as tar,
    ):
        for member in tar:
            file = tar.extractfile(member) if member.name.endswith(".json") else None
            if file is not None:
                yield file.read()


def speed(bundles: Iterator[bytes]) -> tuple[int, float, Counter[str]]:
    """Check each entry by itself: resources, CPU seconds in the validator, errors by reason."""
    count, seconds = 0, 0.0
    errors: Counter[str] = Counter()
    for data in bundles:
        resources = [entry["resource"] for entry in parse(data).get("entry", [])]
        start = time.process_time()
        checked = [check(resource) for resource in resources]
        seconds += time.process_time() - start
        count += len(resources)
        errors.update(i.reason for c in checked for i in c.issues if i.severity == "error")
    return count, seconds, errors


def main() -> int:
    """Print the figures that the README cites."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--bundles", type=int, default=50, help="Synthea bundles to time")
    arguments = parser.parse_args()
    folder = arguments.data / "fhir-r4"
    for name, judge in (
        ("same verdict as the reference validator", cases),
        ("official examples without an error", examples),
        ("primitive literals judged right", primitive_literals),
    ):
        found = judge(folder)
        print(f"{name}: {found.agreed} of {found.total} ({found.share:.1%})")
        for miss in found.misses:
            print(f"    {miss}")
    packed = synthea(arguments.data / "patients" / "synthea_r4_500.tar.zst")
    count, seconds, errors = speed(islice(packed, arguments.bundles))
    print(f"Synthea: {count:,} resources, {sum(errors.values())} errors, {count / seconds:,.0f}/s")
    for reason, times in errors.most_common(10):
        print(f"    {times} x {reason}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
