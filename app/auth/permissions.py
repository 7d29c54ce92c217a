"""Which role may do what: one table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

from indexing.access import Role, hides


class Permission(StrEnum):
    """What a route asks for."""

    SEARCH = "search the notes"
    NOTE = "open notes"
    CHART = "open patients' charts"
    RESOURCE_READ = "read resources"
    RESOURCE_WRITE = "write resources"
    STATUS = "see the state of the indexes"
    AUDIT = "read the audit trail"
    METRICS = "read the metrics"
    LAB = "use the relevance lab"


_READING = frozenset({Permission.SEARCH, Permission.NOTE, Permission.CHART, Permission.STATUS})

PERMISSIONS: Mapping[Role, frozenset[Permission]] = {
    Role.CLINICIAN: _READING | {Permission.RESOURCE_READ, Permission.RESOURCE_WRITE},
    Role.RESEARCHER: _READING,
    Role.RELEVANCE: frozenset(
        {Permission.SEARCH, Permission.NOTE, Permission.STATUS, Permission.LAB}
    ),
    Role.PRIVACY: frozenset({Permission.AUDIT, Permission.STATUS}),
    Role.ADMIN: frozenset(
        {
            Permission.RESOURCE_READ,
            Permission.RESOURCE_WRITE,
            Permission.STATUS,
            Permission.METRICS,
        }
    ),
}

# HL7 v3 PurposeOfUse of each role; of several roles the first here speaks.
# Source: terminology.hl7.org/ValueSet/v3-PurposeOfUse
_PURPOSES: tuple[tuple[Role, str], ...] = (
    (Role.CLINICIAN, "TREAT"),
    (Role.RESEARCHER, "HRESCH"),
    (Role.PRIVACY, "HCOMPL"),
    (Role.RELEVANCE, "HQUALIMP"),
    (Role.ADMIN, "HSYSADMIN"),
)


def permissions(roles: Iterable[Role]) -> frozenset[Permission]:
    """Return everything that any of the roles may do. Resources cannot be de-identified: who sees
    notes so, whatever other role gives it, does not read them."""
    held = frozenset(roles)
    allowed = frozenset[Permission]().union(*(PERMISSIONS[role] for role in held))
    return allowed - {Permission.RESOURCE_READ} if hides(held) else allowed


def purpose(roles: frozenset[Role]) -> str:
    """Return the purpose of use that the roles imply."""
    return next((code for role, code in _PURPOSES if role in roles), "TREAT")
