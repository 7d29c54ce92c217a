"""Another terminology may be loaded at any time: what is under way names the one it was made by."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from app.settings import Settings
from app.wiring import Installation
from indexing.language.pipeline import Language
from indexing.language.terminology import Addition, Terminology, open_terminology
from indexing.medical_entries import EntryMaker
from indexing.model import Annotation


@pytest.fixture
def own(installation: Installation) -> Iterator[Installation]:
    """One of its own on the shared home: what it speaks concerns nobody else."""
    made = Installation(Settings(home=installation.home))
    yield made
    made.close()


@pytest.fixture(scope="module")
def other() -> Terminology:
    seed = open_terminology(None)
    return seed.with_additions([Addition("anm:rash", "crimson speckles")])


def test_an_annotation_names_the_terminology_that_made_it(
    own: Installation, other: Terminology, monkeypatch: pytest.MonkeyPatch
) -> None:
    annotate, before = Language.annotate, own.language_version

    def overtaken(self: Language, *told: Any) -> Annotation:
        found = annotate(self, *told)
        own.speak(other)
        return found

    with monkeypatch.context() as patched:
        patched.setattr(Language, "annotate", overtaken)
        found = own.annotate("Crimson speckles.")
    assert (found.mentions, found.language_version) == ((), before)
    again = own.annotate("Crimson speckles.")
    assert [mention.concept_id for mention in again.mentions] == ["anm:rash"]
    assert again.language_version == own.language_version != before


def test_entries_are_made_by_the_terminology_that_is_loaded(
    own: Installation, other: Terminology, monkeypatch: pytest.MonkeyPatch
) -> None:
    init, before = EntryMaker.__init__, own.terminology.version

    def overtaken(self: EntryMaker, *told: Any) -> None:
        init(self, *told)
        own.speak(other)

    with monkeypatch.context() as patched:
        patched.setattr(EntryMaker, "__init__", overtaken)
        assert before in own.everybody.medical.maker.version
    assert other.version in own.everybody.medical.maker.version
