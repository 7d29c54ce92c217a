"""What was found in a note comes back as it was packed, also from bytes packed long ago."""

from __future__ import annotations

from indexing.backends.postgres.packed import pack, unpack
from indexing.model import Annotation, Assertion, Cue, Mention, Passage, Section

FOUND = Annotation(
    "2026.1",
    (Section(0, 0, 8, ""), Section(8, 13, 40, "plan", "18776-5")),
    (Passage(0, 0, 40, "plan"),),
    (
        Mention(
            16, 21, "anm:fever", "fever", Assertion.NEGATED, Assertion.PRESENT, "plan",
            Cue(13, 15, "no"),
        ),
        Mention(25, 27, "anm:ms", "MS", Assertion.PRESENT, Assertion.PRESENT, ambiguous=True),
    ),
)  # fmt: skip
# As every installation has it in its tables: other bytes would have all notes annotated anew.
STORED = (
    b'{"s":[[0,0,8,"",null],[8,13,40,"plan","18776-5"]],"p":[[0,0,40,"plan"]],'
    b'"m":[[16,21,"anm:fever","fever","negated","present","plan",[13,15,"no"],false],'
    b'[25,27,"anm:ms","MS","present","present","",null,true]]}'
)


def test_what_was_found_is_packed_as_ever() -> None:
    assert pack(FOUND) == STORED


def test_what_was_packed_comes_back() -> None:
    assert unpack("2026.1", STORED) == FOUND
    assert isinstance(unpack("2026.1", STORED).mentions[0].assertion, Assertion)


def test_an_unannotated_text_has_nothing_in_it() -> None:
    empty = Annotation("2026.1", (), (), ())
    assert unpack("2026.1", pack(empty)) == empty
