-- Typed projections beside the bytes: what is searched and joined, as plain columns, because under
-- a policy `@@`, `@>`, LIKE and `->>` never reach an index. indexing.fhir.projections fills them.
--
-- Codes come as (system, code, display) of the main concept; every further coding stands in
-- resource_code. A partial date is [start, end). Columns below "-- AI" are filled by later parts and
-- never by ingest. Text is COLLATE "C", so that a prefix is a range: name >= 'smi' AND name < 'smj'.

CREATE TABLE patient (
    tenant_id uuid NOT NULL,
    resource_id text COLLATE "C" NOT NULL,
    active boolean,
    family text COLLATE "C",
    given text COLLATE "C",
    name text,                                -- as shown
    sex text COLLATE "C",                     -- administrative gender
    birth_start date,
    birth_end date,
    deceased boolean,
    deceased_start timestamptz,
    deceased_end timestamptz,
    city text COLLATE "C",
    state text COLLATE "C",
    postal_code text COLLATE "C",
    country text COLLATE "C",
    replaced_by text COLLATE "C",             -- Patient.link: the chart that this one was merged into
    -- AI
    risk_scores jsonb,
    embedding_id text,
    graph_id text,
    PRIMARY KEY (tenant_id, resource_id)
);
CREATE INDEX patient_family ON patient (tenant_id, family, given);
CREATE INDEX patient_birth ON patient (tenant_id, birth_start, resource_id);
CREATE INDEX patient_name_shown ON patient (tenant_id, name);

CREATE TABLE patient_name (                   -- lower-case, without accents: "Núñez-Soto" -> nunez, soto
    tenant_id uuid NOT NULL,
    resource_id text COLLATE "C" NOT NULL,
    token text COLLATE "C" NOT NULL,
    part text COLLATE "C" NOT NULL,           -- family, given, text
    PRIMARY KEY (tenant_id, resource_id, token, part)
);
CREATE INDEX patient_name_token ON patient_name (tenant_id, token, resource_id);

CREATE TABLE practitioner (
    tenant_id uuid NOT NULL,
    resource_id text COLLATE "C" NOT NULL,
    active boolean,
    family text COLLATE "C",
    given text COLLATE "C",
    name text,
    sex text COLLATE "C",
    qualification text,
    PRIMARY KEY (tenant_id, resource_id)
);
CREATE INDEX practitioner_family ON practitioner (tenant_id, family, given);

CREATE TABLE organization (
    tenant_id uuid NOT NULL,
    resource_id text COLLATE "C" NOT NULL,
    active boolean,
    name text,
    name_key text COLLATE "C",                -- lower case, without accents
    type_code text COLLATE "C",
    type_display text,
    part_of text COLLATE "C",
    city text COLLATE "C",
    state text COLLATE "C",
    PRIMARY KEY (tenant_id, resource_id)
);
CREATE INDEX organization_name ON organization (tenant_id, name_key);

CREATE TABLE encounter (
    tenant_id uuid NOT NULL,
    resource_id text COLLATE "C" NOT NULL,
    patient_id text COLLATE "C",
    status text COLLATE "C",
    class_code text COLLATE "C",
    system text COLLATE "C",                  -- Encounter.type
    code text COLLATE "C",
    display text,
    reason_code text COLLATE "C",
    reason_display text,
    date_start timestamptz,
    date_end timestamptz,
    practitioner_id text COLLATE "C",
    organization_id text COLLATE "C",
    discharge text,
    part_of text COLLATE "C",
    -- AI
    predictions jsonb,
    risk_assessment jsonb,
    PRIMARY KEY (tenant_id, resource_id)
);
CREATE INDEX encounter_patient ON encounter (tenant_id, patient_id, date_start);
CREATE INDEX encounter_code ON encounter (tenant_id, code, date_start);

CREATE TABLE condition (
    tenant_id uuid NOT NULL,
    resource_id text COLLATE "C" NOT NULL,
    patient_id text COLLATE "C",
    encounter_id text COLLATE "C",
    clinical_status text COLLATE "C",
    verification_status text COLLATE "C",
    category text COLLATE "C",
    severity text COLLATE "C",
    system text COLLATE "C",
    code text COLLATE "C",
    display text,
    body_site text,
    onset_start timestamptz,
    onset_end timestamptz,
    abatement_start timestamptz,
    abatement_end timestamptz,
    recorded_start timestamptz,
    -- AI
    predictions jsonb,
    risk_assessment jsonb,
    embedding_id text,
    graph_id text,
    PRIMARY KEY (tenant_id, resource_id)
);
CREATE INDEX condition_patient ON condition (tenant_id, patient_id, onset_start);
CREATE INDEX condition_code ON condition (tenant_id, code, system, patient_id);

