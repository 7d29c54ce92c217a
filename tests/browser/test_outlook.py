"""Treatment options and models in a browser: asked, marked, explained, open to everybody."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Browser, expect

from app.wiring import Installation
from indexing.access import Access, Role
from indexing.outlook import Prediction, Switches
from tests.browser.conftest import DESKTOP, PHONE, Visitor, _visit
from tests.browser.test_face import hold, look
from tests.flow.test_model_pages import CARD
from tests.treated import PATIENT, fill, patients
from tests.ward import Ward, build

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def treated(installation: Installation) -> Ward:
    """A hospital of its own, with everything turned on."""
    own = build(installation)
    fill(installation, own.access, patients())
    access = Access(own.tenant.tenant_id, "dr", frozenset({Role.CLINICIAN}))
    outlook = own.services.outlook(access)
    outlook.store.switch(access, Switches(predictions=True, treatments=True))
    outlook.store.register(access, CARD, None)
    for number, chance in enumerate((0.3, None)):
        why = "" if chance else "nobody here is alike enough to tell by"
        at = datetime(2025, 2, 1 + number, tzinfo=UTC)
        told = Prediction(
            f"seen-{number}", PATIENT, CARD.name, CARD.version, CARD.type, chance, 0.2, 0.4, 0.3,
            why, at, {"neighbours": 150, "shared": ["hypertension"]},
        )  # fmt: skip
        outlook.store.keep(access, told)
    return own


@pytest.fixture(params=["desk-light", "desk-dark", "phone-light", "phone-dark"])
def reader(
    chromium: Browser, site: str, treated: Ward, request: pytest.FixtureRequest
) -> Iterator[Visitor]:
    """Somebody of that hospital, at every size and light."""
    place, light = request.param.split("-")
    size = DESKTOP if place == "desk" else PHONE
    yield from _visit(chromium, site, treated, viewport=size, color_scheme=light)


def test_options_are_asked_for_from_the_chart_and_marked_ones_stand_first(reader: Visitor) -> None:
    reader.sign_in()
    page = reader.page
    page.goto(f"{reader.site}/patients/{PATIENT}")
    page.get_by_role("link", name="Treatment options").click()
    look(reader, f"/patients/{PATIENT}/treatments")
    page.select_option("#problem", "Hypertension")
    page.get_by_role("button", name="Show").click()
    expect(page.locator(".option").first).to_have_class("option is-marked")
    expect(page.locator(".option h3").first).to_contain_text("lisinopril")
    expect(page.locator(".caution").first).to_contain_text("allergy")
    expect(page.get_by_role("alert")).to_contain_text("Zorblaxin")
    assert "ypertension" not in page.url  # the condition is in no address
    hold(reader, "the answer")
    page.get_by_role("link", name="Testperson").first.click()
    expect(page.locator("h1")).to_contain_text("Testperson")
    page.go_back()
    expect(page.locator(".option h3").first).to_contain_text("lisinopril")


def test_what_was_told_leads_from_the_chart_to_the_card(reader: Visitor) -> None:
    reader.sign_in()
    page = reader.page
    look(reader, f"/patients/{PATIENT}")
    expect(page.locator(".outlooks")).to_contain_text("not what will be")
    expect(page.locator(".outlooks")).to_contain_text("Nothing is told")
    page.locator(".outlooks a").first.click()
    expect(page.locator("h1")).to_contain_text("return")
    hold(reader, "the card")
    expect(page.locator("svg.calibration circle")).to_have_count(3)
    look(reader, "/models")
    page.get_by_role("link", name="return").click()
    expect(page.get_by_role("button", name="Fill in what happened")).to_be_visible()
