"""Each route that reads of patients leaves its row, or reads nothing: held for every route."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC

import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from httpx2 import Response

from app.cohort_reviews import Marks
from app.web import create_app
from app.wiring import Installation
from indexing.access import Role
from indexing.backends.postgres.installation import ROLES
from indexing.cohorts import Event
from indexing.errors import EngineUnavailable
from indexing.outlook import Switches
from indexing.pseudonyms import Pseudonyms
from rankers.cohort_language import read_definition
from tests.attack import (
    Hospital,
    ask,
    browser,
    chart_of,
    found_hospital,
    person,
    sign_in,
)

WORD = "qzauditedword"


@dataclass(frozen=True, slots=True)
class Read:
    """A request that reads of a patient, and the row that it must leave."""

    row: str
    address: str = ""
    form: tuple[tuple[str, str], ...] | None = None
    api: bool = False
    role: Role = Role.CLINICIAN
    names: bool = True  # whether the row names the patient
    body: tuple[tuple[str, object], ...] = (("q", "chest pain"),)  # where `api` takes one


CONDITION = "/fhir/Condition/a-condition"
COHORT = "it: text chest pain\nkeep it"
# Every route there is. A new one fails the test below until it stands here, with its row or with
# the reason why it reads of nobody.
READS: dict[tuple[str, str], Read | str] = {
    ("GET", "/"): "leads on",
    ("GET", "/login"): "the form",
    ("POST", "/login"): "signs in",
    ("POST", "/logout"): "signs out",
    ("POST", "/theme"): "the light",
    ("GET", "/health/live"): "for machines",
    ("GET", "/health/ready"): "for machines",
    ("GET", "/metrics"): "counts by route",
    ("GET", "/status"): "counts by index",
    ("GET", "/search"): "the empty form",
    ("POST", "/search"): Read("search", "/search", (("q", "chest pain"),), names=False),
    ("POST", "/search/{page_id}/refine"): Read(
        "search", "{page}/refine", (("change", "query=severe pain"),), names=False
    ),
    ("GET", "/search/{page_id}"): Read("search-page", "{page}"),
    ("POST", "/search/{page_id}/why"): Read("why", "{page}/why", (("doc_id", "a-note"),)),
    ("POST", "/search/{page_id}/wrong"): Read(
        "wrong-hit", "{page}/wrong", (("wrong", "old=a-note"),)
    ),
    ("POST", "/search/{page_id}/judge"): Read(
        "judgement", "{page}/judge", (("judge", "b"), ("grade", "2={note}")), role=Role.RELEVANCE
    ),
    ("POST", "/search/{page_id}/keep"): Read(
        "judge-topic", "{page}/keep", (("judge", "b"),), role=Role.RELEVANCE, names=False
    ),
    ("GET", "/lab/books"): "counts by book",
    ("POST", "/lab/books"): "writes a guideline",
    ("GET", "/lab/books/{name}"): Read(
        "judge-book", "/lab/books/b", role=Role.RELEVANCE, names=False
    ),
    ("POST", "/lab/candidates/{candidate_id}"): "writes: tests/flow/test_judging.py holds its row",
    ("GET", "/lab/pools/{name}"): "books of public sets: no hospital's notes",
    ("GET", "/lab/pools/{name}/{number}"): "as above",
    ("POST", "/lab/pools/{name}/{number}"): "as above",
    ("GET", "/lab"): "stored runs of benchmark sets: no hospital's notes",
    ("GET", "/lab/runs/{run_id}"): "as above",
    ("GET", "/lab/compare"): "as above",
    ("GET", "/lab/topic"): "as above",
    ("GET", "/lab/settings"): "as above",
    ("GET", "/lab/tunings"): "figures of benchmark sets",
    ("GET", "/lab/tunings/{name}"): "as above",
    ("GET", "/lab/candidates"): Read(
        "wrong-hits", "/lab/candidates", role=Role.RELEVANCE, names=False
    ),
    ("GET", "/notes/{doc_id:path}"): Read("note", "/notes/a-note"),
    ("GET", "/patients/{patient_id}"): Read("patient", "/patients/a-p"),
    ("GET", "/audit"): Read("audit", "/audit", role=Role.PRIVACY, names=False),
    ("POST", "/audit"): Read("audit", "/audit", (("patient", "a-p"),), role=Role.PRIVACY),
    ("POST", "/api/search"): Read("search", "/api/search", (), api=True),
    ("GET", "/api/notes/{doc_id:path}"): Read("note", "/api/notes/a-note", api=True),
    ("GET", "/api/patients/{patient_id}"): Read("patient", "/api/patients/a-p", api=True),
    ("GET", "/api/patients/{patient_id}/view"): Read("patient", "/api/patients/a-p/view", api=True),
    ("GET", "/patients/{patient_id}/similar"): Read("similar", "/patients/a-p/similar"),
    ("POST", "/patients/{patient_id}/similar"): Read(
        "similar", "/patients/a-p/similar", (("sex", "female"),)
    ),
    ("GET", "/similar"): "the empty form; what was sent is answered as below",
    ("POST", "/similar"): Read("similar", "/similar", (("findings", "chest pain"),), names=False),
    ("GET", "/api/patients/{patient_id}/similar"): Read(
        "similar", "/api/patients/a-p/similar", api=True
    ),
    ("POST", "/api/similar"): Read(
        "similar", "/api/similar", (), api=True, names=False, body=(("findings", "chest pain"),)
    ),
    ("GET", "/patients/{patient_id}/treatments"): Read("patient", "/patients/a-p/treatments"),
    ("POST", "/patients/{patient_id}/treatments"): Read(
        "treatments", "/patients/a-p/treatments", (("condition", "asthma"),)
    ),
    ("POST", "/api/patients/{patient_id}/treatments"): Read(
        "treatments", "/api/patients/a-p/treatments", (), api=True, body=(("condition", "asthma"),)
    ),
    ("GET", "/models"): "figures of models: no patient's data",
    ("GET", "/api/models"): "as above",
    ("GET", "/models/{name}/{version}"): "counts what it told, by the store's row of predictions",
    ("GET", "/api/models/{name}/{version}"): "as above",
    ("POST", "/models/{name}/{version}/outcomes"): "writes: a row for each outcome filled in",
    ("POST", "/patients/{patient_id}/outlook"): "writes: its row stands beside the prediction",
    ("POST", "/api/patients/{patient_id}/predict"): "writes: as above",
    ("GET", "/graph"): "the empty form; what was sent is answered as below",
    ("POST", "/graph"): Read("graph", "/graph", (("name", "hypertension"),), names=False),
    ("POST", "/api/graph/neighbours"): Read(
        "graph", "/api/graph/neighbours", (), api=True, names=False, body=(("name", "asthma"),)
    ),
    ("POST", "/api/graph/pathways"): Read(
        "pathways", "/api/graph/pathways", (), api=True, names=False, body=(("name", "asthma"),)
    ),
    ("GET", "/api/patients/{patient_id}/graph"): Read("graph", "/api/patients/a-p/graph", api=True),
    ("GET", "/cohorts"): Read("cohort-list", "/cohorts", names=False),
    ("POST", "/cohorts"): Read(
        "cohort", "/cohorts", (("name", "c"), ("definition", COHORT)), names=False
    ),
    ("GET", "/cohorts/{cohort_id}"): Read("cohort-evidence", "/cohorts/c"),
    ("POST", "/cohorts/{cohort_id}/run"): Read("cohort", "/cohorts/c/run", (), names=False),
    ("POST", "/cohorts/{cohort_id}/review"): Read(
        "cohort-review",
        "/cohorts/c/review",
        (("patient", "a-p"), ("criterion", "it"), ("verdict", "accept"), ("judged", "{mark}")),
    ),
    ("POST", "/cohorts/{cohort_id}/export"): Read(
        "cohort-export",
        "/cohorts/c/export",
        (("format", "csv"), ("purpose", "TREAT"), ("profile", "as-written")),
    ),
    ("POST", "/api/cohorts"): Read(
        "cohort-evidence", "/api/cohorts", (), api=True, body=(("definition", COHORT),)
    ),
    ("GET", "/api/cohorts/{cohort_id}/diff"): Read(
        "cohort-diff", "/api/cohorts/c/diff", api=True, names=False
    ),
    ("GET", "/fhir/metadata"): "what can be asked here",
    ("GET", "/fhir/{kind}"): Read("fhir-search", "/fhir/Condition", api=True),
    ("POST", "/fhir/{kind}/_search"): "as above: tests/flow/test_fhir_reads.py holds its row",
    ("GET", "/fhir/_page/{page_id}"): "as above: tests/flow/test_fhir_reads.py holds its row",
    ("GET", "/fhir/Patient/{patient_id}/$everything"): Read(
        "fhir-search", "/fhir/Patient/a-p/$everything", api=True
    ),
    ("GET", "/fhir/{kind}/{resource_id}/_history"): Read(
        "fhir-history", f"{CONDITION}/_history", api=True
    ),
    ("GET", "/knowledge"): "the empty form; what was sent is answered as below",
    ("POST", "/knowledge"): Read("search", "/knowledge", (("q", "chest pain"),)),
    ("POST", "/api/knowledge"): Read("search", "/api/knowledge", (), api=True),
    ("POST", "/api/vitals"): "writes: its row counts the points",
    ("GET", "/api/vitals"): Read(
        "series", "/api/vitals?measurement=trial_data&subject=t", api=True, names=False
    ),
    ("GET", "/api/patients/{patient_id}/vitals"): Read(
        "series", "/api/patients/a-p/vitals", api=True, names=False
    ),
    ("GET", "/fhir/{kind}/{resource_id}"): Read("resource", CONDITION, api=True),
    ("GET", "/fhir/{kind}/{resource_id}/_history/{version}"): Read(
        "resource", f"{CONDITION}/_history/1", api=True
    ),
    ("POST", "/fhir"): "writes: its row stands in the transaction of what it stores",
    ("POST", "/fhir/"): "writes: as above",
    ("POST", "/fhir/{kind}"): "writes: as above",
    ("PUT", "/fhir/{kind}"): "writes: as above, and names what its search found",
    ("DELETE", "/fhir/{kind}"): "writes: as above, and names what its search found",
    ("PUT", "/fhir/{kind}/{resource_id}"): "writes: as above",
    ("DELETE", "/fhir/{kind}/{resource_id}"): "writes: as above, and reads first",
}
RECORDED = {key: read for key, read in READS.items() if isinstance(read, Read)}
_NAMES = [f"{method} {path}" for method, path in RECORDED]


@pytest.fixture(scope="module")
def hospital(installation: Installation) -> Hospital:
    made = found_hospital(installation, [person("a-p", WORD), *chart_of("a-p", WORD, "a")])
    made.services.books.write(made.access, "b", "", "")
    made.services.outlook(made.access).store.switch(made.access, Switches(treatments=True))
    return made


@pytest.fixture
def client(hospital: Hospital) -> Iterator[TestClient]:
    with browser(hospital) as opened:
        yield opened


def rows(installation: Installation, hospital: Hospital) -> list[tuple[str, list[str]]]:
    with installation.database.tenant(hospital.tenant.tenant_id) as conn:
        found = conn.execute(
            "SELECT subtype, patient_ids FROM audit_event WHERE tenant_id = %s ORDER BY seq",
            (hospital.tenant.tenant_id,),
        ).fetchall()
    return [(row[0], row[1]) for row in found]


def perform(
    client: TestClient, hospital: Hospital, method: str, read: Read, token: str, page: Asked
) -> Response:
    address = read.address.format(page=page.path)
    if read.api:
        body = dict(read.body) if read.form is not None else None
        return client.request(method, address, headers=page.headers, json=body)
    if read.form is None:
        return client.get(address)
    form = {
        name: value.replace("{note}", page.note).replace("{mark}", mark_of(hospital))
        for name, value in read.form
    }
    answer = client.post(address, data={"form_token": token, **form})
    leads = answer.headers.get("location", "")
    return client.get(leads) if "?asked=" in leads else answer  # it reads where it is answered


def mark_of(hospital: Hospital) -> str:
    """Return the mark of a cell of `COHORT`, as its page carries it."""
    pepper, tenant_id = hospital.services.pepper, hospital.tenant.tenant_id
    marks = Marks(f"{pepper}:{tenant_id}", Pseudonyms(pepper, tenant_id))
    (wording,) = marks.wordings(read_definition(COHORT, UTC).criteria).values()
    return marks.shown(wording, Event("a-p", None, "Document/a-note"), "cohort")


@dataclass(frozen=True, slots=True)
class Asked:
    """What is at hand before a request: a token, made while the audit still answers; a page of
    results, and the note on it by the id of the view."""

    headers: Mapping[str, str]
    path: str = ""
    note: str = ""


def ready(client: TestClient, hospital: Hospital, read: Read) -> tuple[str, Asked]:
    token = sign_in(client, hospital, read.role)
    if read.role not in (Role.CLINICIAN, Role.RELEVANCE):
        return token, Asked(hospital.bearer(read.role))
    page = ask(client, token, "chest pain")
    note = re.search(r'href="/notes/([^"?]+)', page.text)
    assert note is not None
    return token, Asked(hospital.bearer(read.role), str(page.url.path), note[1])


def test_every_route_is_known_here(hospital: Hospital) -> None:
    found = {
        (method, route.path)
        for route in _routes(create_app(hospital.services).routes)
        for method in route.methods or ()
    }
    assert found == set(READS)


def _routes(routes: object) -> Iterator[APIRoute]:
    for route in routes:  # type: ignore[attr-defined]
        if isinstance(route, APIRoute):
            yield route
        elif hasattr(route, "original_router"):  # as FastAPI keeps what was included
            yield from _routes(route.original_router.routes)


@pytest.mark.parametrize(("key", "read"), RECORDED.items(), ids=_NAMES)
def test_each_read_leaves_its_row(
    client: TestClient,
    hospital: Hospital,
    installation: Installation,
    key: tuple[str, str],
    read: Read,
) -> None:
    token, page = ready(client, hospital, read)
    before = len(rows(installation, hospital))
    answer = perform(client, hospital, key[0], read, token, page)
    assert answer.status_code in (200, 303), answer.text
    left = rows(installation, hospital)[before:]
    assert read.row in [subtype for subtype, _ in left]
    if read.names:
        assert "a-p" in [each for _, named in left for each in named]


@pytest.mark.parametrize(("key", "read"), RECORDED.items(), ids=_NAMES)
def test_without_its_row_nothing_is_read(
    client: TestClient,
    hospital: Hospital,
    monkeypatch: pytest.MonkeyPatch,
    key: tuple[str, str],
    read: Read,
) -> None:
    token, page = ready(client, hospital, read)

    def refuse(*_: object) -> object:
        raise EngineUnavailable("the audit does not answer")

    monkeypatch.setattr("indexing.backends.postgres.audit.send", refuse)
    answer = perform(client, hospital, key[0], read, token, page)
    assert answer.status_code == 503
    assert WORD not in answer.text.lower()


def test_the_database_refusing_the_row_refuses_the_read(
    client: TestClient, hospital: Hospital, installation: Installation
) -> None:
    """Not a mock: the application's role may not append."""
    read = RECORDED["GET", "/patients/{patient_id}"]
    token, page = ready(client, hospital, read)
    with installation.owner_database.transaction() as conn:
        conn.execute(f"REVOKE INSERT ON audit_event FROM {ROLES['app']}")
    try:
        for key in (("GET", "/patients/{patient_id}"), ("GET", "/api/notes/{doc_id:path}")):
            answer = perform(client, hospital, "GET", RECORDED[key], token, page)
            assert answer.status_code >= 400
            assert WORD not in answer.text.lower()
        held = client.get(CONDITION, headers=page.headers)
        assert held.status_code >= 400
        assert WORD not in held.text.lower()
        found = client.post("/api/search", json={"q": WORD}, headers=page.headers)
        assert found.status_code >= 400  # its row is sent beside the describing of what it read
        assert WORD not in found.text.lower()
    finally:
        with installation.owner_database.transaction() as conn:
            conn.execute(f"GRANT INSERT ON audit_event TO {ROLES['app']}")
    assert client.get("/patients/a-p").status_code == 200


def test_a_name_on_a_page_is_a_read_of_its_own(
    client: TestClient, hospital: Hospital, installation: Installation
) -> None:
    """Narrowing to a patient who has no hit shows the name; that is recorded too."""
    token = sign_in(client, hospital)
    page = ask(client, token, '"words that nobody wrote"', patient="a-p")
    assert WORD in page.text.lower()  # the chip of the chart that is searched
    assert ("patient-name", ["a-p"]) in rows(installation, hospital)[-2:]
