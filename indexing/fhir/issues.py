"""What the validator reports, and how FHIR says it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from indexing.fhir.definitions import JsonObject

Severity = Literal["error", "warning", "information"]


@dataclass(frozen=True, slots=True)
class Issue:
    """One finding. `code` is from FHIR's issue-type; `path` like "Patient.name[0].given[1]".

    `reason` names the rule and the expected shape, never a value beyond a code or a type name.
    """

    severity: Severity
    code: str
    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Checked:
    """All findings, and those among them that forbid storing the resource."""

    issues: tuple[Issue, ...]
    unsafe: tuple[Issue, ...]

    @property
    def valid(self) -> bool:
        """True without errors; warnings do not count."""
        return all(issue.severity != "error" for issue in self.issues)


def operation_outcome(issues: Iterable[Issue]) -> JsonObject:
    """Put findings into an OperationOutcome; none at all becomes one `information`."""
    rows: list[object] = [
        {
            "severity": issue.severity,
            "code": issue.code,
            "diagnostics": issue.reason,
            "expression": [issue.path] if issue.path else [],
        }
        for issue in issues
    ]
    for row in rows:
        if isinstance(row, dict) and not row["expression"]:
            del row["expression"]  # FHIR has no empty arrays
    fine = {"severity": "information", "code": "informational", "diagnostics": "No issues found."}
    return {"resourceType": "OperationOutcome", "issue": rows or [fine]}
