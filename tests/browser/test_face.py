"""What a person does in the browser, from signing in to the copied citation."""

from __future__ import annotations

import re
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from indexing.access import Role
from tests.browser.conftest import Visitor

pytestmark = pytest.mark.browser

AXE = {
    "runOnly": {
        "type": "tag",
        "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    },
    "resultTypes": ["violations"],  # what passes needs no list of its elements
}


def test_sign_in_search_read_and_sign_out(visitor: Visitor) -> None:
    visitor.sign_in()
    page = visitor.page
    expect(page.get_by_text("invented patients")).to_be_visible()
    visitor.search("chest pain")
    assert "chest" not in page.url
    expect(page.locator(".hit").first).to_contain_text("chest pain", ignore_case=True)
    page.locator("a.open", has_text="Cardiology clinic").click()
    expect(page.locator("h1")).to_have_text("Cardiology clinic")
    expect(page).to_have_title("Note · Anamnesis")  # the browser's history tells nothing of it
    expect(page.locator("#hit-1")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(re.compile("/login"))
    page.go_back()
    expect(page.locator("body")).not_to_contain_text("exertion")


def test_a_chip_is_taken_away_without_leaving_the_page(visitor: Visitor) -> None:
    visitor.sign_in()
    visitor.search("furosemide exertion")
    page = visitor.page
    before = page.url
    page.get_by_role("button", name="Without exertion").press("Enter")
    expect(page.get_by_role("button", name="Without exertion")).to_have_count(0)
    expect(page.locator("#count")).to_be_focused()
    assert page.url != before
    expect(page.locator("#q")).to_have_value("furosemide")
    assert re.search(r"/search/[\w-]{20,}$", page.url)
    page.reload()
    expect(page.get_by_role("button", name="Without furosemide")).to_be_visible()


def test_a_wording_that_was_taken_away_can_be_taken_up_again(visitor: Visitor) -> None:
    visitor.sign_in()
    visitor.search("dyspnea")
    page = visitor.page
    away = page.get_by_role("button", name="Without dyspnea → shortness of breath")
    away.click()
    again = page.get_by_role("button", name=re.compile("dyspnea → shortness of breath .*add"))
    expect(away).to_have_count(0)
    again.click()
    expect(away).to_be_visible()
    expect(again).to_have_count(0)


def test_a_facet_narrows_and_widens(visitor: Visitor) -> None:
    visitor.sign_in()
    visitor.search("chest pain")
    page = visitor.page
    value = page.locator(".facet button", has_text="Discharge summary")
    value.click()
    expect(page.locator(".chip-facet")).to_contain_text("Discharge summary")
    expect(page.locator(".hit")).to_have_count(1)
    page.get_by_role("button", name="Without type").click()
    expect(page.locator(".chip-facet")).to_have_count(0)


def test_on_a_phone_the_answers_come_before_what_narrows_them(visitor: Visitor) -> None:
    visitor.sign_in()
    visitor.page.set_viewport_size({"width": 390, "height": 844})
    visitor.search("chest pain")
    page = visitor.page
    hit, facets = page.locator(".hit").first.bounding_box(), page.locator("#narrow").bounding_box()
    assert hit is not None
    assert facets is not None
    assert hit["y"] < 844 < facets["y"] + facets["height"]
    assert hit["y"] < facets["y"]
    page.get_by_role("link", name="Narrow down").click()
    expect(page.locator(".facet summary").first).to_be_in_viewport()


def test_the_explanation_adds_up(visitor: Visitor) -> None:
    visitor.sign_in()
    visitor.search("chest pain")
    hit = visitor.page.locator(".hit").first
    hit.locator(".explain summary").click()
    shares = [float(t) for t in hit.locator("tbody td:last-child").all_inner_texts()]
    score = float(hit.locator("tfoot td").inner_text())
    assert 3 <= len(shares) <= 4  # the legs, and what notes like it add
    assert abs(sum(shares) - score) <= 0.002  # each is rounded to three digits


def test_keys_walk_the_results_and_the_note(visitor: Visitor) -> None:
    visitor.sign_in()
    visitor.search("chest pain")
    page = visitor.page
    page.locator("h1").click()
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator(".hit.here")).to_have_attribute("value", "2")
    page.keyboard.press("k")
    expect(page.locator(".hit.here")).to_have_attribute("value", "1")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#keys")).to_be_hidden()
    page.keyboard.press("o")
    expect(page.locator(".note-text")).to_be_visible()
    page.wait_for_load_state()
    page.keyboard.press("n")
    expect(page.locator("#hit-1")).to_be_focused()
    page.keyboard.press("/")
    assert page.locator("#q").count() == 0  # nothing to focus here, and nothing breaks


def test_copying_takes_sentence_date_author_section_and_link(visitor: Visitor) -> None:
    visitor.sign_in()
    visitor.search("exertion")
    page = visitor.page
    page.locator("a.open", has_text="Cardiology clinic").click()
    expect(page.locator("h1")).to_have_text("Cardiology clinic")
    page.wait_for_load_state()
    page.keyboard.press("n")
    expect(page.locator("#hit-1")).to_be_focused()
    page.keyboard.press("c")
    expect(page.locator("#said")).to_contain_text("Copied")
    words = page.evaluate("navigator.clipboard.readText()")
    assert "“Chest pain on exertion for two weeks.”" in words
    assert "Cardiology clinic · 2024-03-02 10:00 · Dr Quill · history of present illness" in words
    link = re.search(r"http\S+/notes/note-angina#section-\d+$", words)
    assert link is not None
    page.goto(link[0])  # as somebody else does, who has not searched
    expect(page.locator(":target")).to_contain_text("Chest pain on exertion")


def test_concepts_are_marked_on_demand(visitor: Visitor) -> None:
    visitor.sign_in()
    page = visitor.page
    page.goto(f"{visitor.site}/notes/note-denies")
    denied = page.locator(".note-text .c-negated").first
    drawn = "e => getComputedStyle(e).textDecorationLine"
    assert "line-through" not in denied.evaluate(drawn)
    page.get_by_label("mark them in the text").check()
    assert "line-through" in denied.evaluate(drawn)


def test_a_chart_leads_to_a_search_of_it_alone(visitor: Visitor) -> None:
    visitor.sign_in()
    page = visitor.page
    page.goto(f"{visitor.site}/patients/p-ada")
    expect(page.locator("h1")).to_have_text(re.compile("Ada Example"))
    for words in ("Hypertension", "Penicillin", "Aspirin 81 mg", "Hemoglobin"):
        expect(page.locator("main")).to_contain_text(words)
    page.fill("#q", "chest pain")
    page.press("#q", "Enter")
    expect(page.locator(".chip-facet")).to_contain_text("Ada Example")
    expect(page.locator(".hit").first).to_contain_text("Ada Example")
    expect(page.locator(".hit", has_text="Ben Specimen")).to_have_count(0)


def test_a_bad_query_points_at_its_character(visitor: Visitor) -> None:
    visitor.sign_in()
    page = visitor.page
    page.goto(f"{visitor.site}/search")
    page.fill("#q", "fever AND (cough")
    page.press("#q", "Enter")
    expect(page.locator("#fault")).to_contain_text("Character 11")
    page.fill("#q", "fever AND cough")
    page.press("#q", "Enter")
    page.wait_for_selector("#count")
    page.go_back()
    expect(page.locator("#fault")).to_contain_text("Character 11")
    assert visitor.complaints == [c for c in visitor.complaints if "422" in c]
    visitor.complaints.clear()  # the browser logs the status itself


def test_a_question_that_is_too_long_is_refused_and_not_cut(visitor: Visitor) -> None:
    """What is proved absent of a note's first 10,000 characters is not proved of the note."""
    visitor.sign_in()
    page = visitor.page
    page.fill("#q", "zq " * 3400)
    page.press("#q", "Enter")
    expect(page.locator("#fault")).to_contain_text("At most 10,000 characters.")
    assert len(page.input_value("#q")) > 10_000
    assert visitor.complaints == [c for c in visitor.complaints if "422" in c]
    visitor.complaints.clear()  # the browser logs the status itself


def test_why_a_note_is_not_here(visitor: Visitor) -> None:
    visitor.sign_in()
    visitor.search("furosemide type:'Discharge summary'")
    page = visitor.page
    page.locator(".why summary").click()
    page.fill("#why-id", f"{visitor.site}/notes/note-angina?found=x#hit-1")
    page.get_by_role("button", name="Explain").click()
    expect(page.locator("#why-answer table")).to_be_visible()


def test_the_narrowest_screen_is_wide_enough(visitor: Visitor) -> None:
    """WCAG 1.4.10: 320 pixels, as a desk's screen has at 400 %."""
    visitor.sign_in()
    visitor.page.set_viewport_size({"width": 320, "height": 700})
    visitor.search("chest pain")
    for path in _pages(visitor):
        look(visitor, path)


def test_what_is_printed_asks_for_nothing(visitor: Visitor) -> None:
    visitor.sign_in()
    visitor.search("chest pain")
    page = visitor.page
    page.emulate_media(media="print")
    expect(page.locator(".snippet").first).to_be_visible()
    for selector in (".wrong", ".why", ".chip button", ".left-out button:last-child", ".facets"):
        assert all(not each.is_visible() for each in page.locator(selector).all()), selector


def test_paper_says_what_was_asked_and_what_was_left_out(visitor: Visitor) -> None:
    visitor.sign_in()
    visitor.search("chest pain")
    page = visitor.page
    page.emulate_media(media="print")
    expect(page.locator(".left-out")).to_have_text(re.compile(r"Left out:\s*1 denied"))
    expect(page.locator(".left-out").get_by_text("denied")).to_be_visible()
    expect(page.get_by_role("button", name="has it")).to_be_visible()
    expect(page.get_by_role("button", name="denies it")).to_be_hidden()
    expect(page.locator(".group-by a:visible")).to_have_text("by note")
    expect(page.locator(".printed")).to_have_text(
        re.compile(r"^St Elsewhere, as shown to clinician on \d{4}-\d\d-\d\d \d\d:\d\d\.$")
    )


def test_a_printed_chart_names_nobody_else(visitor: Visitor) -> None:
    visitor.sign_in()
    page = visitor.page
    page.goto(f"{visitor.site}/patients/p-ada")
    others = page.locator(".part-similar")
    expect(others).to_be_visible()
    page.emulate_media(media="print")
    expect(others).to_be_hidden()
    expect(page.get_by_role("heading", name="Ada Example")).to_be_visible()


@pytest.mark.parametrize(
    ("path", "known"),
    [("/patients/p-ada", "born 1951-02-03"), ("/notes/note-angina", "2024-03-02 10:00")],
)
def test_whose_it_is_stays_in_sight(visitor: Visitor, path: str, known: str) -> None:
    visitor.sign_in()
    page = visitor.page
    page.set_viewport_size({"width": 390, "height": 300})
    page.goto(f"{visitor.site}{path}")
    page.evaluate("scrollTo(0, 420)")
    whose = page.locator(".whose")
    expect(whose).to_be_in_viewport()
    expect(whose).to_contain_text("Ada Example")
    expect(whose).to_contain_text(known)


def test_a_result_bears_the_number_that_it_is_called_by(visitor: Visitor) -> None:
    visitor.sign_in()
    visitor.search("chest pain")
    page = visitor.page
    called = page.locator(".best a", has_text="result ").first
    number = called.inner_text().removeprefix("result ")
    expect(page.locator(f"#hit-{number} .hit-title")).to_contain_text(number)


def test_the_light_is_a_choice_that_stays(visitor: Visitor) -> None:
    visitor.sign_in()
    page = visitor.page
    page.locator("form.theme button").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.goto(f"{visitor.site}/status")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_everything_works_without_scripts(plain_visitor: Visitor) -> None:
    visitor, page = plain_visitor, plain_visitor.page
    visitor.sign_in()
    visitor.search("chest pain furosemide")
    page.get_by_role("button", name="Without furosemide").click()
    expect(page.get_by_role("button", name="Without furosemide")).to_have_count(0)
    page.get_by_role("link", name="by patient").click()
    expect(page.locator(".patient-head")).to_have_count(2)
    page.get_by_role("link", name="by note").click()
    page.locator(".why summary").click()
    page.fill("#why-id", "note-denies")
    page.get_by_role("button", name="Explain").click()
    expect(page.locator("main")).to_contain_text("Why is that note not here?")
    page.go_back()
    page.locator("a.open", has_text="Cardiology clinic").click()
    expect(page.locator(".citations blockquote").first).to_contain_text("Chest pain on exertion")
    expect(page.get_by_role("button", name="Copy with citation")).to_have_count(0)


def _pages(visitor: Visitor) -> list[str]:
    visitor.search("chest pain")
    found = visitor.page.url.removeprefix(visitor.site)
    page_id = found.rsplit("/", 1)[1]
    return [
        "/search", found, f"{found}?group=patient", f"/notes/note-angina?found={page_id}",
        "/patients/p-ada", "/status",
    ]  # fmt: skip


def look(visitor: Visitor, path: str) -> None:
    """Open a page and hold it to the rules of every page."""
    visitor.page.goto(f"{visitor.site}{path}")
    hold(visitor, path)


def hold(visitor: Visitor, path: str) -> None:
    """Unfold everything on the page, and hold it to the accessibility rules and its width."""
    page = visitor.page
    for more in page.locator("details").all():
        more.evaluate("e => { e.open = true; }")
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= page.viewport_size["width"], f"{path} is {width} px wide"
    found: Any = Axe().run(page, options=AXE).response["violations"]
    told = [(v["id"], [n["html"][:120] for n in v["nodes"][:3]]) for v in found]
    assert told == [], path


def test_no_page_breaks_the_accessibility_rules_or_overflows(any_visitor: Visitor) -> None:
    visitor = any_visitor
    look(visitor, "/login")
    visitor.sign_in()
    for path in _pages(visitor):
        look(visitor, path)


def test_the_audit_page_is_held_to_the_same(any_visitor: Visitor) -> None:
    any_visitor.sign_in(Role.PRIVACY)
    look(any_visitor, "/audit")


def test_a_note_prints_without_the_furniture(visitor: Visitor) -> None:
    visitor.sign_in()
    page = visitor.page
    page.goto(f"{visitor.site}/notes/note-angina")
    page.emulate_media(media="print")
    expect(page.locator(".top")).to_be_hidden()
    expect(page.locator(".note-side")).to_be_hidden()
    expect(page.locator(".note-text")).to_be_visible()
