"""Where a denial ends before its sentence does, so that it hides nothing that the patient has."""

from __future__ import annotations

import pytest

from indexing.language.sentences import sentence_starts
from tests.unit.test_assertion import judge

ENDS = """
Negative for {PE|negated}, {pneumonia|uncertain} pending.
Labs pending: {HIV|hypothetical}, {hepatitis|hypothetical}.
Tests still pending: {Lyme disease|hypothetical}.
No {flu|negated}, {covid|negated}, {strep|uncertain} swab pending.
No {PE|negated}, {biopsy|uncertain} still pending.
No {mass|negated}, {cyst|uncertain} possible.
No {fracture|negated}, {effusion|uncertain} likely.
No {fever|negated}, {rash|present} likely viral.
No {effusion|negated}, {abscess|uncertain} cannot be excluded.
No {fracture|negated} or {effusion|negated}, {strain|uncertain} is suspected.
No {fracture|negated}, {effusion|negated}, or {dislocation|negated} suspected.
No {fever|negated}, {chills|negated} or {cough|negated} pending.
No {chills|negated}, {cough|present} improving.
No {chills|negated}, {rash|present} unchanged.
No {pain|negated}, {fever|negated}, or {cough|negated} worse at night.
No {stricture|negated}, {gastritis|present} grade B.
No {blood|negated}, {bacteria|present} 2+.
No {nausea|negated}, {pain|present} 4/10.
No {nodule|negated}, {cyst|present} 8 mm.
No {nodule|negated}, {mass|negated} greater than 5 mm.
No {effusion|negated}, mild {cardiomegaly|present}.
No {chills|negated}, {cough|present} mild.
No {chills|negated}, mild {pain|negated} or {swelling|negated}.
No {free air|negated}, {small bowel obstruction|negated}.
Denies {fever|negated}, severe {headache|negated}, {vomiting|negated}.
{Anemia|present}, likely due to bleeding.
{Anemia|uncertain} likely.
No {chest pain|negated}, just {pressure|present}.
{Suicidal thoughts|negated} denied, {anxiety|present}.
No {fever|negated}, {cough|uncertain} x3d.
No {chest pain|negated}, {leg swelling|uncertain} x 2 weeks.
No {fever|negated}, no {chills|negated}, {rash|uncertain} x 24h.
No {fever|negated}, {cough|uncertain} x3d, worse at night.
No {fever|negated}, {cough|uncertain} x3d, {rash|uncertain}, no {vomiting|negated}.
No known injury, {back pain|uncertain} x 4 days after lifting.
With no {fever|negated}, {wheezing|uncertain} x2d.
No {fever|negated}, {cough|negated} x3d or {rash|negated}.
No {CP|negated}, {SOB|negated} x3d, {nausea|negated}, or {rash|negated}.
No {fever|negated}, {cough|negated} x3d, {rash|negated} or {vomiting|negated}.
No {fever|negated}, {cough|uncertain} x3d, worse with cold air or exercise.
No {fever|negated}, {cough|uncertain} x3d, {rash|uncertain}, no {edema|negated} or {pain|negated}.
No {fever|negated} or {cough|negated} x3d.
No {fever|negated}, {chills|negated}, {cough|negated} x3d.
No {vomiting|negated}, no more {diarrhea|negated} x2d.
No {alcohol|negated}, {tobacco|negated} x 10 years.
No {headache|negated}, mild {nausea|present}, {vomiting|present}.
No {AS|negated}, mod {MR|present}.
No {LOC|negated}, {vomiting|present} x 3.
Denies {fever|negated}, {emesis|present} x4 since midnight.
No acute {distress|negated}, {oriented|present} x3.
No {fever|negated} or {vomiting|negated} x 2.
No {fever|negated}, {loose stools|present} x 3 today.
No stay in intensive care, {jaundice|historical} at birth.
No {CP|negated}, {vomiting|negated} x 2, {nausea|negated}, or {rash|negated}.
No {BM|negated} x 2.
No prior {stroke|negated}, {TIA|historical} in 2015.
No {MI|negated}, {CVA|historical} 2018.
Denies prior {surgery|negated}, {fractures|historical} in 2009.
No prior {seizures|negated}, {febrile seizure|historical} at age 2.
No {chest pain|negated}, {syncope|historical} 2 years ago.
No recurrence, {cholecystectomy|historical} 10 years ago, {appendectomy|present}.
No {MI|negated}, {stroke|negated} or {TIA|negated} in 2015.
No {admissions|negated}, {flares|negated} in 2024.
No odor, {slough|present} 20%.
No plaque, {stenosis|negated} over 50%.
No {DM|negated}, {HTN|uncertain} x 10 yrs.
No {MI|negated}, {CHF|negated} on echo in 2015.
No {seizures|negated}, {falls|negated} since 2019.
No {nausea|negated}, {vomiting|negated} with 10% of meals.
No {PE|negated}, {DVT|negated} x 2 studies.
No {rash|negated}, {edema|negated} x 4.
Without {fever|negated}, {cough|negated} at age 75.
Denies {flashes|negated} or {floaters|negated}, {blurry vision|present} x 1 wk.
Denies {SI|negated}, {HI|negated} x 2 wks.
Negative for {malignancy|negated}, {atypia|present} noted.
No {edema|negated}, {erythema|negated} noted.
No suspicious {lesions|negated}, several {keratoses|present}.
No {rash|negated}, numerous {nevi|negated} or {cysts|negated}.
No {adhesions|negated}, and the {omentum|present} was swept away.
No masses, the {trachea|present} is midline.
Never smoker with {lung cancer|present}.
Never-smoker, {lung cancer|present}.
Never drinker with {cirrhosis|present}.
Never {smoker|negated}.
Flu neg. {Pneumonia|present} on film.
Gram neg. {bacteremia|present}.
On apixaban for {atrial fibrillation|present}. r/o {UTI|uncertain} vs {stroke|uncertain}.
"""
NEW = """
A {nodule|present}, not present on the prior CT.
{Mass|present} that was not seen on the previous study.
{PE|uncertain} not seen on prior CT.
{Aneurysm|uncertain} not seen on prior MRA.
Chest: {effusion|uncertain} was not present on the prior study.
Chest: {nodule|present} was not present on the prior study.
Pleural {nodule|present} not seen on prior CT.
New {LBBB|present} not seen on prior EKG.
The {pneumothorax|negated} was not seen on last CXR, nor today.
The {nodule|present} was not seen on the prior CT.
3 mm {nodule|present} not seen on prior CT.
New {consolidation|present} not present on the previous study.
{Lesion|present} in segment 6 not seen on prior MRI.
{Asthma|negated} not found in previous records.
{Suicidal ideation|negated} was not noted during previous visits.
{Rash|negated} not seen by previous provider.
{Fracture|negated} not identified on initial x-ray; repeat film also negative.
{Bleeding|negated} not observed before procedure.
{Nodule|present} not seen previously.
{Mass|negated} not seen on recent imaging.
Denies {headache|negated}, {nausea|negated}, {vomiting|negated} x 2 weeks.
Due for her {warfarin|present} dose tonight.
Holding off on {heparin|negated} given {GI bleed|present}.
{CKD|present} labs ordered.
PMH {DM|present}, came for {chest pain|present}.
Hypertension: {lisinopril|negated} never filled.
Reports he has latent {TB|present} but CXR negative.
{Nodule|negated} not seen on the current study.
{Effusion|negated} not seen on prior or current films.
{Effusion|negated} not seen on prior films or now.
{Rash|negated} not seen in the last week.
{Pneumothorax|negated} is not seen. Comparison: prior study.
"""
OVER = """
Complicated by {ileus|historical}, which resolved with fluids.
{Rash|historical}, which has resolved.
{Diabetes|present} with {foot ulcer|historical}, which resolved.
There was a small {hernia|present}, which was removed.
{Hyperkalemia|historical} resolved off {lisinopril|historical}.
{Confusion|historical} cleared by day 3.
{Surgery|present} cleared by cardiology.
Stopped taking {metformin|historical} because of {diarrhea|present}.
Advised to stop taking {ibuprofen|historical} and use {acetaminophen|present}.
PMH {asthma|present}, {MI|historical}.
PMH {asthma|present} here w/ {wheezing|present}.
Had {chickenpox|historical} as a kid.
"""
WHO_SAYS_SO = """
Collateral from sister: {paranoia|present} for weeks.
Sick contacts: sister with {strep|family}.
Mom is worried he has {autism|uncertain}.
I don't believe she has {pneumonia|negated}.
I do not think this is due to her {diabetes|present}.
She doesn't think she has {depression|present}.
Treated empirically for {pneumonia|uncertain}.
An early {infarct|uncertain} may not be apparent.
Has yet to develop {nausea|negated}.
Hold off on {antibiotics|negated}.
{Insulin|negated} never started.
Never received the records of {pneumonia|negated}.
Overdue for a screening {mammogram|hypothetical}. {Diabetes|present} at goal.
She will need a {sleep study|hypothetical}.
She will need this {mass|present} excised.
{Lyme disease|uncertain} serologies sent.
"""


