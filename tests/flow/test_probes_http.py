"""From one hospital at another's, over HTTP; and from one patient at another."""

from __future__ import annotations

import random
import re
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from html import unescape
from urllib.parse import quote, unquote

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from app.wiring import Installation
from indexing.access import Access, Role
from indexing.errors import NotFound
from rankers.answer import SearchRequest
from tests.attack import (
    KINDS,
    Hospital,
    ask,
    browser,
    chart_of,
    everything,
    form_token,
    found_hospital,
    person,
    sign_in,
)

WORD = "qzforeignword"  # stands in every text of the other hospital, in no id and no probe
OWN = "qzownword"


@dataclass(frozen=True, slots=True)
class Siege:
    """The hospital that is attacked, the one that attacks, and what of the first is guessed."""

    theirs: Hospital
    ours: Hospital
    page: str
    session: dict[str, str]
    readers: tuple[tuple[TestClient, str], ...]  # signed in, with their form token
    officer: tuple[TestClient, str]
    tokens: tuple[dict[str, str], ...]
    outsider: TestClient


@pytest.fixture(scope="module")
def siege(installation: Installation) -> Iterator[Siege]:
    theirs = found_hospital(installation, [person("v-p", WORD), *chart_of("v-p", WORD, "v")], WORD)
    ours = found_hospital(installation, [person("o-p", OWN), *chart_of("o-p", OWN, "o")])
    with ExitStack() as stack:
        victim = stack.enter_context(browser(theirs))
        page = str(ask(victim, sign_in(victim, theirs), "chest pain").url.path)
        session = dict(victim.cookies)
        token = form_token(victim.get("/search").text)
        assert victim.post("/logout", data={"form_token": token}).status_code == 303

        def signed(role: Role) -> tuple[TestClient, str]:
            client = stack.enter_context(browser(ours))
            return client, sign_in(client, ours, role)

        yield Siege(
            theirs, ours, page.rsplit("/", 1)[1], session,
            (signed(Role.CLINICIAN), signed(Role.RESEARCHER)), signed(Role.PRIVACY),
            tuple(ours.bearer(r) for r in (Role.CLINICIAN, Role.RESEARCHER, Role.ADMIN)),
            stack.enter_context(browser(ours)),
        )  # fmt: skip


# How an id is written: as it is, and in the ways that have opened doors elsewhere.
SPELLINGS: tuple[Callable[[str], str], ...] = (
    lambda i: i,
    str.upper,
    str.title,
    lambda i: quote(i, safe="").replace("-", "%2D"),
    lambda i: f"../{i}",
    lambda i: f"..%2f{i}",
    lambda i: f"%2e%2e%2f{i}",
    lambda i: f"{i}%00",
    lambda i: f"{i}%20",
    lambda i: f"{i}%0d%0aX-Leak:%201",
    lambda i: f"{i}'%20OR%20'1'='1",
    lambda i: f"{i}/",
    lambda i: f"{i};tenant=x",
    lambda i: quote(i.translate({ord("-"): "\u2011"})),
    lambda i: "".join(quote(chr(ord(c) + 0xFEE0)) if c.isalnum() else c for c in i),
    lambda i: f"%ED%A0%80{i}",
    lambda i: f"{i}?tenant=other&tenant_id=other",
    lambda i: i * 40,
)


@dataclass(frozen=True, slots=True)
class Probe:
    """One attempt with `{}` for the id; `by` says with what rights."""

    method: str
    path: str
    id: str
    by: str = "token"  # token, reader, officer, stale
    data: tuple[tuple[str, str], ...] = ()