-- By time, because most reads ask for the last years and retention drops the first ones. One row
-- for the observation itself (component 0) and one for each component. observed_at is part of the
-- key, so it is never null: 0001-01-01 stands for "not said".
CREATE TABLE observation (
    tenant_id uuid NOT NULL,
    resource_id text COLLATE "C" NOT NULL,
    component smallint NOT NULL,
    observed_at timestamptz NOT NULL,
    observed_end timestamptz,
    patient_id text COLLATE "C",
    encounter_id text COLLATE "C",
    status text COLLATE "C",
    category text COLLATE "C",
    system text COLLATE "C",
    code text COLLATE "C",
    display text,
    value_number numeric,
    value_comparator text COLLATE "C",
    value_unit text COLLATE "C",
    value_code text COLLATE "C",
    value_text text,
    value_start timestamptz,
    value_end timestamptz,
    interpretation_code text COLLATE "C",     -- Observation.interpretation, as sent
    range_low numeric,
    range_high numeric,
    -- AI
    interpretation jsonb,
    anomaly_score double precision,
    trend text,
    predictions jsonb,
    PRIMARY KEY (tenant_id, resource_id, component, observed_at)
) PARTITION BY RANGE (observed_at);
CREATE INDEX observation_patient ON observation (tenant_id, patient_id, code, observed_at);
CREATE INDEX observation_encounter ON observation (tenant_id, encounter_id);
CREATE INDEX observation_code ON observation (tenant_id, code, value_number);
DO $$
DECLARE
    years integer[] := ARRAY[2000, 2010, 2015, 2018, 2020, 2022, 2024, 2026, 2028, 2030];
    below text := 'MINVALUE';
    part text;
    above integer;
BEGIN
    FOREACH above IN ARRAY years LOOP
        part := 'observation_before_' || above;
        EXECUTE format('CREATE TABLE %I PARTITION OF observation FOR VALUES FROM (%s) TO (%L)',
                       part, below, above || '-01-01 00:00:00+00');
        below := quote_literal(above || '-01-01 00:00:00+00');
        PERFORM protect(part::regclass);
        EXECUTE format('REVOKE ALL ON %I FROM {{app}}', part);
    END LOOP;
    CREATE TABLE observation_later PARTITION OF observation DEFAULT;
    PERFORM protect('observation_later');
    REVOKE ALL ON observation_later FROM {{app}};
END $$;

CREATE TABLE medication (
    tenant_id uuid NOT NULL,
    resource_id text COLLATE "C" NOT NULL,
    status text COLLATE "C",
    system text COLLATE "C",
    code text COLLATE "C",
    display text,
    form text,
    PRIMARY KEY (tenant_id, resource_id)
);
CREATE INDEX medication_code ON medication (tenant_id, code, system);

CREATE TABLE medication_request (
    tenant_id uuid NOT NULL,
    resource_id text COLLATE "C" NOT NULL,
    patient_id text COLLATE "C",
    encounter_id text COLLATE "C",
    status text COLLATE "C",
    intent text COLLATE "C",
    category text COLLATE "C",
    medication_id text COLLATE "C",
    system text COLLATE "C",
    code text COLLATE "C",
    display text,
    authored_start timestamptz,
    authored_end timestamptz,
    requester_id text COLLATE "C",
    dosage text,
    -- AI
    predictions jsonb,
    risk_assessment jsonb,
    PRIMARY KEY (tenant_id, resource_id)
);
CREATE INDEX medication_request_patient ON medication_request (tenant_id, patient_id, authored_start);
CREATE INDEX medication_request_code ON medication_request (tenant_id, code, system, patient_id);
CREATE INDEX medication_request_medication ON medication_request (tenant_id, medication_id);

