"""Searching in the browser: frozen pages, chips, facets, what is left out, notes and charts."""

from __future__ import annotations

import json
import re

import zstandard
from fastapi.testclient import TestClient

from app.wiring import Installation
from indexing.access import Role
from tests.browsing import ask, browser, form_token, sign_in
from tests.ward import Ward


def test_a_search_answers_with_an_opaque_page_and_no_words_in_any_address(
    client: TestClient, ward: Ward
) -> None:
    sign_in(client, ward, Role.CLINICIAN)
    path = ask(client, "chest pain")
    assert re.fullmatch(r"/search/[\w-]{20,}", path)
    text = client.get(path).text
    assert "Cardiology clinic" in text
    addresses = re.findall(r'(?:href|action|hx-post)="([^"]*)"', text)
    assert addresses
    assert not [each for each in addresses if "chest" in each or "pain" in each]


def test_a_page_is_readable_by_its_owner_only(client: TestClient, ward: Ward) -> None:
    sign_in(client, ward, Role.CLINICIAN)
    path = ask(client, "chest pain")
    with browser(ward) as other:
        sign_in(other, ward, Role.RESEARCHER)
        assert other.get(path).status_code == 404


def test_what_was_deleted_since_is_not_shown_from_a_frozen_page(
    client: TestClient, ward: Ward, installation: Installation
) -> None:
    sign_in(client, ward, Role.CLINICIAN)
    path = ask(client, "pulmonary edema furosemide")
    assert "Discharge from ward 4" in client.get(path).text
    with installation.database.tenant(ward.tenant.tenant_id) as conn:
        conn.execute("UPDATE document SET live = false WHERE doc_id = 'note-edema'")
    try:
        text = client.get(path).text
    finally:
        with installation.database.tenant(ward.tenant.tenant_id) as conn:
            conn.execute("UPDATE document SET live = true WHERE doc_id = 'note-edema'")
    assert "withdrawn" in text
    assert "Discharge from ward 4" not in text


def test_a_frozen_page_keeps_no_text_and_shows_notes_as_they_read_now(
    client: TestClient, ward: Ward, installation: Installation
) -> None:
    sign_in(client, ward, Role.CLINICIAN)
    path = ask(client, "pulmonary edema furosemide")
    assert "Discharge from ward 4" in client.get(path).text
    page_id = path.split("?")[0].rsplit("/", 1)[1]
    with installation.database.tenant(ward.tenant.tenant_id) as conn:
        row = conn.execute("SELECT answer FROM frozen_page WHERE page_id = %s", (page_id,))
        [kept] = row.fetchone() or [b""]
        stored = zstandard.ZstdDecompressor().decompress(kept).decode()
        assert "note-edema" in stored
        assert "ward 4" not in stored
        conn.execute("UPDATE document SET title = 'Amended since' WHERE doc_id = 'note-edema'")
    try:
        text = client.get(path).text
    finally:
        with installation.database.tenant(ward.tenant.tenant_id) as conn:
            conn.execute(
                "UPDATE document SET title = 'Discharge from ward 4' WHERE doc_id = 'note-edema'"
            )
    assert "Amended since" in text
    assert "Discharge from ward 4" not in text


def test_past_the_end_stands_the_last_page(client: TestClient, ward: Ward) -> None:
    sign_in(client, ward, Role.CLINICIAN)
    path = ask(client, "pain")
    last = client.get(path).text
    for start in (20, 100_000, 10**30):
        for group in ("", "&group=patient"):
            shown = client.get(f"{path}?start={start}{group}").text
            assert 'class="hits"' in shown
            assert f"{start + 1}–" not in shown
    assert "before</a>" not in last


def test_a_kept_page_that_is_none_is_not_called_one_of_results(
    client: TestClient, ward: Ward
) -> None:
    sign_in(client, ward, Role.CLINICIAN)
    for path in ("/search?asked=abc", "/graph?asked=abc", "/search/abc"):
        answer = client.get(path)
        assert answer.status_code == 404
        assert "This page is not here any more." in answer.text


