"""What can be wrong with input, and where: file, line, entry, path, offset; never a value."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from indexing.errors import InvalidInput

Severity = Literal["fatal", "error", "warning", "information"]


@dataclass(frozen=True, slots=True)
class Issue:
    """Something to show beside a resource; `path` is a FHIRPath such as `Patient.birthDate`."""

    path: str
    severity: Severity
    reason: str


@dataclass(frozen=True, slots=True)
class Where:
    """A place in the input. `line` counts from 1, `entry` from 0, `offset` is in bytes."""

    file: str = ""
    line: int | None = None
    entry: int | None = None
    path: str = ""
    offset: int | None = None

    def __str__(self) -> str:
        parts = [
            self.file,
            f"line {self.line}" if self.line is not None else "",
            f"entry {self.entry}" if self.entry is not None else "",
            self.path,
            f"byte {self.offset}" if self.offset is not None else "",
        ]
        return ", ".join(part for part in parts if part)


class Unusable(InvalidInput):
    """This input cannot be stored or identified safely; `reason` quotes no value of it."""

    def __init__(self, reason: str, where: Where | None = None) -> None:
        self.reason = reason
        self.where = where or Where()
        place = str(self.where)
        super().__init__(f"{place}: {reason}" if place else reason)

    def __reduce__(self) -> tuple[type[Unusable], tuple[str, Where]]:
        return type(self), (self.reason, self.where)

    def at(self, **place: object) -> Unusable:
        """Return this fault with more of its place known."""
        return type(self)(self.reason, replace(self.where, **place))  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Rejected:
    """One resource, row or file that was not taken; goes to the rejects file."""

    where: Where
    reason: str
    resource_type: str = ""
    resource_id: str = ""
    # Source: hl7.org/fhir/R4/valueset-issue-type.html
    code: str = "processing"
