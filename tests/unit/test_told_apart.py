"""What words further off say of a stretch: offered and declined, an operation or a journey to come,
a hepatitis that is cured; and cues that notes of other hands brought up."""

from __future__ import annotations

import pytest

from indexing.language.pipeline import Language
from rankers.effects import tells_refusal
from tests.notes import note
from tests.unit.test_assertion import judge

SENTENCES = r"""
Offered {influenza vaccine|negated} today, patient declined.
He was offered a {flu shot|negated} but declined.
{Influenza vaccine|negated} offered but pt declined.
{Flu shot|negated} offered. Pt declined.
{Flu shot|negated} was offered; he refuses it this year.
{Colonoscopy|negated} recommended but refused.
Discussed {hospice|negated}; he declines it for now and wants third line.
{Metformin|negated} recommended for {diabetes|present}, patient declined due to {nausea|present}.
Advised {colonoscopy|negated}. Patient refuses. Has {anemia|present}.
Offered {flu shot|negated}, pt\ndeclined.
Recommended {CT|negated} for his {abdominal pain|present}, he declined.
Recommended {admission|negated}, has severe {chest pain|present}, but patient declined.
Severe {knee pain|present} and {injection|negated} offered but declined.
{Depression|present} treatment was offered but declined.
Offered {asthma|present} inhaler, patient declined.
Discussed his {lung cancer|present} and {chemotherapy|present}, and he declined.
Offered {pain medication|present}, declined lunch.
Offered {morphine|present}, patient accepted.
Discussed {flu shot|present}\nDeclined: {shingles vaccine|negated}
Told he should lose 20 pounds before {TKA|hypothetical}.
She must stop smoking prior to elective right {knee replacement|hypothetical}.
He should have fasted before his {CABG|present}.
Never skips her {insulin|present}.
Has not skipped her {insulin|present}.
Needs to take binders before {dialysis|present}.
Trip to {India|present} was long.
{Travel|hypothetical} to India planned next month.
Plans to {travel|hypothetical} to Peru.
She will be {traveling to|hypothetical} Mexico in two weeks.
Returned from a {trip to|present} India 8 days ago.
No {travel|negated}.
{HCV|historical} genotype 1a treated with Epclusa, SVR12 achieved 2021.
{Hepatitis C|historical} cured with Harvoni.
{Hepatitis C|present} on Mavyret, SVR pending.
{HCV|present} could be cured with Mavyret.
Family asked about {TPN|negated}; not indicated at this point.
{Surgery|negated} was recommended; patient and family declined given her goals.
Discussed {AICD|hypothetical}, patient wants to wait for repeat echo.
Discussed {statin|hypothetical}; he will think about it.
Recommended {chemotherapy|hypothetical}, she is considering it.
Considering {pneumonia|uncertain}, chest x-ray ordered; he wants to wait.
Recommended {biopsy|present} for his {lung mass|present}; will call with results.
Scheduled for {C-section|hypothetical} next week for {breech|present}.
She is scheduled for repeat {c-section|present}.
Derm: daughter takes {prednisone|family} for {eczema|family}.
SOCIAL HISTORY: Mother smokes {cigarettes|family}.
PCP: father had a {stroke|family} at 70.
HPI: Mother has noticed {fever|present}.
HPI: Mother had him take {Tylenol|present}.
HPI: Mother takes him to daycare, had {fever|present}.
HPI: Mother states he has had {cough|present}.
{Breast cancer|family}: mother diagnosed at 40.
Daughter takes care of her {diabetes|present}.
Unable to {walk|negated}.
Can't {walk|negated} since Monday.
Unable to control her {diabetes|present}.
Can't stop her {coughing|present}.
She won't quit {smoking|present}.
Requested {MRI|negated}; not felt to be necessary.
{Antibiotics|negated} for {pneumonia|present} were declined.
{Anticoagulation|negated} for {atrial fibrillation|present} contraindicated.
Requests {antibiotics|negated} for his {cough|present}, not indicated.
Has {anemia|present} and {transfusion|negated} for it was refused.
Testing for {HIV|negated} was declined.
Lumbar puncture for {meningitis|negated} was not indicated.
Evidence for {pneumonia|negated} was not found.
No problems with {amoxicillin|negated}, {penicillin|present} causes {hives|present}.
No {rash|negated}, {nausea|negated} caused by {penicillin|negated}.
Does not qualify for {home oxygen|negated}.
Not eligible for {transplant|negated} due to {cirrhosis|present}.
Plans on {breastfeeding|hypothetical}.
We will plan on restarting {Allegra|present} daily.
They came for antibiotics and I explained that {antibiotics|negated} are not indicated.
Plans on continuing {warfarin|present}.
Has not yet completed {diabetes education|uncertain}.
No plans for {NPO|negated} status.
{HCV|negated} Ab nonreactive.
{Foley|historical} removed POD1.
{Foley|historical} removed POD #2 and voiding.
Denies {LOC|negated} at the time of the {fall|present}.
Denies hearing a pop at the time of {injury|present}.
No {fever|negated} at the onset of the {pneumonia|present}.
Request for {antibiotics|negated} was declined.
Came for {antibiotics|negated} and I explained that {antibiotics|negated} are not indicated.
Has {seizures|present} for which {Keppra|negated} was not tolerated.
He was seen for {knee pain|present} and {surgery|negated} was not recommended.
Admitted for {CHF|present} and {dialysis|negated} was declined.
Treated with {azithromycin|present} for {pneumonia|present} and {steroids|negated} were not given.
Discussed {chest pain|present}, patient declined.
Recommended weaning {prednisone|present}, patient declined.
Discussed switching from {Eliquis|present} to warfarin, patient declined.
Discussed increasing {metformin|present}, he wants to wait.
{Biopsy|negated} for a {breast mass|present} was declined.
CT for {appendicitis|negated} was not indicated.
Discussed {lung cancer|present} with patient and family, they declined treatment.
Counseled on {alcohol use|present} but declined treatment.
Discussed {abnormal Pap smear|present}, patient wants to wait.
Discussed {pneumonia vaccine|negated}, declined.
{HCV|present} treated with Harvoni, did not achieve SVR.
{HCV|present} s/p interferon, failed to achieve sustained virologic response.
{HCV|present}, relapsed after SVR.
{Hepatitis C|present} treated with Harvoni but SVR12 was never drawn.
{Hepatitis C|present}, {UTI|present} cured with Bactrim.
{Hepatitis C|historical}, treated with Epclusa and now cured.
Plan on treating her {UTI|present} with {Bactrim|present}.
Plan on having {surgery|hypothetical} for {breast cancer|present}.
Has not yet completed her {antibiotics|uncertain} for {pneumonia|present}.
Ineligible for {liver transplant|negated} given {alcohol use|present}.
I have tried to avoid this, given the potential for issues with {erectile dysfunction|hypothetical}.
Brought in by daughter: mother developed {chest pain|present} today.
Has to use a walker since before her {hip replacement|present}.
Was scheduled for {CABG|present} on Monday and tolerated it well.
She was sick before her {travel to|present} Mexico last month.
She is going on {vacation in|hypothetical} 1 month.
{Anticoagulation|negated} for {atrial fibrillation|present} and {PE|present} was declined.
On {insulin|present} for two days {antibiotics|negated} were not given.
Discussed {diabetes|present}, patient declined.
Offered {flu shot|present}\n- Declined: none.
Was in the preoperative holding area after keeping herself {NPO|present} since midnight.
"""


