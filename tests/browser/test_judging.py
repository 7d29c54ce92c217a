"""Judging by keyboard in the page of results and in a pool, without scripts, on every screen."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from eval.archive import LAB, Archive
from eval.judgements import Book
from eval.shelf import Shelf
from indexing.access import Role
from tests.browser.conftest import Visitor
from tests.browser.test_face import AXE

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def pool(ward: object) -> str:
    """A book of a public set: two topics, one of which found nothing."""
    home = ward.services.settings.home  # type: ignore[attr-defined]
    book = Book(
        "public-book", {"t1": "chest pain on exertion", "t2": "nothing at all"},
        {"t1": ("d1", "d2", "d3"), "t2": ()}, data_version="judge-data",
        guideline="3 says it outright.", guideline_version="1",
    )  # fmt: skip
    Archive(home / LAB).keep_texts(
        "judge-data", [(f"d{i}", f"Letter {i}", f"Chest pain, letter {i}. " * 40) for i in (1, 2)]
    )
    Shelf(home / LAB / "books").keep(book)
    return book.name


def test_a_page_is_judged_by_keys_blind(visitor: Visitor) -> None:
    visitor.sign_in(Role.RELEVANCE)
    visitor.search("chest pain")
    page = visitor.page
    page.locator(".judge-open summary").click()
    page.fill("#judge-book", "by-keys")
    page.get_by_role("button", name="Judge", exact=True).click()
    expect(page.locator(".explain")).to_have_count(0)
    expect(page.locator(".best")).to_have_count(0)
    page.wait_for_load_state()  # the page's scripts have run
    # A key between a swap and its settling would send the form around it, and lose the page.
    assert page.evaluate("htmx.config.defaultSettleDelay") == 0
    page.locator("#judging").click()
    page.keyboard.press("j")
    page.keyboard.press("3")
    first = page.locator(".hit").first
    expect(first.locator("[data-grade='3']")).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".hit.here")).to_have_attribute("id", "hit-2")
    page.keyboard.press("0")
    expect(page.locator("[aria-pressed='true'][data-grade]")).to_have_count(2)
    expect(page.locator("#judged")).to_have_text("2")
    page.keyboard.press("0")
    expect(page.locator("[aria-pressed='true'][data-grade]")).to_have_count(1)
    page.get_by_role("link", name="Show ranks and scores").click()
    expect(page.locator(".explain").first).to_be_visible()
    expect(page.locator("[aria-pressed='true'][data-grade]")).to_have_count(1)
    assert "chest" not in page.url


def test_a_page_is_judged_without_scripts(plain_visitor: Visitor) -> None:
    plain_visitor.sign_in(Role.RELEVANCE)
    page = plain_visitor.page
    page.goto(f"{plain_visitor.site}/search")
    page.fill("#q", "chest pain")
    page.click(".ask button.main")
    page.locator(".judge-open summary").click()
    page.fill("#judge-book", "without-scripts")  # what others graded stands in other books
    page.get_by_role("button", name="Judge", exact=True).click()
    page.locator("[data-grade='2']").first.click()
    expect(page.locator("[data-grade='2']").first).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".judging")).to_contain_text("1 of 2 here have your grade")


def test_a_pool_is_judged_by_keys(visitor: Visitor, pool: str) -> None:
    visitor.sign_in(Role.RELEVANCE)
    page = visitor.page
    page.goto(f"{visitor.site}/lab/pools/{pool}/1")
    page.keyboard.press("j")
    for digit in "102":
        page.keyboard.press(digit)
    expect(page.locator("[aria-pressed='true'][data-grade]")).to_have_count(3)
    page.reload()
    given = page.locator("[aria-pressed='true'][data-grade]")
    assert [given.nth(i).get_attribute("data-grade") for i in range(3)] == ["1", "0", "2"]
    page.get_by_role("link", name="Topic 2 →").click()
    expect(page.locator(".hits")).to_contain_text("no run found anything")


def test_every_page_of_judging_can_be_used_by_everybody(any_visitor: Visitor, pool: str) -> None:
    any_visitor.sign_in(Role.RELEVANCE)
    any_visitor.search("chest pain")
    page, site = any_visitor.page, any_visitor.site
    result = page.url
    page.locator(".wrong summary").first.click()
    page.locator(".wrong[open] button", has_text="off topic").click()
    for at in (
        result, f"{result}?judge=axe-book", f"{result}?judge=axe-book&blind=1",
        f"{site}/lab/books", f"{site}/lab/pools/{pool}", f"{site}/lab/pools/{pool}/1",
        f"{site}/lab/candidates",
    ):  # fmt: skip
        page.goto(at)
        for each in page.locator(".judge-open summary, .new-book summary").all():
            each.click()
        found = Axe().run(page, options=AXE).response["violations"]
        told = [(each["id"], [node["html"][:120] for node in each["nodes"]]) for each in found]
        assert told == [], at
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), at
