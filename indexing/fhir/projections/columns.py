"""The columns that `project` fills, per table and in order; tenant_id is the store's to add."""

from __future__ import annotations

from collections.abc import Mapping

COLUMNS: Mapping[str, tuple[str, ...]] = {
    table: tuple(names.split())
    for table, names in {
        "patient": (
            "resource_id active family given name sex birth_start birth_end deceased "
            "deceased_start deceased_end city state postal_code country replaced_by"
        ),
        "patient_name": "resource_id token part",
        "practitioner": "resource_id active family given name sex qualification",
        "organization": (
            "resource_id active name name_key type_code type_display part_of city state"
        ),
        "encounter": (
            "resource_id patient_id status class_code system code display reason_code "
            "reason_display date_start date_end practitioner_id organization_id discharge "
            "part_of date_until date_last"
        ),
        "condition": (
            "resource_id patient_id encounter_id clinical_status verification_status category "
            "severity system code display body_site onset_start onset_end abatement_start "
            "abatement_end recorded_start onset_until abatement_until recorded_end"
        ),
        "observation": (
            "resource_id component observed_at observed_end patient_id encounter_id status "
            "category system code display value_number value_comparator value_unit value_code "
            "value_text value_start value_end interpretation_code range_low range_high"
        ),
        "medication": "resource_id status system code display form",
        "medication_request": (
            "resource_id patient_id encounter_id status intent category medication_id system "
            "code display authored_start authored_end requester_id dosage frequency"
        ),
        "medication_statement": (
            "resource_id patient_id encounter_id status category medication_id system code "
            "display date_start date_end dosage frequency date_until date_last"
        ),
        "procedure": (
            "resource_id patient_id encounter_id status category system code display "
            "date_start date_end performer_id reason_code reason_display body_site outcome "
            "complication date_until date_last"
        ),
        "allergy_intolerance": (
            "resource_id patient_id encounter_id clinical_status verification_status type "
            "category criticality system code display reaction onset_start onset_end "
            "recorded_start onset_until recorded_end"
        ),
        "immunization": (
            "resource_id patient_id encounter_id status system code display date_start "
            "date_end lot_number"
        ),
        "diagnostic_report": (
            "resource_id patient_id encounter_id status category system code display "
            "date_start date_end issued performer_id"
        ),
        "document_reference": (
            "resource_id patient_id encounter_id status doc_status category system code "
            "display date_start date_end author author_id specialty content_type"
        ),
        "device": (
            "resource_id patient_id status system code display manufacturer model serial_number"
        ),
        "imaging_study": (
            "resource_id patient_id encounter_id status modality system code display "
            "body_site date_start date_end series instances"
        ),
        "care_plan": (
            "resource_id patient_id encounter_id status intent system code display title "
            "date_start date_end date_until date_last"
        ),
        "specimen": (
            "resource_id patient_id status system code display body_site date_start date_end "
            "received_start"
        ),
        "cohort": "resource_id active type actual system code display name quantity",
        "research_study": (
            "resource_id status title phase system code display date_start date_end "
            "sponsor_id investigator_id"
        ),
        "research_subject": "resource_id patient_id study_id status arm date_start date_end",
        "risk_assessment": (
            "resource_id prediction patient_id encounter_id condition_id status method system "
            "code display probability probability_high qualitative_risk date_start date_end "
            "mitigation"
        ),
        "provenance": "resource_id patient_id recorded activity agent agent_type agent_id",
        "resource_code": "resource_type resource_id role system code display patient_id",
        "resource_identifier": "resource_type resource_id system value",
        "resource_link": "resource_type resource_id role target_type target_id",
    }.items()
}
