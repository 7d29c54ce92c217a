"""Tenants that were erased: what a process that goes on kept of them in memory, it lets go."""

from __future__ import annotations

import gc
import logging
from collections import Counter

from app.looking import Looking
from app.wiring import Installation
from indexing.errors import AnamnesisError
from indexing.model import TenantId

_log = logging.getLogger("anamnesis.erase")
_LOOK_EVERY_S = 5.0
_ROUNDS = 3


def let_go(installation: Installation, tenant_id: TenantId) -> None:
    """Keep nothing of a tenant: vectors, graphs, words, features, terms. What was never built in
    this process holds nothing."""
    built = installation.__dict__
    for leg in ("lexical", "vector", "graph"):
        if leg in built:
            built[leg].let_go(tenant_id)
    if "terms" in built:
        installation.terms.let_go(tenant_id)
    if "medical" in built:
        installation.medical.made_by.pop(tenant_id, None)
    if "patients" in built:
        installation.patients.let_go(tenant_id)
    for each in installation.letting_go:
        each(tenant_id)


def let_go_of_erased(installation: Installation, rounds: Counter[TenantId]) -> None:
    """Keep nothing of any tenant that is being erased, or was, and count how often for each.

    Several times: a question that was under way may have brought something back. What is left of
    one is then looked for, as files stay open on the disk while anything refers to them.

    Raises: whatever kept one of them here, once the others are gone; it is tried again.
    """
    gone = [own for own in installation.tenants.erased() if rounds[own] < _ROUNDS]
    failed: Exception | None = None
    for tenant_id in gone:
        try:
            let_go(installation, tenant_id)
        except Exception as exc:  # noqa: BLE001  # one that is not let go of keeps no other here
            failed = exc
        else:
            rounds[tenant_id] += 1
    if gone:
        gc.collect()
    if failed is not None:
        raise failed


class LettingGo(Looking):
    """Looks at the register every few seconds, while a process serves or follows."""

    def __init__(self, installation: Installation) -> None:
        super().__init__("letting-go", _LOOK_EVERY_S)
        self._installation = installation
        self._rounds: Counter[TenantId] = Counter()

    def look(self) -> None:
        """Let go of what was erased, as far as it can be told now."""
        try:
            let_go_of_erased(self._installation, self._rounds)
        except AnamnesisError:
            return  # the database is away: the next look finds it again
        except Exception as exc:  # noqa: BLE001
            # Who stops looking keeps what was erased for good. Its words may quote a patient.
            _log.error("erased tenants were not let go of: %s", type(exc).__name__)
