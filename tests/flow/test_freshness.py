"""Every index follows: news comes in, changes, and leaves all three alike."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.cli.doctor import language_finding
from app.following import annotate_again, catch_up
from app.wiring import Installation
from indexing.access import Access
from indexing.clauses import Word
from indexing.filters import Filters
from indexing.follow import until_current
from indexing.ingest import Ingest
from indexing.model import Annotation, Tenant

EVERYTHING = Filters()
COUGH = "Dry cough for three days. Assessment: pneumonia."
RASH = "Itching rash on both arms. Assessment: psoriasis."


def note(identity: str, text: str, patient: str = "p1", **more: Any) -> dict[str, Any]:
    data = base64.b64encode(text.encode()).decode()
    return {
        "resourceType": "DocumentReference", "id": identity, "status": "current",
        "subject": {"reference": f"Patient/{patient}"},
        "content": [{"attachment": {"contentType": "text/plain", "data": data}}], **more,
    }  # fmt: skip


class Three:
    """The three engines asked one by one, as the rankers ask them."""

    def __init__(self, installation: Installation, access: Access) -> None:
        self._own, self._access = installation, access

    def words(self, word: str, filters: Filters = EVERYTHING) -> set[str]:
        found = self._own.lexical.search(self._access, Word(word), filters, 10, "any")
        return {hit.doc_id for hit in found.hits}

    def meaning(self, filters: Filters = EVERYTHING) -> set[str]:
        row = self._own.encoder.encode(["cough"])[0]
        found = self._own.vector.search(self._access, row, filters, 10)
        return {hit.doc_id for hit in found.hits}

    def concept(self, name: str, filters: Filters = EVERYTHING) -> set[str]:
        weights = {span.concept_id: 1.0 for span in self._own.matcher.find(name)}
        assert weights
        found = self._own.graph.search(self._access, weights, filters, 10, "any")
        return {hit.doc_id for hit in found.hits}

    def all(self, word: str, name: str, filters: Filters = EVERYTHING) -> list[set[str]]:
        """Return what each leg finds: by a word, by meaning, by a concept."""
        return [self.words(word, filters), self.meaning(filters), self.concept(name, filters)]


@pytest.fixture
def three(installation: Installation, access: Access) -> Three:
    return Three(installation, access)


Take = Callable[..., None]


@pytest.fixture
def take(installation: Installation, access: Access) -> Take:
    into = Ingest(installation.records, access, ZoneInfo("UTC"))

    def submit(*resources: dict[str, Any]) -> None:
        for resource in resources:
            for outcome in into.submit(json.dumps(resource).encode()):
                assert outcome.rejected is None, outcome.rejected
        catch_up(installation, tenants=[access.tenant_id])

    return submit


def test_news_is_found_by_words_meaning_and_concepts(take: Take, three: Three) -> None:
    take(note("n1", COUGH))
    assert three.all("cough", "pneumonia") == [{"n1"}] * 3


def test_a_changed_note_is_found_by_its_new_words_only(
    take: Take, three: Three, installation: Installation, tenant: Tenant
) -> None:
    take(note("n1", COUGH))
    before = installation.vector.entries(tenant.tenant_id)
    take(note("n1", RASH))
    assert three.all("rash", "psoriasis") == [{"n1"}] * 3
    assert (three.words("cough"), three.concept("pneumonia")) == (set(), set())
    after = installation.vector.entries(tenant.tenant_id)
    assert after["n1"] > before["n1"]


@pytest.mark.parametrize("how", ["deleted", "entered in error", "superseded"])
def test_what_is_withdrawn_leaves_every_index(how: str, take: Take, three: Three) -> None:
    take(note("n1", COUGH), note("other", COUGH))
    assert three.all("cough", "pneumonia") == [{"n1", "other"}] * 3
    match how:
        case "deleted":
            request = {"method": "DELETE", "url": "DocumentReference/n1"}
            entry = {"request": request}
            take({"resourceType": "Bundle", "type": "batch", "entry": [entry]})
        case "entered in error":
            take(note("n1", COUGH, status="entered-in-error"))
        case _:
            target = {"reference": "DocumentReference/n1"}
            take(note("n2", RASH, relatesTo=[{"code": "replaces", "target": target}]))
    left = {"other", "n2"} if how == "superseded" else {"other"}
    assert three.all("cough", "pneumonia") == [{"other"}, left, {"other"}]


def test_a_merged_patients_notes_move_in_every_index(take: Take, three: Three) -> None:
    old, new = Filters(only={"patient": ("old",)}), Filters(only={"patient": ("new",)})
    take({"resourceType": "Patient", "id": "old"}, {"resourceType": "Patient", "id": "new"})
    take(note("n1", COUGH, "old"))
    assert three.all("cough", "pneumonia", old) == [{"n1"}] * 3
    assert three.all("cough", "pneumonia", new) == [set()] * 3
    link = [{"other": {"reference": "Patient/new"}, "type": "replaced-by"}]
    take({"resourceType": "Patient", "id": "old", "active": False, "link": link})
    assert three.all("cough", "pneumonia", old) == [set()] * 3
    assert three.all("cough", "pneumonia", new) == [{"n1"}] * 3


def test_another_terminology_annotates_old_notes_again(
    take: Take, three: Three, installation: Installation, tenant: Tenant,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    # Other tests leave hundreds of tenants behind; each would be looked through.
    monkeypatch.setattr(installation.tenants, "all", lambda: [tenant])
    take(note("n1", COUGH))
    language = installation.text_followers()[0]
    outdated = installation.derived.outdated(tenant.tenant_id, installation.language_version, 10)
    assert outdated == []
    [document] = installation.derived.documents(tenant.tenant_id, ["n1"])
    earlier = Annotation("an earlier terminology", (), (), ())  # which did not know pneumonia
    installation.derived.store_language(tenant.tenant_id, [(document, earlier)])
    told = language_finding(installation)
    assert (told.verdict, tenant.code in told.found) == ("warning", True)
    assert "index follow" in told.advice
    # The indexes follow what stands there; nobody has looked yet whether it is old.
    until_current(installation.feed, installation.text_followers()[1:])
    assert three.concept("pneumonia") == set()
    assert annotate_again(installation, language)
    catch_up(installation, tenants=[tenant.tenant_id])
    assert three.concept("pneumonia") == {"n1"}
    [derived] = installation.derived.derived(tenant.tenant_id, ["n1"])
    assert derived.language_version == installation.language_version
    assert language_finding(installation).verdict == "ok"
