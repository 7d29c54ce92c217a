"""The hospital's studies by meaning."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from indexing.access import Access
from indexing.backends.postgres.research import PostgresStudies
from indexing.ports import VectorIndex
from indexing.research import ResearchFollower
from indexing.spaces import RESEARCH
from rankers.studies import NearStudy, near

if TYPE_CHECKING:
    from app.wiring import Installation


class ResearchWiring:
    """Where the notes' vectors lie by the settings, and by the encoder that serves."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation

    @cached_property
    def studies(self) -> PostgresStudies:
        """The studies as stored."""
        return PostgresStudies(self._installation.database)

    @property
    def index(self) -> VectorIndex:
        """Their vectors."""
        own = self._installation
        model, dimension = own.encoder.model, own.encoder.dimension
        return own.space_engine(own.settings.vector, RESEARCH, model, dimension)

    @property
    def follower(self) -> ResearchFollower:
        """What keeps them in step."""
        return ResearchFollower(self.studies, self.index, self._installation.encoder)

    def near(self, access: Access, q: str, k: int) -> Sequence[NearStudy]:
        """Return the studies nearest to a question. Raises: EngineUnavailable."""
        self._installation.refresh_encoder()
        return near(self.studies, self.index, self._installation.encoder, access, q, k)
