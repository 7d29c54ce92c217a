"""What is Tantivy's own: other processes, rebuilds, killed writers, damage."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from indexing.access import Access
from indexing.backends.tantivy import TantivyLexicalIndex
from indexing.backends.tantivy.lexical import FEW_WANTED
from indexing.backends.tantivy.names import Shelf
from indexing.clauses import Word
from indexing.errors import EngineUnavailable, EventRejected
from indexing.filters import Filters
from indexing.model import Document, TenantId
from indexing.ports import LexicalEntry

TENANT = TenantId(UUID(int=5))
ACCESS = Access(TENANT, "dr", frozenset())


def entry(doc_id: str, text: str, version: int = 1) -> LexicalEntry:
    return LexicalEntry(Document(TENANT, doc_id, version, text))


def ids(index: TantivyLexicalIndex, word: str) -> list[str]:
    found = index.search(ACCESS, Word(word), Filters(), 10, "any")
    return [hit.doc_id for hit in found.hits]


ELSEWHERE = """
    import os, signal, sys
    from pathlib import Path
    from uuid import UUID
    from indexing.backends.tantivy import TantivyLexicalIndex
    from indexing.model import Document, TenantId
    from indexing.ports import LexicalEntry
    tenant = TenantId(UUID(int=5))
    index = TantivyLexicalIndex(Path(sys.argv[1]))
    index.upsert(tenant, [LexicalEntry(Document(tenant, "theirs", 1, "cough"))])
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_process_wrote_is_found_and_its_lock_is_gone(tmp_path: Path) -> None:
    index = TantivyLexicalIndex(tmp_path)
    assert ids(index, "cough") == []
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-c", textwrap.dedent(ELSEWHERE), str(tmp_path)]
    died = subprocess.run(command, cwd=root, check=False, env={"PYTHONPATH": str(root)})
    assert died.returncode == -9
    assert ids(index, "cough") == ["theirs"]
    index.upsert(TENANT, [entry("mine", "cough cough")])
    assert set(ids(index, "cough")) == {"mine", "theirs"}


def test_a_second_reader_sees_each_commit(tmp_path: Path) -> None:
    writer, reader = TantivyLexicalIndex(tmp_path), TantivyLexicalIndex(tmp_path)
    for number in range(12):
        writer.upsert(TENANT, [entry(f"n{number:02}", "fever")])
        assert reader.counts(ACCESS, [None], Filters()) == (number + 1,)


def test_what_a_clause_matches_is_remembered_until_the_index_changes_and_for_one_view_alone(
    tmp_path: Path,
) -> None:
    writer, reader = TantivyLexicalIndex(tmp_path), TantivyLexicalIndex(tmp_path)
    closed = Document(TENANT, "closed", 1, "cough", labels=frozenset({"PSY"}))
    writer.upsert(TENANT, [entry("open", "cough"), LexicalEntry(closed)])
    asked = [f"n{number:02}" for number in range(FEW_WANTED)] + ["open", "closed"]
    psychiatrist = replace(ACCESS, labels=frozenset({"PSY"}))

    def matching(access: Access, doc_ids: Sequence[str] = asked) -> set[str]:
        return set(reader.matching(access, Word("cough"), Filters(), "any", doc_ids))

    for _ in range(2):
        assert matching(psychiatrist) == {"open", "closed"}
        assert matching(ACCESS) == {"open"}
        assert matching(ACCESS, ["open", "n00"]) == {"open"}
        assert matching(replace(ACCESS, patients=frozenset({"P"}))) == set()
        narrow = Filters(only={"type": ("letter",)})
        assert reader.matching(ACCESS, Word("cough"), narrow, "any", asked) == frozenset()
    writer.upsert(TENANT, [entry("n01", "cough"), entry("open", "well", version=2)])
    assert matching(ACCESS) == {"n01"}


def test_what_an_older_searcher_found_is_not_remembered(tmp_path: Path) -> None:
    """A question may go on over a commit; and a searcher that is kept keeps deleted files."""
    TantivyLexicalIndex(tmp_path).upsert(TENANT, [entry("a", "cough")])
    namespace = Shelf(tmp_path / TENANT.hex, UTC).current()
    assert namespace is not None
    older = namespace.searcher()
    namespace.upsert([entry("b", "fever")])
    newer = namespace.searcher()
    namespace.remember(older, "asked", frozenset({"a"}))
    assert namespace.remembered(newer, "asked") is None
    namespace.remember(newer, "asked", frozenset({"b"}))
    assert namespace.remembered(older, "asked") is None
    assert namespace.remembered(newer, "asked") == {"b"}


def test_a_rebuild_counts_only_when_it_is_whole(tmp_path: Path) -> None:
    index = TantivyLexicalIndex(tmp_path)
    index.upsert(TENANT, [entry("old", "fever")])
    rebuild = index.fresh(TENANT)
    rebuild.__enter__()
    index.upsert(TENANT, [entry("half", "fever")])
    assert not rebuild.__exit__(RuntimeError, RuntimeError(), None)
    assert ids(index, "fever") == ["old"]
    with index.fresh(TENANT):
        index.upsert(TENANT, [entry("new", "fever")])
        assert ids(index, "fever") == ["old"]
    assert ids(index, "fever") == ["new"]
    index.upsert(TENANT, [entry("newer", "fever")])
    assert set(ids(TantivyLexicalIndex(tmp_path), "fever")) == {"new", "newer"}
    assert len([p for p in (tmp_path / TENANT.hex).iterdir() if p.is_dir()]) == 1


@pytest.mark.parametrize("victim", ["meta.json", "*.term", "*.store"])
def test_damage_is_named_with_what_to_do(tmp_path: Path, victim: str) -> None:
    index = TantivyLexicalIndex(tmp_path)
    index.upsert(TENANT, [entry("a", "fever")])
    for path in tmp_path.glob(f"*/*/{victim}"):
        path.write_bytes(b"\0" * 64)
    fresh = TantivyLexicalIndex(tmp_path)
    with pytest.raises(EngineUnavailable) as caught:
        assert ids(fresh, "fever") == sorted(fresh.entries(TENANT)) == ["a"]
    assert "rebuild" in caught.value.hint
    fresh.drop(TENANT)
    fresh.upsert(TENANT, [entry("a", "fever")])
    assert ids(fresh, "fever") == ["a"]


def test_an_entry_at_fault_is_rejected_and_takes_nothing_with_it(tmp_path: Path) -> None:
    index = TantivyLexicalIndex(tmp_path)
    with pytest.raises(EventRejected):
        index.upsert(TENANT, [entry("good", "fever"), entry("bad\ud800", "fever")])
    index.upsert(TENANT, [entry("better", "fever")])
    assert ids(index, "fever") == ["better"]


def test_a_name_is_never_used_again(tmp_path: Path) -> None:
    index = TantivyLexicalIndex(tmp_path)
    names = set()
    for _ in range(3):
        index.upsert(TENANT, [entry("a", "fever")])
        names.add((tmp_path / TENANT.hex / "current").read_text())
        index.drop(TENANT)
    assert len(names) == 3
    assert index.entries(TenantId(uuid4())) == {}