CREATE TABLE medication_statement (
    tenant_id uuid NOT NULL,
    resource_id text COLLATE "C" NOT NULL,
    patient_id text COLLATE "C",
    encounter_id text COLLATE "C",
    status text COLLATE "C",
    category text COLLATE "C",
    medication_id text COLLATE "C",
    system text COLLATE "C",
    code text COLLATE "C",
    display text,
    date_start timestamptz,
    date_end timestamptz,
    dosage text,
    -- AI
    predictions jsonb,
    risk_assessment jsonb,
    PRIMARY KEY (tenant_id, resource_id)
);
CREATE INDEX medication_statement_patient ON medication_statement (tenant_id, patient_id, date_start);
CREATE INDEX medication_statement_code ON medication_statement (tenant_id, code, system, patient_id);
CREATE INDEX medication_statement_medication ON medication_statement (tenant_id, medication_id);

CREATE TABLE procedure (
    tenant_id uuid NOT NULL,
    resource_id text COLLATE "C" NOT NULL,
    patient_id text COLLATE "C",
    encounter_id text COLLATE "C",
    status text COLLATE "C",
    category text COLLATE "C",
    system text COLLATE "C",
    code text COLLATE "C",
    display text,
    date_start timestamptz,
    date_end timestamptz,
    performer_id text COLLATE "C",
    reason_code text COLLATE "C",
    reason_display text,
    body_site text,
    outcome text,
    -- AI
    predictions jsonb,
    risk_assessment jsonb,
    PRIMARY KEY (tenant_id, resource_id)
);
CREATE INDEX procedure_patient ON procedure (tenant_id, patient_id, date_start);
CREATE INDEX procedure_code ON procedure (tenant_id, code, system, patient_id);

CREATE TABLE allergy_intolerance (
    tenant_id uuid NOT NULL,
    resource_id text COLLATE "C" NOT NULL,
    patient_id text COLLATE "C",
    encounter_id text COLLATE "C",
    clinical_status text COLLATE "C",
    verification_status text COLLATE "C",
    type text COLLATE "C",
    category text COLLATE "C",
    criticality text COLLATE "C",
    system text COLLATE "C",
    code text COLLATE "C",
    display text,
    reaction text,
    onset_start timestamptz,
    onset_end timestamptz,
    recorded_start timestamptz,
    -- AI
    risk_assessment jsonb,
    PRIMARY KEY (tenant_id, resource_id)
);
CREATE INDEX allergy_intolerance_patient ON allergy_intolerance (tenant_id, patient_id);
CREATE INDEX allergy_intolerance_code ON allergy_intolerance (tenant_id, code, system, patient_id);

CREATE TABLE immunization (
    tenant_id uuid NOT NULL,
    resource_id text COLLATE "C" NOT NULL,
    patient_id text COLLATE "C",
    encounter_id text COLLATE "C",
    status text COLLATE "C",
    system text COLLATE "C",
    code text COLLATE "C",
    display text,
    date_start timestamptz,
    date_end timestamptz,
    lot_number text COLLATE "C",
    PRIMARY KEY (tenant_id, resource_id)
);
CREATE INDEX immunization_patient ON immunization (tenant_id, patient_id, date_start);
CREATE INDEX immunization_code ON immunization (tenant_id, code, system, patient_id);

CREATE TABLE diagnostic_report (
    tenant_id uuid NOT NULL,
    resource_id text COLLATE "C" NOT NULL,
    patient_id text COLLATE "C",
    encounter_id text COLLATE "C",
    status text COLLATE "C",
    category text COLLATE "C",
    system text COLLATE "C",
    code text COLLATE "C",
    display text,
    date_start timestamptz,
    date_end timestamptz,
    issued timestamptz,
    performer_id text COLLATE "C",
    -- AI
    interpretation jsonb,
    embedding_id text,
    PRIMARY KEY (tenant_id, resource_id)
);
CREATE INDEX diagnostic_report_patient ON diagnostic_report (tenant_id, patient_id, date_start);
CREATE INDEX diagnostic_report_code ON diagnostic_report (tenant_id, code, system, patient_id);

