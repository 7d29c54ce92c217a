"""Studies on every engine: in step with their records, filtered by what they are about."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from app.settings import VectorBackend
from indexing.access import Access
from indexing.filters import Filters
from indexing.model import ChangeEvent, Kind, Position, TenantId
from indexing.ports import VectorIndex
from indexing.research import ResearchFollower, Study, study_of
from indexing.spaces import RESEARCH, Space
from rankers.studies import near
from tests import engines
from tests.unit.test_linking import Counted

Build = Callable[[str, str, int, Space], VectorIndex]
TRIAL = {
    "title": "Apixaban or warfarin", "description": "Stroke prevention. " * 200,
    "condition": [{"text": "Atrial fibrillation", "coding": [{"code": "49436004"}]}],
    "focus": [{"coding": [{"code": "1364430", "display": "apixaban"}]}],
    "category": [{"text": "Randomised"}], "objective": [{"name": "Stroke within a year"}],
}  # fmt: skip


class Kept:
    """Studies in memory."""

    def __init__(self) -> None:
        self.studies: dict[str, Study] = {}

    def versions(self, tenant_id: TenantId) -> dict[str, int]:
        return {each.key: each.version for each in self.studies.values()}

    def read(self, tenant_id: TenantId, study_ids: Sequence[str]) -> list[Study]:
        return [self.studies[each] for each in study_ids if each in self.studies]

    def shown(self, access: Access, study_ids: Sequence[str]) -> dict[str, Study]:
        return {each.study_id: each for each in self.read(access.tenant_id, study_ids)}


@pytest.fixture(params=engines.every(VectorBackend))
def index(request: pytest.FixtureRequest, space_index: Build) -> VectorIndex:
    return space_index(request.param, Counted().model, Counted.dimension, RESEARCH)


def event(tenant_id: TenantId, key: str, version: int, deleted: bool = False) -> ChangeEvent:
    return ChangeEvent(Position(0, 0), tenant_id, Kind.RESOURCE, key, version, deleted)


def test_studies_follow_their_records_and_are_found_by_the_passage(
    index: VectorIndex, access: Access
) -> None:
    kept, t = Kept(), access.tenant_id
    kept.studies = {
        "af": study_of("af", 1, TRIAL),
        "hip": study_of("hip", 1, {"title": "Walking after a broken hip"}),
    }
    follower = ResearchFollower(kept, index, Counted())
    every = [event(t, "ResearchStudy/af", 1), event(t, "Patient/x", 4),
             event(t, "ResearchStudy/hip", 1), event(t, "ResearchStudy/closed", 2)]  # fmt: skip
    follower.apply(t, every)
    follower.apply(t, every)  # twice is once
    assert index.entries(t) == kept.versions(t)
    found = near(kept, index, Counted(), access, "stroke prevention", 5)
    assert [each.study.study_id for each in found][:1] == ["af"]
    assert found[0].passage.startswith("Apixaban or warfarin") or "Stroke" in found[0].passage
    assert near(kept, index, Counted(), access, "walking after broken hips", 1)[0].study.title
    q = Counted().encode(["stroke"])[0]
    for name, value in (("conditions", "49436004"), ("medications", "1364430"),
                        ("methodology", "randomised"),
                        ("outcomes", "stroke within a year")):  # fmt: skip
        hits = index.search(access, q, Filters(only={name: (value,)}), 5).hits
        assert [hit.doc_id for hit in hits] == ["ResearchStudy/af"], name
    follower.apply(t, [event(t, "ResearchStudy/hip", 2, deleted=True)])
    del kept.studies["af"]  # restricted from now on
    follower.apply(t, [event(t, "ResearchStudy/af", 2)])
    assert index.entries(t) == {}
