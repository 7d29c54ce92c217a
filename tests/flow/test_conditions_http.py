"""Conditional creates, updates and deletions over HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from fastapi.testclient import TestClient

from app.web import create_app
from indexing.access import Role
from indexing.ingest import Ingest
from tests.flow.test_conditions import NPI, bundle, codes, entry, note, practitioner, restricted
from tests.ward import Ward


@pytest.fixture
def client(ward: Ward) -> Iterator[TestClient]:
    with TestClient(create_app(ward.services), base_url="http://127.0.0.1:8080") as client:
        client.headers["Authorization"] = f"Bearer {ward.token(Role.CLINICIAN)}"
        client.headers["Content-Type"] = "application/fhir+json"
        yield client


def body(**more: Any) -> str:
    return json.dumps(practitioner(**more))


@pytest.mark.parametrize("address", ["/fhir", "/fhir/Practitioner"])
def test_if_none_exist(client: TestClient, address: str) -> None:
    asked = {"If-None-Exist": f"identifier={NPI}|{address}"}
    first = client.post(address, content=body(npi=address), headers=asked)
    again = client.post(address, content=body(npi=address), headers=asked)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.headers["location"] == again.headers["location"]
    bad = client.post(address, content=body(npi=address), headers={"If-None-Exist": "name=x"})
    assert bad.status_code == 400


def test_put_and_delete_by_search(client: TestClient) -> None:
    address = f"/fhir/Practitioner?identifier={NPI}|put"
    assert client.put(address, content=body(npi="put", identity="put-1")).status_code == 201
    changed = client.put(address, content=body(npi="put", active=True))
    assert changed.status_code == 200
    assert changed.headers["location"].endswith("/fhir/Practitioner/put-1/_history/2")
    other = client.put(address, content=body(npi="put", identity="put-2"))
    assert other.status_code == 400
    twin = client.put("/fhir/Practitioner/twin", content=body(npi="put", identity="twin"))
    assert twin.status_code == 201
    assert client.put(address, content=body(npi="put")).status_code == 412
    assert client.delete(address).status_code == 412
    assert client.delete("/fhir/Practitioner/twin").status_code == 204
    assert client.delete(address).status_code == 204
    assert client.get("/fhir/Practitioner/put-1").status_code == 410
    assert client.delete(address).status_code == 204
    for unnamed in (client.put("/fhir/Practitioner", content=body()),
                    client.delete("/fhir/Practitioner")):  # fmt: skip
        assert unnamed.status_code == 400


def test_if_match(client: TestClient) -> None:
    address = "/fhir/Practitioner/m1"
    assert client.put(address, content=body(identity="m1")).status_code == 201
    for seen, status in (('W/"2"', 412), ('W/"odd"', 412), ('W/"1"', 200)):
        sent = body(identity="m1", active=True)
        assert client.put(address, content=sent, headers={"If-Match": seen}).status_code == status
    bundled = bundle(entry(practitioner("m1"), "Practitioner/m1", "PUT", ifMatch='W/"1"'))
    answer = client.post("/fhir", content=json.dumps(bundled))
    assert answer.status_code == 412
    assert answer.json()["issue"][0]["code"] == "conflict"


def test_a_closed_resource_is_not_there_over_http(client: TestClient, ward: Ward) -> None:
    cleared = replace(ward.access, labels=frozenset({"PSY"}))
    into = Ingest(ward.services.records, cleared, ZoneInfo("UTC"))
    assert not codes(into.submit(json.dumps(restricted("h1", subject="Patient/p-ada")).encode()))
    address = "/fhir/DocumentReference/h1"
    assert client.put(address, content=json.dumps(note("h1"))).status_code == 403
    assert client.delete(address).status_code == 404
    assert client.get(address).status_code == 404
    into.submit(json.dumps(bundle(entry(None, "DocumentReference/h1", "DELETE"))).encode())
    assert client.get(address).status_code == 404
    assert client.get(f"{address}/_history/2").status_code == 404
