"""Cohorts and similar patients in a browser: reviewed by keys, by buttons, open to everybody."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from indexing.access import Role
from tests.browser.conftest import Visitor
from tests.browser.test_face import look

pytestmark = pytest.mark.browser
SAID = "said: text chest pain\nkeep said"


def _saved(visitor: Visitor, name: str, definition: str = SAID) -> Page:
    page = visitor.page
    page.goto(f"{visitor.site}/cohorts")
    page.fill("#name", name)
    page.fill("#definition", definition)
    page.get_by_role("button", name="Save and run").click()
    page.wait_for_url("**/cohorts/*-*")
    return page


def test_evidence_is_judged_by_keys_and_taken_back(visitor: Visitor) -> None:
    visitor.sign_in()
    page = _saved(visitor, "by keys", "said: text chest pain\nold: age 1-\nkeep said or old")
    cells = page.locator(".verdict")
    assert cells.count() >= 3
    page.keyboard.press("a")
    expect(cells.nth(0).get_by_role("button", name="accept")).to_have_attribute(
        "aria-pressed", "true"
    )
    expect(cells.nth(1)).to_have_class("verdict here")
    page.keyboard.press("r")
    expect(cells.nth(1).get_by_role("button", name="reject")).to_have_attribute(
        "aria-pressed", "true"
    )
    page.keyboard.press("k")
    page.keyboard.press("r")
    expect(page.locator(".verdict [aria-pressed='true']")).to_have_count(1)
    page.reload()
    page.keyboard.press("a")  # goes on at the first that nobody judged
    page.keyboard.press("a")
    expect(page.locator(".verdict [aria-pressed='true']")).to_have_count(3)
    expect(cells.nth(0).get_by_role("button", name="accept")).to_contain_text("accept 1")


def test_evidence_is_judged_without_scripts(plain_visitor: Visitor) -> None:
    plain_visitor.sign_in()
    page = _saved(plain_visitor, "by buttons")
    first = page.locator(".verdict").first
    first.get_by_role("button", name="accept").click()
    expect(first.get_by_role("button", name="accept")).to_have_attribute("aria-pressed", "true")
    first.get_by_role("button", name="accept").click()
    expect(first.get_by_role("button", name="accept")).to_have_attribute("aria-pressed", "false")


def test_cohorts_and_similar_patients_are_held_to_the_rules_of_every_page(
    any_visitor: Visitor,
) -> None:
    any_visitor.sign_in()
    look(any_visitor, "/cohorts")
    page = _saved(any_visitor, "looked at")
    look(any_visitor, page.url.removeprefix(any_visitor.site))
    look(any_visitor, "/similar")
    look(any_visitor, "/patients/p-ada/similar")


def test_a_researcher_is_told_why_no_row_stands_there(visitor: Visitor) -> None:
    visitor.sign_in(Role.RESEARCHER)
    page = _saved(visitor, "of a researcher")
    expect(page.locator("main")).to_contain_text("Fewer than 11 patients meet this")
    look(visitor, page.url.removeprefix(visitor.site))
