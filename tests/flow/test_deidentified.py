"""A researcher's view: planted names, ids and dates are looked for in everything it answers."""

from __future__ import annotations

import base64
import random
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from app.answers import answered
from app.cli.search import search_command
from app.graph_hiding import HIDDEN, hidden_graph, unnamed
from app.views import view_of
from app.wiring import Installation
from indexing.access import Access, Role
from indexing.errors import InvalidInput
from indexing.hidden import Identity
from indexing.medical_graph import GraphEdge, GraphNode, NodeKind, Relation
from rankers.answer import SearchRequest
from rankers.medical import Neighbourhood, Placed
from tests.attack import Hospital, ask, browser, found_hospital, sign_in

GIVEN, FAMILY, DAUGHTER, DOCTOR, TOWN = "Zqgiven", "Zqfamily", "Zqdaughter", "Zqdoctor", "Zqtown"
MRN, PHONE = "QZ-88123456", "412-555-0199"
PATIENT, OTHER = "zq-patient-1", "zq-patient-2"
PLANTED = (
    GIVEN, FAMILY, DAUGHTER, DOCTOR, TOWN, MRN, PHONE, PATIENT, OTHER, "zq-note", "2024-03-02",
    "March 2, 2024", "1951-02-03", "zqenc",
)  # fmt: skip
TEXT = f"""\
HISTORY OF PRESENT ILLNESS:
{GIVEN} {FAMILY} was seen on March 2, 2024 for chest pain on exertion. ms {FAMILY.lower()} denies
fever. Her daughter {DAUGHTER} Marsh, who lives with her, was there; {DAUGHTER.upper()} helps.

SOCIAL HISTORY:
Lives in {TOWN}. Phone {PHONE}. MRN {MRN}.

PLAN:
Echocardiogram: LA enlargement. Start aspirin. Dr. {DOCTOR} agrees; {DOCTOR} will call.
"""


def patient(identity: str, given: str, family: str) -> dict[str, Any]:
    return {
        "resourceType": "Patient", "id": identity, "gender": "female", "birthDate": "1951-02-03",
        "name": [{"family": family, "given": [given]}],
        "identifier": [{"system": "urn:mrn", "value": MRN}],
        "telecom": [{"system": "phone", "value": PHONE}],
        "address": [{"city": TOWN, "line": [f"15 {TOWN} Street"]}],
        "contact": [{"name": {"given": [DAUGHTER]}}],
    }  # fmt: skip


def note(identity: str, text: str, of: str = PATIENT, date: str = "2024-03-02") -> dict[str, Any]:
    data = base64.b64encode(text.encode()).decode()
    return {
        "resourceType": "DocumentReference", "id": identity, "status": "current",
        "subject": {"reference": f"Patient/{of}"}, "type": {"text": "Progress note"},
        "description": f"Letter about {GIVEN} {FAMILY}", "author": [{"display": f"Dr {DOCTOR}"}],
        "context": {"period": {"start": date}, "encounter": [{"reference": "Encounter/zqenc"}]},
        "content": [{"attachment": {"contentType": "text/plain", "data": data,
                                    "title": f"{FAMILY} letter"}}],
    }  # fmt: skip


def condition() -> dict[str, Any]:
    return {
        "resourceType": "Condition", "id": "zq-cond",
        "subject": {"reference": f"Patient/{PATIENT}"},
        "code": {"text": f"Hypertension ({FAMILY})"}, "onsetDateTime": "2024-03-02",
    }  # fmt: skip


@pytest.fixture(scope="module")
def hospital(installation: Installation) -> Hospital:
    # No shift, at most 364 days back, moves the second note to the day of the first.
    resources = [
        patient(PATIENT, GIVEN, FAMILY), patient(OTHER, "Ann", "Plainname"), condition(),
        note("zq-note-1", TEXT), note("zq-note-2", TEXT + "\nShe feels better.", date="2026-04-05"),
        note("zq-note-3", "PLAN:\nMarsh fever was excluded. Rest.", OTHER),
    ]  # fmt: skip
    return found_hospital(installation, resources)


@pytest.fixture
def client(hospital: Hospital) -> Iterator[TestClient]:
    with browser(hospital) as opened:
        yield opened


def clean(answer: Response | str) -> str:
    """Hold an answer to silence about everything that was planted; return its text."""
    text = answer if isinstance(answer, str) else f"{answer.url} {answer.headers} {answer.text}"
    for word in PLANTED:
        assert word.lower() not in text.lower(), word
    return text