def _paths(siege: Siege) -> list[Probe]:
    tenant = siege.theirs.tenant
    notes, people = "v-note", "v-p"
    probes = [
        Probe("GET", "/api/notes/{}", notes), Probe("GET", "/api/patients/{}", people),
        Probe("GET", "/notes/{}", notes, "reader"), Probe("GET", "/patients/{}", people, "reader"),
        Probe("GET", f"/notes/{{}}?found={siege.page}", notes, "reader"),
        Probe("GET", "/search/{}", siege.page, "reader"),
        Probe("POST", "/search/{}/refine", siege.page, "reader", (("change", "query=pain"),)),
        Probe("POST", "/search/{}/why", siege.page, "reader", (("doc_id", notes),)),
        Probe("POST", "/search", people, "reader", (("q", "chest pain"), ("patient", "{}"))),
        Probe("POST", "/search", notes, "reader", (("q", "{}"),)),
        Probe("POST", "/search", people, "reader", (("q", "patient:{} pain"),)),
        Probe("POST", "/audit", people, "officer", (("patient", "{}"),)),
        Probe("POST", "/audit", siege.theirs.user_id(Role.CLINICIAN), "officer", (("user", "{}"),)),
        Probe("GET", "/audit?tenant={}", str(tenant.tenant_id), "officer"),
        Probe("GET", "/status?tenant={}", tenant.code, "reader"),
        Probe("GET", "/api/notes/{}", f"{tenant.code}/{notes}"),
        Probe("GET", "/api/notes/{}", f"{tenant.tenant_id}/{notes}"),
        Probe("GET", "/notes/{}", notes, "stale"), Probe("GET", "/search/{}", siege.page, "stale"),
        Probe("GET", "/patients/{}", people, "stale"),
        *(Probe("GET", f"/api/patients/{{}}/{part}", people)
          for part in ("view", "graph", "similar", "vitals")),
        *(Probe("GET", f"/patients/{{}}/{part}", people, "reader")
          for part in ("similar", "treatments")),
        Probe("GET", "/fhir/Patient/{}/$everything", people),
        Probe("GET", "/fhir/Condition?patient={}", people),
        Probe("GET", "/fhir/Observation/{}/_history", "v-observation"),
        Probe("GET", "/fhir/_page/{}", siege.page),
        Probe("GET", "/cohorts/{}", siege.page, "reader"),
        Probe("POST", "/knowledge", people, "reader", (("q", "{} treats pain"),)),
        Probe("POST", "/similar", people, "reader", (("findings", "{}, chest pain"),)),
        Probe("POST", "/graph", people, "reader", (("name", "{}"),)),
    ]  # fmt: skip
    for kind in (*KINDS, "Patient", "DocumentReference"):
        ids = {"Patient": people, "DocumentReference": notes}
        name = ids.get(kind, f"v-{kind.lower()}")
        probes += [
            Probe("GET", f"/fhir/{kind}/{{}}", name),
            Probe("GET", f"/fhir/{kind}/{{}}/_history/1", name),
            Probe("DELETE", f"/fhir/{kind}/{{}}", name),
        ]
    return probes


def _send(siege: Siege, probe: Probe, name: str, number: int) -> Response:
    path = probe.path.format(name)
    fields = {k: v.format(name) for k, v in probe.data}
    if probe.by in ("token", "stale"):
        stale = "; ".join(f"{k}={v}" for k, v in siege.session.items())
        headers = {"Cookie": stale} if probe.by == "stale" else siege.tokens[number % 3]
        siege.outsider.cookies.clear()
        return siege.outsider.request(probe.method, path, headers=headers)
    client, token = siege.officer if probe.by == "officer" else siege.readers[number % 2]
    if probe.method == "GET":
        return client.get(path)
    answer = client.post(path, data={"form_token": token, **fields})
    leads = answer.headers.get("location", "")
    return client.get(leads) if leads.startswith("/search/") or "?asked=" in leads else answer


_VARYING = (
    re.compile(r"\b[0-9a-f]{12,}\b"),  # request ids and form tokens
    re.compile(r"(/search/|/_page/|%3fasked%3d|\?asked=)[\w-]{20,24}"),  # opaque pages
    re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d+)?)?(\+\d\d:\d\d|Z)?|\d\d:\d\d:\d\d"),
    re.compile(r"<td class=\"num\">\d+</td>"),
)


def _shape(answer: Response, name: str) -> tuple[int, str]:
    """Return status and body without the id and what differs between any two answers."""
    text = unicodedata.normalize("NFKC", unquote(unescape(answer.text))).lower()
    text = text.replace("\u2010", "-").replace(name.lower(), "ID")
    for pattern in _VARYING:
        text = pattern.sub("#", text)
    return answer.status_code, text


def _attack(siege: Siege, count: int) -> None:
    draw = random.Random(20260717)
    probes = _paths(siege)
    for number in range(count):
        probe = probes[number % len(probes)] if number < len(probes) else draw.choice(probes)
        spelling = SPELLINGS[0] if number < len(probes) else draw.choice(SPELLINGS)
        answer = _send(siege, probe, spelling(probe.id), number)
        seen = everything(answer)
        where = f"{probe.method} {probe.path} spelling {SPELLINGS.index(spelling)}"
        assert WORD not in seen.lower(), where
        assert "x-leak" not in answer.headers, where
        assert answer.status_code < 500, where
        if number % 4 == 0:
            _reads_as_absent(siege, probe, spelling, answer, number)


