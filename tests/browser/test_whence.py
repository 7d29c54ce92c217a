"""Going back, reloading and signing in again: nobody meets the browser's error page, and nothing
that was typed is lost."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visitor
from tests.browser.test_face import hold
from tests.ward import PASSWORD

pytestmark = pytest.mark.browser


def test_back_from_a_note_is_the_answer_that_led_to_it(visitor: Visitor) -> None:
    visitor.sign_in()
    page = visitor.page
    page.goto(f"{visitor.site}/knowledge")
    page.get_by_role("searchbox").fill("chest pain")
    page.get_by_role("button", name="Search").click()
    page.locator(".told a").first.click()
    expect(page.locator(".note-text")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("searchbox")).to_have_value("chest pain")
    expect(page.locator(".told a").first).to_be_visible()
    page.locator("form.theme button").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.locator(".told a").first).to_be_visible()


def _sent_too_late(reader: Visitor) -> None:
    """Send a form with which somebody took their time."""
    page = reader.page
    page.goto(f"{reader.site}/cohorts")
    page.fill("#name", "Of an afternoon")
    page.fill("#definition", "hf: condition heart failure")
    page.context.clear_cookies()
    page.get_by_role("button", name="Save and run").click()
    typed = page.get_by_label("What you had typed")
    expect(typed.last).to_have_value("hf: condition heart failure")


def test_a_session_that_ended_costs_no_words_and_no_way(visitor: Visitor) -> None:
    visitor.sign_in()
    _sent_too_late(visitor)
    page = visitor.page
    hold(visitor, "the sign-in with what was typed")
    if page.locator("#tenant").count():
        page.fill("#tenant", visitor.ward.tenant.code)
    page.fill("#name", "clinician")
    page.fill("#password", PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Cohorts")).to_be_visible()
    visitor.complaints.clear()  # the browser logs the 401 itself


def test_nor_where_scripts_are_off(plain_visitor: Visitor) -> None:
    plain_visitor.sign_in()
    _sent_too_late(plain_visitor)
    plain_visitor.complaints.clear()