@pytest.mark.parametrize("marked", [
    line for each in (ENDS, NEW, OVER, WHO_SAYS_SO) for line in each.strip().splitlines()
])  # fmt: skip
def test_a_denial_ends_where_something_is_there(marked: str) -> None:
    for words, expected, found in judge(marked):
        assert found.assertion == expected, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Flu neg. Rash.", [0, 8]),
        ("Neg. Murphy sign.", [0]),
        ("Has CHF.  r/o MI.", [0, 8]),
        ("Has mild MR. Amiodarone continued.", [0, 12]),
        ("No MR or significant MS. LVH noted.", [0, 24]),
        ("With 2+ MR. EF 55.", [0, 11]),
        ("AS, MR. Stable.", [0, 7]),
        ("Severe MR. Amiodarone continued.", [0, 10]),
        ("R/o MS. Optic neuritis noted.", [0, 7]),
        ("Hx CA. Anemia stable.", [0, 6]),
        ("Not seen by PT. Weakness persists.", [0, 15]),
        ("HERE WITH HIS WIFE, MR. SMITH.", [0]),
        ("Seen for MR. X today.", [0]),
        ("On breast CA. No pain.", [0, 13]),
        ("Seen by MR. Smith today.", [0]),
        ("Seen by Mr. Smith today.", [0]),
        ("MS. Jones is well.", [0]),
        ("SEEN FOR MR. SMITH TODAY.", [0]),
        ("No hepatitis C. Cirrhosis.", [0, 15]),
        ("No Hepatitis C. Cirrhosis.", [0, 15]),
        ("Seen by John C. Smith.", [0]),
        ("Seen by pt. c/o pain.", [0]),
    ],
)
def test_a_result_ends_its_sentence(text: str, expected: list[int]) -> None:
    assert sentence_starts(text) == expected