def test_a_bad_query_points_at_its_character(client: TestClient, ward: Ward) -> None:
    sign_in(client, ward, Role.CLINICIAN)
    token = form_token(client.get("/search").text)
    answer = client.post("/search", data={"form_token": token, "q": "fever AND (cough"})
    assert answer.status_code == 422
    assert "<b>(</b>" in answer.text
    assert "Character 11" in answer.text


def test_taking_a_chip_away_and_narrowing_by_a_facet_make_new_pages(
    client: TestClient, ward: Ward
) -> None:
    sign_in(client, ward, Role.CLINICIAN)
    path = ask(client, "chest pain furosemide")
    token = form_token(client.get(path).text)
    refined = client.post(
        f"{path}/refine", data={"form_token": token, "change": "facet=type:Discharge summary"}
    )
    assert refined.status_code == 200
    assert "Discharge from ward 4" in refined.text
    assert "Cardiology clinic" not in refined.text
    fewer = client.post(f"{path}/refine", data={"form_token": token, "change": "query=furosemide"})
    assert 'value="furosemide"' in fewer.text


def test_searching_one_chart_finds_only_that_patient(client: TestClient, ward: Ward) -> None:
    sign_in(client, ward, Role.CLINICIAN)
    text = client.get(ask(client, "chest pain", patient="p-ben")).text
    assert "Discharge from ward 4" in text
    assert "Cardiology clinic" not in text


def test_grouped_by_patient_the_patients_head_their_notes(client: TestClient, ward: Ward) -> None:
    sign_in(client, ward, Role.CLINICIAN)
    text = client.get(ask(client, "chest pain") + "?group=patient").text
    assert len(re.findall('class="patient-head"', text)) == 2


def test_newest_first_by_a_link_and_for_who_asks_for_the_latest(
    client: TestClient, ward: Ward
) -> None:
    sign_in(client, ward, Role.CLINICIAN)
    found = ask(client, "chest pain furosemide")

    def days(address: str) -> list[str]:
        _, hits = client.get(address).text.split('class="hits"')
        return re.findall(r'class="date">([\d-]+)', hits)

    assert 'aria-current="true">by note' in client.get(found).text
    assert days(found) == ["2023-11", "2024-03-02"]
    assert days(f"{found}?group=newest") == ["2024-03-02", "2023-11"]
    latest = ask(client, "latest chest pain")
    assert latest.endswith("?group=newest")
    assert 'name="group" value="note"' in client.get(latest).text  # the next question is its own
    sign_in(client, ward, Role.RESEARCHER)
    found = ask(client, "latest chest pain")
    assert "group" not in found
    moved = client.get(f"{found}?group=newest").text
    assert "newest first" not in moved
    assert 'aria-current="true">by note' in moved


def test_another_question_keeps_the_order_that_was_seen(client: TestClient, ward: Ward) -> None:
    sign_in(client, ward, Role.CLINICIAN)

    def order(path: str, group: str, change: str) -> str:
        token = form_token(client.get(path).text)
        data = {"form_token": token, "group": group, "change": change}
        done = client.post(f"{path.split('?')[0]}/refine", data=data, follow_redirects=False)
        return done.headers["location"].partition("?")[2]

    plain, latest = ask(client, "chest pain"), ask(client, "latest chest pain")
    narrower = "facet=type:Discharge summary"
    assert order(plain, "newest", narrower) == "group=newest"
    assert order(plain, "patient", narrower) == "group=patient"
    assert order(latest, "note", narrower) == ""
    assert order(latest, "newest", "query=latest pain") == "group=newest"
    assert order(latest, "newest", "query=chest pain") == ""  # the word was taken away
    sign_in(client, ward, Role.RESEARCHER)
    hidden = ask(client, "latest chest pain", group="newest")
    assert "group" not in hidden
    assert order(hidden, "newest", narrower) == ""


def test_why_a_note_is_not_here(client: TestClient, ward: Ward) -> None:
    sign_in(client, ward, Role.CLINICIAN)
    path = ask(client, "chest pain", patient="p-ben")
    token = form_token(client.get(path).text)
    data = {"form_token": token, "doc_id": "note-angina"}
    assert "patient" in client.post(f"{path}/why", data=data).text
    data["doc_id"] = "Ada Example, born 3 February"
    assert "no such note" in client.post(f"{path}/why", data=data).text


