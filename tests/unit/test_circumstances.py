"""What stands beside a finding: its circumstance, its time of life, its heading, what ended it."""

from __future__ import annotations

import pytest

from tests.unit.test_assertion import judge

# When and where a denied thing was looked for is not denied; a circumstance that is, is.
CIRCUMSTANCES = """
No {chest pain|negated} with {exertion|present}.
No {dyspnea|negated} on {exertion|present}, {orthopnea|negated} or {edema|negated}.
Denies {pain|negated} with {ambulation|present} or {stairs|present}.
Denies {chest pain|negated} at {rest|present} or with {exertion|present}.
There is no {tenderness|negated} on {palpation|present}.
Never gets {short of breath|negated} during {exercise|present}.
No {dizziness|negated} while {walking|present}, no {falls|negated}.
No {claudication|negated} with {walking|present} two blocks.
No {pain|negated} with {ambulation|present} this morning.
No {pain|negated} with hip {flexion|present} or {extension|present}.
Without {dyspnea|negated} with minimal {exertion|present} or {cough|negated}.
{Pain|negated} with {ambulation|present} denied.
No {redness|negated} at the {PICC|present} site.
No {drainage|negated} from the {gastrostomy|present} site.
No {erythema|negated} around the {pacemaker|present}.
No surrounding {erythema|negated} or {edema|negated}.
Swelling of the cheek without underlying {fracture|negated}.
She denies {exertion|negated} of any kind.
He does not {exercise|negated}.
No {ambulation|negated} today.
He is not {walking|negated} yet.
No {PICC line|negated}.
Without a {pacemaker|negated}.
No {fever|negated} with {chills|negated}.
Denies {nausea|negated} with {vomiting|negated}.
No evidence of {bleeding|negated} from wound.
No evidence of {cellulitis|negated} wound clean.
It was dissected free from the {gallbladder|present} bed.
No history of {abscess|negated} incision and drainage.
No complaints of {pain|negated} at incision.
No {erythema|negated} over the {PICC|present} site.
Denies {syncope|negated} or near {falls|negated}.
No {abscess|negated} near the {gallbladder|present}.
No complications of the {surgery|present} were noted.
There were no complications from her {cholecystectomy|present}.
Denies any side effects of the {metformin|present} such as {nausea|negated} or {vomiting|negated}.
Denies complications of his {diabetes|present} including {kidney disease|negated}.
No adverse effects to {penicillin|present}.
"""
# What a drug that is over or was not given was for.
PURPOSES = """
Prior treatment with {methotrexate|historical} for {rheumatoid arthritis|present}.
Previous {chemotherapy|historical} with {doxorubicin|historical} for {breast cancer|present}.
Failed trial of {metformin|historical} for {diabetes|present}.
Previous medications: {sertraline|historical} for {anxiety|present}, {lithium|historical}
Previous medications: {sertraline|historical} for sleep and {lithium|historical}
Avoid: {NSAIDs|negated} given {CKD|present} and {heart failure|present}.
Denies use of {albuterol|negated} for {asthma|present}.
No evidence for {pneumonia|negated}.
Not given: {heparin|negated} because of {thrombocytopenia|present}.
Was not given {heparin|negated} overnight.
A man with {CKD|present} was not given {heparin|negated}.
Not administered: {ceftriaxone|negated}
{Aspirin|negated} not given for {GI bleed|present}.
Status post surgery for {hernia|historical}.
{Heparin|negated} not given and {fever|present} overnight.
"""
YOUTH = """
{Asthma in childhood|present}, still uses {albuterol|present}.
{Asthma|present} in childhood, still wheezes with colds.
{Asthma|present} as a child, uses an {inhaler|present} when running.
{Asthma|present} in childhood. Still uses {albuterol|present} before sports.
{Epilepsy|present} in childhood and still takes {valproate|present}.
{Eczema|present} as a child, still flares in winter.
Childhood {asthma|present}, well controlled on {Flovent|present}.
Childhood {asthma|present}, currently on {Flovent|present}.
Childhood {eczema|present} which persists.
{Migraines|present} as a teenager, now controlled on {topiramate|present}.
Diagnosed with {asthma|present} as a child.
{Type 1 diabetes|present} diagnosed in childhood.
{Asthma in childhood|historical}.
{Asthma|historical} as a child, none now.
Childhood {asthma|historical}.
{Asthma in childhood|historical}, has not used an inhaler since.
{Asthma|historical} as a child, takes {lisinopril|present} for {hypertension|present}.
{Epilepsy|historical} in childhood, no longer takes medication.
{Eczema|historical} as a child, now presents with {ankle pain|present}.
{Stuttering|historical} as a child; currently no {tremor|negated}.
{Rheumatic fever|historical} as a child and takes {penicillin|present} for it.
{Wheezing|historical} as a child, still smokes.
{Measles|historical} in childhood.
"""
HEADINGS = """
NEW: {metoprolol|present}. STOPPED: {atenolol|historical}.
DISCONTINUED MEDICATIONS: {atenolol|historical}, {warfarin|historical}
Medications held on admission: {lisinopril|historical}, {metformin|historical}
STOP TAKING: {diltiazem|historical}
Previous medications: {sertraline|historical}, {fluoxetine|historical}.
Past medication trials: {Prozac|historical}, {Lexapro|historical}.
Failed medications: {topiramate|historical}, {propranolol|historical}
Resolved problems: {pneumonia|historical}, {cellulitis|historical}
Inactive problems: {asthma|historical}, {gout|historical}
Do not take: {ibuprofen|negated}, {aspirin|negated}
NEGATIVE FOR: {fever|negated}, {chills|negated}
Not taking: {aspirin|negated}.
Home medications: {aspirin|present}, {metoprolol|present}
Current medications: {aspirin|present}
Active problems: {pneumonia|present}, {cellulitis|present}
"""
TURNS = """
+{nausea|present}, -{vomiting|negated}, -{diarrhea|negated}
+HCG, +{cramping|present}, -{fever|negated}
-{fever|present}
-{fever|negated}, -{chills|negated}, +{cough|present}
-{pneumonia|present} +{cough|present}
+{cough|present}, family history of {asthma|family} -{fever|negated}
+{nausea|present}, call if {fever|hypothetical} -{rash|negated}
-{pneumonia|present} +ve on imaging, {sepsis|present}
Imaging shows {effusion|present} -{pneumonia|present} +ve
Then {CHF|present} +{edema|present} -continue {lasix|present} -check {BNP|present}
+{hypertension|present} -{amlodipine|present} 5 mg daily
Well-{nourished|present}, +{cough|present}, non-{tender|negated}
{Cough|historical} resolved after {prednisone|present}.
{Rash|historical} resolved with {hydrocortisone|present}.
{Pneumonia|historical}, resolved.
Resolved {hematuria|historical}.
{Chemotherapy|historical} held for {thrombocytopenia|present}.
Nothing on examination to suggest {heart failure|negated}.
{Lasix|historical} held d/t low {BP|present}.
Previously seen {nodule|historical} is no longer visualized.
{Prednisone|historical} taper completed.
Past use of {steroids|historical}, {diabetes|present}, {hypertension|present}.
Prior therapy with {lisinopril|historical}, {cough|present}.
Past treatments included {methotrexate|historical}, {rituximab|historical}.
Prior trials of {sertraline|historical} and {fluoxetine|historical}, both stopped.
Sober from {alcohol|historical} for five years.
The {palpitations|historical} have settled completely.
{Adrenal nodule|present}, cannot exclude {metastasis|uncertain}.
{Metastasis|uncertain} cannot be excluded.
Parents are concerned about {autism|uncertain}.
It is possible that she has {vasculitis|uncertain}.
Please exclude {hemochromatosis|uncertain}.
I am not convinced that he has {Parkinson's disease|uncertain}.
There is nothing to suggest a {malignancy|negated}.
{Lisinopril|negated} not given, SBP 88.
{Examination of the pelvic area|present} shows that she had not given birth.
Denies {dysphagia|negated}, {heartburn|negated} on a regular basis, {abdominal pain|negated}.
He is not keen on {surgery|negated}.
{Neutropenic fever|present}, cultures negative so far.
{Influenza|negated} swab negative.
No current {suicidal ideation|negated}, though he had {insomnia|present} last month.
PRN {morphine|present} given x1 for {pain|present}.
PRN for {pain|hypothetical}.
Agreed to call should {suicidal thoughts|hypothetical} return.
Candidate for surgery should the {disease|hypothetical} progress.
She should return in two weeks with {fever|present} log.
No {organomegaly|negated}, {bowel sounds|present} normal.
No {rash|negated}, {lungs|present} clear.
Family history of {diabetes|family}, now with {polyuria|present}.
History of {pneumonia|historical}, now with {cough|present}.
"""