def _reads_as_absent(
    siege: Siege, probe: Probe, spelling: Callable[[str], str], answer: Response, number: int
) -> None:
    own = ("/audit", "/status", "/knowledge", "/similar", "/graph")
    if probe.path.startswith(own) or (probe.path, probe.by) == ("/search", "reader"):
        return  # these answer about the asker's own hospital; the word was looked for above
    absent = ("w" if probe.id[0] != "w" else "x") + probe.id[1:]
    other = _send(siege, probe, spelling(absent), number)
    where = f"{probe.method} {probe.path}"
    assert _shape(answer, probe.id) == _shape(other, absent), where


def test_nothing_of_another_hospital_comes_over_http(siege: Siege) -> None:
    _attack(siege, 300)


@pytest.mark.slow
def test_ten_thousand_probes_read_nothing(siege: Siege) -> None:
    _attack(siege, 10_000)


@pytest.mark.parametrize("kind", [*KINDS, "Patient"])
def test_writing_to_an_id_of_another_hospital_makes_ones_own(siege: Siege, kind: str) -> None:
    """The id is free here: version 1, and theirs stays as it is."""
    client, headers = siege.readers[0][0], siege.tokens[0]
    name = "v-p" if kind == "Patient" else f"v-{kind.lower()}"
    mine = next(
        r for r in [person("v-p", OWN), *chart_of("o-p", OWN, "v")] if r["resourceType"] == kind
    )
    stale = client.put(f"/fhir/{kind}/{name}", json=mine, headers=headers | {"If-Match": 'W/"1"'})
    assert stale.status_code == 412
    made = client.put(f"/fhir/{kind}/{name}", json=mine, headers=headers)
    assert made.status_code == 201
    assert made.headers["etag"] == 'W/"1"'
    assert WORD not in everything(client.get(f"/fhir/{kind}/{name}", headers=headers))
    held = siege.theirs.services.records.read(siege.theirs.access, kind, name)
    assert held.version == 1
    assert WORD.encode() in held.received.lower()
    assert client.delete(f"/fhir/{kind}/{name}", headers=headers).status_code == 204


@pytest.mark.parametrize("rankers", [["lexical"], ["vector"], ["graph"], []])
@pytest.mark.parametrize("q", ["chest pain", "severe disorder", f"{WORD} pain", 'patient:"v-p" x'])
def test_no_leg_facet_or_count_knows_another_hospital(
    siege: Siege, q: str, rankers: list[str]
) -> None:
    answer = siege.readers[0][0].post(
        "/api/search", json={"q": q, "k": 100, "rankers": rankers}, headers=siege.tokens[0]
    )
    body = answer.json()
    assert answer.status_code == 200
    assert body["total"] <= 1
    assert {hit["doc_id"] for hit in body["hits"]} <= {"o-note"}
    del body["query"]  # the question itself is shown back
    assert WORD not in str(body).lower()
    assert "v-p" not in str(body)


def test_a_cookie_of_one_hospital_is_nothing_beside_a_token_of_another(siege: Siege) -> None:
    client = siege.readers[0][0]
    answer = client.get("/api/notes/v-note", headers=siege.theirs.bearer())
    assert answer.status_code == 200  # theirs reads theirs: the cookie beside it does not count
    assert client.get("/notes/v-note", headers=siege.theirs.bearer()).status_code == 404


def test_an_access_of_one_patient_opens_nothing_of_another(siege: Siege) -> None:
    """`Access.patients` comes with launch from the chart; the stores hold it already."""
    hospital = siege.theirs
    own = hospital.services
    nobody = Access(
        hospital.tenant.tenant_id, "dr", frozenset({Role.CLINICIAN}),
        patients=frozenset({"somebody-else"}),
    )  # fmt: skip
    for legs in (("lexical",), ("vector",), ("graph",), ("lexical", "vector", "graph")):
        answer = own.search().rank(nobody, SearchRequest("chest pain", rankers=legs)).answer
        assert answer.hits == ()
        assert answer.total == 0
        assert not any(answer.facets.values())
        assert not any(answer.hidden.values())
        assert answer.absence is not None
        assert answer.absence.total == answer.absence.searched == 0
    reasons = own.search().why_not(nobody, SearchRequest("chest pain"), "v-note")
    absent = own.search().why_not(nobody, SearchRequest("chest pain"), "v-note-not")
    assert replace(reasons, doc_id="") == replace(absent, doc_id="")
    assert own.charts.people(nobody, ["v-p"]) == {}
    assert own.documents.fetch(nobody, ["v-note"]) == {}
    reads: list[Callable[[], object]] = [
        lambda: own.charts.note(nobody, "v-note"),
        lambda: own.charts.chart(nobody, "v-p", visit=True),
        lambda: own.records.read(nobody, "Patient", "v-p"),
    ]
    reads += [partial(own.records.read, nobody, kind, f"v-{kind.lower()}") for kind in KINDS]
    for read in reads:
        with pytest.raises(NotFound):
            read()