CREATE TABLE document_reference (
    tenant_id uuid NOT NULL,
    resource_id text COLLATE "C" NOT NULL,
    patient_id text COLLATE "C",
    encounter_id text COLLATE "C",
    status text COLLATE "C",
    doc_status text COLLATE "C",
    category text COLLATE "C",
    system text COLLATE "C",
    code text COLLATE "C",
    display text,
    date_start timestamptz,
    date_end timestamptz,
    author text,
    author_id text COLLATE "C",
    specialty text,
    content_type text COLLATE "C",
    -- AI
    embedding_id text,
    graph_id text,
    PRIMARY KEY (tenant_id, resource_id)
);
CREATE INDEX document_reference_patient ON document_reference (tenant_id, patient_id, date_start);
CREATE INDEX document_reference_code ON document_reference (tenant_id, code, system, patient_id);

CREATE TABLE device (
    tenant_id uuid NOT NULL,
    resource_id text COLLATE "C" NOT NULL,
    patient_id text COLLATE "C",
    status text COLLATE "C",
    system text COLLATE "C",
    code text COLLATE "C",
    display text,
    manufacturer text,
    model text,
    serial_number text COLLATE "C",
    PRIMARY KEY (tenant_id, resource_id)
);
CREATE INDEX device_patient ON device (tenant_id, patient_id);
CREATE INDEX device_code ON device (tenant_id, code, system);

CREATE TABLE imaging_study (
    tenant_id uuid NOT NULL,
    resource_id text COLLATE "C" NOT NULL,
    patient_id text COLLATE "C",
    encounter_id text COLLATE "C",
    status text COLLATE "C",
    modality text COLLATE "C",
    system text COLLATE "C",                  -- ImagingStudy.procedureCode
    code text COLLATE "C",
    display text,
    body_site text,
    date_start timestamptz,
    date_end timestamptz,
    series integer,
    instances integer,
    -- AI
    interpretation jsonb,
    anomaly_score double precision,
    PRIMARY KEY (tenant_id, resource_id)
);
CREATE INDEX imaging_study_patient ON imaging_study (tenant_id, patient_id, date_start);
CREATE INDEX imaging_study_modality ON imaging_study (tenant_id, modality, date_start);

CREATE TABLE care_plan (
    tenant_id uuid NOT NULL,
    resource_id text COLLATE "C" NOT NULL,
    patient_id text COLLATE "C",
    encounter_id text COLLATE "C",
    status text COLLATE "C",
    intent text COLLATE "C",
    system text COLLATE "C",                  -- CarePlan.category
    code text COLLATE "C",
    display text,
    title text,
    date_start timestamptz,
    date_end timestamptz,
    -- AI
    predictions jsonb,
    PRIMARY KEY (tenant_id, resource_id)
);
CREATE INDEX care_plan_patient ON care_plan (tenant_id, patient_id, date_start);
CREATE INDEX care_plan_code ON care_plan (tenant_id, code, system, patient_id);

CREATE TABLE specimen (
    tenant_id uuid NOT NULL,
    resource_id text COLLATE "C" NOT NULL,
    patient_id text COLLATE "C",
    status text COLLATE "C",
    system text COLLATE "C",
    code text COLLATE "C",
    display text,
    body_site text,
    date_start timestamptz,
    date_end timestamptz,
    received_start timestamptz,
    PRIMARY KEY (tenant_id, resource_id)
);
CREATE INDEX specimen_patient ON specimen (tenant_id, patient_id, date_start);

CREATE TABLE cohort (                         -- FHIR Group; its members are resource_link rows
    tenant_id uuid NOT NULL,
    resource_id text COLLATE "C" NOT NULL,
    active boolean,
    type text COLLATE "C",
    actual boolean,
    system text COLLATE "C",
    code text COLLATE "C",
    display text,
    name text,
    quantity integer,
    PRIMARY KEY (tenant_id, resource_id)
);

CREATE TABLE research_study (
    tenant_id uuid NOT NULL,
    resource_id text COLLATE "C" NOT NULL,
    status text COLLATE "C",
    title text,
    phase text COLLATE "C",
    system text COLLATE "C",                  -- ResearchStudy.condition
    code text COLLATE "C",
    display text,
    date_start timestamptz,
    date_end timestamptz,
    sponsor_id text COLLATE "C",
    investigator_id text COLLATE "C",
    PRIMARY KEY (tenant_id, resource_id)
);

