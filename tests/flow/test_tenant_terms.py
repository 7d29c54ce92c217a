"""What one house calls things is honoured there, in notes and questions, and nowhere else."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from app.cli.annotate import annotate_command
from app.cli.tenant_terms import add_command, list_command, remove_command, terminology_of
from app.following import catch_up
from app.knowledge import known
from app.naming import grow_links
from app.services import services_of
from app.wiring import Installation
from indexing.access import Access, Role
from indexing.backends.postgres.additions import PostgresAdditions
from indexing.errors import Conflict, InvalidInput, NotFound
from indexing.ingest import Ingest
from indexing.language.terminology import Addition
from indexing.model import Tenant
from rankers.answer import SearchRequest
from rankers.knowledge import KnowledgeRequest
from tests.unit.test_cached_search import Kept

TEXT = "HPI: Zebrafever since Tuesday. The squeeze is well controlled. Denies blue leg."
FILE = """\
site:zebrafever\tzebrafever\t\tdisorder\tfever
anm:hypertension\tthe squeeze\tlay
deep vein thrombosis\tblue leg\tlay
"""


@pytest.fixture
def houses(
    installation: Installation, new_tenant: Callable[[], Tenant], monkeypatch: pytest.MonkeyPatch
) -> tuple[Tenant, Tenant]:
    monkeypatch.setenv("ANAMNESIS_HOME", str(installation.home))
    found = (new_tenant(), new_tenant())
    for each in found:
        access = Access(each.tenant_id, "loader", frozenset({Role.ADMIN}))
        note = {
            "resourceType": "DocumentReference", "id": "n1", "status": "current",
            "content": [{"attachment": {"contentType": "text/plain", "data": _packed(TEXT)}}],
        }  # fmt: skip
        outcome = Ingest(installation.records, access, ZoneInfo("UTC")).submit(
            json.dumps(note).encode()
        )[0]
        assert outcome.rejected is None
    catch_up(installation, tenants=[each.tenant_id for each in found])
    return found


def _packed(text: str) -> str:
    import base64

    return base64.b64encode(text.encode()).decode()


def concepts(installation: Installation, tenant: Tenant) -> dict[str, str]:
    installation.terms.renew()
    catch_up(installation, tenants=[tenant.tenant_id])
    access = Access(tenant.tenant_id, "dr", frozenset({Role.CLINICIAN}))
    [found] = installation.documents.fetch(access, ["n1"]).values()
    return {m.concept_id: m.status.value for m in found.mentions}


def hits(installation: Installation, tenant: Tenant, question: str, *legs: str) -> list[str]:
    access = Access(tenant.tenant_id, "dr", frozenset({Role.CLINICIAN}))
    request = SearchRequest(q=question, rankers=legs)
    return [hit.doc_id for hit in installation.searcher().rank(access, request).answer.hits]


def test_a_house_has_its_own_words_and_nobody_elses(
    installation: Installation, houses: tuple[Tenant, Tenant], tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    ours, theirs = houses
    (tmp_path / "own.tsv").write_text(FILE)
    before = concepts(installation, ours)
    assert add_command(ours.code, tmp_path / "own.tsv", as_json=True) == 0
    assert json.loads(capsys.readouterr().out) == {"added": 3, "known": 0, "of": 3}
    after = concepts(installation, ours)
    added = {"site:zebrafever", "anm:hypertension", "anm:deep-vein-thrombosis"}
    assert set(after) - set(before) == added
    assert after["anm:deep-vein-thrombosis"] == "negated"
    assert concepts(installation, theirs) == before
    # The concept's own leg finds by the new name and by what stands above; elsewhere it does not.
    assert hits(installation, ours, "zebrafever", "graph") == ["n1"]
    assert hits(installation, ours, "hypertension", "lexical") == ["n1"]
    assert hits(installation, theirs, "zebrafever", "graph") == []
    assert hits(installation, theirs, "hypertension", "lexical") == []
    assert hits(installation, ours, "deep vein thrombosis", "lexical") == []  # it is denied


def test_what_is_listed_can_be_added_again_and_taken_back(
    installation: Installation, houses: tuple[Tenant, Tenant], tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    ours, theirs = houses
    (tmp_path / "own.tsv").write_text(FILE)
    before = concepts(installation, ours)
    add_command(ours.code, tmp_path / "own.tsv", as_json=True)
    capsys.readouterr()
    list_command(ours.code, as_json=False)
    (tmp_path / "listed.tsv").write_text(capsys.readouterr().out)
    assert add_command(ours.code, tmp_path / "listed.tsv", as_json=True) == 0
    assert json.loads(capsys.readouterr().out)["known"] == 3
    list_command(theirs.code, as_json=True)
    assert json.loads(capsys.readouterr().out) == {"additions": []}
    assert remove_command(ours.code, ["nothing"], everything=False, as_json=False) == 1
    assert "terminology list" in capsys.readouterr().err
    assert remove_command(ours.code, ["the squeeze"], everything=False, as_json=True) == 0
    assert "anm:hypertension" not in concepts(installation, ours)
    assert remove_command(ours.code, [], everything=True, as_json=True) == 0
    assert concepts(installation, ours) == before
    with pytest.raises(InvalidInput):
        remove_command(ours.code, ["a"], everything=True, as_json=True)


def test_the_command_that_annotates_honours_them_too(
    installation: Installation, houses: tuple[Tenant, Tenant], tmp_path: Path
) -> None:
    ours, theirs = houses
    (tmp_path / "own.tsv").write_text(FILE)
    add_command(ours.code, tmp_path / "own.tsv", as_json=True)
    for tenant, expected in ((ours, True), (theirs, False)):
        out = io.StringIO()
        line = io.StringIO(json.dumps({"text": TEXT}) + "\n")
        annotate_command(installation.home, True, line, out, terminology_of(tenant.code))
        named = {m["concept"] for m in json.loads(out.getvalue())["mentions"]}
        assert ("site:zebrafever" in named) is expected
    with pytest.raises(NotFound):
        terminology_of("no-such-house")


def test_a_broken_file_adds_nothing(
    installation: Installation, houses: tuple[Tenant, Tenant], tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    ours, _ = houses
    path = tmp_path / "own.tsv"
    path.write_text(FILE + "no such thing\tx-ish\n")
    with pytest.raises(InvalidInput, match=r"own\.tsv, line 4"):
        add_command(ours.code, path, as_json=True)
    path.write_bytes(b"anm:rash\tspots\nanm:rash\t\xff\n")
    with pytest.raises(InvalidInput, match=r"own\.tsv, line 2: not UTF-8"):
        add_command(ours.code, path, as_json=True)
    list_command(ours.code, as_json=True)
    assert json.loads(capsys.readouterr().out) == {"additions": []}


def test_an_answer_by_other_terms_is_not_taken_from_the_cache(
    installation: Installation, houses: tuple[Tenant, Tenant], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process added the names: nothing here was told to forget what it keeps."""
    ours, theirs = houses
    kept = Kept()
    monkeypatch.setitem(installation.__dict__, "cache", kept)
    for each in houses:
        assert hits(installation, each, "blue", "lexical") == ["n1"]
    assert len(kept.held) == 2
    PostgresAdditions(installation.database).add(
        ours.tenant_id, [Addition("anm:hypertension", "blue")]
    )
    installation.terms.renew()  # two seconds later
    for each in houses:
        hits(installation, each, "blue", "lexical")
    assert sorted(str(tenant) for tenant, _ in kept.held) == sorted(
        map(str, [ours.tenant_id, ours.tenant_id, theirs.tenant_id])
    )


