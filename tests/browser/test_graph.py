"""The graph's page in a browser: asked, drawn, the same as a list, and open to everybody."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visitor
from tests.browser.test_face import look

pytestmark = pytest.mark.browser


def test_the_graph_is_asked_and_drawn_with_a_list_beside(any_visitor: Visitor) -> None:
    any_visitor.sign_in()
    page = any_visitor.page
    look(any_visitor, "/graph")
    page.fill("#name", "hypertension")
    page.select_option("#hops", "2")
    page.get_by_role("button", name="Show").click()
    expect(page.locator(".graph svg")).to_be_visible()
    expect(page.locator("h2").first).to_contain_text("hypertension")
    assert re.search(r"/graph\?asked=[\w-]{22}$", page.url)  # what was asked is in no address
    page.locator("summary", has_text="The same as a list").click()
    expect(page.locator("details tbody tr").first).to_be_visible()
    page.fill("#name", "nothing of that name")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing in the graph")
    any_visitor.complaints.clear()  # the browser logs the 404 itself


def test_the_whole_patient_is_held_to_the_rules_of_every_page(any_visitor: Visitor) -> None:
    any_visitor.sign_in()
    look(any_visitor, "/patients/p-ada")
    expect(any_visitor.page.locator(".part-graph svg").first).to_be_visible()