@pytest.mark.parametrize("marked", SENTENCES.strip().splitlines())
def test_what_is_said_of_it(marked: str) -> None:
    for words, expected, found in judge(marked.replace("\\n", "\n")):
        assert found.assertion.value == expected, words


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("Offered influenza vaccine today, patient declined.", True),
        ("Influenza vaccine was offered. He declined it again.", True),
        ("Offered influenza vaccine today, patient agreed. She declined Tylenol.", False),
    ],
)
def test_what_was_offered_and_declined_is_refused(
    language: Language, text: str, refused: bool
) -> None:
    (mention,) = (
        each for each in note(language, text).mentions if each.concept_id == "anm:influenza-vaccine"
    )
    assert tells_refusal(text, mention.start, mention.end) is refused


@pytest.mark.parametrize(
    ("text", "concept", "named"),
    [
        ("He fell at home and hit his head.", "falls", True),
        ("Fell off a ladder.", "falls", True),
        ("He was hospitalized twice.", "hospital-admission", True),
        ("Injects glargine 20 units.", "insulin-glargine", True),
        ("Can't fall asleep until 3 am.", "insomnia", True),
        ("Tmax 39.8.", "body-temperature", True),
        ("Smokes marijuana.", "cannabis-use", True),
        ("Plantar ulcer of the left foot.", "foot-ulcer", True),
        ("She is unable to read or write.", "low-health-literacy", True),
        ("ASA 2, airway easy.", "aspirin", False),
        ("ASA class III.", "aspirin", False),
        ("ASA 81 mg daily.", "aspirin", True),
        ("Quit ASA 6 months ago.", "aspirin", True),
        ("ASA 1 tab daily.", "aspirin", True),
        ("ASA 1 tablet daily.", "aspirin", True),
        ("Lean body mass is low.", "mass", False),
        ("Muscle mass decreased.", "mass", False),
        ("A soft tissue mass in the thigh.", "mass", True),
        ("She fell asleep.", "falls", False),
        ("Her performance fell in the low average range.", "falls", False),
        ("Calprotectin fell by half.", "falls", False),
        ("Cholesterol fell from 200 to 161.", "falls", False),
        ("Mortality has fallen by over 25%.", "falls", False),
        ("He has fallen twice.", "falls", True),
        ("She has fallen 10 feet.", "falls", True),
        ("CRP was high, but fell as her UTI was treated.", "falls", False),
        ("He slipped on a wet floor and fell in the kitchen.", "falls", True),
        ("Fell after dinner.", "falls", True),
        ("Extra trips to pee.", "travel", False),
        ("Her hemoglobin fell to 7.", "falls", False),
        ("The BP then fell.", "falls", False),
        ("He fell ill.", "falls", False),
        ("Her memory fell in the low average range.", "falls", False),
        ("A car fell on his chest.", "falls", False),
        ("Three trips to the bathroom each night.", "travel", False),
        ("Trip to the ED last week.", "travel", False),
        ("A trip to Kenya.", "travel", True),
        ("He drinks 6 beers daily.", "alcohol-consumption", True),
        ("AF with RVR.", "rapid-ventricular-response", True),
        ("Pt is NPO.", "nothing-by-mouth", True),
        ("The procedure was converted to open.", "conversion-to-open-surgery", True),
        ("Known mets to bone.", "bone-metastasis", True),
        ("Her daughter completed diabetes education.", "diabetes-mellitus", False),
    ],
)
def test_what_is_named(language: Language, text: str, concept: str, named: bool) -> None:
    found = {mention.concept_id for mention in note(language, text).mentions}
    assert (f"anm:{concept}" in found) is named
