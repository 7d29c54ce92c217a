"""Only JSON is answered: who asks for another form hears so before anything is done."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from httpx import Response

from app.web import create_app
from indexing.access import Role
from tests.ward import Ward

SITE = "http://127.0.0.1:8080"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.fixture(scope="module")
def client(ward: Ward) -> Iterator[TestClient]:
    with TestClient(create_app(ward.services), base_url=SITE) as opened:
        opened.headers["Authorization"] = f"Bearer {ward.token(Role.CLINICIAN)}"
        yield opened


def refused(answer: Response) -> None:
    assert answer.status_code == 406, answer.text
    assert answer.headers["content-type"].startswith("application/fhir+json")
    issue = answer.json()["issue"][0]
    assert answer.json()["resourceType"] == "OperationOutcome"
    assert (issue["severity"], issue["code"]) == ("error", "not-supported")


PATHS = (
    "/fhir/Patient/p-ada", "/fhir/Patient", "/fhir/Patient/p-ada/_history",
    "/fhir/Patient/p-ada/_history/1", "/fhir/Patient/p-ada/$everything", "/fhir/metadata",
)  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("form", [
    "xml", "application/fhir+xml", "application/fhir%2Bxml", "ttl",
    "application/fhir%2Bjson;fhirVersion=3.0",
])  # fmt: skip
def test_another_format_is_refused(client: TestClient, path: str, form: str) -> None:
    refused(client.get(f"{path}?_format={form}", headers={"Accept": "application/json"}))


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "accept",
    [
        "application/fhir+xml", "text/turtle", "application/xml, text/xml;q=0.5",
        "application/fhir+json;q=0, application/fhir+xml",
        "application/fhir+json; fhirVersion=3.0",
        "application/fhir+json;q=0, */*", "*/*, application/fhir+json ; Q=0.000",
        "application/fhir+json;q=0, application/json", "application/json;q=0", "*/*;q=0",
        "application/fhir+json;fhirVersion=4.0;q=0, application/fhir+json",
        "application/*;q=0, */*", "application/*;q=.0",
        'text/html;a="b, application/fhir+json"', "text/*", ";;", "q=1",
    ],
)  # fmt: skip
def test_other_media_are_refused(client: TestClient, path: str, accept: str) -> None:
    refused(client.get(path, headers={"Accept": accept}))


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "accept",
    [
        "", "*/*", BROWSER, "application/*", "application/json",
        "application/fhir+xml;q=0.5, application/fhir+json",
        "application/fhir+json; fhirVersion=4.0; charset=utf-8",
        'application/fhir+json; fhirVersion="4.0"; a="b, c;q=0"',
        "application/*;q=0.5", "*/*;q=0, application/json;q=0.001",
        "application/json;q=0, */*;q=.1", "*/*;q=0, */*", " , ", ", */*",
        *(f"application/fhir+json;q={bad}" for bad in ("", "no", "-0", "nan", "1.5", "1e-9")),
    ],
)  # fmt: skip
def test_json_is_given_to_who_takes_it(client: TestClient, path: str, accept: str) -> None:
    assert client.get(path, headers={"Accept": accept}).status_code == 200


@pytest.mark.parametrize(
    "form",
    [
        "json", "text/json", "application/json", "application/fhir+json", "application/fhir json",
        "application/fhir+json; fhirVersion=4.0", "application/json;charset=utf-8", "JSON",
    ],
)  # fmt: skip
def test_the_format_asked_for_is_over_the_header(client: TestClient, form: str) -> None:
    for path in PATHS:
        answer = client.get(
            path, params={"_format": form}, headers={"Accept": "application/fhir+xml"}
        )
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].startswith("application/fhir+json")


def test_a_write_is_refused_before_it_is_done(client: TestClient) -> None:
    patient = json.dumps({"resourceType": "Patient", "id": "p-form"})
    xml = {"Accept": "application/fhir+xml"}
    refused(client.put("/fhir/Patient/p-form", content=patient, headers=xml))
    refused(client.post("/fhir?_format=xml", content=patient))
    assert client.get("/fhir/Patient/p-form").status_code == 404
    refused(client.post("/fhir/Patient/_search", data={"_format": "xml"}))
