"""The hospital itself as FHIR R4: what every chart refers to."""

from __future__ import annotations

from eval.hospital.coding import BASE, Json, entry
from eval.hospital.dice import stable_id
from eval.hospital.people import HOSPITAL, HOSPITAL_ID, everyone


def hospital_bundle() -> Json:
    """Write the hospital and its clinicians, which every chart refers to."""
    house: Json = {
        "resourceType": "Organization",
        "id": HOSPITAL_ID,
        "active": True,
        "name": HOSPITAL,
        "alias": ["Invented demo hospital"],
    }
    entries = [entry(house)]
    for a in everyone():
        name = {"family": a.family, "given": [a.given], "suffix": [a.suffix]}
        identifier = {"system": f"{BASE}/staff", "value": a.author_id[:8]}
        doctor: Json = {
            "resourceType": "Practitioner",
            "id": a.author_id,
            "identifier": [identifier],
            "active": True,
            "name": [name],
            "qualification": [{"code": {"text": a.specialty}}],
        }
        entries.append(entry(doctor))
    return {
        "resourceType": "Bundle",
        "id": stable_id("bundle", HOSPITAL),
        "type": "transaction",
        "entry": entries,
    }
