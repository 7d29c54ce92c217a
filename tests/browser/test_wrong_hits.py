"""Calling a hit wrong: by key, by pointer, without scripts, on every screen; and a researcher's
view."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from indexing.access import Role
from tests.browser.conftest import Visitor
from tests.browser.test_face import AXE

pytestmark = pytest.mark.browser


def test_a_hit_is_called_wrong_by_keys_and_taken_back(visitor: Visitor) -> None:
    visitor.sign_in()
    visitor.search("chest pain")
    page = visitor.page
    before = page.url
    page.keyboard.press("Escape")
    page.locator("#count").click()
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("w")
    expect(page.locator(".hit.here .wrong button").first).to_be_focused()
    page.keyboard.press("3")
    said = page.locator(".wrong-said")
    expect(said).to_have_text(re.compile("Called wrong: old"))
    expect(page.locator("#hit-2.here a.open")).to_be_focused()  # and one goes on from there
    assert page.url == before
    page.get_by_role("button", name="Undo").click()
    expect(said).to_have_count(0)
    assert page.url == before


def test_a_hit_is_called_wrong_without_scripts(plain_visitor: Visitor) -> None:
    plain_visitor.sign_in()
    page = plain_visitor.page
    page.goto(f"{plain_visitor.site}/search")
    page.fill("#q", "chest pain")
    page.click(".ask button.main")
    page.locator(".wrong summary").first.click()
    page.locator(".wrong[open] button", has_text="other patient").click()
    expect(page.locator(".wrong-said")).to_contain_text("other patient")
    assert "chest" not in page.url
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".wrong-said")).to_have_count(0)


def test_the_menu_and_the_list_on_every_screen(any_visitor: Visitor) -> None:
    any_visitor.sign_in(Role.RELEVANCE)
    any_visitor.search("chest pain assertion:any")
    page = any_visitor.page
    page.locator(".wrong summary").first.click()
    assert Axe().run(page, options=AXE).violations_count == 0
    page.locator(".wrong[open] button", has_text="off topic").click()
    expect(page.locator(".wrong-said")).to_be_visible()
    page.evaluate("scrollTo(0, 0)")  # what lies half below the bar that stays is half a target
    assert Axe().run(page, options=AXE).violations_count == 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.goto(f"{any_visitor.site}/lab/candidates")
    expect(page.locator("h1")).to_have_text("Hits called wrong")
    expect(page.locator("tbody tr").first).to_contain_text("chest pain assertion:any")
    assert Axe().run(page, options=AXE).violations_count == 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_researcher_reads_without_names(any_visitor: Visitor) -> None:
    any_visitor.sign_in(Role.RESEARCHER)
    any_visitor.search("chest pain")
    page = any_visitor.page
    expect(page.get_by_text("De-identified view")).to_be_visible()
    expect(page.locator("body")).not_to_contain_text("Example")
    expect(page.locator("body")).not_to_contain_text("Quill")
    assert Axe().run(page, options=AXE).violations_count == 0
    # Whether a narrow name comes to lie below another link is up to its letters.
    tall = "every => every.map(link => link.getBoundingClientRect().height)"
    assert min(page.locator(".facts a").evaluate_all(tall)) >= 24
    page.locator("a.open").first.click()
    expect(page.locator("#hit-1")).to_be_visible()
    expect(page.locator("body")).not_to_contain_text("Quill")
    page.go_back()
    page.locator(".of a").first.click()
    expect(page.locator("h1")).to_have_text(re.compile("Patient [0-9a-f]{6}"))
    expect(page.locator("body")).not_to_contain_text("Example")
    assert Axe().run(page, options=AXE).violations_count == 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
