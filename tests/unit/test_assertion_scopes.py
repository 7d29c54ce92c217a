"""What mentions say where cues meet: closing words, dates, other people, what nobody saw."""

from __future__ import annotations

import pytest

from tests.unit.test_assertion import judge

SENTENCES = """
Told he had {hepatitis C|negated} but testing negative.
Was told that she had {TB|negated}, but the repeat tests came back negative.
Thought to have {pneumonia|negated}, but imaging was negative.
There was concern about {ascites|negated} but ultrasound showed none.
{Cough|present} but the x-ray was normal.
Concern for {pneumonia|uncertain}, normal white count.
Concern for {myocardial infarction|uncertain} but EKG normal.
{Tremor|not_assessed}: not assessed
Told he has {hepatitis C|present} but testing negative for {HIV|negated}.
He told us he had {chest pain|present} but testing negative.
Told she has {asthma|present}; {HIV|negated} testing negative.
Thought to have {asthma|uncertain}, treated with {albuterol|present}.
Nothing to suggest {PE|negated}, {DVT|present} present.
Nothing to suggest {PE|negated}, {DVT|present} is present in the left leg.
Nothing to suggest {PE|negated} or {DVT|negated}.
Nothing to suggest {PE|negated}, {DVT|negated}, or {pneumonia|negated}.
No {pallor|negated}, {icterus|negated}, {clubbing|negated}, {edema|negated} present.
No {fever|negated}, {chills|negated} or {cough|negated} present.
LP if {headache|hypothetical} worsens.
{Appendicitis|negated} is not plausible after the operation.
Surgery for his {aortic stenosis|uncertain} was not possible.
Concern for {pneumonia|negated} was not borne out by imaging.
{ORIF|hypothetical} planned for tomorrow.
Patient with {cholelithiasis|present} is scheduled for {cholecystectomy|present}.
Patient with {aortic stenosis|present} planned for TAVR.
Thought to have {migraine|uncertain}, CT normal.
Concern for {stroke|uncertain}, CT negative, MRI pending.
Told he had {hypertension|present}, on {lisinopril|present}, now normal.
Concern for {DVT|negated}, now ruled out.
{Hip fracture|present} repaired as planned.
{AKI|historical} on day 2 resolved.
{Rash|not_assessed} not asked.
Asked about taking {imodium|hypothetical}.
Wonders about taking {metformin|hypothetical} for {diabetes|present}.
Ok to take {ibuprofen|hypothetical} for her {arthritis|present}.
Ok to try {imodium|hypothetical} if no {fever|hypothetical}.
{Panic attacks|historical} none since March.
Troponin pending, {NSTEMI|uncertain} on the differential.
Her father has {diabetes|family}, and she has {hypertension|present}.
Denied {trauma|negated} prior to the onset of {hip pain|present}.
HIV negative man with {pneumonia|present}.
A woman with no medical history who presented with the complaint of {weakness|present}.
{Edema|negated} absent, {varicosities|present} present.
A {skin test|negated} which was negative.
{Troponin|negated} negative x3.
Rest of the review of systems is negative, including {chest pain|negated}.
No radiographic evidence for {fracture|negated} or {dislocation|negated}.
She was not found to have {gallstones|negated}.
Zero {vomiting|negated} since admission.
Contraindicated: {beta blockers|negated}.
( ) {Chest pain|negated} (x) {Palpitations|present}
{Sepsis|negated} was considered but ruled out.
Not ruled out: {endocarditis|uncertain}.
There is a possibility of {recurrence|uncertain}.
Either {migraine|uncertain} or {tension headache|uncertain}.
{Lyme disease|uncertain} test pending.
Appearance favors {hemangioma|uncertain}.
{Pain|present} is no longer controlled by {morphine|present}.
Not to mention {back pain|present}.
The fiance noted {jerking|present}.
Her children have {lice|family}.
Exposed to a friend with {mumps|family}.
The child has {otitis|present}.
{Gait|not_assessed} was not assessed.
{Reflexes|not_assessed} not tested.
Unable to assess {orientation|not_assessed} due to {sedation|present}.
{Rectal exam|not_assessed} deferred.
Could not evaluate {visual acuity|not_assessed}.
Did not ask about {alcohol|not_assessed}.
I would defer to his {primary care|present} physician.
Return precautions: {chest pain|hypothetical}, {syncope|hypothetical}.
RED FLAGS: {numbness|hypothetical}
Side effects such as {nausea|hypothetical} were explained.
The risks, including but not limited to {hematoma|hypothetical}, were reviewed.
Potential side effects: {rash|hypothetical}, {diarrhea|hypothetical}.
Go to the emergency room when {chest pain|hypothetical} occurs.
When {dyspnea|hypothetical} gets worse, increase the diuretic.
{Perforation|hypothetical} is a possible complication.
{Aspirin|hypothetical} would be started.
May need {dialysis|hypothetical} later.
Vaccinated against {influenza|hypothetical}.
Afraid of {heart attack|hypothetical}.
Has side effects including {nausea|present}.
Diabetes with complications including {neuropathy|present}.
In 1998 she had a {miscarriage|historical}.
Hospitalised in 2018 for {pancreatitis|historical}.
Two years ago he had a {heart attack|historical}.
He had {measles|historical} at age 6.
{Smoked|historical} until 1990.
{Gestational diabetes|historical} with her first pregnancy.
Formerly on {methotrexate|historical}.
Failed {methotrexate|historical}.
He could not tolerate {lisinopril|historical}.
Symptoms of {nausea|historical} have disappeared.
{Chest pain|historical} last week, none today.
Post-{stroke|historical} rehabilitation.
Post-{op|present} day two.
Resolving {pneumonia|present}.
No {gallop|negated} or {rub|negated}, 2/6 systolic {murmur|present}.
No sign of {infection|negated}, {edema|present} persists around it.
No one told her about the {tumor|present}.
{Hepatomegaly|negated} is neither seen nor felt.
Absence of {fever|negated} does not exclude {sepsis|uncertain}.
It looks like {shingles|uncertain}.
{GERD|uncertain} more likely.
{GERD|uncertain} more likely than {angina|uncertain}.
{GERD|uncertain} is more likely than {angina|uncertain}.
{Migraine|uncertain} most likely, though {stroke|uncertain} must be excluded.
{Shoulder pain|present}, most likely secondary to strain.
{Mass|present} in the atrium most likely a {thrombus|uncertain}.
{Pain|present} more likely than not {muscular|uncertain}.
{Headache|present} is most likely a {migraine|uncertain}.
{Rash|present} is likely {eczema|uncertain}.
{PE|uncertain} is likely given the {tachycardia|present}.
{PE|uncertain} is likely.
{Anemia|present} is likely due to bleeding.
{GERD|uncertain} is likely the cause of her {cough|present}.
It is likely that he has {gout|uncertain}.
There is possible {pneumonia|uncertain} in the left base.
There was questionable {pneumonia|uncertain}.
{PE|uncertain} is suspected clinically given {tachycardia|present}.
{PE|uncertain} is possible in this {setting|present}.
{Cellulitis|present} suspected to be secondary to {bites|uncertain}.
She was felt to have {pneumonia|uncertain}.
He is unlikely to have {pneumonia|negated}.
He is not likely to have {pneumonia|negated}.
{Pneumonia|negated} is not likely.
{Pneumonia|negated} is not felt to be present.
{Pneumonia|negated} effectively ruled out.
{Pneumonia|negated} has not been identified.
{Pneumonia|negated} not reported.
{Stone|negated} could not be found.
{Pneumonia|uncertain} may be present.
{Pneumonia|uncertain} not definitely identified.
{Appendix|not_assessed} not well seen.
No {effusion|negated} and the {appendix|not_assessed} is not clearly seen.
Patient was ruled out for {MI|negated} by serial {EKG|present}.
He is to be ruled out for {MI|uncertain}.
With no suspicion for {PE|negated}.
Being worked up for {lupus|uncertain}.
Stress test negative for {ischemia|negated}.
Cultures negative for {MRSA|negated}.
{HIV|negated} nonreactive, {chlamydia|present} detected.
{Pupils|present} nonreactive.
{RA|present}, {synovitis|negated} none today.
Anaphylaxis to {peanut|historical}, carries an {EpiPen|present}.
PGF died of {stroke|family}, MGM with {breast cancer|family}.
{Colon cancer|family} on her mother's side.
Not significant for {edema|negated}.
Failed to identify any {lesion|negated}.
Unable to palpate any {mass|negated}.
Unable to identify the cause of {anemia|present}.
No longer concerned for {sepsis|negated}.
Reassuring against {ACS|negated}.
{PE|negated} is not on the differential.
{PE|uncertain} is low on the differential.
Such changes can be seen with {sarcoidosis|uncertain}.
Other considerations include {lymphoma|uncertain}.
{Viral syndrome|uncertain}, presumed.
Presumed {cellulitis|uncertain}, on {cefazolin|present}.
Prior episode of {pancreatitis|historical}.
{Gout|historical} in the distant past.
History in the distant past of {gout|historical}.
{Choking|present} and presumed for a {foreign body|uncertain}.
The patient was not on {warfarin|negated}.
Has never been on {insulin|negated}.
Was never diagnosed with {asthma|negated}.
No longer complains of {headache|historical}.
Treated presumptively for {PJP|uncertain}.
Findings inconsistent with {pneumonia|negated}.
Inconsistent with taking {insulin|present}.
The cause of her {ear pain|present} was not found.
No reason for it since {stenosis|negated} was ruled out.
{Migraine|uncertain} is highly likely.
{Fatigue|uncertain} is likely a factor in his {memory loss|present}.
{Edema|present} is likely caused by {amlodipine|present}.
{Gout|uncertain} is favored.
Favor continuing {warfarin|present}.
Do me a favor and close your {eyes|present}.
The cut stops, stopping short of the {wrist|present} crease.
Discontinuing {tamoxifen|historical} for {DVT|present}.
After discontinuation of {Zoloft|historical}.
Weaning off {prednisone|historical}.
INR high despite stopping {Coumadin|historical} and giving {vitamin K|present}.
There is a concern that she has {sepsis|uncertain}.
{CHF|present} is likely to worsen.
{CHF|present} is likely improving.
{Diabetes|present} is likely contributing to her {neuropathy|present}.
It is likely coming from a {pinched nerve|uncertain}.
{Obesity|present} makes {apnea|present} more likely.
Suspicion for {PE|negated} is low.
Concern for {sepsis|uncertain} is low, but cultures pending.
Concern for {sepsis|uncertain}, and his {blood pressure|uncertain} is low.
There is concern that he is developing {ARDS|uncertain}.
There is concern for {sepsis|uncertain}.
There is concern regarding the {numbness|present} he has.
Favor conservative management of {fracture|present}.
Some {swelling|hypothetical} is normal for the first few days.
Past trial of {Zoloft|historical} and says {Prozac|present} works.
It is likely that {methotrexate|present} is the cause.
Favor {ATN|uncertain} over {prerenal azotemia|uncertain}.
{Cellulitis|uncertain} favored over {DVT|uncertain}.
{Warfarin|present} in favor of {apixaban|present}.
He favored his right {leg|present}.
{Catatonia|uncertain} considered, rating pending.
{PE|negated} felt to be very unlikely.
{Mass|negated} was looked for and not seen.
{Anomalies|negated} none seen.
{Nodules|negated}: none found.
No significant interval change in {hydrocephalus|present}.
No personal or family history of {hemophilia|negated}.
Not yet {pregnant|negated}.
Has not yet started {insulin|negated}.
{PTSD|present} screen positive.
{PTSD|hypothetical} screen today.
Ex-30 weeker with {BPD|present}.
Ex-{smoker|historical} with {COPD|present}.
Former heavy {smoker|historical} who has {COPD|present}.
Prior {smoker|historical}.
Former {smoker|historical} with {pneumonia|present}.
Resolved {AKI|historical} with {CKD|present}.
Past {MI|historical} with {sepsis|historical}.
Quit {smoking|historical} and has {bronchitis|present}.
{C diff|uncertain} sample sent.
Parents worry about {autism|uncertain}.
{Depression|historical} after her first delivery.
{Nausea|historical} with cycle 1, none with cycle 2.
Better since stopping {prednisone|historical}.
Given the option of stopping {prednisone|hypothetical}.
Interval removal of {chest tube|historical}.
Trialed {gabapentin|historical}.
Would not start {heparin|negated} given recent {GI bleed|present}.
{Clopidogrel|negated}: not taking. {Aspirin|present}: taking.
{Naproxen|negated}: avoid, given {CKD|present}.
{Stroke|historical} 2019 with {weakness|present}. {TAH|historical} 2004.
{Furosemide|present} 2000 mg. {Surgery|present} 2000 ml.
She was warned about {drowsiness|hypothetical}.
In the past he had {ulcers|historical}.
Was a {smoker|historical} for 20 years.
Past medical history is {hypertension|present}.
"""


