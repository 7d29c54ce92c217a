"""Lists, sections and headings: what mentions say does not hang on what stands beside them."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from indexing.language.assertion import Assessment, Offsets, assess
from indexing.language.sections import sections

SYMPTOMS = [
    "chest pain",
    "fever",
    "cough",
    "night sweats",
    "nausea",
    "weight loss",
    "rash",
    "edema",
]
LISTED = st.lists(st.sampled_from(SYMPTOMS), min_size=1, max_size=6, unique=True)


def _labels(text: str, words: list[str]) -> list[str]:
    spans = [Offsets(text.index(w), text.index(w) + len(w)) for w in words]
    return [found.assertion.value for found in assess(text, sections(text), spans)]


@given(LISTED, st.sampled_from([", ", ", and ", " or ", "/", " and "]), st.booleans())
def test_denies_before_a_bare_list_flips_all_and_only_its_members(
    symptoms: list[str], joint: str, comma: bool
) -> None:
    listed = ", ".join(symptoms[:-1]) + (joint if len(symptoms) > 1 else "") + symptoms[-1]
    rest = " Has vertigo." if comma else ", reports vertigo."
    bare = f"{listed}{'.' if comma else ''}{rest}"
    assert _labels(bare, [*symptoms, "vertigo"]) == ["present"] * (len(symptoms) + 1)
    denied = _labels(f"denies {bare}", [*symptoms, "vertigo"])
    assert denied == ["negated"] * len(symptoms) + ["present"]


PARTS = [
    "FAMILY HISTORY: Mother had {a} and {b}.\n",
    "PAST MEDICAL HISTORY: History of {a}, {b}\n",
    "HISTORY OF PRESENT ILLNESS: Denies {a} but has {b}\n",
    "ASSESSMENT: Possible {a}\n",
    "RETURN PRECAUTIONS: Call if {a} or {b}\n",
    "ALLERGIES: {a}\n",
    "PLAN: Continue {a}; stopped {b}\n",
]


@given(st.permutations(PARTS), LISTED)
def test_two_sections_joined_say_what_they_say_apart(parts: list[str], words: list[str]) -> None:
    one, other = (part.format(a=words[0], b=words[-1]) for part in parts[:2])

    def labels(text: str) -> list[Assessment]:
        spans = [Offsets(*m.span()) for m in re.finditer("|".join(SYMPTOMS), text)]
        return assess(text, sections(text), spans)

    def said(found: list[Assessment]) -> list[tuple[str, bool, bool]]:
        return [(one.assertion.value, one.historical, one.family) for one in found]

    assert said(labels(one + other)) == said(labels(one)) + said(labels(other))


@given(st.text(max_size=300), st.data())
def test_any_text_is_judged_and_cues_slice_back(text: str, data: st.DataObject) -> None:
    if not text:
        return
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    for found in assess(text, sections(text), [Offsets(start, end)]):
        if found.cue is not None:
            assert text[found.cue.start : found.cue.end] == found.cue.text


def test_a_heading_that_settles_nothing_makes_its_list_uncertain() -> None:
    text = "DIFFERENTIAL DIAGNOSIS:\n1. Stroke\n2. Migraine, no fever\n\nWeakness since Monday."
    words = ("Stroke", "Migraine", "fever", "Weakness")
    spans = [Offsets(text.index(word), text.index(word) + len(word)) for word in words]
    judged = assess(text, sections(text), spans)
    assert [one.assertion.value for one in judged] == [
        "uncertain", "uncertain", "negated", "present",
    ]  # fmt: skip
    cue = judged[1].cue
    assert cue is not None
    assert text[cue.start : cue.end] == cue.text == "DIFFERENTIAL DIAGNOSIS:"
