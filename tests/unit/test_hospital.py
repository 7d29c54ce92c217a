"""The invented hospital: the same from the same seed, valid, and honest about itself."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from striprtf.striprtf import rtf_to_text

from eval.hospital import (
    PatientChart,
    chart,
    features,
    generate,
    hospital_bundle,
    studies_bundle,
    trial_lines,
)
from eval.hospital.vocabulary import archetypes, concepts, labs
from indexing.fhir.validate import check
from indexing.model import Assertion
from indexing.vitals.lines import parse

GOLDEN = Path(__file__).parents[1] / "golden"
SEED = 7


@pytest.fixture(scope="module")
def charts() -> list[PatientChart]:
    return list(generate(60, SEED))


def test_a_seed_makes_the_same_hospital_twice_and_another_seed_another() -> None:
    first, again = list(generate(3, SEED)), list(generate(3, SEED))
    assert orjson.dumps([c.bundle for c in first]) == orjson.dumps([c.bundle for c in again])
    assert [c.notes for c in first] == [c.notes for c in again]
    other = list(generate(3, SEED + 1))
    assert {c.patient_id for c in first}.isdisjoint(c.patient_id for c in other)
    assert first[0].notes[0].text != other[0].notes[0].text


def test_a_small_hospital_begins_a_large_one(charts: list[PatientChart]) -> None:
    assert list(generate(4, SEED)) == charts[:4]
    assert chart(SEED, 41) == charts[41], "a patient depends on seed and index alone"


@pytest.mark.parametrize(("index", "number"), [(26, 3), (8, 7), (3, 2)])
def test_notes_read_as_reviewed(charts: list[PatientChart], index: int, number: int) -> None:
    """After a deliberate change: write the new text to the file, and read it as a clinician."""
    note = charts[index].notes[number]
    path = GOLDEN / f"hospital_note_{index}_{number}.txt"
    assert note.text + "\n" == path.read_text("utf-8")


def test_offsets_slice_to_the_words_of_the_truth(charts: list[PatientChart]) -> None:
    for note in (n for c in charts for n in c.notes):
        assert note.mentions
        for m in note.mentions:
            assert note.text[m.start : m.end] == m.text
        ends = [m.end for m in note.mentions]
        assert all(a <= m.start for a, m in zip(ends, note.mentions[1:], strict=False))
        assert set(note.status) == {m.concept for m in note.mentions}
        assert set(note.main) <= set(concepts())


def test_every_assertion_is_used(charts: list[PatientChart]) -> None:
    said = {m.assertion for c in charts for n in c.notes for m in n.mentions}
    assert said == set(Assertion) - {Assertion.NOT_ASSESSED}
    assert any(m.copied for c in charts for n in c.notes for m in n.mentions)


def test_notes_do_not_contradict_the_truth(charts: list[PatientChart]) -> None:
    for one in charts:
        assert set(one.truth.excluded).isdisjoint(one.truth.observed)
        for m in (m for n in one.notes for m in n.mentions if not m.allergy):
            name = concepts()[m.concept].name
            if m.assertion is Assertion.PRESENT:
                assert name not in one.truth.excluded
            if m.concept == "tobacco_use" and m.assertion is Assertion.NEGATED:
                assert name not in one.truth.observed


def test_all_bundles_are_valid_r4(charts: list[PatientChart]) -> None:
    for bundle in (hospital_bundle(), *(c.bundle for c in charts)):
        found = check(orjson.loads(orjson.dumps(bundle)))
        assert not found.unsafe
        assert [i for i in found.issues if i.severity == "error"] == []


def test_references_lead_to_the_chart_or_the_hospital(charts: list[PatientChart]) -> None:
    house = {_where(e["resource"]) for e in hospital_bundle()["entry"]}
    for one in charts[:20]:
        own = {_where(e["resource"]) for e in one.bundle["entry"]}
        assert len(own) == len(one.bundle["entry"]), "no id stands for two contents"
        assert set(_references(one.bundle)) <= own | house


def test_studies_are_valid_r4_and_lead_to_those_who_have_the_condition() -> None:
    """They are no part of the charts: a demo brings them beside."""
    people = {each.patient_id for each in features(60, 7)}
    bundle = studies_bundle(60, 7)
    found = check(orjson.loads(orjson.dumps(bundle)))
    assert [i for i in found.issues if i.severity == "error"] == []
    own = {_where(e["resource"]) for e in bundle["entry"]}
    assert len(own) == len(bundle["entry"])
    house = {_where(e["resource"]) for e in hospital_bundle()["entry"]}
    assert set(_references(bundle)) <= own | house | {f"Patient/{each}" for each in people}
    joined = [e["resource"] for e in bundle["entry"] if e["resource"].get("individual")]
    assert len({each["study"]["reference"] for each in joined}) == 3
    assert orjson.dumps(bundle) == orjson.dumps(studies_bundle(60, 7))


def test_a_month_of_a_trial_is_the_same_whenever_it_is_written() -> None:
    now = datetime(2026, 11, 29, tzinfo=UTC)
    first, later = (set(trial_lines(at, 7).splitlines()) for at in (now, now.replace(day=1)))
    assert first == later
    parsed = parse(trial_lines(now, 7), now=now, precision="s")
    assert (parsed.refused, parsed.lines) == (0, 2 * 2 * 12)
    assert {key.kind for key in parsed.batch.series} == {
        "enrolment", "enrolment.patients", "enrolment.adverse_events",
        "enrolment.protocol_deviations",
    }  # fmt: skip
    next_month = set(trial_lines(now + timedelta(days=10), 7).splitlines())
    assert len(first & next_month) == 2 * 2 * 11


def _where(resource: dict[str, Any]) -> str:
    return f"{resource['resourceType']}/{resource['id']}"


def _references(value: Any) -> list[str]:
    if isinstance(value, dict):
        here = [value["reference"]] if isinstance(value.get("reference"), str) else []
        return here + [r for v in value.values() for r in _references(v)]
    return [r for v in value for r in _references(v)] if isinstance(value, list) else []


def test_nothing_happens_before_birth_or_after_death(charts: list[PatientChart]) -> None:
    died = 0
    for one in (*charts, *(chart(SEED, index) for index in range(75, 115))):
        resources = [e["resource"] for e in one.bundle["entry"]]
        patient = resources[0]
        born, dead = patient["birthDate"], patient.get("deceasedDateTime", "9999")
        died += dead != "9999"
        for meeting in (r for r in resources if r["resourceType"] == "Encounter"):
            assert born <= meeting["period"]["start"] < meeting["period"]["end"] <= dead
        for stamp in (r["onsetDateTime"] for r in resources if "onsetDateTime" in r):
            assert born[: len(stamp)] <= stamp <= dead
        whens = [n.when for n in one.notes]
        assert whens == sorted(whens)
        assert all(born <= w.isoformat() and _stamp(w) <= dead for w in whens)
    assert died, "somebody dies, or this test proves nothing"


def _stamp(when: datetime) -> str:
    return when.isoformat(timespec="seconds") + "Z"


def test_notes_survive_their_formats(charts: list[PatientChart]) -> None:
    seen = set()
    for one in charts:
        found = {e["resource"]["id"]: e["resource"] for e in one.bundle["entry"]}
        for note in one.notes:
            attachment = found[note.doc_id]["content"][0]["attachment"]
            text = base64.b64decode(attachment["data"]).decode()
            seen.add(note.markup)
            if note.markup == "text/plain":
                assert text == note.text
            elif note.markup == "text/rtf":
                assert rtf_to_text(text).split() == note.text.split()
            else:
                assert text.startswith("<html>")
    assert seen == {"text/plain", "text/html", "text/rtf"}


def test_charts_are_as_long_as_promised(charts: list[PatientChart]) -> None:
    lengths = [len(n.text) for c in charts for n in c.notes]
    assert all(3 <= len(c.notes) <= 14 for c in charts)
    assert max(lengths) < 4_500
    assert sum(length >= 400 for length in lengths) / len(lengths) > 0.9


def test_features_are_the_same_people(charts: list[PatientChart]) -> None:
    for record, one in zip(features(60, SEED), charts, strict=True):
        assert record.patient_id == one.patient_id
        assert record.cluster == one.truth.cluster
        assert record.observed == one.truth.observed
        assert record.excluded == one.truth.excluded
        assert record.risk == one.truth.risk
        assert len(record.codes) == len(record.observed)


def test_a_twin_shares_the_hands_and_not_the_disease(charts: list[PatientChart]) -> None:
    by_id = {c.patient_id: c for c in charts}
    for one in charts:
        twin = by_id[one.truth.twin_id]
        assert by_id[twin.truth.twin_id] is one
        assert one.truth.archetype != twin.truth.archetype
        assert {n.author for n in one.notes} & {n.author for n in twin.notes}


def test_a_contraindicated_drug_is_not_given(charts: list[PatientChart]) -> None:
    for one in charts:
        resources = [e["resource"] for e in one.bundle["entry"]]
        allergic = {
            r["code"]["text"] for r in resources if r["resourceType"] == "AllergyIntolerance"
        }
        given = {
            r["medicationCodeableConcept"]["text"]
            for r in resources
            if r["resourceType"] == "MedicationRequest"
        }
        assert allergic.isdisjoint(given)


def test_the_hidden_effects_show_in_many_records() -> None:
    records = list(features(2_500, SEED))
    better = {a.key: [concepts()[k].name for k, _ in a.options] for a in archetypes()}
    rates = []
    for rank in (0, 2):
        outcomes = [r.improved for r in records if r.treatment == better[r.cluster[:-2]][rank]]
        rates.append(sum(outcomes) / len(outcomes))
    assert rates[0] > rates[1] + 0.3
    expected = sum(r.risk for r in records) / len(records)
    assert sum(r.relapsed for r in records) / len(records) == pytest.approx(expected, abs=0.03)


def test_every_course_speaks_of_concepts_that_exist() -> None:
    table = concepts()
    for a in archetypes():
        named = {a.disease, *a.denies, *a.consider, *a.counsel, *(k for s in a.stages for k in s)}
        for group in (a.symptoms, a.signs, a.comorbid, a.drugs, a.options, a.acute):
            named |= {key for key, _ in group}
        named |= {key for group in (a.procedures, a.complications) for key, _ in group}
        assert named <= set(table), a.key
        assert {key for key, _, _ in a.labs} <= set(labs()), a.key
        assert (len(a.stages), len(a.grades)) == (3, 3), a.key
        assert len({effect for _, effect in a.options}) == 3, a.key
