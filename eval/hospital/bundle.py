"""A case as FHIR R4: one transaction bundle a patient."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from eval.hospital.case import Case, Encounter, Result, Vitals
from eval.hospital.coding import (
    BASE,
    CLASSES,
    HL7,
    LOINC,
    SNOMED,
    VACCINES,
    Json,
    author,
    codeable,
    coded,
    encoded,
    entry,
    instant,
    quantity,
)
from eval.hospital.dice import Dice, stable_id
from eval.hospital.model import Note
from eval.hospital.people import HOSPITAL, HOSPITAL_ID
from eval.hospital.sections import directions
from eval.hospital.vocabulary import concepts

_VITALS = (
    ("hr", "8867-4", "Heart rate", "/min"),
    ("rr", "9279-1", "Respiratory rate", "/min"),
    ("spo2", "2708-6", "Oxygen saturation in Arterial blood", "%"),
    ("temp", "8310-5", "Body temperature", "Cel"),
    ("weight", "29463-7", "Body weight", "kg"),
)


class Chart:
    """Collects one patient's resources."""

    def __init__(self, case: Case, seed: int) -> None:
        self.case = case
        self.id = case.person.patient_id
        self.dice = Dice(seed, case.course.index, 8)
        self.entries: list[Json] = []
        self._number = 0

    def add(self, kind: str, body: Json, name: str = "") -> str:
        """File a resource; its id follows from the patient and its place."""
        self._number += 1
        key = name or stable_id(self.id, kind, self._number)
        self.entries.append(entry({"resourceType": kind, "id": key, **body}))
        return key

    @property
    def subject(self) -> Json:
        """Refer to the patient."""
        return {"reference": f"Patient/{self.id}"}

    def meeting_id(self, number: int) -> str:
        """Name an encounter."""
        return stable_id(self.id, "encounter", number)

    def at(self, number: int) -> Json:
        """Refer to an encounter."""
        return {"reference": f"Encounter/{self.meeting_id(number)}"}

    def patient(self) -> None:
        """File who it is."""
        who, case = self.case.person, self.case
        mrn = {"coding": [{"system": f"{HL7}/v2-0203", "code": "MR"}], "text": "MRN"}
        body: Json = {
            "identifier": [
                {"use": "usual", "type": mrn, "system": f"{BASE}/mrn", "value": who.mrn}
            ],
            "active": case.died_on is None,
            "name": [{"use": "official", "family": who.family, "given": [who.given, who.middle]}],
            "telecom": [{"system": "phone", "value": who.phone, "use": "home"}],
            "gender": "female" if who.female else "male",
            "birthDate": who.born.isoformat(),
            "address": [
                {"line": [who.street], "city": who.town, "postalCode": who.postal, "country": "US"}
            ],
            "managingOrganization": {"reference": f"Organization/{HOSPITAL_ID}"},
        }
        if case.died_on:
            body["deceasedDateTime"] = instant(case.died_on)
        self.add("Patient", body, self.id)

    def meetings(self) -> None:
        """File the encounters."""
        course = self.case.course
        for e in self.case.encounters:
            word, code, display = CLASSES[e.kind]
            role = "primary" if e.phase == "before" else "specialist"
            who = self.case.team["hospitalist" if e.kind == "IMP" else role]
            reason = concepts()[course.archetype.disease]
            body: Json = {
                "status": "finished",
                "class": {"system": f"{HL7}/v3-ActCode", "code": e.kind, "display": word},
                "type": [coded(SNOMED, code, display)],
                "subject": self.subject,
                "participant": [{"individual": author(who.author_id, who.name)}],
                "period": {"start": instant(e.start), "end": instant(e.end)},
                "serviceType": {"text": e.service},
                "serviceProvider": {
                    "reference": f"Organization/{HOSPITAL_ID}",
                    "display": HOSPITAL,
                },
            }
            if e.phase != "before":
                body["reasonCode"] = [codeable(reason)]
            self.add("Encounter", body, self.meeting_id(e.number))

    def condition(self, key: str, onset: str, status: str, number: int, ended: str = "") -> None:
        """File a problem."""
        body: Json = {
            "clinicalStatus": coded(f"{HL7}/condition-clinical", status),
            "verificationStatus": coded(f"{HL7}/condition-ver-status", "confirmed"),
            "category": [coded(f"{HL7}/condition-category", "problem-list-item")],
            "code": codeable(concepts()[key]),
            "subject": self.subject,
            "encounter": self.at(number),
            "onsetDateTime": onset,
        }
        if ended:
            body["abatementDateTime"] = ended
        self.add("Condition", body)

    def problems(self) -> None:
        """File the disease, its company, its complications and what is over."""
        case, course = self.case, self.case.course
        ill = _illness(case)
        start = ill.start
        oldest = case.person.born
        self.condition(course.archetype.disease, start.date().isoformat(), "active", ill.number)
        for key in course.comorbid:
            years = self.dice.between(1, 9)
            onset = max(start.date() - timedelta(days=365 * years), oldest)
            self.condition(key, onset.isoformat(), "active", case.encounters[0].number)
        for key in course.complications:
            self.condition(key, start.date().isoformat(), "active", ill.number)
        for key, year in case.past:
            first = case.encounters[0].number
            self.condition(key, str(year), "resolved", first, str(year))
        for key in (*course.symptoms[:3], *course.markers):
            if concepts()[key].kind == "condition":
                self.condition(key, start.date().isoformat(), "active", ill.number)

    def observation(
        self, category: str, code: Json, when: datetime, number: int, rest: Json
    ) -> str:
        """File an observation."""
        body: Json = {
            "status": "final",
            "category": [coded(f"{HL7}/observation-category", category)],
            "code": code,
            "subject": self.subject,
            "encounter": self.at(number),
            "effectiveDateTime": instant(when),
            **rest,
        }
        return self.add("Observation", body)

    def vital_signs(self, v: Vitals) -> None:
        """File one set of vital signs."""
        for name, code, display, unit in _VITALS:
            value = quantity(getattr(v, name), unit)
            rest = {"valueQuantity": value}
            what = coded(LOINC, code, display)
            self.observation("vital-signs", what, v.when, v.encounter, rest)
        parts = [
            {"code": coded(LOINC, code, word), "valueQuantity": quantity(value, "mm[Hg]")}
            for code, word, value in (
                ("8480-6", "Systolic blood pressure", v.sbp),
                ("8462-4", "Diastolic blood pressure", v.dbp),
            )
        ]
        panel = coded(LOINC, "85354-9", "Blood pressure panel")
        self.observation("vital-signs", panel, v.when, v.encounter, {"component": parts})

    def lab(self, r: Result) -> str:
        """File one lab value with its range and flag."""
        low, high = r.lab.low, r.lab.high
        flag = "H" if r.value > high else "L" if r.value < low else "N"
        span = {"low": quantity(low, r.lab.unit), "high": quantity(high, r.lab.unit)}
        rest = {
            "valueQuantity": quantity(r.value, r.lab.unit),
            "interpretation": [coded(f"{HL7}/v3-ObservationInterpretation", flag)],
            "referenceRange": [span],
        }
        code = coded(LOINC, r.lab.loinc, r.lab.name)
        return self.observation("laboratory", code, r.when, r.encounter, rest)

    def measurements(self) -> None:
        """File vital signs, labs and the reports that gather the labs."""
        for v in self.case.vitals:
            self.vital_signs(v)
        drawn: dict[tuple[datetime, int], list[str]] = {}
        for r in self.case.results:
            drawn.setdefault((r.when, r.encounter), []).append(self.lab(r))
        for (when, number), ids in drawn.items():
            self.report(
                coded(LOINC, "11502-2", "Laboratory report"), "LAB", when, number,
                {"result": [{"reference": f"Observation/{i}"} for i in ids]},
            )  # fmt: skip

    def report(self, code: Json, category: str, when: datetime, number: int, rest: Json) -> None:
        """File a diagnostic report."""
        body: Json = {
            "status": "final",
            "category": [coded(f"{HL7}/v2-0074", category)],
            "code": code,
            "subject": self.subject,
            "encounter": self.at(number),
            "effectiveDateTime": instant(when),
            "issued": instant(when + timedelta(hours=1)),
            **rest,
        }
        self.add("DiagnosticReport", body)

    def order(self, key: str, when: datetime, number: int, status: str, reason: str = "") -> str:
        """File a prescription."""
        drug = concepts()[key]
        sig = directions(drug, self.case)
        who = self.case.team["hospitalist"]
        body: Json = {
            "status": status,
            "intent": "order",
            "medicationCodeableConcept": codeable(drug),
            "subject": self.subject,
            "encounter": self.at(number),
            "authoredOn": instant(when),
            "requester": author(who.author_id, who.name),
        }
        if sig:
            body["dosageInstruction"] = [{"text": sig}]
        if reason:
            body["statusReason"] = {"text": reason}
        return self.add("MedicationRequest", body)

    def drugs(self) -> None:
        """File what was ordered, what is taken from before and what was stopped."""
        case, course = self.case, self.case.course
        ill = _illness(case)
        chosen = self.order(course.option, ill.start + timedelta(hours=6), ill.number, "active")
        word = "improved" if course.improved else "not improved"
        code = {"text": "Response to treatment"}
        rest = {
            "focus": [{"reference": f"MedicationRequest/{chosen}"}],
            "valueCodeableConcept": {"text": word},
        }
        self.observation("therapy", code, case.encounters[-1].end, ill.number, rest)
        for key in course.drugs:
            self.order(key, ill.start + timedelta(hours=6), ill.number, "active")
        for key in course.acute:
            self.order(key, ill.start + timedelta(hours=1), ill.number, "completed")
        first = case.encounters[0]
        for key in case.home_drugs:
            self.statement(key, "active", {"start": first.start.date().isoformat()}, "")
        for key, why, year in case.stopped:
            self.statement(key, "stopped", {"end": str(year)}, why)

    def statement(self, key: str, status: str, period: Json, reason: str) -> None:
        """File what the patient takes, or took."""
        drug = concepts()[key]
        body: Json = {
            "status": status,
            "medicationCodeableConcept": codeable(drug),
            "subject": self.subject,
            "effectivePeriod": period,
        }
        if reason:
            body["statusReason"] = [{"text": reason}]
        sig = directions(drug, self.case)
        if sig:
            body["dosage"] = [{"text": sig}]
        self.add("MedicationStatement", body)

    def actions(self) -> None:
        """File procedures, now and earlier."""
        ill = _illness(self.case)
        for turn, key in enumerate(self.case.course.procedures):
            when = min(ill.start + timedelta(hours=2 + 9 * turn), ill.end)
            body: Json = {
                "status": "completed",
                "code": codeable(concepts()[key]),
                "subject": self.subject,
                "encounter": self.at(ill.number),
                "performedDateTime": instant(when),
                "reasonCode": [codeable(concepts()[self.case.course.archetype.disease])],
            }
            self.add("Procedure", body)
        for key, year in self.case.past_procedures:
            past: Json = {"code": codeable(concepts()[key]), "subject": self.subject}
            self.add("Procedure", {"status": "completed", **past, "performedDateTime": str(year)})

    def allergy(self) -> None:
        """File the allergy, where there is one."""
        course = self.case.course
        if not course.allergy:
            return
        severe = course.reaction in ("anaphylaxis", "throat swelling")
        body: Json = {
            "clinicalStatus": coded(f"{HL7}/allergyintolerance-clinical", "active"),
            "verificationStatus": coded(f"{HL7}/allergyintolerance-verification", "confirmed"),
            "type": "intolerance" if course.reaction in ("nausea", "cough") else "allergy",
            "category": ["medication"],
            "criticality": "high" if severe else "low",
            "code": codeable(concepts()[course.allergy]),
            "patient": self.subject,
            "reaction": [{"manifestation": [{"text": course.reaction}]}],
        }
        self.add("AllergyIntolerance", body)

    def care(self) -> None:
        """File immunizations and the care plan."""
        first = self.case.encounters[0]
        for code, display, age in VACCINES:
            if self.case.course.age > age and self.dice.chance(0.5):
                shot: Json = {
                    "status": "completed",
                    "vaccineCode": coded("http://hl7.org/fhir/sid/cvx", code, display),
                    "patient": self.subject,
                    "encounter": self.at(first.number),
                    "occurrenceDateTime": instant(first.start),
                    "primarySource": True,
                }
                self.add("Immunization", shot)
        ill = _illness(self.case)
        disease = concepts()[self.case.course.archetype.disease]
        body: Json = {
            "status": "active" if self.case.died_on is None else "completed",
            "intent": "plan",
            "title": f"Care plan: {disease.name}",
            "subject": self.subject,
            "encounter": self.at(ill.number),
            "period": {"start": ill.end.date().isoformat()},
        }
        self.add("CarePlan", body)

    def documents(self, notes: Iterable[Note]) -> None:
        """File the notes."""
        for note in notes:
            kind = coded(LOINC, note.loinc, note.kind)
            attachment: Json = {
                "contentType": note.markup
                + (";charset=utf-8" if note.markup == "text/plain" else ""),
                "data": encoded(note),
                "title": note.title,
                "creation": instant(note.when),
            }
            body: Json = {
                "status": "current",
                "docStatus": "final",
                "type": {**kind, "text": note.kind},
                "subject": self.subject,
                "date": instant(note.when),
                "author": [author(note.author_id, note.author)],
                "description": note.title,
                "content": [{"attachment": attachment}],
                "context": {
                    "encounter": [self.at(note.encounter)],
                    "practiceSetting": {"text": note.specialty},
                    "period": {"start": instant(note.when)},
                },
            }
            self.add("DocumentReference", body, note.doc_id)
            if note.kind == "Radiology report":
                code = coded(LOINC, "18748-4", "Diagnostic imaging study")
                # Without the text: it would be found twice, here and in the document.
                self.report(code, "RAD", note.when, note.encounter, {})


def _illness(case: Case) -> Encounter:
    return next(e for e in case.encounters if e.phase == "illness")


def patient_bundle(seed: int, case: Case, notes: Iterable[Note]) -> Json:
    """Write a patient's whole chart as one transaction."""
    chart = Chart(case, seed)
    chart.patient()
    chart.meetings()
    chart.problems()
    chart.measurements()
    chart.drugs()
    chart.actions()
    chart.allergy()
    chart.care()
    chart.documents(notes)
    return {
        "resourceType": "Bundle",
        "id": stable_id(chart.id, "bundle"),
        "type": "transaction",
        "entry": chart.entries,
    }
