"""What the HTTP edge needs of an installation, gathered once at start."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from app.auth.passwords import Passwords
from app.settings import Settings
from app.wiring import Installation
from indexing.backends.postgres.accounts import PostgresAccounts
from indexing.backends.postgres.charts import PostgresCharts
from indexing.backends.postgres.frozen import PostgresFrozenPages
from indexing.backends.postgres.trail import PostgresTrail
from indexing.records import Records
from rankers.search import Search


@dataclass(frozen=True, slots=True)
class Services:
    """`search` is called once per question: it may be slow to build the first time."""

    settings: Settings
    pepper: str
    accounts: PostgresAccounts
    passwords: Passwords
    frozen: PostgresFrozenPages
    charts: PostgresCharts
    trail: PostgresTrail
    records: Records
    search: Callable[[], Search]


def services_of(installation: Installation) -> Services:
    """Gather the services of an installation."""
    database, settings = installation.database, installation.settings
    return Services(
        settings=settings,
        pepper=installation.secrets.pepper,
        accounts=PostgresAccounts(database),
        passwords=Passwords(),
        frozen=PostgresFrozenPages(database, timedelta(seconds=settings.page_ttl_s)),
        charts=PostgresCharts(database),
        trail=PostgresTrail(database),
        records=installation.records,
        search=lambda: installation.search,
    )
