"""What a snippet marks of another wording: all of it, or nothing."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

from indexing.clauses import Clause, Ranked, Scoped, Word
from indexing.model import Assertion, Cue, Document, Mention, Passage, Section, TenantId
from indexing.ports import Derived
from rankers.snippets import LONGEST, lowered, marks, sentence_around, snippet, wanted


def noted(text: str, *mentions: Mention) -> Derived:
    document = Document(TenantId(uuid4()), "d", 1, text, patient_id="p")
    return Derived(document, "1", (), (Passage(0, 0, len(text)),), mentions)


def marked(text: str, *synonyms: str) -> list[tuple[str, str]]:
    shown = snippet(noted(text), wanted(Word("hematuria"), synonyms), "present", 0)
    return [(shown.text[m.start : m.end], m.kind) for m in shown.marks]


def test_a_piece_of_another_wording_is_not_marked() -> None:
    text = "Passed the bedside swallow. " + "Walks with help. " * 8 + "Blood sugars were fair."
    assert all(kind == "semantic" for _, kind in marked(text, "passing blood"))
    assert ("blood", "synonym") in marked("He was passing blood.", "passing blood")
    assert ("blood", "synonym") in marked(
        "Blood, he says, is passed in clots.".lower(), "passing blood"
    )


def test_one_whole_wording_is_enough_and_what_is_asked_always_counts() -> None:
    assert marked("Some bleeding.", "bleeding", "bleeding from the bladder") == [
        ("bleeding", "synonym")
    ]
    assert marked("Hematuria again.", "passing blood") == [("Hematuria", "literal")]


def shown(text: str, asked: Clause, aside: tuple[tuple[int, int], ...] = ()) -> str:
    return snippet(noted(text), wanted(asked, aside=aside), "any", 0).text


def test_a_title_ends_no_sentence() -> None:
    text = "Seen today. Ms. Example, 49, was well. Dr. Moss agrees."
    assert shown(text, Word("example")) == "Ms. Example, 49, was well."
    assert shown(text, Word("ms")) == "Ms. Example, 49, was well."
    assert shown(text, Word("agrees")) == "Dr. Moss agrees."
    assert shown("Takes 5 mg of rams. Mr. Example is well.", Word("mg")) == "Takes 5 mg of rams."


def test_how_a_thing_is_asked_for_weighs_less_than_the_thing() -> None:
    text = "Mother had dementia. Sister has diabetes."
    asked = Ranked((Word("mother", 0, 6), Word("had", 7, 10), Word("diabetes", 11, 19)), 0, 19)
    assert shown(text, asked, ((0, 10),)) == "Sister has diabetes."
    assert shown(f"{text} Mother had diabetes.", asked, ((0, 10),)) == "Mother had diabetes."
    assert shown("Mother had dementia. All well.", asked, ((0, 10),)) == "Mother had dementia."


def test_in_a_section_its_own_sentence_is_shown() -> None:
    text = "HPI: Stroke, a large stroke last night.\nFH: Father had a stroke.\n"
    note = replace(noted(text), sections=(
        Section(0, 4, 40, "history_of_present_illness"), Section(40, 43, 64, "family_history"),
    ))  # fmt: skip
    family = Scoped("family_history", Word("stroke"))
    assert snippet(note, wanted(family), "any", 0).text == "FH: Father had a stroke."
    elsewhere = Scoped("plan", Word("stroke"))
    assert "large stroke" in snippet(note, wanted(elsewhere), "any", 0).text
    beside = Ranked((Word("large"), family))
    assert "large stroke" in snippet(note, wanted(beside), "any", 0).text


def test_the_sentence_that_says_it_as_it_is_asked_is_shown() -> None:
    text = "Gout of the left toe, gout again. Mother had gout."
    note = noted(text)
    want, at = wanted(Ranked((Word("gout"), Word("toe")))), text.rindex("gout")
    assert snippet(note, want, "any", 0).text == "Gout of the left toe, gout again."
    assert snippet(note, want, "any", 0, [(at, at + 4)]).text == "Mother had gout."


def test_a_number_is_no_piece_of_another() -> None:
    text = "Cr 1.73, BUN 23, phos 3.9, T3, GCS 3."
    note = noted(text)
    found = snippet(note, wanted(Ranked((Word("GCS"), Word("3")))), "any", 0)
    assert [(m.start, m.end) for m in found.marks] == [(31, 34), (35, 36)]


def test_an_abbreviation_before_a_small_letter_ends_no_sentence() -> None:
    text = "Takes Lipitor 80 mg q.d. discontinued today. Doing well."
    assert shown(text, Word("lipitor")) == "Takes Lipitor 80 mg q.d. discontinued today."
    assert shown(text, Word("discontinued")) == "Takes Lipitor 80 mg q.d. discontinued today."
    assert shown("Area 1.1 sq. cm by echo. Well.", Word("echo")) == "Area 1.1 sq. cm by echo."
    assert shown("Takes it p.o. Lasix was added.", Word("lasix")) == "Lasix was added."


def test_a_sentence_that_denies_what_is_asked_gives_way() -> None:
    text = "Chest pain since May. No chest pain during the treadmill test."
    asked = Ranked(tuple(Word(w) for w in "chest pain during treadmill test".split()))
    start = text.index("chest pain", 5)
    denied = Mention(start, start + 10, "c", "chest pain", Assertion.NEGATED, Assertion.PRESENT)
    note = noted(text, denied)
    assert snippet(note, wanted(asked), "present", 0).text == "Chest pain since May."


def test_what_says_it_in_other_words_is_shown() -> None:
    text = "Takes hematuria pills. Noncompliant for weeks."
    note = noted(text)
    at = text.index("Noncompliant")
    found = snippet(note, wanted(Word("hematuria")), "any", 0, [(at, at + 12)])
    assert found.text == "Noncompliant for weeks."
    assert [(m.start, m.end, m.kind) for m in found.marks] == [(0, 12, "synonym")]


def test_every_mark_ends_a_sentence() -> None:
    for mark in ".!?":
        text = f"Any pain{mark} It hurts{mark} Since when"
        start, end = sentence_around(text, text.index("hurts"))
        assert text[start:end] == f"It hurts{mark}"
    lines = "Any pain\nIt hurts\nSince when"
    assert slice(*sentence_around(lines, lines.index("hurts"))) == slice(9, 17)


def test_a_sentence_without_an_end_is_cut_between_words() -> None:
    text = "word " * 200
    start, end = sentence_around(text, 502)
    assert text[start:end] == " ".join(["word"] * 64)
    assert start == 345
    start, end = sentence_around("x" * 900, 450)
    assert end - start == LONGEST
    late = "Well. " * 100 + "It hurts now."
    assert slice(*sentence_around(late, late.index("hurts"))) == slice(600, 613)


def test_what_tells_nothing_by_itself_opens_no_note() -> None:
    for opening in ("Seen.", "The plan for her is this:"):
        found = snippet(noted(f"{opening}\nShe is to walk."), wanted(Word("gout")), "any", 0)
        assert found.text == "She is to walk."


def test_what_is_denied_is_marked_with_the_word_that_denies_it() -> None:
    text = "No bleeding. Bleeding."
    found = (Assertion.NEGATED, Assertion.NEGATED, "", Cue(0, 2, "No"))
    denied = Mention(3, 11, "c", "bleeding", *found)
    had = Mention(13, 21, "c", "bleeding", Assertion.PRESENT, Assertion.PRESENT, "", found[3])
    asked = wanted(Word("gout"), (), ["c"])
    every = [(m.start, m.kind) for m in marks(noted(text, denied, had), asked, "present")]
    assert every == [(0, "cue"), (3, "negated"), (13, "synonym")]
    assert [(m.start, m.kind) for m in marks(noted(text, denied), asked, "any")] == [
        (0, "cue"), (3, "synonym"),
    ]  # fmt: skip
    assert len(marks(noted(text, had), asked, "present")) == 1  # what is had shows no cue beside it
    assert snippet(noted(text, denied, had), asked, "present", 0).text == "Bleeding."


def test_lower_case_keeps_every_place() -> None:
    text = "\u0130\u0130 HEMATURIA"  # whose small letter is two code points
    assert lowered(text) == "\u0130\u0130 hematuria"
    assert lowered("Ileus, \u00c9TAT") == "ileus, \u00e9tat"


def test_a_note_is_marked_as_its_snippets_are() -> None:
    text = "Hematuria since May. Passed blood. No more."
    at = text.index("blood")
    blood = Mention(at, at + 5, "c", "bleeding", Assertion.PRESENT, Assertion.PRESENT)
    for asked, kind in ((wanted(Word("pain"), (), ["c"]), "synonym"),
                        (wanted(Word("pain"), near=["c"]), "concept")):  # fmt: skip
        (mark,) = marks(noted(text, blood), asked, "any")
        assert (mark.start, mark.end, mark.kind) == (at, at + 5, kind)
        assert snippet(noted(text, blood), asked, "any", 0).text == "Passed blood."
    assert marks(noted(text), wanted(Word("pain")), "any") == ()
    (opening,) = marks(noted(text), wanted(Word("pain")), "any", 0)
    assert (opening.start, opening.end, opening.kind) == (0, 20, "semantic")


def test_of_words_that_say_nothing_alone_all_are_looked_for() -> None:
    assert marked("He has it.") == [("He has it.", "semantic")]
    found = snippet(noted("So it was."), wanted(Ranked((Word("it"), Word("was")))), "any", 0)
    assert [(m.start, m.end, m.kind) for m in found.marks] == [(3, 5, "literal"), (6, 9, "literal")]
    both = wanted(Ranked((Word("it"), Word("hematuria"))))
    assert list(both.words) == ["hematuria"]
