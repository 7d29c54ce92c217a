"""The status page's memory: stores are compared beside the page, which says of which moment."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from app.index_status import Compared, Shown, compared, told_of, uncompared
from app.wiring import Installation
from indexing.access import Access
from indexing.model import TenantId

FEW = 1_000  # notes that are compared while the page waits: under a tenth of a second
AGAIN_S = 60.0  # a comparison that found everything equal is told so long
DIFFERING_S = 5.0  # one that did not: what was on its way at the time is there by now


@dataclass(slots=True)
class _Last:
    """A tenant's newest comparison, when it ended, and the one under way."""

    found: Compared | None = None
    ended: float = 0.0
    running: Future[tuple[Compared, float]] | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


class Comparing:
    """Tells what the stores held when they were last compared, and compares again where that was
    a while ago; one comparison at a time, whoever asks."""

    def __init__(
        self,
        installation: Installation,
        few: int = FEW,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._installation, self._few, self._clock = installation, few, clock
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="compare")
        self._last: dict[TenantId, _Last] = {}

    def status(self, access: Access, total: int) -> Shown:
        """Return what `index status` does, of a moment that `compared_at` tells; None there where
        the first comparison of many notes has only begun; `comparing` says that another one is
        under way. `total` counts the tenant's notes, whoever may read them."""
        if total <= self._few:
            found, under_way = compared(self._installation, access.tenant_id), False
        else:
            found, under_way = self._newest(access.tenant_id)
        return told_of(self._installation, access, found) | {"comparing": under_way}

    def let_go(self, tenant_id: TenantId) -> None:
        """Remember nothing of a tenant's notes."""
        self._last.pop(tenant_id, None)

    def _newest(self, tenant_id: TenantId) -> tuple[Compared, bool]:
        last = self._last.setdefault(tenant_id, _Last())
        with last.lock:
            if last.running is not None and last.running.done():
                done, last.running = last.running, None
                last.found, last.ended = done.result()
            if last.running is None and self._old(last):
                last.running = self._pool.submit(self._compared, tenant_id)
            found, under_way = last.found, last.running is not None
        found = uncompared(self._installation, tenant_id) if found is None else found
        return found, under_way

    def _compared(self, tenant_id: TenantId) -> tuple[Compared, float]:
        return compared(self._installation, tenant_id), self._clock()

    def _old(self, last: _Last) -> bool:
        if last.found is None:
            return True
        return self._clock() - last.ended > (AGAIN_S if last.found.equal else DIFFERING_S)
