"""Where engines meet settings: one `match` per port, everything built when first used."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache, cached_property, partial
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, assert_never
from zoneinfo import ZoneInfo

from app.engines import told
from app.language_wiring import LanguageWiring
from app.medical_wiring import MedicalWiring
from app.settings import Settings
from indexing.access import Access
from indexing.backends.postgres.connect import Database
from indexing.backends.postgres.derived import PostgresDerived
from indexing.backends.postgres.documents import PostgresDocuments
from indexing.backends.postgres.epochs import PostgresEpochs
from indexing.backends.postgres.feed import PostgresFeed
from indexing.backends.postgres.installation import Conninfos, Secrets, load_secrets, prepare
from indexing.backends.postgres.places import PostgresPlaces
from indexing.backends.postgres.records import PostgresRecords
from indexing.backends.postgres.tenants import PostgresTenants, own_zone
from indexing.derive import EmbedFollower, LanguageFollower
from indexing.erasure import marks_of
from indexing.follow import Follower, GraphFollower, LexicalFollower, VectorFollower
from indexing.follow_features import NoteFeatureFollower, RecordFeatureFollower
from indexing.model import TenantId
from indexing.ports import (
    Cache,
    Encoder,
    Reranker,
)
from indexing.routed import RoutedGraphIndex, RoutedLexicalIndex, RoutedVectorIndex
from indexing.vitals.store import VitalsStore

if TYPE_CHECKING:  # loaded when first used: a command that needs no search starts without it
    from app.medical_terms import MedicalTerms
    from app.patients_wiring import PatientsWiring
    from app.research_wiring import ResearchWiring
    from app.tenant_terms import TenantSearch
    from indexing.hidden import Hider, More
    from indexing.language.matcher import Matcher
    from indexing.language.terminology import Terminology
    from rankers.cached import CachedSearch
    from rankers.fusion import Share
    from rankers.knowledge import Knowledge, KnowledgeRequest
    from rankers.learned import Learned
    from rankers.search import Fusion, Search


_LOOK_AT_TERMINOLOGY_EVERY_S = 5.0


class Installation(LanguageWiring):
    """One home folder with its database; what is absent is created, migrated, started on use."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._looked_at = time.monotonic()
        self._serving = ""  # the name of the encoder that was opened
        # Who remembers something of a tenant, beside what is built here, is told when it leaves.
        self.letting_go: list[Callable[[TenantId], None]] = []

    @property
    def home(self) -> Path:
        """The folder that holds all embedded state."""
        return self.settings.home

    @cached_property
    def conninfos(self) -> Conninfos:
        """Connection strings, once the database is up and migrated."""
        url, direct = self.settings.database_url, self.settings.database_direct_url
        return prepare(self.home, told(url), told(direct))

    @cached_property
    def secrets(self) -> Secrets:
        """The installation's secrets."""
        _ = self.conninfos
        return load_secrets(self.home)

    @cached_property
    def database(self) -> Database:
        """The application's role."""
        return Database(self.conninfos.app, size=24, direct=self.conninfos.direct_app)

    @cached_property
    def feed_database(self) -> Database:
        """The role that reads the change feed."""
        own = self.conninfos
        return Database(own.feed, size=8, name="anamnesis-feed", direct=own.direct_feed)

    @cached_property
    def owner_database(self) -> Database:
        """The role that owns the schema: migrations and partitions."""
        return Database(self.conninfos.owner, size=2, name="anamnesis-owner")

    @cached_property
    def tenants(self) -> PostgresTenants:
        """The registry."""
        return PostgresTenants(self.database, self.feed_database, self.owner_database)

    @cache  # noqa: B019 - as long-lived as the process; a tenant's zone does not change
    def zone_of(self, tenant_id: TenantId) -> ZoneInfo:
        """Return a tenant's time zone, UTC for one that is not registered."""
        with self.database.tenant(tenant_id) as conn:
            return own_zone(conn)

    @cached_property
    def records(self) -> PostgresRecords:
        """The source of truth."""
        return PostgresRecords(self.database, marks_of(self.secrets.pepper))

    @cached_property
    def documents(self) -> PostgresDocuments:
        """Notes, read by access."""
        return PostgresDocuments(self.database)

    @cached_property
    def derived(self) -> PostgresDerived:
        """Notes with what was derived from them, for followers."""
        return PostgresDerived(self.database)

    @cached_property
    def places(self) -> PostgresPlaces:
        """Which engine serves each leg of a tenant."""
        return PostgresPlaces(self.database)

    @cached_property
    def feed(self) -> PostgresFeed:
        """The change feed."""
        return PostgresFeed(self.feed_database, self.database)

    def new_feed(self) -> PostgresFeed:
        """Return a feed with ears of its own, for one thread."""
        return PostgresFeed(self.feed_database, self.database)

    def hider(self, access: Access) -> Hider:
        """Return what de-identifies for a reader of a tenant."""
        from indexing.hidden import Hider
        from indexing.pseudonyms import Pseudonyms

        names = Pseudonyms(self.secrets.pepper, access.tenant_id)
        return Hider(names, ZoneInfo(access.time_zone), self._analyzer)

    @cached_property
    def _analyzer(self) -> More | None:
        match self.settings.deidentifier:
            case "rules":
                return None
            case "presidio":
                from indexing.language.presidio import analyzer

                return analyzer()
            case other:
                assert_never(other)

    @cached_property
    def encoder(self) -> Encoder:
        """Text to vectors."""
        match self.settings.encoder:
            case "onnx":
                from indexing.encoders import EncoderShelf, OnnxEncoder

                self._serving = EncoderShelf(self.home).serving()
                named = self.settings.encoder_folder
                folder = named or EncoderShelf(self.home).folder(self._serving)
                return OnnxEncoder(threads=self.settings.encoder_threads, folder=folder)
            case "sentence-transformers":
                from indexing.encoders import SentenceTransformersEncoder

                return SentenceTransformersEncoder(self.settings.model)
            case other:
                assert_never(other)

    def refresh_encoder(self) -> bool:
        """Open the encoder that serves now, when another was switched to; say whether it was."""
        from indexing.encoders import EncoderShelf

        own = self.settings
        if "encoder" not in self.__dict__ or own.encoder != "onnx" or own.encoder_folder:
            return False
        if EncoderShelf(self.home).serving() == self._serving:
            return False
        for name in ("encoder", "learned"):
            self.__dict__.pop(name, None)
        self.speak(self.terminology)
        self.vector_engine.cache_clear()  # a server's space is named by the model
        return True

    @cached_property
    def reranker(self) -> Reranker | None:
        """What reads the best hits again; None by default."""
        if not self.settings.reranker:
            return None
        from indexing.encoders import CrossEncoderReranker

        return CrossEncoderReranker(self.settings.reranker)

    @cached_property
    def lexical(self) -> RoutedLexicalIndex:
        """Full text."""
        return RoutedLexicalIndex(
            "lexical", self.settings.lexical, self.places, self.lexical_engine
        )

    @cached_property
    def vector(self) -> RoutedVectorIndex:
        """Nearest passages."""
        return RoutedVectorIndex("vector", self.settings.vector, self.places, self.vector_engine)

    @cached_property
    def fusion(self) -> Fusion:
        """The legs' scores into one, by the site's own shares where a file is named."""
        from rankers.fusion import SHARES, fuse

        return fuse if self.shares is SHARES else partial(fuse, shares=self.shares)

    @cached_property
    def shares(self) -> Mapping[str, Share]:
        """What each kind of question weighs: the site's own where a file is named."""
        from rankers.fusion import SHARES, read_shares

        return SHARES if self.settings.shares is None else read_shares(self.settings.shares)

    @cached_property
    def learned(self) -> Learned | None:
        """The learned ranker, where one is named."""
        if self.settings.learned is None:
            return None
        from rankers.learned import Learned

        return Learned(self.settings.learned, self.encoder)

    @cached_property
    def graph(self) -> RoutedGraphIndex:
        """Which notes mention which concepts."""
        return RoutedGraphIndex("graph", self.settings.graph, self.places, self.graph_engine)

    @cached_property
    def vitals(self) -> VitalsStore:
        """Series over time."""
        from app.series_wiring import vitals_of

        return vitals_of(self)

    def series_followers(self) -> Sequence[Follower]:
        """What keeps the series in step with the Observations, and predictions with what came."""
        from indexing.backends.postgres.fates import PostgresFates
        from indexing.backends.postgres.observed import PostgresObserved
        from indexing.outcomes import OutcomesFollower
        from indexing.vitals.observations import VitalsFollower

        return (
            VitalsFollower(PostgresObserved(self.database), self.vitals),
            OutcomesFollower(PostgresFates(self.database), self.vitals),
        )

    @cached_property
    def patients(self) -> PatientsWiring:
        """Similar patients and cohorts."""
        from app.patients_wiring import PatientsWiring

        return PatientsWiring(self)

    def search_over(self, terminology: Terminology, matcher: Matcher) -> Search:
        """Return the search: the same for the page, the API, the command and the evaluation."""
        from rankers.search import Search

        return Search(
            lexical=self.lexical,
            vector=self.vector,
            graph=self.graph,
            encoder=self.encoder,
            terminology=terminology,
            matcher=matcher,
            documents=self.documents,
            timeout_s=self.settings.leg_timeout_s,
            links=self.linker,
            reranker=self.reranker,
            passages=self.vector,
            learned=self.learned,
            fusion=self.fusion,
            shares=self.shares,
            least=getattr(self.encoder, "floor", None),
        )

    def medical_over(self, terminology: Terminology, matcher: Matcher) -> MedicalTerms:
        """Return what the medical graph and likeness make of a terminology."""
        return self.medical.over(terminology, matcher)

    @cached_property
    def cache(self) -> Cache | None:
        """Answers kept for a while; None by default."""
        match self.settings.cache:
            case "none":
                return None
            case "redis":
                from indexing.backends.redis.cache import RedisCache

                return RedisCache(self.redis, self.secrets.pepper)
            case other:
                assert_never(other)

    def searcher(self) -> TenantSearch | CachedSearch:
        """Return the search as the edge asks it: through the cache, where there is one."""
        from rankers.cached import CachedSearch

        search = self.current_search()
        if self.cache is None:
            return search
        version = f"{metadata.version('anamnesis')} {self.encoder.model}"
        learned = self.learned.lineage["created"] if self.learned is not None else ""
        own = f"{version} {self.settings.reranker} {self.settings.deidentifier} {learned}"
        if self.settings.shares is not None:
            own += f" {sorted(self.shares.items(), key=lambda each: each[0])} {self.fields}"
        return CachedSearch(search, self.cache, self.documents, self._epoch, own)

    def _epoch(self, tenant_id: TenantId) -> bytes:
        """Return what changes with a tenant's notes and with its terms."""
        terms = self.language_version_of(tenant_id)
        return PostgresEpochs(self.database).of(tenant_id) + terms.encode()

    def forget_answers(self, tenant_id: TenantId) -> None:
        """Empty the cache of a tenant, after a change that no event tells of."""
        if self.cache is not None:
            self.cache.forget(tenant_id)

    def knowledge(self, tenant_id: TenantId, request: KnowledgeRequest) -> Knowledge:
        """Answer a question of medical knowledge over a tenant's terms as they are loaded now."""
        from rankers import knowledge

        self.current_search()
        own = self.terms.of(tenant_id) or self.everybody
        return knowledge.search(own.terminology, own.linker, request)

    def current_search(self) -> TenantSearch:
        """Return the search over the terminology as it is loaded now; looks every few seconds.

        The encoder is looked at each time: a question of another model finds no vectors."""
        self.look_at_terminology()
        self.refresh_encoder()
        from app.tenant_terms import TenantSearch

        return TenantSearch(self.search, self.terms)

    def look_at_terminology(self) -> None:
        """Open another version of it that was loaded; looks every few seconds."""
        now = time.monotonic()
        if now - self._looked_at > _LOOK_AT_TERMINOLOGY_EVERY_S:
            self._looked_at = now
            self.refresh_terminology()

    @cached_property
    def medical(self) -> MedicalWiring:
        """The medical graph."""
        return MedicalWiring(self)

    def text_followers(self) -> Sequence[Follower]:
        """What makes a note findable by its words and concepts: quick, one after the other."""
        return (
            LanguageFollower(self.derived, self.annotate_for),
            LexicalFollower(self.derived, self.lexical),
            GraphFollower(self.derived, self.graph),
            NoteFeatureFollower(self.derived, self.patients.features),
            RecordFeatureFollower(self.patients.features),
        )

    def vector_followers(self) -> Sequence[Follower]:
        """What makes a note findable by its meaning: as slow as the model."""
        return (
            EmbedFollower(self.derived, self.encoder),
            VectorFollower(self.derived, self.vector, self.encoder, self.codes_of),
        )

    @cached_property
    def research(self) -> ResearchWiring:
        """The hospital's studies."""
        from app.research_wiring import ResearchWiring

        return ResearchWiring(self)

    def close(self) -> None:
        """Close the pools that were opened; the database server stays up."""
        for name in (
            "database",
            "feed_database",
            "owner_database",
            "opensearch",
            "weaviate",
            "neo4j",
            "redis",
            "influxdb",
        ):
            if name in self.__dict__:
                self.__dict__[name].close()
