"""What the HTTP edge needs of an installation, gathered once at start."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Protocol

from app.auth.passwords import Passwords
from app.comparing import Comparing
from app.index_status import Shown
from app.series_wiring import intake_of
from app.settings import Settings
from app.wiring import Installation
from indexing.access import Access
from indexing.backends.postgres.accounts import PostgresAccounts
from indexing.backends.postgres.books import PostgresBooks
from indexing.backends.postgres.candidates import PostgresCandidates
from indexing.backends.postgres.charts import PostgresCharts
from indexing.backends.postgres.cohorts import PostgresCohorts
from indexing.backends.postgres.documents import PostgresDocuments
from indexing.backends.postgres.features import PostgresFeatures
from indexing.backends.postgres.fhir_search import PostgresFhirSearch
from indexing.backends.postgres.frozen import PostgresFrozenPages
from indexing.backends.postgres.identities import PostgresIdentities
from indexing.backends.postgres.trail import PostgresTrail
from indexing.backends.postgres.watched import WatchedVitals
from indexing.hidden import Hider
from indexing.model import TenantId
from indexing.ports import Derived
from indexing.records import Records
from indexing.vitals.intake import Intake
from rankers.answer import Hit, Mark, SearchRequest, Sentence
from rankers.cohorts import Cohorts
from rankers.explain import Reasons
from rankers.knowledge import Knowledge, KnowledgeRequest
from rankers.medical import MedicalQuestions
from rankers.neighbours import Neighbours
from rankers.options import TreatmentOptions
from rankers.search import Found
from rankers.studies import NearStudy

if TYPE_CHECKING:
    from app.outlook import Outlook


class Searcher(Protocol):
    """The hybrid search, as the edge calls it."""

    def rank(self, access: Access, request: SearchRequest) -> Found: ...
    def describe(
        self, access: Access, request: SearchRequest, hits: Sequence[Hit],
        notes: Mapping[str, Derived],
    ) -> tuple[Sequence[Hit], Sequence[Sentence]]: ...  # fmt: skip
    def why_not(self, access: Access, request: SearchRequest, doc_id: str) -> Reasons: ...
    def marks(
        self, request: SearchRequest, derived: Derived, passage: int | None
    ) -> Sequence[Mark]: ...


@dataclass(frozen=True, slots=True)
class Services:
    """`search()` may be slow the first time: the encoder loads then. `index_status(access,
    total)` says what each store holds, `hider(access)` de-identifies, `named(text)` says where the
    terminology's names stand, `versions(tenant)` are its terminology's and its annotations'."""

    settings: Settings
    pepper: str
    accounts: PostgresAccounts
    passwords: Passwords
    frozen: PostgresFrozenPages
    candidates: PostgresCandidates
    books: PostgresBooks
    charts: PostgresCharts
    trail: PostgresTrail
    records: Records
    documents: PostgresDocuments
    search: Callable[[], Searcher]
    index_status: Callable[[Access, int], Shown]
    identities: PostgresIdentities
    fhir: PostgresFhirSearch
    features: PostgresFeatures
    neighbours: Neighbours
    medical: Callable[[TenantId], MedicalQuestions]
    medical_complete_to: Callable[[], datetime | None]
    cohorts: Cohorts
    cohort_store: PostgresCohorts
    versions: Callable[[TenantId], tuple[str, str]]
    hider: Callable[[Access], Hider]
    vitals: WatchedVitals
    intake: Intake
    knowledge: Callable[[TenantId, KnowledgeRequest], Knowledge]
    studies: Callable[[Access, str, int], Sequence[NearStudy]]
    named: Callable[[str], Sequence[tuple[int, int]]]
    options: TreatmentOptions
    outlook: Callable[[Access], Outlook]


def services_of(installation: Installation) -> Services:
    """Gather the services of an installation."""
    database, settings = installation.database, installation.settings
    pages = PostgresFrozenPages(database, timedelta(seconds=settings.page_ttl_s))
    return Services(
        settings=settings,
        pepper=installation.secrets.pepper,
        accounts=PostgresAccounts(database),
        passwords=Passwords(),
        frozen=pages,
        candidates=PostgresCandidates(database, pages),
        books=PostgresBooks(database, pages),
        charts=PostgresCharts(database),
        trail=PostgresTrail(database),
        records=installation.records,
        documents=installation.documents,
        search=installation.searcher,
        index_status=_comparing(installation).status,
        identities=PostgresIdentities(database),
        medical=lambda own: installation.medical.current(own).questions,
        medical_complete_to=installation.medical.facts.complete_to,
        fhir=PostgresFhirSearch(database, timedelta(seconds=settings.page_ttl_s)),
        features=installation.patients.features,
        neighbours=installation.patients.neighbours,
        cohorts=installation.patients.cohorts,
        cohort_store=PostgresCohorts(database),
        versions=partial(_versions, installation),
        hider=installation.hider,
        vitals=WatchedVitals(installation.vitals, database),
        intake=intake_of(installation),
        knowledge=installation.knowledge,
        studies=installation.research.near,
        named=lambda text: [(span.start, span.end) for span in installation.matcher.find(text)],
        options=installation.medical.treatments,
        outlook=partial(_outlook, installation),
    )


def _comparing(installation: Installation) -> Comparing:
    comparing = Comparing(installation)
    installation.letting_go.append(comparing.let_go)
    return comparing


def _versions(installation: Installation, tenant_id: TenantId) -> tuple[str, str]:
    own = installation.terminology_version_of(tenant_id)
    return own, installation.language_version_of(tenant_id)


def _outlook(installation: Installation, access: Access) -> Outlook:
    """Return the outcome models of whoever asks; loaded when first asked."""
    from app.outlook import Outlook

    return Outlook(installation, access)
