"""Who may sign in: accounts, what they hold, and the pages that were answered to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from indexing.access import Role
from indexing.model import TenantId
from indexing.ports import Derived


@dataclass(frozen=True, slots=True)
class Account:
    """One person's or interface's account in one tenant, as a lookup found it.

    `created_at` and `seen_at` are the session's or token's where one was looked up.
    """

    tenant_id: TenantId
    tenant_code: str
    tenant_name: str
    demo: bool
    time_zone: str
    user_id: str
    name: str
    roles: frozenset[Role]
    labels: frozenset[str]
    password_hash: str | None
    created_at: datetime
    seen_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class AccountSummary:
    """An account as a listing shows it."""

    user_id: str
    name: str
    roles: tuple[str, ...]
    disabled: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class FrozenPage:
    """An answer as it was given; `question` and `answer` are JSON objects of the app's own."""

    page_id: str
    created_at: datetime
    expires_at: datetime
    question: Mapping[str, Any]
    answer: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class OpenedPage:
    """A slice of a frozen page, `start` hits in; `depth` counts all its hits.

    `notes` holds, by doc_id, the notes of the slice that are live and open now, as they read now:
    a hit that is absent there must not be shown.
    """

    page: FrozenPage
    hits: Sequence[Mapping[str, Any]]
    start: int
    depth: int
    notes: Mapping[str, Derived]