def refined(client: TestClient, page: Response, token: str, change: str) -> Response:
    done = client.post(f"{page.url.path}/refine", data={"form_token": token, "change": change})
    return client.get(done.headers["location"])


def links(page: str, kind: str) -> list[str]:
    return sorted(set(re.findall(rf'href="(/{kind}/[^"#?]+)', page)))


def test_every_page_of_a_researcher(client: TestClient, hospital: Hospital) -> None:
    token = sign_in(client, hospital, Role.RESEARCHER)
    page = ask(client, token, "chest pain")
    shown = clean(page)
    assert "De-identified view" in shown
    assert re.search(r"Patient [0-9a-f]{6}", shown)
    assert "<mark" in shown
    assert len(links(shown, "notes")) == 2
    for address in links(shown, "notes"):
        text = clean(client.get(f"{address}?found={page.url.path.rpartition('/')[2]}"))
        assert "LA enlargement" in re.sub(r"<[^>]+>", "", text)
        assert "[name]" in text
        marked = re.findall(r"<mark[^>]*>([^<]+)</mark>", text)
        assert {"chest", "pain"} <= {mark.lower() for mark in marked}
    for address in links(shown, "patients"):
        chart = clean(client.get(address))
        assert "1951" in chart
        assert "Hypertension" in chart
        assert links(chart, "notes") == links(shown, "notes")
        own = address.rpartition("/")[2]
        assert f'name="patient" value="{own}"' in chart
        within = clean(ask(client, token, "chest pain", patient=own))
        assert len(links(within, "notes")) == 2
    clean(client.get(page.url.path, params={"group": "patient"}))
    clean(client.post(f"{page.url.path}/why", data={"form_token": token, "doc_id": "x"}))
    facets = re.findall(r'value="(facet=[^"]+)"', shown)
    assert not [f for f in facets if f.startswith(("facet=author", "facet=period"))]
    for change in [*facets, "assertion=any", "assertion=negated", "query=fever"]:
        clean(refined(client, page, token, change))
    one = next(f for f in facets if f.startswith("facet=patient:"))
    narrowed = refined(client, page, token, one)
    assert len(links(narrowed.text, "notes")) == 2


def test_every_answer_of_the_interface(client: TestClient, hospital: Hospital) -> None:
    headers = hospital.bearer(Role.RESEARCHER)
    found = client.post("/api/search", json={"q": "chest pain exertion"}, headers=headers)
    clean(found)
    hits = found.json()["hits"]
    (said,) = found.json()["answers"]
    assert said["doc_id"] in {hit["doc_id"] for hit in hits}
    assert said["patient_id"] in {hit["patient_id"] for hit in hits}
    assert "chest pain" in said["text"].lower()
    assert [hit["repeated"] for hit in hits] == [1, 0]
    assert hits[1]["copy_of"] == hits[0]["doc_id"]
    for hit in hits:
        shown = client.get(f"/api/notes/{hit['doc_id']}", headers=headers)
        clean(shown)
        read = shown.json()
        assert read["doc_id"] == hit["doc_id"]
        assert read["patient_id"] == hit["patient_id"]
        snippet = hit["snippet"]
        at = snippet["at"]
        assert read["text"][at : at + len(snippet["text"])] == snippet["text"]
        for mention in read["mentions"]:
            assert 0 <= mention["start"] < mention["end"] <= len(read["text"])
            if cue := mention["cue"]:
                assert read["text"][cue["start"] : cue["end"]] == cue["text"]
        names = {read["text"][m["start"] : m["end"]].lower() for m in read["mentions"]}
        assert {"chest pain", "fever", "aspirin"} <= names
        chart = client.get(f"/api/patients/{hit['patient_id']}", headers=headers)
        clean(chart)
        assert chart.json()["patient_id"] == hit["patient_id"]
    dates = sorted(hit["date"] for hit in hits)
    first, second = (client.get(f"/api/notes/{h['doc_id']}", headers=headers) for h in hits)
    days = [n.json()["date_start"][:10] for n in (first, second)]
    assert sorted(days) == dates
    assert "2024-03-02" not in days


