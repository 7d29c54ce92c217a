"""What mentions say: the traps that clinicians meet, one sentence each."""

from __future__ import annotations

import re

import pytest

from indexing.language.assertion import Assessment, Offsets, assess
from indexing.language.sections import sections

_MENTION = re.compile(r"\{([^{}|]+)\|(\w+)\}")


def judge(marked: str) -> list[tuple[str, str, Assessment]]:
    """Read "denies {fever|negated}": (words, expected, found) of each marked mention."""
    text, spans, expected = "", [], []
    last = 0
    for match in _MENTION.finditer(marked):
        text += marked[last : match.start()]
        spans.append(Offsets(len(text), len(text) + len(match[1])))
        expected.append(match[2])
        text += match[1]
        last = match.end()
    text += marked[last:]
    found = assess(text, sections(text), spans)
    words = [text[s.start : s.end] for s in spans]
    return list(zip(words, expected, found, strict=True))


TRAPS = """
No change in {chest pain|present}.
No significant change in {dyspnea|present} since last visit.
There is no interval change in the {pleural effusion|present}.
No improvement in {cough|present}.
No worsening of {edema|present}.
Not on {insulin|negated}; {diabetes|present} well controlled.
She is not on {warfarin|negated}; {atrial fibrillation|present} is rate controlled.
{Pneumonia|historical}, resolved.
{Pneumonia|historical} has resolved.
Resolved {pancreatitis|historical}.
-ve for {fever|negated} and {rash|negated}.
ROS -ve for {melena|negated}.
(-) {fever|negated} (+) {cough|present} (-) {chills|negated}
{Fever|negated} (-), {cough|present} (+), {rash|negated} (-)
r/o {MI|uncertain}
Admit to r/o {pulmonary embolism|uncertain}.
?{PE|uncertain}
? {pneumonia|uncertain} on chest film.
Query {appendicitis|uncertain}.
Denies {fever|negated}, {chills|negated}, {night sweats|negated}, or {weight loss|negated}.
Denies {chest pain|negated} but has {cough|present}.
Denies {chest pain|negated}, reports {cough|present}.
He denies {vomiting|negated} and has {nausea|present}.
No {fever|negated}; has {headache|present}.
Not only {nausea|present} but also {vomiting|present}.
She has not only {asthma|present} but {eczema|present}.
She does not deny {alcohol use|present}.
He did not deny {suicidal thoughts|present}.
It is not without {pain|present}.
{Malignancy|uncertain} cannot be excluded.
Cannot rule out {fracture|uncertain}.
{PE|uncertain} not ruled out.
If {chest pain|hypothetical} develops, call 911.
Return to the ED if {fever|hypothetical} or {vomiting|hypothetical} develops.
Call for {bleeding|hypothetical} or {fever|hypothetical}.
Should she develop {seizures|hypothetical}, give lorazepam.
Risks of the procedure include {bleeding|hypothetical}, {infection|hypothetical} and death.
Watch for {hypoglycemia|hypothetical}.
Mother had {breast cancer|family}.
Her father died of {myocardial infarction|family} at 52.
{Colon cancer|family} in her brother.
History of {colon cancer|family} in a maternal aunt.
Family history of {diabetes|family}.
Family history negative for {glaucoma|family}.
No family history of {breast cancer|family}.
FHx: {diabetes|family}, {stroke|family}.
FH: {MI|family} (father), {CVA|family} (mother).
His wife has {influenza|family}.
Mother reports {fever|present} and {cough|present}.
Per his wife he had {confusion|present} overnight.
Her daughter states she has had {nausea|present}.
h/o {MI|historical}.
H/o {appendectomy|historical}.
History of {stroke|historical}.
History of {diabetes|present} and {hypertension|present}.
Past history of {DVT|historical} in 2004.
Former {smoker|historical}.
Ex-{smoker|historical}.
Quit {smoking|historical} in 1998.
{Metformin|historical} was stopped.
Stopped {lisinopril|historical} due to {cough|present}.
{Lisinopril|historical} discontinued because of {cough|present}.
No longer takes {prednisone|historical}.
Used to take {warfarin|historical}.
Negative {troponin|negated}.
{Troponin|negated} negative.
{Troponin|negated} was negative x 3.
{Troponins|negated} were negative.
Gram negative {sepsis|present}.
Triple negative {breast cancer|present}.
[ ] {cough|negated} [x] {fever|present}
[x] {cough|present} [ ] {fever|negated} [X] {chills|present}
☐ {diarrhea|negated} ☑ {constipation|present}
{Cough|negated} [ ]  {fever|present} [x]
Avoid {NSAIDs|negated}.
{Anticoagulation|negated} not indicated.
{Metformin|negated} is contraindicated.
{Pulmonary embolism|negated} was ruled out.
{MI|negated} ruled out by enzymes.
He ruled out for {myocardial infarction|negated}.
CT ruled out {appendicitis|negated}.
Possible {pneumonia|uncertain}.
Probable {viral syndrome|uncertain}.
Suspected {endocarditis|uncertain}.
Findings suspicious for {malignancy|uncertain}.
Concern for {sepsis|uncertain}.
{Pneumonia|uncertain} versus {atelectasis|uncertain}.
{Dyspnea|present} persists.
{Hypertension|present}, stable.
Continue {metoprolol|present} 50 mg twice daily.
{Chest pain|negated}: No
{Chest pain|negated}: denies. {Cough|present}: yes.
{Fever|negated} - none
{Sore throat|negated}? No. {Cough|present}? Yes.
No evidence of {metastasis|negated}.
No {wheezes|negated}, {rales|negated} or {rhonchi|negated}.
Neck supple without {lymphadenopathy|negated}, {thyromegaly|negated} or {JVD|negated}.
No {complaints|negated} other than {headache|present}.
No {pain|negated} except for mild {headache|present}.
Neither {nausea|negated} nor {vomiting|negated}.
Patient is {pain|negated} free.
{Pain|negated}-free since surgery.
Never {smoker|negated}.
Never had a {seizure|negated}.
No {fever|negated} on {acetaminophen|present}.
No {bleeding|negated} since starting {apixaban|present}.
Patient without {angina|negated}.
Absence of {edema|negated}.
Low suspicion for {PE|negated}.
{PE|negated} unlikely.
No history of {stroke|negated}.
Denies any history of {seizures|negated}.
Status post {cholecystectomy|historical}.
s/p {CABG|historical} in 2010.
{Asthma|historical} as a child.
{Fracture|historical} of the wrist ten years ago.
ALLERGIES: {penicillin|historical}.
{ALLERGIES|historical}: {penicillin|historical}.
{ALLERGIES|negated}: None known.
{ALLERGIES|negated}: NKDA
{Allergies|negated}: None known to drugs or foods.
{DRUG ALLERGIES|negated}: No known drug allergies.
{ALLERGIES|historical}: NKDA. Latex.
Allergic to {penicillin|historical}.
{Penicillin|historical} allergy.
DVT prophylaxis with {enoxaparin|present}.
{DVT|hypothetical} prophylaxis.
Take ibuprofen as needed for {pain|hypothetical}.
PRN {nausea|hypothetical}.
Denies: {fever|negated}; {chills|negated}; {cough|negated}.
Positive for {cough|present}, negative for {fever|negated}.
Alert, no acute {distress|negated}.
Patient denies {chest pain|negated}, however {dyspnea|present} is reported.
Unable to exclude {malignancy|uncertain}.
There was no {nausea|negated}, {vomiting|negated}, but {colic|present} was noted.
{Strep throat|negated} excluded.
Does not have {diabetes|negated}.
She doesn't have {asthma|negated}.
She isn't taking {aspirin|negated}.
The patient has no {rash|negated}, no {joint pain|negated} and complains of {fatigue|present}.
Doubt {meningitis|negated}.
Past medical history significant for {hypertension|present} and {MI|historical}.
Screening for {colon cancer|hypothetical}.
Mother with {asthma|family}; patient has {eczema|present}.
Her mother has {diabetes|family} and she has {asthma|present}.
Presents with {chest pain|present}, no {dyspnea|negated}.
3 day history of {fever|present} and {cough|present}.
Two-week history of {cough|present}.
{Hemoptysis|negated} denied.
w/o {edema|negated}
Was on {amiodarone|historical}, now on {metoprolol|present}.
{Warfarin|historical} switched to {apixaban|present}.
No {fever|negated}, {cough|negated} present for 3 days only at night.
The patient does not smoke or drink {alcohol|negated}.
No known {drug allergies|negated}.
{Diabetes|present} without {retinopathy|negated}.
{Stroke|uncertain}?
Findings may represent {pneumonia|uncertain}.
Likely {gout|uncertain}.
Unlikely to be {septic|negated}.
Patient was worried about {cancer|uncertain}.
Patient has no {fever|negated}, {cough|negated}, or {dyspnea|negated}, but does have {rash|present}.
Lungs: clear. Heart: no {murmur|negated}. Abdomen: {tenderness|present} in RLQ.
No {chest pain|negated}, {dyspnea|negated} or {palpitations|negated}. Has {leg swelling|present}.
{Diabetes|present}: on metformin. {Hypertension|present}: no meds.
Chest X-ray negative for {pneumonia|negated} but shows {cardiomegaly|present}.
{Cough|present}, no {fever|negated}, {chills|negated}.
The {rash|historical} resolved last week.
{Headache|present} not relieved by {ibuprofen|present}.
No relief from {ibuprofen|present}.
{Infection|present} not responding to {antibiotics|present}.
No response to {steroids|present}.
He ruled in for {MI|present}.
{MI|uncertain} was not ruled out.
{Fall|hypothetical} precautions.
Discussed risk of {stroke|hypothetical}.
Return if {symptoms|hypothetical} worsen.
Patient's sister has {lupus|family}. Patient has {arthritis|present}.
{Prostate cancer|family} runs in the family.
Sister is healthy; patient has {diabetes|present}.
Lives with his mother who has {dementia|family}.
45F w/ h/o {asthma|present} p/w {wheezing|present}.
Hx of {CVA|historical} with residual {weakness|present}.
PMH: {HTN|present}, {MI|historical} 2010, {appendectomy|historical}.
PMHx: {COPD|present}, {hip fracture|historical}
ROS: negative for {fever|negated}, {chills|negated} and {cough|negated}.
Review of systems: {Fever|negated}: no. {Cough|present}: yes.
Currently taking {aspirin|present}.
Start {lisinopril|present} 10 mg daily.
{TB|uncertain} vs {sarcoidosis|uncertain} vs {lymphoma|uncertain}.
Differential includes {GERD|uncertain}, {angina|uncertain}, and {costochondritis|uncertain}.
No longer has {chest pain|historical}.
{Chest pain|present} has not resolved.
{Fever|present} still present.
Denies {tobacco|negated}, {alcohol|negated}, or {illicit drug use|negated}.
Has never used {tobacco|negated}.
{DVT|negated} was not seen on ultrasound.
{Crohn disease|negated} never confirmed on biopsy.
No {acute fracture|negated} or {dislocation|negated} is seen. There is {swelling|present}.
{Depression|present}. Denies {suicidal ideation|negated}.
He has no {chest pain|negated} and no {dyspnea|negated}, only {fatigue|present}.
{Edema|negated}: absent.
{Murmur|negated} not appreciated.
Unremarkable except for {cyst|present}.
{Lightheadedness|historical} or {dyspnea on exertion|historical} resolved.
DIFFERENTIAL DIAGNOSIS: {PE|uncertain}, {pneumonia|uncertain}.
Differential: {PE|uncertain} or {pneumonia|uncertain}.
Differential diagnosis: {PE|uncertain}, {pneumonia|uncertain}, {ACS|uncertain}.
Could also be {PE|uncertain}/{pneumonia|uncertain}.
DDx: {PE|uncertain} vs {ACS|uncertain}.
Ddx - {PE|uncertain}, {ACS|uncertain}
{PE|uncertain} vs {ACS|uncertain}
WBC 12 with differential: 80% {neutrophils|present}.
Might well represent {abscess|uncertain}.
{PE|uncertain} is on the differential.
Negative: {fever|negated}, {cough|negated}, {rash|negated} and {nausea|negated}.
ROS: Positive: {fever|present}. Negative: {rash|negated}, {abd pain|negated} and {cough|negated}.
Negative for {dysphagia|negated}, {chest pain|negated}, and {seizure|negated}.
Without {cough|negated}, {burning when peeing|negated}, {fever|negated} or {chest pain|negated}.
No {pain|negated} when urinating, {fever|negated} or {rash|negated}.
No {dyspnea|negated} on exertion, {orthopnea|negated} or {edema|negated}.
No {tenderness|negated} on palpation, {guarding|negated} or {rebound|negated}.
No {weakness on one side|negated} or {drooping face|negated}.
No {angina|negated} on {metoprolol|present}.
Denies {palpitations|negated}, {elevated mood|negated} or {weight gain|negated}.
No {edema|negated}, elevated {JVP|present}.
No {difficulty swallowing|negated}, {weight loss|negated}, or {fever|negated}.
No difficulty with {ambulation|present}.
No c/o {burning when peeing|negated}, {chest pain|negated} or {cough|negated}.
62M, no PMH, p/w half a day of {dyspnea|present}.
46-year-old woman without significant past history, here with {fever|present}/{chills|present}.
No significant past medical history presenting with {chest pain|present}.
Held {atenolol|present} per parameters, MD notified.
Held {metoprolol|present} for SBP 88.
Hold {metoprolol|present} for HR < 55.
{Warfarin|historical} held.
Holding {lisinopril|historical}.
Her history includes {hay fever|present}.
Hx of {irregular heartbeat|present} and {high blood pressure|present}.
Hx of {clogged heart arteries|present}, {weak kidneys|present}.
Her {colon cancer|present} was diagnosed in July 2022.
{Diabetes|present} diagnosed in 2010.
{DVT|historical} diagnosed in 2010.
{Stroke|historical} in 2012.
She has {non-Hodgkin lymphoma|present}.
Non-{tender|negated} abdomen.
Allergy list reviewed: {ibuprofen|historical} (hives).
Should {bleeding|hypothetical} occur, do not wait.
Should your {pain|hypothetical} worsen, call us.
Call should {fever|hypothetical} develop.
We discussed what to do should {bleeding|hypothetical} occur.
Discuss restarting {aspirin|hypothetical} with cardiology
{Seizure|hypothetical} first aid taught to her husband
MEDICATIONS:  1. Losartan 50 mg by mouth daily DRUG ALLERGIES:  {Codeine|historical}: nausea.
Background of {type 2 diabetes|present} and {stroke|historical}.
Known {asthma|present}.
PMH: {hepatitis C|present}, {stroke|historical}
{Erenumab|present} for prevention
{Heparin|present} for {DVT|hypothetical} prophylaxis.
Repeat {echo|hypothetical} in 6 months.
Repeat {echo|present} showed an EF of 40%.
Surveillance {colonoscopy|hypothetical} every 2 years.
{Rales|negated}, {wheeze|negated}, or {retractions|negated} absent.
Parents have not seen any {rash|negated} or {cyanosis|negated}.
Cell count argued against {infection|negated}.
PMH: {hepatitis C virus infection|present}, {HIV infection|present}
Apixaban for prevention of {stroke|hypothetical}.
The patient, who denies {chest pain|negated}, has {dyspnea|present}.
Patient has {diabetes|present} but no {neuropathy|negated}.
She was negative for {COVID-19|negated}, but positive for {influenza|present}.
{COVID-19|negated} test negative.
Father deceased, {MI|family}.
Denies {fever|negated}. {Cough|present} x 3 days.
No signs or symptoms of {infection|negated}.
Cardiac enzymes negative; {chest pain|present} is pleuritic.
Patient has had {seizures|present} since age 5.
Previous {MI|historical}, {hypertension|present}.
Prior to admission he took {aspirin|present}.
Post-op {pain|present} is controlled.
No {pain|negated}, with {swelling|present} of the ankle.
{Nausea|negated} - no, {vomiting|present} - yes.
Denies {nausea|negated}/{vomiting|negated}/{diarrhea|negated}.
No {N/V|negated}; {abd pain|present} improving.
Patient reports no {fever|negated} but has been having {chills|present} for two days.
The patient has not had any {seizures|negated} since discharge; {headaches|present} continue.
{Hypothyroidism|present} on {levothyroxine|present}.
No {melena|negated} or {hematochezia|negated}. Positive {heartburn|present}.
Pt c/o {SOB|present}, denies {CP|negated}.
EKG: no {ST elevation|negated}. {T wave inversion|present} in V3.
Patient denies having {headache|negated}, {weakness|negated}; she does have {neck pain|present}.
Biopsy showed no {malignancy|negated} but {dysplasia|present} was found.
{Suicidal ideation|negated} is denied.
No {cyanosis|negated}, {clubbing|negated}, or {edema|negated}. {Pulses|present} intact.
No {CVA tenderness|negated}. {Suprapubic tenderness|present} present.
Intolerance to {statins|historical}.
History of {breast cancer|historical} in remission.
{Breast cancer|historical}, in remission since 2015.
Patient quit {drinking|historical} five years ago.
{Smokes|present} a pack daily and is not ready to quit.
Denies current {alcohol use|negated}; former {smoker|historical}.
No {diabetes|negated}, but {prediabetes|present} is noted.
He was evaluated for {syncope|uncertain}, which was negative for {arrhythmia|negated}.
If {pain|hypothetical} recurs or {fever|hypothetical} develops, return. Continue {aspirin|present}.
Return for worsening {pain|hypothetical}, {redness|hypothetical}, or {drainage|hypothetical}.
{Pneumonia|uncertain} is suspected.
CT to evaluate for {PE|uncertain}.
Questionable {infiltrate|uncertain} in the left base.
{Nodule|present}, possibly {cancer|uncertain}.
Rule out {sepsis|uncertain}, start {antibiotics|present}.
{Glaucoma|family}: mother.
{Diabetes|family} (father), {lupus|family} (sister).
Mother: {hypertension|family}, {stroke|family}. Father: {CAD|family}.
Maternal grandmother with {Alzheimer's disease|family}.
Accompanied by mother. {Fever|present} for 2 days.
His mother brought him in for {cough|present}.
The patient's daughter noticed {jaundice|present}.
Both parents have {hypertension|family}.
Brother with {hemophilia|family}, patient tested negative for {hemophilia|negated}.
No sick contacts. {Cough|present} for 3 days.
Afebrile. No {rash|negated}.
""".strip().splitlines()


@pytest.mark.parametrize("marked", TRAPS)
def test_trap_is_judged_right(marked: str) -> None:
    for words, expected, found in judge(marked):
        assert found.assertion.value == expected, (words, found)
