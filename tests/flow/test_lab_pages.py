"""The lab's pages: for the relevance role, escaped, of runs that belong to no tenant."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from app.web import create_app
from app.wiring import Installation
from eval.archive import Card
from indexing.access import Role
from tests.lab_runs import SET, store, store_tuning
from tests.ward import PASSWORD, Ward, build


@pytest.fixture(scope="module")
def lab_ward(installation: Installation) -> Ward:
    return build(installation)


@pytest.fixture(scope="module")
def runs(installation: Installation) -> tuple[Card, Card, Card]:
    home = installation.home
    return (
        store(home, "base", 0), store(home, "turned", 2), store(home, "secret", 1, tenant="east")
    )  # fmt: skip


@pytest.fixture
def as_role(lab_ward: Ward) -> Iterator[Callable[[Role], TestClient]]:
    clients: list[TestClient] = []

    def sign_in(role: Role) -> TestClient:
        app = create_app(lab_ward.services)
        client = TestClient(app, base_url="http://127.0.0.1", follow_redirects=False)
        clients.append(client)
        page = client.get("/login").text
        token = re.search(r'name="form_token" value="([^"]+)"', page)
        assert token
        fields = {
            "form_token": token[1], "tenant": lab_ward.tenant.code, "name": role.value,
            "password": PASSWORD,
        }  # fmt: skip
        assert client.post("/login", data=fields).status_code == 303
        return client

    yield sign_in
    for client in clients:
        client.close()


def test_the_list_names_public_runs_alone(
    as_role: Callable[[Role], TestClient], runs: tuple[Card, Card, Card]
) -> None:
    page = as_role(Role.RELEVANCE).get("/lab").text
    assert runs[0].run_id in page
    assert runs[1].run_id in page
    assert runs[2].run_id not in page
    assert 'href="/lab"' in page


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.RELEVANCE])
def test_other_roles_are_refused(as_role: Callable[[Role], TestClient], role: Role) -> None:
    client = as_role(role)
    assert client.get("/lab").status_code == 403
    assert client.get("/lab/topic?base=a&run=b&topic=c").status_code == 403


def test_a_run_shows_its_topics_escaped(
    as_role: Callable[[Role], TestClient], runs: tuple[Card, Card, Card]
) -> None:
    page = as_role(Role.RELEVANCE).get(f"/lab/runs/{runs[1].run_id}").text
    assert "chest pain &lt;on exertion&gt;" in page
    assert "<on exertion>" not in page
    assert "lab-test-data" in page


def test_two_runs_are_compared_in_words_numbers_and_a_drawing(
    as_role: Callable[[Role], TestClient], runs: tuple[Card, Card, Card]
) -> None:
    client = as_role(Role.RELEVANCE)
    at = f"/lab/compare?base={runs[0].run_id}&run={runs[1].run_id}"
    page = client.get(at).text
    assert page.count("<rect") == len(SET.topics)
    assert re.search(r"\d won, \d tied, \d lost of 4", page)
    link = re.search(r'href="(/lab/topic\?[^"]+)"', page)
    assert link
    assert "q/" in link[1]
    topic = client.get(link[1].replace("&amp;", "&"))
    assert topic.status_code == 200
    assert "What moved, and why" in topic.text
    assert "Note &lt;" in topic.text
    assert "Covers the sentence" in topic.text
    assert "RR@10" in client.get(f"{at}&metric=RR@10").text


def test_every_measure_is_tested_and_corrected(
    as_role: Callable[[Role], TestClient], runs: tuple[Card, Card, Card]
) -> None:
    page = as_role(Role.RELEVANCE).get(f"/lab/compare?base={runs[0].run_id}&run={runs[1].run_id}")
    table = page.text.partition('aria-label="The tests"')[2].partition("</table>")[0]
    rows = [re.findall(r'class="num[^"]*">([^<]+)</td>', row) for row in table.split("<tr>")[2:]]
    assert len(rows) == 3
    for row in rows:
        assert 0 < float(row[5]) <= float(row[6]) <= 1
        low, _, high = row[1].partition(" to ")
        assert float(low) <= float(row[0]) <= float(high)
    assert re.search(r'\.\d{3} <span class="n">0\.\d{3}–[01]\.\d{3}</span>', page.text)


def test_score_is_drawn_over_a_setting(
    as_role: Callable[[Role], TestClient], home: Path, runs: tuple[Card, Card, Card]
) -> None:
    legs = {"legs": ["lexical", "vector"]}
    for at, share in enumerate((0.2, 0.4, 0.8)):
        made = store(home, f"share {share}", at, data_version="swept", settings={
            **legs, "vector_share": share})  # fmt: skip
    store(home, "other", 0, data_version="swept", settings={"legs": ["lexical"]})
    client = as_role(Role.RELEVANCE)
    page = client.get(f"/lab/settings?run={made.run_id}").text
    assert "over vector_share" in page
    assert page.count("<circle") == 3
    assert "<polyline" in page
    assert page.index(">0.2</th>") < page.index(">0.4</th>") < page.index(">0.8</th>")
    assert "<dt>vector_share</dt><dd>0.8</dd>" in client.get(f"/lab/runs/{made.run_id}").text
    assert client.get(f"/lab/settings?run={made.run_id}&metric=RR@10").status_code == 200
    assert client.get(f"/lab/settings?run={made.run_id}&metric=Odd@1").status_code == 400
    alone = client.get(f"/lab/settings?run={runs[2].run_id}")
    assert alone.status_code == 404
    lonely = store(home, "lonely", 0, data_version="lonely")
    assert "No run differs" in client.get(f"/lab/settings?run={lonely.run_id}").text


def test_what_is_not_there_is_told_calmly(
    as_role: Callable[[Role], TestClient], runs: tuple[Card, Card, Card]
) -> None:
    client = as_role(Role.RELEVANCE)
    one, two, secret = (run.run_id for run in runs)
    assert client.get("/lab/compare").headers["location"] == "/lab"
    assert client.get(f"/lab/runs/{secret}").status_code == 404
    assert client.get(f"/lab/compare?base={one}&run={secret}").status_code == 404
    assert client.get(f"/lab/topic?base={one}&run={two}&topic=nobody").status_code == 404
    assert client.get(f"/lab/compare?base={one}&run={two}&metric=nonsense").status_code in (
        400,
        422,
    )
    assert client.get("/lab?page=999").status_code == 200


def test_runs_of_other_data_are_not_compared(
    as_role: Callable[[Role], TestClient], runs: tuple[Card, Card, Card], home: Path
) -> None:
    other = store(home, "elsewhere", 0, data_version="other-data")
    reply = as_role(Role.RELEVANCE).get(f"/lab/compare?base={runs[0].run_id}&run={other.run_id}")
    assert reply.status_code in (400, 422)
    assert "different data" in reply.text


def test_a_tuning_is_told_and_drawn(as_role: Callable[[Role], TestClient], home: Path) -> None:
    client, name = as_role(Role.RELEVANCE), store_tuning(home)
    assert f"/lab/tunings/{name}" in client.get("/lab/tunings").text
    page = client.get(f"/lab/tunings/{name}").text
    assert "Keywords: take over" in page
    assert "Question: keep the default" in page
    assert page.count("<polyline") == 2
    assert page.count('class="own"') == 2
    assert "+0.0600" in page
    assert client.get("/lab/tunings/20000101-000000").status_code == 404
    assert as_role(Role.CLINICIAN).get(f"/lab/tunings/{name}").status_code == 403