@pytest.mark.parametrize(
    "q",
    [
        GIVEN, FAMILY.lower(), f"{GIVEN} {FAMILY}", f'"{GIVEN} {FAMILY}"', f"{FAMILY[:5]}*",
        DAUGHTER, f"mrn {MRN}", TOWN, DOCTOR, f"chest NOT {FAMILY}", f"chest AND {FAMILY}",
        f"({FAMILY} OR {DAUGHTER})", f'"{DAUGHTER} {FAMILY}"~9', PHONE, "2024-03-02",
    ],
)  # fmt: skip
def test_what_is_hidden_cannot_be_asked_for(client: TestClient, hospital: Hospital, q: str) -> None:
    """A hidden word answers just as one that stands nowhere."""
    headers = hospital.bearer(Role.RESEARCHER)

    def answer(words: str) -> dict[str, Any]:
        got = client.post("/api/search", json={"q": words}, headers=headers).json()
        fields = ("total", "hidden", "missing", "notices", "facets")
        told = {name: got.get(name) for name in fields}
        return told | {"hits": [hit["doc_id"] for hit in got["hits"]]}

    nowhere = q
    for word in sorted({GIVEN, FAMILY, FAMILY.lower(), FAMILY[:5], DAUGHTER, MRN, TOWN, DOCTOR},
                       key=len, reverse=True):  # fmt: skip
        nowhere = nowhere.replace(word, "wvxabsent")
    nowhere = nowhere.replace(PHONE, "413-556-0188").replace("2024-03-02", "2031-07-09")
    assert answer(q) == answer(nowhere)
    token = sign_in(client, hospital, Role.RESEARCHER)
    page = ask(client, token, q)
    for word in PLANTED:
        if word.lower() not in q.lower():
            assert word.lower() not in page.text.lower(), word


def test_small_counts_beside_the_results_are_not_told(
    client: TestClient, hospital: Hospital
) -> None:
    def counts(role: Role) -> set[int | None]:
        got = client.post("/api/search", json={"q": "chest pain"}, headers=hospital.bearer(role))
        body = got.json()
        found = {each["count"] for values in body["facets"].values() for each in values}
        chips = {chip.get("count") for chip in body["query"]["chips"]}
        return found | set(body["hidden"].values()) | chips

    plain, told = counts(Role.CLINICIAN), counts(Role.RESEARCHER)
    assert any(number and number % 10 for number in plain if number is not None)
    assert all(number is None or number % 10 == 0 for number in told)
    token = sign_in(client, hospital, Role.RESEARCHER)
    page = ask(client, token, "chest pain")
    facets = re.findall(r'<span class="n">([^<]+)</span></button>', page.text)
    assert facets
    assert set(facets) <= {"&lt;&#8239;11", *map(str, range(0, 200, 10))}


@pytest.mark.parametrize("q", ["author:x chest", "patient:x chest", "date:2024-03 chest"])
def test_fields_that_name_are_refused(client: TestClient, hospital: Hospital, q: str) -> None:
    headers = hospital.bearer(Role.RESEARCHER)
    assert client.post("/api/search", json={"q": q}, headers=headers).status_code == 422
    body = {"q": "chest", "only": {"author": [f"Dr {DOCTOR}"]}}
    assert client.post("/api/search", json=body, headers=headers).status_code >= 400


def test_real_ids_lead_nowhere(client: TestClient, hospital: Hospital) -> None:
    headers = hospital.bearer(Role.RESEARCHER)
    for path in ("notes/zq-note-1", f"patients/{PATIENT}", "notes/none", "patients/none"):
        assert client.get(f"/api/{path}", headers=headers).status_code == 404
    assert client.get(f"/fhir/Patient/{PATIENT}", headers=headers).status_code == 403
    body = {"q": "chest", "only": {"patient": [PATIENT]}}
    assert client.post("/api/search", json=body, headers=headers).json()["hits"] == []
    token = sign_in(client, hospital, Role.RESEARCHER)
    page = ask(client, token, "chest pain")
    for typed in ("zq-note-1", "zq-note-3", "nothing"):
        said = client.post(f"{page.url.path}/why", data={"form_token": token, "doc_id": typed})
        assert "no such note" in said.text


def test_the_audit_says_which_view_was_given(
    client: TestClient, hospital: Hospital, installation: Installation
) -> None:
    for role, wanted in ((Role.RESEARCHER, "deidentified"), (Role.CLINICIAN, None)):
        headers = hospital.bearer(role)
        client.post("/api/search", json={"q": "chest pain"}, headers=headers)
        with installation.database.tenant(hospital.tenant.tenant_id) as conn:
            row = conn.execute(
                "SELECT detail->>'view', patient_ids, entities FROM audit_event "
                "ORDER BY seq DESC LIMIT 1"
            ).fetchone()
        assert row is not None
        assert row[0] == wanted
        assert PATIENT in row[1]  # the trail names whom it was about
        assert "Document/zq-note-1" in row[2]