def test_the_audit_of_why_names_a_note_and_keeps_nothing_that_was_typed(
    client: TestClient, ward: Ward, installation: Installation
) -> None:
    sign_in(client, ward, Role.CLINICIAN)
    path = ask(client, "chest pain")
    token = form_token(client.get(path).text)
    for typed, entities, patients in (
        ("note-angina", ["Document/note-angina"], ["p-ada"]),
        ("Ada Example, born 3 February", [], []),
    ):
        client.post(f"{path}/why", data={"form_token": token, "doc_id": typed})
        with installation.database.tenant(ward.tenant.tenant_id) as conn:
            row = conn.execute(
                "SELECT subtype, entities, patient_ids, detail FROM audit_event "
                "ORDER BY seq DESC LIMIT 1"
            ).fetchone()
        assert row is not None
        assert row[:3] == ("why", entities, patients)
        assert "Example" not in json.dumps(row[3])


def test_what_was_left_out_is_one_click_away_and_its_cue_is_marked(
    client: TestClient, ward: Ward
) -> None:
    sign_in(client, ward, Role.CLINICIAN)
    path = ask(client, "chest pain")
    shown = client.get(path).text
    assert re.search(r'value="assertion=negated"[^>]*><b>1</b> denied', shown)
    data = {"form_token": form_token(shown), "change": "assertion=negated"}
    denied = client.post(f"{path}/refine", data=data)
    assert "note-denies" in denied.text
    page_id = str(denied.url).rpartition("/")[2]
    note = client.get(f"/notes/note-denies?found={page_id}").text
    assert re.search(r'<(mark|span) class="[^"]*m-cue[^"]*"[^>]*>Denies<', note)
    assert re.search(r"<mark[^>]*>chest</mark>", note)


def test_a_note_is_escaped_first_and_marked_after(client: TestClient, ward: Ward) -> None:
    sign_in(client, ward, Role.CLINICIAN)
    path = ask(client, "chest pain")
    text = client.get(f"/notes/note-angina?found={path.rsplit('/', 1)[1]}").text
    assert "&lt;81 mg&gt; &amp; arrange" in text
    assert re.search(r'<mark class="m m-literal[^>]*id="hit-1"', text)
    assert "Cardiology clinic · 2024-03-02" in text  # the citation's source


def test_the_chart_tells_what_came_since_the_last_visit(
    client: TestClient, ward: Ward, installation: Installation
) -> None:
    sign_in(client, ward, Role.CLINICIAN)
    with installation.database.tenant(ward.tenant.tenant_id) as conn:
        conn.execute("DELETE FROM chart_visit")
    text = client.get("/patients/p-ada").text
    assert "first visit" in text
    for words in ("Hypertension", "Penicillin", "Aspirin 81 mg", "Hemoglobin", "Annual visit"):
        assert words in text
    with installation.database.tenant(ward.tenant.tenant_id) as conn:
        conn.execute("UPDATE chart_visit SET last_at = now() - interval '2 days'")
    assert "New since" in client.get("/patients/p-ada").text
    assert "New since" in client.get("/patients/p-ada").text  # a reload is the same visit


def test_a_time_in_plain_words_narrows_the_page_once_it_is_taken(
    client: TestClient, ward: Ward
) -> None:
    sign_in(client, ward, Role.CLINICIAN)
    path = ask(client, "chest pain before 1990").split("?")[0]
    text = client.get(path).text
    assert "only notes</span> before 1990" in text
    assert "Cardiology clinic" in text
    data = {"form_token": form_token(text), "change": "query=chest pain date:<1990"}
    narrowed = client.post(f"{path}/refine", data=data)
    assert "Cardiology clinic" not in narrowed.text
    assert 'value="query=chest pain date:&lt;1990"' in text


def test_the_empty_page_teaches_what_its_view_can_be_asked(client: TestClient, ward: Ward) -> None:
    sign_in(client, ward, Role.CLINICIAN)
    assert "author:" in client.get("/search").text
    client.cookies.clear()
    sign_in(client, ward, Role.RESEARCHER)
    taught = client.get("/search").text
    assert "specialty:" in taught
    for refused in ("author:", "date:"):
        assert refused not in taught.partition("<main")[2]