def test_a_parent_that_is_added_again_after_its_child_stops_nobody(
    installation: Installation, houses: tuple[Tenant, Tenant], tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    ours, theirs = houses
    path = tmp_path / "own.tsv"
    parent = "site:a\tzebrafever\t\tdisorder\tfever\n"
    path.write_text(parent + "site:b\tthe squeeze\t\tdisorder\tsite:a\n")
    add_command(ours.code, path, as_json=True)
    with pytest.raises(Conflict, match="parent"):
        remove_command(ours.code, ["site:a"], everything=False, as_json=True)
    # As a release before this one left it.
    PostgresAdditions(installation.database).remove(ours.tenant_id, ["site:a"])
    installation.terms.renew()
    path.write_text(parent)
    assert add_command(ours.code, path, as_json=True) == 0
    capsys.readouterr()
    assert {"site:a", "site:b"} <= set(concepts(installation, ours))
    assert hits(installation, ours, "zebrafever", "graph") == ["n1"]
    concepts(installation, theirs)


def test_knowledge_is_asked_in_the_houses_own_terms(
    installation: Installation, houses: tuple[Tenant, Tenant], tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    ours, theirs = houses
    (tmp_path / "own.tsv").write_text(FILE)
    add_command(ours.code, tmp_path / "own.tsv", as_json=True)
    installation.terms.renew()

    def found(tenant: Tenant, q: str) -> dict[str, tuple[str, ...]]:
        access = Access(tenant.tenant_id, "dr", frozenset({Role.CLINICIAN}))
        answer = known(services_of(installation), access, KnowledgeRequest(q, k=100)).found
        return {each.concept_id: each.reasons for each in answer.concepts}

    # By its name, and over the graph to what it stands below.
    named = found(ours, "zebrafever")
    assert "the name itself" in named["site:zebrafever"]
    assert "is the wider idea of zebrafever" in named["anm:fever"]
    assert "is a kind of fever" in found(ours, "fever")["site:zebrafever"]
    assert "the name itself" in found(ours, "the squeeze")["anm:hypertension"]
    # By meaning, once the follower gave its own names their vectors.
    while installation.terms.of(ours.tenant_id).linker.own.made < 3:  # other tests' houses too
        assert grow_links(installation, 48)
    assert installation.terms.grow(ours.tenant_id, 48) == 0
    assert "near in meaning: zebrafever" in found(ours, "the fever of the zebra")["site:zebrafever"]
    for q in ("zebrafever", "fever", "the fever of the zebra"):
        assert "site:zebrafever" not in found(theirs, q)
    assert "the name itself" not in found(theirs, "the squeeze").get("anm:hypertension", ())
    # What was made is taken up by another process, and goes with what was taken back.
    installation.terms.renew()
    assert installation.terms.grow(ours.tenant_id, 48) == 0
    remove_command(ours.code, [], everything=True, as_json=True)
    installation.terms.renew()
    assert "site:zebrafever" not in found(ours, "zebrafever")