@pytest.mark.parametrize("marked", SENTENCES.strip().splitlines())
def test_a_cue_reaches_what_it_speaks_of_and_no_more(marked: str) -> None:
    for words, expected, found in judge(marked):
        assert found.assertion == expected, words


HARM = """
The patient returns with {chest pain|present}.
{MRSA|present} on contact precautions.
Wife has {COVID|family}, pt has {cough|present}.
History of {MS|present}.
Return for follow-up of {diabetes|present}.
Return for {chest pain|hypothetical}.
Six months ago she was diagnosed with {breast cancer|present}.
Three months ago he developed {cough|present}.
Twenty years ago he had {tuberculosis|historical}.
Started {metformin|present} in 2018 for {diabetes|present}.
In 2012 she underwent {cholecystectomy|historical}, and still has {abdominal pain|present}.
Management of {diabetes|present} was deferred to endocrinology.
{Surgery|not_assessed} for his {hernia|present} was deferred.
Unable to determine the cause of {anemia|present}.
Unable to determine if {PE|uncertain} is present.
Unable to assess for {pneumothorax|not_assessed}.
He was not tested for {HIV|not_assessed}, has {thrush|present}.
Patient was not asked about {cough|not_assessed} but reports {fever|present}.
{Chest pain|present} not evaluated by cardiology yet.
{Hypertension|present} has not been addressed.
{Anemia|present} was never evaluated.
She is neither {short of breath|negated} nor in {pain|negated}.
He was told to report to the ER for {chest pain|present}.
She is afraid that her {cough|present} is worsening.
Takes either {ibuprofen|present} or {naproxen|present} for {headache|present}.
{UTI|present}, culture pending, on {ciprofloxacin|present}.
No one in the family has {diabetes|negated}.
The children have been told of her {cancer|present}.
Dialysis will be needed if {hyperkalemia|hypothetical} worsens.
{Fever|present} persists, will continue {antibiotics|present}.
If {pain|hypothetical} worsens, increase {morphine|hypothetical}.
Risks: {bleeding|hypothetical}.
No {chest pain|negated}, and {shortness of breath|present} has improved.
Denies {fever|negated}, {cough|negated} that persists.
No {distress|negated}, {fever|present} of 39.
No {fever|negated}, {pain|negated}, or {swelling|negated} remains.
No {effusion|negated}, or {mass|negated} of 3 mm.
{Warfarin|historical} discontinued approximately 10 days earlier.
{Aspirin|historical} stopped about two weeks ago.
{Metformin|historical} held recently.
Stopped over-the-counter {ibuprofen|historical}.
Risks to include but not be limited to {bleeding|hypothetical}.
Something to help him quit {drinking|present}.
{Biopsy|not_assessed} of the {mass|present} was deferred.
{Rectal exam|not_assessed} deferred by patient.
"""


@pytest.mark.parametrize("marked", HARM.strip().splitlines())
def test_a_cue_that_only_looks_like_one_changes_nothing(marked: str) -> None:
    for words, expected, found in judge(marked):
        assert found.assertion == expected, words
