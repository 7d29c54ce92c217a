"""The relevance lab in the browser: from the list to why a document moved."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from eval.archive import Card
from indexing.access import Role
from tests.browser.conftest import Visitor
from tests.browser.test_face import AXE
from tests.lab_runs import store, store_tuning

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def runs(ward: object) -> tuple[Card, Card]:
    home = ward.services.settings.home  # type: ignore[attr-defined]
    return store(home, "base", 0), store(home, "turned", 2)


def test_from_the_list_to_why_a_document_moved(visitor: Visitor, runs: tuple[Card, Card]) -> None:
    visitor.sign_in(Role.RELEVANCE)
    page = visitor.page
    page.get_by_role("link", name="Lab").click()
    page.get_by_role("radio", name=f"Base: {runs[0].run_id}").check()
    page.get_by_role("radio", name=f"Run: {runs[1].run_id}").check()
    page.get_by_role("button", name="Compare").click()
    expect(page.locator(".deltas rect")).to_have_count(4)
    page.locator("tbody a[href^='/lab/topic']").first.click()
    expect(page.locator(".ranked").first.locator("li")).to_have_count(10)
    expect(page.get_by_role("heading", name="What moved, and why")).to_be_visible()
    expect(page.locator(".cause").first).to_contain_text("Words")


def test_it_works_without_scripts(plain_visitor: Visitor, runs: tuple[Card, Card]) -> None:
    plain_visitor.sign_in(Role.RELEVANCE)
    page = plain_visitor.page
    page.goto(f"{plain_visitor.site}/lab/compare?base={runs[0].run_id}&run={runs[1].run_id}")
    expect(page.locator("h1")).to_contain_text("base and turned")


def test_every_page_of_the_lab_can_be_used_by_everybody(
    any_visitor: Visitor, runs: tuple[Card, Card]
) -> None:
    any_visitor.sign_in(Role.RELEVANCE)
    page, site = any_visitor.page, any_visitor.site
    both = f"base={runs[0].run_id}&run={runs[1].run_id}"
    home = any_visitor.ward.services.settings.home
    swept = [
        store(home, f"{share}", at, data_version="swept", settings={"vector_share": share})
        for at, share in enumerate((0.2, 0.4, 0.8))
    ]
    for at in (
        f"/lab/settings?run={swept[0].run_id}", "/lab/tunings",
        f"/lab/tunings/{store_tuning(home)}",
        "/lab", f"/lab/runs/{runs[1].run_id}", f"/lab/compare?{both}",
        f"/lab/topic?{both}&topic=q%2F1",
    ):  # fmt: skip
        page.goto(f"{site}{at}")
        found = Axe().run(page, options=AXE).response["violations"]
        told = [(each["id"], [node["html"][:120] for node in each["nodes"]]) for each in found]
        assert told == [], at
        fits = page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert fits, f"{at} is wider than the screen"