def test_who_also_treats_patients_sees_them(client: TestClient, hospital: Hospital) -> None:
    page = ask(client, sign_in(client, hospital, Role.CLINICIAN), "chest pain")
    assert FAMILY in page.text
    assert "De-identified view" not in page.text
    both = frozenset({Role.CLINICIAN, Role.RESEARCHER})
    assert not Access(hospital.tenant.tenant_id, "x", both).deidentified
    assert Access(hospital.tenant.tenant_id, "x", frozenset({Role.RESEARCHER})).deidentified


def test_the_command_by_role(
    hospital: Hospital, installation: Installation, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr("app.cli.search.Installation", lambda _: installation)
    monkeypatch.setattr(installation, "close", lambda: None)
    legs = "lexical,graph"
    for as_json in (True, False):
        code = hospital.tenant.code
        done = search_command(
            code, "chest pain", 5, legs, False, None, Role.RESEARCHER, as_json=as_json
        )
        assert done == 0
        assert "chest pain" in clean(capsys.readouterr().out)


def test_random_questions_of_a_researcher(client: TestClient, hospital: Hospital) -> None:
    headers = hospital.bearer(Role.RESEARCHER)
    dice = random.Random(4)
    words = ["chest", "pain", "fever", "NOT", "OR", "AND", "(", ")", '"', "-", "section:plan",
             "aspirin", "daughter", "march", "lives", "phone", "*", "letter", "name",
             "assertion:any", "type:progress", "ann", "marsh"]  # fmt: skip
    for _ in range(120):
        q = " ".join(dice.choices(words, k=dice.randint(1, 5)))
        body = {"q": q, "plain": dice.random() < 0.2, "k": 5}
        clean(client.post("/api/search", json=body, headers=headers))


def researcher(hospital: Hospital) -> Access:
    return Access(hospital.tenant.tenant_id, "r", frozenset({Role.RESEARCHER}))


def test_no_facet_tells_a_day_or_an_author(hospital: Hospital) -> None:
    view = view_of(hospital.services, researcher(hospital))
    for hidden in ("author", "period"):
        with pytest.raises(InvalidInput, match="no such facet"):
            view.rank(SearchRequest("fever", only={hidden: ("2024",)}))


def test_nothing_is_newest_where_days_are_moved(hospital: Hospital) -> None:
    own, who = hospital.services, researcher(hospital)
    with pytest.raises(InvalidInput, match="nothing is newest"):
        answered(view_of(own, who), own.documents, who, SearchRequest("fever", newest=True))


def test_why_a_note_is_not_there_is_asked_by_pseudonyms_too(hospital: Hospital) -> None:
    view = view_of(hospital.services, researcher(hospital))
    mine = SearchRequest("chest pain", only={"patient": (view.shown_patient(PATIENT),)})
    of_another = replace(mine, only={"patient": (view.shown_patient(OTHER),)})
    shown = hospital.services.hider(researcher(hospital)).note_id("zq-note-1")
    said = [clean(str(view.why_not(asked, shown))) for asked in (mine, of_another)]
    assert "It is here, at rank 1." in said[0]  # her own filter keeps no note of hers out
    assert "It is here" not in said[1]


def test_words_of_records_are_hidden_wherever_a_view_tells_them(hospital: Hospital) -> None:
    view = view_of(hospital.services, researcher(hospital))
    assert FAMILY not in view.told(f"Hypertension ({FAMILY}) since 2024-03-02", PATIENT)
    study = view.study("zq-study", "Follow-up of 2024-03-02, call 412-555-0199", f"of {FAMILY}")
    clean(str(study))
    assert study.passage == study.shown_id == ""


def test_a_graph_names_nobody_and_no_place(hospital: Hospital) -> None:
    kinds = sorted(HIDDEN)
    patient, gout = f"Patient/{PATIENT}", GraphNode(NodeKind.CONDITION, "anm:gout", "gout")
    about = [GraphNode(kind, f"{kind.value}/zq-note", f"{DOCTOR} {kind.value}") for kind in kinds]
    nodes = [GraphNode(NodeKind.PATIENT, patient, GIVEN), gout, *about]
    edges = [GraphEdge(patient, Relation.ASSOCIATED_WITH, each.node_id) for each in nodes[1:]]
    found = Neighbourhood(
        patient, tuple(Placed(each, n > 0) for n, each in enumerate(nodes)), tuple(edges), 0
    )
    hider = hospital.services.hider(researcher(hospital))
    for shown in (hidden_graph(found, PATIENT, Identity(), hider), unnamed(found)):
        names = [placed.node.name for placed in shown.nodes]
        assert "gout" in names
        assert not [name for name in names if DOCTOR in name]
        assert len(shown.edges) == 1
    clean(str(hidden_graph(found, PATIENT, Identity(), hider)))