CREATE TABLE research_subject (
    tenant_id uuid NOT NULL,
    resource_id text COLLATE "C" NOT NULL,
    patient_id text COLLATE "C",
    study_id text COLLATE "C",
    status text COLLATE "C",
    arm text,
    date_start timestamptz,
    date_end timestamptz,
    PRIMARY KEY (tenant_id, resource_id)
);
CREATE INDEX research_subject_patient ON research_subject (tenant_id, patient_id);
CREATE INDEX research_subject_study ON research_subject (tenant_id, study_id);

CREATE TABLE risk_assessment (                -- one row per prediction; prediction 0 when it has none
    tenant_id uuid NOT NULL,
    resource_id text COLLATE "C" NOT NULL,
    prediction smallint NOT NULL,
    patient_id text COLLATE "C",
    encounter_id text COLLATE "C",
    condition_id text COLLATE "C",
    status text COLLATE "C",
    method text,
    system text COLLATE "C",                  -- prediction.outcome
    code text COLLATE "C",
    display text,
    probability numeric,
    probability_high numeric,                 -- of a range, else the same
    qualitative_risk text,
    date_start timestamptz,
    date_end timestamptz,
    -- AI
    predictions jsonb,
    PRIMARY KEY (tenant_id, resource_id, prediction)
);
CREATE INDEX risk_assessment_patient ON risk_assessment (tenant_id, patient_id, date_start);

CREATE TABLE provenance (                     -- its targets are resource_link rows
    tenant_id uuid NOT NULL,
    resource_id text COLLATE "C" NOT NULL,
    patient_id text COLLATE "C",
    recorded timestamptz,
    activity text COLLATE "C",
    agent text,
    agent_type text COLLATE "C",
    agent_id text COLLATE "C",                -- Type/id
    PRIMARY KEY (tenant_id, resource_id)
);
CREATE INDEX provenance_patient ON provenance (tenant_id, patient_id, recorded);

-- Every coding of every projected resource, for the graph and for search by any code; the one
-- exception, for size: the first coding of Observation.code stands in `observation` alone.
CREATE TABLE resource_code (
    tenant_id uuid NOT NULL,
    resource_type text COLLATE "C" NOT NULL,
    resource_id text COLLATE "C" NOT NULL,
    role text COLLATE "C" NOT NULL,           -- the element: code, category, reasonCode, ...
    system text COLLATE "C" NOT NULL,         -- '' where none was sent
    code text COLLATE "C" NOT NULL,
    display text NOT NULL,
    patient_id text COLLATE "C",
    PRIMARY KEY (tenant_id, resource_type, resource_id, role, system, code)
);
CREATE INDEX resource_code_code ON resource_code (tenant_id, code, system, patient_id);
CREATE INDEX resource_code_patient ON resource_code (tenant_id, patient_id);

CREATE TABLE resource_identifier (
    tenant_id uuid NOT NULL,
    resource_type text COLLATE "C" NOT NULL,
    resource_id text COLLATE "C" NOT NULL,
    system text COLLATE "C" NOT NULL,         -- '' where none was sent
    value text COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, resource_type, resource_id, system, value)
);
CREATE INDEX resource_identifier_value ON resource_identifier (tenant_id, value, resource_type, system);

-- References that a resource holds many of: Group.member, Provenance.target, Patient.link,
-- DocumentReference.relatesTo, CarePlan.addresses.
CREATE TABLE resource_link (
    tenant_id uuid NOT NULL,
    resource_type text COLLATE "C" NOT NULL,
    resource_id text COLLATE "C" NOT NULL,
    role text COLLATE "C" NOT NULL,           -- member, target, replaced-by, replaces, ...
    target_type text COLLATE "C" NOT NULL,
    target_id text COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, resource_type, resource_id, role, target_type, target_id)
);
CREATE INDEX resource_link_target ON resource_link (tenant_id, target_type, target_id, role);

SELECT protect(name::regclass) FROM unnest(ARRAY[
    'patient', 'patient_name', 'practitioner', 'organization', 'encounter', 'condition',
    'observation', 'medication', 'medication_request', 'medication_statement', 'procedure',
    'allergy_intolerance', 'immunization', 'diagnostic_report', 'document_reference', 'device',
    'imaging_study', 'care_plan', 'specimen', 'cohort', 'research_study', 'research_subject',
    'risk_assessment', 'provenance', 'resource_code', 'resource_identifier', 'resource_link'
]) AS name;
