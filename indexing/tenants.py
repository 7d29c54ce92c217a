"""The port to the registry of tenants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from indexing.model import Tenant


class Tenants(Protocol):
    """Tenants by code; the code is what commands and logins say, the id what rows carry."""

    def create(self, tenant: Tenant) -> None:
        """Add a tenant with its partitions.

        Raises:
            Conflict: the code is taken.
        """
        ...

    def by_code(self, code: str) -> Tenant:
        """Return the active tenant of that code.

        Raises:
            NotFound: there is none.
            TenantErased: it is being erased, or was.
        """
        ...

    def all(self) -> Sequence[Tenant]:
        """Return those that are not being erased."""
        ...
