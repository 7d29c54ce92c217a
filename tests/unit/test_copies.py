"""Origins of copied paragraphs are the same however the notes came, changed and went."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from hypothesis import given, settings
from hypothesis import strategies as st

from indexing.copies import Kept, Printed, settle
from indexing.model import Copied, Document, TenantId
from rankers.answer import Hit
from rankers.describe import collapsed

TENANT = TenantId(uuid4())
DAY = datetime(2024, 1, 1, tzinfo=UTC)
ILL = """\
A man of seventy-one with ischaemic cardiomyopathy and an ejection fraction of thirty per cent, who
was admitted three times last year with decompensated heart failure, most recently in March, when
he was diuresed by nine litres and went home on a higher dose."""
PARAGRAPHS = (
    ILL,
    "He slept well, walked the corridor twice with the physiotherapist and asks for his coat.",
    "Potassium was replaced overnight, the telemetry shows no ectopy and the lines look clean.",
)
EDITED = PARAGRAPHS[0].replace("three times", "four times")


def document(name: str, day: int | None, text: str, patient: str | None = "p") -> Document:
    date = None if day is None else DAY + timedelta(days=day)
    return Document(TENANT, name, 1, text, patient_id=patient, date_start=date)


class Store:
    """What PostgreSQL keeps, in dicts; a change goes through `settle` as the follower's does."""

    def __init__(self) -> None:
        self.documents: dict[str, Document] = {}
        self.printed: dict[str, Printed] = {}
        self.copied: dict[str, tuple[Copied, ...]] = {}

    def change(self, documents: list[Document], gone: list[str] = []) -> tuple[str, ...]:  # noqa: B006
        keys = [*(d.doc_id for d in documents), *gone]
        former = [self.printed[key] for key in keys if key in self.printed]
        for d in documents:
            self.documents[d.doc_id] = d
        for key in gone:
            self.documents.pop(key, None)
        charts = {d.patient_id for d in documents} | {note.patient_id for note in former}
        notes = {
            key: note for key, note in self.printed.items()
            if note.patient_id in charts and key in self.documents
            and self.documents[key].version == note.version
        }  # fmt: skip
        copied = {key: found for key, found in self.copied.items() if key in notes and found}
        done = settle(documents, list(gone), Kept(notes, former, copied))
        self.printed |= done.printed
        self.copied |= done.copied
        for key in gone:
            self.printed.pop(key, None)
            self.copied.pop(key, None)
        return tuple(done.touched)

    def origins(self) -> dict[str, list[tuple[str, str]]]:
        """Return, by note, (its paragraph, whose it is)."""
        return {
            key: [(self.documents[key].text[c.start : c.end], c.first_id) for c in found]
            for key, found in self.copied.items() if found
        }  # fmt: skip


def test_a_copy_points_to_the_first_author_whoever_comes_first() -> None:
    first = document("a", 0, f"HPI\n\n{PARAGRAPHS[0]}\n\n{PARAGRAPHS[1]}")
    second = document("b", 1, f"{EDITED}\n\n{PARAGRAPHS[2]}")
    third = document("c", 2, f"Day 3\n\n{EDITED}")
    wanted = {"b": [(EDITED, "a")], "c": [(EDITED, "a")]}
    for order in ([first, second, third], [third, second, first], [second, third, first]):
        store = Store()
        for each in order:
            store.change([each])
        assert store.origins() == wanted
    assert store.copied["b"][0].first_start == len("HPI\n\n")


def test_a_late_first_note_touches_the_later_ones_and_only_those_alike() -> None:
    store = Store()
    store.change([document("b", 1, PARAGRAPHS[0]), document("c", 2, PARAGRAPHS[1])])
    assert store.change([document("a", 0, PARAGRAPHS[0])]) == ("b",)
    assert store.change([document("d", 3, PARAGRAPHS[0])]) == ()


def test_what_goes_hands_its_paragraph_to_the_next() -> None:
    store = Store()
    store.change([document(name, day, PARAGRAPHS[0]) for day, name in enumerate("abc")])
    assert store.change([], ["a"]) == ("b", "c")
    assert store.origins() == {"c": [(PARAGRAPHS[0], "b")]}
    corrected = replace(document("b", 1, PARAGRAPHS[2]), version=2)
    assert store.change([corrected]) == ("c",)
    assert store.origins() == {}


def test_nobody_copies_from_another_patient_or_from_a_note_of_none() -> None:
    store = Store()
    store.change([document("a", 0, PARAGRAPHS[0], "p"), document("b", 1, PARAGRAPHS[0], "q")])
    store.change([document("c", 0, PARAGRAPHS[0], None), document("d", 1, PARAGRAPHS[0], None)])
    assert store.origins() == {}
    store.change([replace(document("b", 1, PARAGRAPHS[0], "p"), version=2)])  # merged
    assert store.origins() == {"b": [(PARAGRAPHS[0], "a")]}
    store.change([replace(document("a", 0, PARAGRAPHS[0], "r"), version=2)])
    assert store.origins() == {}


NAMES = "abcde"
steps = st.lists(
    st.tuples(
        st.sampled_from(NAMES),
        st.sampled_from([0, 1, 2, 3, None]),
        st.lists(st.sampled_from([*PARAGRAPHS, EDITED, "Short."]), max_size=3),
        st.sampled_from("pq"),
        st.booleans(),
    ),
    max_size=12,
)


@settings(max_examples=120, deadline=None)
@given(steps)
def test_any_history_ends_where_a_fresh_start_does(history: list[tuple[object, ...]]) -> None:
    store = Store()
    for version, (name, day, parts, patient, goes) in enumerate(history, 1):
        if goes:
            store.change([], [name])  # type: ignore[list-item]
        else:
            text = "\n\n".join(parts)  # type: ignore[arg-type]
            made = document(name, day, text, patient)  # type: ignore[arg-type]
            store.change([replace(made, version=version)])
    fresh = Store()
    fresh.change(list(store.documents.values()))
    assert store.origins() == fresh.origins()
    assert {k: v for k, v in store.copied.items() if v} == {
        k: v for k, v in fresh.copied.items() if v
    }
    for key, found in store.copied.items():
        for c in found:
            assert 0 <= c.start < c.end <= len(store.documents[key].text)
            assert c.first_end <= len(store.documents[c.first_id].text)


def test_the_first_author_takes_the_place_of_the_best_copy() -> None:
    def hit(rank: int, name: str, copy_of: str = "") -> Hit:
        return Hit(rank, name, 1 / rank, {}, copy_of=copy_of)

    hits = [hit(1, "copy", "first"), hit(2, "other"), hit(3, "later", "first"), hit(4, "first")]
    found = [(each.rank, each.doc_id) for each in collapsed(hits)]
    assert found == [(1, "first"), (2, "other"), (3, "copy"), (4, "later")]
    alone = [hit(1, "x", "elsewhere"), hit(2, "y", "x")]
    assert [each.doc_id for each in collapsed(alone)] == ["x", "y"]
