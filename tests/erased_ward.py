"""Two patients whose every field tells who they are, and who was there, for erasure."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import zstandard

from app.following import catch_up
from app.services import services_of
from app.wiring import Installation
from indexing.access import Access, Role
from indexing.audit import AuditRow
from indexing.backends.postgres.books import Sheet
from indexing.backends.postgres.outlook import PostgresOutlook
from indexing.candidates import Wrong
from indexing.ingest import Ingest
from indexing.model import ChangeEvent, Kind, Position, TenantId
from indexing.outlook import ModelCard, Prediction
from tests.attack import Hospital, chart_of, found_hospital, note, person
from tests.cohort_ward import judge

GONE, STAYS = "erase-me-4711", "stays-here-0815"
WORD, OTHER = "zqvanishing", "qxremaining"  # in no dictionary, in every text of the patient


def resources() -> list[dict[str, Any]]:
    """Return both charts, vital signs, older versions, and what is about both."""
    made: list[dict[str, Any]] = []
    for own, word in ((GONE, WORD), (STAYS, OTHER)):
        made += [person(own, word), *chart_of(own, word, f"{own}-of"), _pulse(own)]
        made.append(note(f"{own}-copy", own, f"HPI:\nThe {word} chest pain is severe.", word))
        made.append({**person(own, word), "maritalStatus": {"text": f"{word} alone"}})
        made.append(note(f"{own}-of-note", own, f"HPI:\nThe {word} fever is gone again.", word))
        made += _scanned(own, word)
    both = [{"reference": f"Patient/{own}", "display": w.title()}
            for own, w in ((GONE, WORD), (STAYS, OTHER))]  # fmt: skip
    group = {
        "resourceType": "Group", "id": "both-of-them", "type": "person", "actual": True,
        "member": [{"entity": each} for each in both],
        "text": {"status": "generated", "div": f"<div>{WORD.title()} {WORD}</div>"},
    }  # fmt: skip
    told = {
        "resourceType": "Provenance", "id": "told-of-both", "recorded": "2024-01-01T00:00:00Z",
        "target": both, "agent": [{"who": {"display": "A feed"}}],
    }  # fmt: skip
    paid = {
        "resourceType": "Account", "id": "paid-for-both", "status": "active", "subject": both,
    }  # fmt: skip
    return [*made, {**group, "quantity": 2}, group, told, paid]


def _scanned(own: str, word: str) -> list[dict[str, Any]]:
    data = base64.b64encode(f"A picture of {word}".encode()).decode()
    return [
        {"resourceType": "Binary", "id": f"{own}-scan", "contentType": "image/png", "data": data},
        {"resourceType": "Media", "id": f"{own}-media", "status": "completed",
         "subject": {"reference": f"Patient/{own}"},
         "content": {"contentType": "image/png", "url": f"Binary/{own}-scan"}},
    ]  # fmt: skip


def _pulse(own: str) -> dict[str, Any]:
    return {
        "resourceType": "Observation", "id": f"{own}-pulse", "status": "final",
        "subject": {"reference": f"Patient/{own}"}, "effectiveDateTime": "2024-01-01T08:00:00Z",
        "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]},
        "valueQuantity": {"value": 72, "code": "/min", "system": "http://unitsofmeasure.org"},
    }  # fmt: skip


def build(installation: Installation) -> Hospital:
    """Make the hospital, and everything that work on its patients leaves behind."""
    hospital = found_hospital(installation, resources())
    for own, word in ((GONE, WORD), (STAYS, OTHER)):
        _work(installation, hospital, own, word)
    return hospital


def _work(installation: Installation, hospital: Hospital, own: str, word: str) -> None:
    tenant_id, services = hospital.tenant.tenant_id, hospital.services
    access = Access(
        tenant_id, hospital.user_id(Role.CLINICIAN), frozenset({Role.CLINICIAN})
    )  # fmt: skip
    doc = f"{own}-of-note"
    page = services.frozen.freeze(
        access, {"q": f"{word} fever"}, {"hits": [{"doc_id": doc, "rank": 1}]},
        AuditRow("R", "search", [own], [f"Document/{doc}"]),
    )  # fmt: skip
    services.books.judge(access, Sheet(page, f"{word} fever", "book", "judge"), doc, 2)
    services.candidates.file(access, page, doc, Wrong.DENIED)
    services.charts.chart(access, own, visit=True)
    services.documents.read(access, [doc], 1, AuditRow("R", "note"))
    services.records.read(access, "Patient", own)
    _cohort(installation, hospital, own, word)
    _predict(installation, access, own)
    event = ChangeEvent(
        Position(0, 0), tenant_id, Kind.RESOURCE, f"Condition/{own}-of-condition", 1
    )
    installation.feed.park("medical", event, "EventRejected")


def _cohort(installation: Installation, hospital: Hospital, own: str, word: str) -> None:
    from tests.cohort_ward import desk_of

    desk = desk_of(installation, hospital, Role.CLINICIAN)
    head = desk.save(f"all {own[:4]}", "said: text severe\nkeep said")
    desk.run(head)
    judge(desk, head, own, "said", "accept")


def _predict(installation: Installation, access: Access, own: str) -> None:
    outlook = PostgresOutlook(installation.database)
    if not outlook.models(access):
        card = ModelCard("m", "1", "nearest", "return", "", {}, {}, {}, "active", "",
                         datetime.now(UTC))  # fmt: skip
        outlook.register(access, card, None)
    alike = STAYS if own == GONE else GONE
    outlook.keep(
        access,
        Prediction(f"told-{own}", own, "m", "1", "return", 0.5, 0.1, 0.9, 0.5, "",
                   datetime.now(UTC), {"alike": [alike], "neighbours": 1}),
    )  # fmt: skip


def ingest(installation: Installation, hospital: Hospital, resource: dict[str, Any]) -> Any:
    """Take one resource in and return its outcome."""
    zone = installation.zone_of(hospital.tenant.tenant_id)
    into = Ingest(installation.records, hospital.access, zone)
    return into.submit(json.dumps(resource).encode())[0]


def followed(installation: Installation) -> None:
    """Let every index come into step."""
    catch_up(installation)
    services_of(installation)


def plain_scan(installation: Installation, tenant_id: TenantId, needle: str) -> list[str]:
    """Return where a text stands: every table of the schema, cast to text and its bytes unpacked,
    and every file of the home but the database's and other tenants' indexes. Nothing of the
    product's own scan is used."""
    with installation.owner_database.tenant(tenant_id) as conn:
        names = [
            row[0]
            for row in conn.execute(
                "SELECT table_name FROM information_schema.columns WHERE table_schema = 'public' "
                "AND column_name = 'tenant_id'"
            ).fetchall()
        ]
        found = []
        for name in sorted(set(names)):
            rows = conn.execute(f'SELECT * FROM "{name}" WHERE tenant_id = %s', (tenant_id,))
            if any(needle.lower() in text for row in rows.fetchall() for text in _spelled(row)):
                found.append(name)
    home = installation.home
    own = (home / "tantivy").glob(f"{tenant_id.hex}/**/*")
    files = [p for p in (*home.glob("*"), *(home / "lab").rglob("*"), *own) if p.is_file()]
    return found + [str(p.relative_to(home)) for p in files if _stands(p, needle)]


def _stands(path: Path, needle: str) -> bool:
    return needle.encode() in path.read_bytes()


def _spelled(row: tuple[object, ...]) -> Iterator[str]:
    for value in row:
        if not isinstance(value, bytes):
            yield str(value).lower()
            continue
        try:
            yield zstandard.decompress(value, max_output_size=1 << 26).decode().lower()
        except (zstandard.ZstdError, UnicodeDecodeError):
            yield value.decode("latin-1").lower()
