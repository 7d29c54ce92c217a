"""Books of judgements: nothing is lost on the way out and in again."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.judgements import Book, Judgement, of_qrels, pool, read, write
from eval.shelf import Shelf
from indexing.errors import InvalidInput, NotFound

IDS = st.text("abcdef01-_ é", min_size=1, max_size=6)
WORDS = st.text(st.characters(codec="utf-8"), max_size=20)


@st.composite
def books(draw: st.DrawFn) -> Book:
    topics = draw(st.dictionaries(IDS, WORDS, min_size=1, max_size=4))
    known = st.sampled_from(sorted(topics))
    pooled = draw(st.dictionaries(known, st.lists(IDS, unique=True).map(tuple)))
    judged = draw(
        st.lists(
            st.builds(Judgement, known, IDS, IDS, st.integers(0, 3), WORDS, WORDS, WORDS),
            unique_by=lambda j: (j.topic_id, j.doc_id, j.judge),
        )
    )
    head = {name: draw(WORDS) for name in ("tenant", "guideline", "guideline_version")}
    return Book(draw(WORDS), topics, pooled, tuple(judged), **head)


@given(books(), st.sampled_from(["book.jsonl", "book.jsonl.gz"]))
def test_a_book_comes_back(tmp_path_factory: pytest.TempPathFactory, book: Book, name: str) -> None:
    path = tmp_path_factory.mktemp("b") / name
    write(book, path)
    assert read(path) == book


def test_unjudged_and_empty_topics_stay(tmp_path: Path) -> None:
    book = Book("b", {"q1": "wheeze", "q2": "nothing"}, {"q1": ("d1", "d2"), "q2": ()})
    book = book.with_judgements([Judgement("q1", "d1", "ann", 3)])
    assert book.unjudged() == 1
    shelf = Shelf(tmp_path)
    shelf.keep(book)
    again = shelf.open("b")
    assert again == book
    assert again.qrels() == {"q1": {"d1": 3}, "q2": {}}


def test_several_judges_count_by_the_lower_median() -> None:
    words = [Judgement("q", "d", judge, grade) for judge, grade in (("a", 3), ("b", 1), ("c", 1))]
    book = Book("b", {"q": "x"}, {"q": ("d",)})
    assert book.with_judgements(words).qrels() == {"q": {"d": 1}}
    assert book.with_judgements(words[:2]).qrels() == {"q": {"d": 1}}


def test_a_judge_may_think_again() -> None:
    book = Book("b", {"q": "x"}, {}).with_judgements([Judgement("q", "d", "a", 0)])
    assert book.with_judgements([Judgement("q", "d", "a", 2)]).qrels() == {"q": {"d": 2}}


@pytest.mark.parametrize("word", [Judgement("?", "d", "a", 1), Judgement("q", "d", "a", 4)])
def test_words_that_fit_no_book_are_refused(word: Judgement) -> None:
    with pytest.raises(InvalidInput):
        Book("b", {"q": "x"}, {}).with_judgements([word])


def test_qrels_are_one_judges_word() -> None:
    words = list(of_qrels({"q": {"d": 7, "e": -1}}, "trec"))
    assert [(w.doc_id, w.grade, w.judge) for w in words] == [("d", 3, "trec"), ("e", 0, "trec")]


def test_a_pool_unites_runs_and_hides_their_order() -> None:
    runs = [{"q": ["a", "b", "c"]}, {"q": ["c", "d", "e"]}]
    pooled = pool(runs, ["q", "r"], 2)
    assert set(pooled["q"]) == {"a", "b", "c", "d"}
    assert pooled["r"] == ()
    assert pooled == pool(runs[::-1], ["q", "r"], 2)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no book"),
        ("{", "line 1"),
        ('{"kind":"page"}', "line 1: no line of a book is"),
        ('{"kind":"topic","topic_id":"q","text":"x"}\n' * 2, "line 2: 'q' stands there twice"),
        ('{"kind":"judgement","who":1}', "line 1"),
        ('[1]', "line 1"),
        ('{"kind":"book","name":"b"}\n{"kind":"pooled","topic_id":"q","doc_ids":[]}', "no topic"),
    ],
)  # fmt: skip
def test_what_is_no_book_is_told_by_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "b.jsonl"
    path.write_text(text)
    with pytest.raises(InvalidInput, match=said):
        read(path)


@pytest.mark.parametrize("name", ["", "..", "../x", "a/b", ".hidden", "x" * 99])
def test_a_book_cannot_be_named_like_a_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInput):
        Shelf(tmp_path).has(name)


def test_a_missing_book_names_those_there_are(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.keep(Book("one", {"q": "x"}, {}))
    with pytest.raises(NotFound) as caught:
        shelf.open("two")
    assert "one" in caught.value.hint


@pytest.mark.parametrize("cut", [1, 20, 50])
def test_a_word_that_a_crash_broke_off_is_named_and_the_others_stand(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, cut: int
) -> None:
    shelf, book = Shelf(tmp_path), Book("b", {"q": "é"}, {"q": ("d", "e")})
    shelf.keep(book)
    kept = Judgement("q", "d", "ann", 3, comment="été")
    shelf.judge("b", kept)
    shelf.judge("b", Judgement("q", "e", "ann", 1, comment="é" * 30))
    beside = tmp_path / "b.since"
    whole = beside.read_bytes()
    beside.write_bytes(whole[:-cut])
    assert shelf.open("b").judgements == (kept,)
    assert "b.since, line 2: broken off" in caplog.text
    again = Judgement("q", "e", "bob", 2)
    shelf.judge("b", again)  # in its place: behind it, both would be lost
    caplog.clear()
    assert shelf.open("b").judgements == (kept, again)
    assert not caplog.text


def test_a_line_changed_from_outside_is_an_error_that_says_where(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.keep(Book("b", {"q": "x"}, {"q": ("d",)}))
    shelf.judge("b", Judgement("q", "d", "ann", 3))
    for spoilt in (b"{}", b"\xff", b"7", b'{"grade": 1}'):
        (tmp_path / "b.since").write_bytes(spoilt + b"\n")
        with pytest.raises(InvalidInput, match="line 1: not a judgement"):
            shelf.open("b")
