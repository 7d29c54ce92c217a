"""`anamnesis validate`: say of every resource in some files whether it is valid R4."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from indexing.fhir.faults import Rejected, Unusable
from indexing.fhir.issues import Issue
from indexing.fhir.reading import parse
from indexing.fhir.sources import Source, read_sources
from indexing.fhir.validate import check

_ENTRY = re.compile(r"Bundle\.entry\[(\d+)\]\.resource\b(.*)", re.DOTALL).fullmatch


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is said of one resource, of a Bundle itself, or of a file that cannot be read.

    `entry` is None for a whole file, the index in `Bundle.entry` for a resource inside one, and
    the line (from 1) for all that stands on a line of NDJSON.
    """

    file: str
    entry: int | None
    issues: tuple[Issue, ...]

    @property
    def valid(self) -> bool:
        return all(issue.severity != "error" for issue in self.issues)

    def as_json(self) -> bytes:
        issues = [{"path": i.path, "severity": i.severity, "reason": i.reason} for i in self.issues]
        row = {"file": self.file, "entry": self.entry, "valid": self.valid, "issues": issues}
        return orjson.dumps(row)

    def as_text(self) -> str:
        place = self.file if self.entry is None else f"{self.file} [{self.entry}]"
        lines = [f"{place}: {'valid' if self.valid else 'INVALID'}"]
        lines += [f"  {i.severity} at {i.path or 'the start'}: {i.reason}" for i in self.issues]
        return "\n".join(lines)


def validate_command(paths: list[Path], json_out: bool) -> int:
    """Print one verdict a line; 0 = all valid, 1 = some are not, 2 = nothing to validate."""
    if not paths:
        print("validate needs at least one file or folder", file=sys.stderr)
        return 2
    all_valid = True
    for verdict in verdicts(read_sources(paths)):
        all_valid &= verdict.valid
        if json_out:
            sys.stdout.write(verdict.as_json().decode() + "\n")
        else:
            print(verdict.as_text())
    return 0 if all_valid else 1


def verdicts(sources: Iterable[Source | Rejected]) -> Iterator[Verdict]:
    """Judge everything that was found, in order."""
    for source in sources:
        if isinstance(source, Rejected):
            where = source.where
            issue = Issue("error", "invalid", where.path, source.reason)
            yield Verdict(where.file, where.line, (issue,))
            continue
        try:
            resource = parse(source.data)
        except Unusable as fault:
            issue = Issue("error", "invalid", fault.where.path, fault.reason)
            yield Verdict(source.file, source.line, (issue,))
            continue
        yield from judge(source.file, source.line, resource)


def judge(file: str, line: int | None, resource: dict[str, Any]) -> Iterator[Verdict]:
    """Judge one resource; a Bundle first by itself, then each resource in it.

    A Bundle with an invalid resource is invalid too: its own verdict names the entry, the
    resource's verdict says what is wrong.
    """
    issues = check(resource).issues
    rows = resource.get("entry")
    if resource.get("resourceType") != "Bundle" or not isinstance(rows, list):
        yield Verdict(file, line, issues)
        return
    own: list[Issue] = []
    inner: dict[int, list[Issue]] = {}
    for issue in issues:
        match = _ENTRY(issue.path)
        if match is None:
            own.append(issue)
        else:
            inner.setdefault(int(match[1]), []).append(_moved(issue, rows, match))
    for index, found in inner.items():
        if any(issue.severity == "error" for issue in found):
            path = f"Bundle.entry[{index}].resource"
            own.append(Issue("error", "invalid", path, "this resource has errors of its own"))
    yield Verdict(file, line, tuple(own))
    for index, row in enumerate(rows):
        if isinstance(row, dict) and "resource" in row:
            entry = index if line is None else line
            yield Verdict(file, entry, tuple(inner.get(index, ())))


def _moved(issue: Issue, rows: list[Any], match: re.Match[str]) -> Issue:
    """The issue with its path seen from the entry's resource."""
    row = rows[int(match[1])]["resource"]
    kind = row.get("resourceType") if isinstance(row, dict) else None
    name = kind if isinstance(kind, str) and kind.isidentifier() else "Resource"
    return Issue(issue.severity, issue.code, name + match[2], issue.reason)
