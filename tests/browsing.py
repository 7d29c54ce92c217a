"""A browser on the pages of a ward: signing in, asking, and what the audit kept of it."""

from __future__ import annotations

import re

from fastapi.testclient import TestClient

from app.web import create_app
from app.wiring import Installation
from indexing.access import Role
from tests.ward import PASSWORD, Ward

SITE = "http://127.0.0.1:8080"


def browser(ward: Ward, address: str = "10.0.0.1") -> TestClient:
    """Return a browser on the application, to be entered."""
    return TestClient(create_app(ward.services), base_url=SITE, client=(address, 5))


def form_token(text: str) -> str:
    """Return the token of a page's forms."""
    found = re.search(r'name="form_token" value="([0-9a-f]+)"', text)
    assert found is not None
    return found.group(1)


def sign_in(client: TestClient, ward: Ward, role: Role) -> None:
    """Sign in as the account of that role."""
    token = form_token(client.get("/login").text)
    answer = client.post(
        "/login",
        data={
            "form_token": token, "tenant": ward.tenant.code, "name": role.value,
            "password": PASSWORD,
        },
        follow_redirects=False,
    )  # fmt: skip
    assert answer.status_code == 303, answer.text


def ask(client: TestClient, words: str, **more: str) -> str:
    """Search in the browser and return the path of the frozen page."""
    token = form_token(client.get("/search").text)
    answer = client.post(
        "/search", data={"form_token": token, "q": words, **more}, follow_redirects=False
    )
    assert answer.status_code == 303
    return answer.headers["location"]


def last_rows(
    installation: Installation, ward: Ward, number: int = 1
) -> list[tuple[str, list[str]]]:
    """Return what the audit kept last, newest first: (what was done, to whom)."""
    with installation.database.tenant(ward.tenant.tenant_id) as conn:
        rows = conn.execute(
            "SELECT subtype, patient_ids FROM audit_event WHERE tenant_id = %s "
            "ORDER BY seq DESC LIMIT %s",
            (ward.tenant.tenant_id, number),
        ).fetchall()
    return [(row[0], row[1]) for row in rows]