def _lines(*blocks: str) -> list[str]:
    return [line for block in blocks for line in block.strip().split("\n")]


@pytest.mark.parametrize("marked", _lines(CIRCUMSTANCES, PURPOSES, YOUTH, HEADINGS, TURNS))
def test_what_stands_beside(marked: str) -> None:
    for words, expected, found in judge(marked):
        assert (words, found.assertion.value) == (words, expected)


def test_a_heading_in_its_own_line_speaks_for_its_list() -> None:
    marked = (
        "Discontinued medications:\n- {atenolol|historical}\n- {warfarin|historical}\n\n"
        "She takes {aspirin|present}."
    )
    assert [f.assertion.value for _, _, f in judge(marked)] == [e for _, e, _ in judge(marked)]


LISTS = [
    "Denies:\n- {fever|negated}\n- {chest pain|negated}\nAdmitted with {pneumonia|present}.",
    "Patient denies:\n* {fever|negated}\n* {chest pain|negated}\n\n{Cough|present} since Monday.",
    "He denies the following:\n1. {fever|negated}\n2. {edema|negated}\nHas {asthma|present}.",
    "Pertinent negatives:\n- {fever|negated} or\n  {chills|negated}\n- {edema|negated}",
    "Denies:\n{CP|negated}\n{SOB|negated}\n{Abdominal pain|negated}\n\nPlan: treat {COPD|present}.",
    "DENIES:\n{CHEST PAIN|negated}\n{DYSPNEA|negated}",
    "Family history:\n{CAD|family}\n{DIABETES|family}\n\n{ASTHMA|present}\nsince childhood.",
    "Resolved problems:\n{Pneumonia|historical}\n{AKI|historical}",
    "Discontinued medications:\n{ASPIRIN|historical}\n{METFORMIN|historical}",
    "Allergies:\n{PENICILLIN|historical}",
    "ASSESSMENT\n{CHF|present}\nPLAN\n{Furosemide|present}",
    "Stopped medications:\n- {aspirin|historical}\n{Lisinopril|present} continued.",
    "Differential diagnosis:\n- {pneumonia|uncertain}\n- {PE|uncertain}\n- {CHF|uncertain}",
    "The following have been ruled out:\n- {MI|negated}\n- {PE|negated}",
    "History of:\n- {stroke|present}\nNo history of:\n- {diabetes|negated}\n- {asthma|negated}",
    "Does not have:\n- {diabetes|negated}\n- {hypertension|negated}",
    "Negative for the following:\n{diarrhea|negated}\n{fever|negated}",
    "Denies the following: {chest pain|negated}, {dyspnea|negated}. Reports {nausea|present}.",
    "He denies any of the following symptoms: {fever|negated}, {cough|negated} or {edema|negated}.",
    "Reports {chest pain|present} following a {fall|present}, denies {syncope|negated}.",
    "Denies:\n1. {fever|negated}\n2. {edema|negated}\n\n{Asthma|present}.",
    "None of the following:\n- {diabetes|negated}\n- {stroke|negated}",
    "Symptoms:\n+ {fever|present}\n+ {cough|present}\n- {chest pain|negated}\n- {edema|negated}",
    "-{fever|negated}\n+{cough|present}\n-{rash|negated}\n\n- {Asthma|present}\n- {COPD|present}",
    "Plan:\n+ increase {furosemide|present}\n- continue {lisinopril|present}",
    "Problems:\n- {asthma|present} +ve {wheeze|present}\n- {COPD|present}",
    "GI: + {nausea|present}, - {vomiting|negated}, - {diarrhea|negated}\nGU: {dysuria|present}",
    "{Cough|present}: +\n{Fever|negated}: -\n{Dyspnea|negated}: (-)\n{Wheeze|present}: (+)",
    "{Asthma|historical}: Childhood\n{Diabetes|negated}: No\n{Smoker|historical}: former",
    "{Pain|present} - sharp, - worse at night\n{Weight|present}: 80",
    "Pulm: +{SOB|present}, +{cough|present}, -{hemoptysis|negated}. GI: -{N/V|negated}/D.",
    "{Aspirin|present} 81 mg - continue\n{Lisinopril|historical} 20 mg - hold",
    "{Warfarin|historical} 5 mg - stop\n{Metformin|present}",
    "{Pneumovax|negated} - declined.\n{Pain|negated}: 0/10. {Nausea|negated}: none.",
    "{Pain|present}: 10/10. {Fever|present} today.",
    "To do:\n[ ] check {troponin|present}\n[ ] {fever|negated}\n[ ] hold: {cough|negated}",
    "Negatives:\n- {fever|negated}\nPositives:\n- {cough|present}",
    "Patient denies {fever|negated}. Plan:\n- {chest pain|present} workup",
]


@pytest.mark.parametrize("marked", LISTS)
def test_a_list_is_what_the_line_above_it_says_and_no_row_of_headings(marked: str) -> None:
    assert [f.assertion.value for _, _, f in judge(marked)] == [e for _, e, _ in judge(marked)]


@pytest.mark.parametrize("turn", ["You have", "you have", "Continue treatment of", "Patient has"])
def test_a_heading_does_not_speak_for_sentences_below_its_list(turn: str) -> None:
    marked = f"Stop taking:\n{{ibuprofen|historical}}\n{turn} {{kidney disease|present}}."
    assert [f.assertion.value for _, _, f in judge(marked)] == [e for _, e, _ in judge(marked)]


def test_a_minus_that_begins_items_of_a_list_denies_nothing() -> None:
    marked = (
        "-{hypertension|present}\n-{diabetes|present} +{neuropathy|present} -{retinopathy|negated}"
        "\n-{afib|present} +{edema|present} -{dyspnea|negated}"
    )
    assert [f.assertion.value for _, _, f in judge(marked)] == [e for _, e, _ in judge(marked)]
