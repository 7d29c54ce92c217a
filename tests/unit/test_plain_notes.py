"""What mentions say in plain notes: how operations are told, what was explained to a patient, drugs
taken as needed, whose illness it is, and what is only held likely."""

from __future__ import annotations

import pytest

from indexing.language.consent import risks_told
from tests.unit.test_assertion import judge

SENTENCES = """
Bovie was used to free the {adhesions|present}.
A scalpel was then used to open the {abscess|present}.
She used to have {migraine|historical}.
He used to take {warfarin|historical}.
Scissors were used to dissect the {cyst|present}.
The flap was lifted off the {tumor|present}.
He is off {warfarin|historical}.
She came off {prednisone|historical} in May.
The {fracture|present} was held in place with wires.
{Warfarin|historical} was held.
{Heparin|historical} was held on admission.
There is an old {scar|present} over the left knee.
He lives in an old age {home|present}.
Distant heart sounds and {murmur|present}.
Medications: albuterol as needed, {cetirizine|present} 10 mg daily.
{Morphine|present} p.r.n. pain, and {ondansetron|present} 4 mg daily.
Ibuprofen as needed for {pain|hypothetical} or {fever|hypothetical}.
Takes ibuprofen as needed for {pain|hypothetical}, {fever|hypothetical}.
Hydroxyzine p.r.n., {lisinopril|present}, {metformin|present}.
Risks and benefits were discussed, including {infection|hypothetical} and {stroke|hypothetical}.
Risks included, but were not limited to, {infection|hypothetical} and {nerve injury|hypothetical}.
Risks will include but are not limited to {bleeding|hypothetical}.
The risks were explained to include, but not limited to, {DVT|hypothetical}, {scar|hypothetical}.
She was told of complications which might occur consisting of {bleeding|hypothetical}.
Risks were reviewed, which include {DVT|hypothetical}, and she agreed to {colectomy|present}.
Risks included but were not limited to {DVT|hypothetical}, and he understood his {hernia|present}.
Complications including (but not limited to) {ileus|hypothetical} were outlined.
Risk factors include {obesity|present} and {hypertension|present}.
Her risk factors are {hypertension|present} and {smoking|present}.
Risk factors for {stroke|hypothetical} were discussed.
His course had complications of {sepsis|present}.
The complications included {wound infection|present} on day 3.
The risk to benefit ratio of {hip surgery|present} is good.
Bleeding, not exclusive of {infection|present}.
The differential diagnosis included {sarcoidosis|uncertain}, {lymphoma|uncertain} and gout.
Differential diagnoses for this patient included {gastritis|uncertain} and {reflux|uncertain}.
She is not reporting {cough|negated}, {fever|negated} or {chills|negated}.
He did not suffer from {headaches|negated} or {rash|negated}.
I do not see any indication for {colectomy|negated}.
I do not think this patient is a good candidate for {dialysis|negated}.
He is not a good candidate for {dialysis|negated} or {transplant|negated}.
Denies any problems related to the chest, such as {cough|negated}, {wheezing|negated}.
No rash suggestive for {zoster|negated}.
No lesion suspicious for {melanoma|negated}.
No lesion, but suspicious for {melanoma|uncertain}.
No fever, suspicious for {abscess|uncertain}.
No evidence of recurrence with history of {breast cancer|historical}.
She had therapy without lasting relief of her {back pain|present}.
He has not had any improvement with diet, I recommend {cholecystectomy|present}.
She did not get much relief from {ibuprofen|present}.
Denies {fever|negated}, I gave her {ibuprofen|present}.
No, I have been having {headaches|present}.
No {pain|negated}, so we stopped {ibuprofen|historical}.
CT head without {contrast|negated}: old {infarct|historical} on the left.
CT chest without {contrast|negated} shows {pneumonia|present}.
No {murmur|negated}, respiratory rate 18, {wheezing|present} on the left.
What I cannot explain is her {fever|present}.
A twin with {asthma|present}.
Twin pregnancy, twin A with {hydronephrosis|present}.
His twin has {asthma|family}.
Her twin brother had {leukemia|family}.
Relative {weakness|present} on the left.
A first-degree relative with {melanoma|family}.
A relative had {melanoma|family}.
Weaker relative to his {injury|present}.
Lives with sister, and denies {tobacco|negated}.
With her husband, we discussed the {hernia|present}.
Family history of {diabetes|family}, I suspect {angina|uncertain}.
She describes {asthma|family}, {diabetes|family}, and {depression|family} in her family.
{Asthma|present}, {depression|family} in the family.
{Edema|present} likely due to {CHF|uncertain}.
{Anemia|present}, probably secondary to {GI bleed|uncertain}.
{Edema|present} likely due to his known {CHF|present}.
{Dyspnea|present}, likely secondary to her {COPD|present}.
{Anemia|present} due to {CKD|present}.
History of {anemia|historical}, likely secondary to chronic {nephritis|present}, on {iron|present}.
He thinks he has {influenza|uncertain}.
She thinks she had {shingles|uncertain}.
The patient believes he has {Lyme disease|uncertain}.
{Crohn's disease|present} in remission.
{Depression|present}, in full remission on {sertraline|present}.
{Lymphoma|historical} in remission.
{Alcoholism|historical} in remission.
{Opioid dependence|historical}, in sustained remission.
Degenerative changes are noted in the knee with {effusion|present}.
If any of the following are noted: {fever|hypothetical}, {chills|hypothetical}.
Exam shows signs of a {stroke|present}.
Considering his history and the {diabetes|present}, start {metformin|present}.
Considering {dialysis|uncertain}.
Considering how bad the {pain|present} is, she may stay.
She has not gotten any help from {physical therapy|present}.
No masses with h/o {breast cancer|historical}.
There is {gout|family}, {asthma|family}, and {melanoma|family} on the maternal side.
{Diabetes|family}, {gout|family}, and {asthma|family} in both parents.
{Radiation|hypothetical} is planned as a boost.
Chronic history of {abdominal pain|present}.
A long history of {back pain|present}.
History of chronic {esophageal stricture|present}.
History of {dysphagia|present} for the past year.
History of {cough|present} for several weeks.
History of {pneumonia|historical} for several weeks.
History of {rash|historical} treated with steroids.
Previous surgeries including {TAH|historical}, {rectocele repair|historical}, and {TKA|historical}.
The onset of his {pain|present} began 2 years ago.
Her {headaches|present} started three years ago.
{Chest pain|historical} two years ago.
The ulcer does not appear to heal and that the {wound|present} needs care.
She is unsure of {pregnancy|uncertain}.
There was an allegation of {abuse|uncertain}.
Possible contributing factors to his {nausea|present} were reviewed.
Possible causes of her {anemia|present} were reviewed.
Prostatectomy with or without nerve sparing has the risks of {injury|hypothetical}.
His pain is most likely due to {tendinopathy|uncertain}.
The mass is most likely secondary to {abscess|uncertain}.
She had one child who died of {leukemia|family}.
He may benefit from repeat {catheterization|hypothetical}.
It could not be freed, and we proceeded with {laparotomy|present}.
There was no way through, and proceeded with {laparotomy|present}.
{Appendectomy|historical} when she was 9 years old.
{Asthma|present} when he was 9.
Treatment options were discussed, including {radiation|hypothetical} and {surgery|hypothetical}.
Options such as {dialysis|hypothetical} were reviewed.
Unsure of the cause of her {renal failure|present}.
X-rays did not show a fracture and that there is a {sprain|present}.
History of {drinking|historical} for 25 years.
{Hyperkalemia|present}, likely due to long-term {hypertension|present}.
{Insomnia|present} likely secondary to heavy {alcohol|present} use.
{Edema|present}, likely due to the {nephritis|present}.
"""


@pytest.mark.parametrize("marked", SENTENCES.strip().splitlines())
def test_a_plain_note_says_what_it_says(marked: str) -> None:
    for words, expected, found in judge(marked):
        assert found.assertion == expected, words


@pytest.mark.parametrize(
    "told",
    [
        "risks of the procedure were explained to him including bleeding",
        "he was informed of the complications, which include sepsis",
        "risks included, but were not limited to, bleeding",
    ],
)
def test_what_may_come_of_a_procedure_is_a_list(told: str) -> None:
    assert next(iter(risks_told(told))).end <= len(told)


@pytest.mark.parametrize(
    "told", ["risk factors include smoking", "complications included sepsis", "high risk surgery"]
)
def test_what_came_to_pass_is_no_list_of_risks(told: str) -> None:
    assert not list(risks_told(told))


def test_risks_without_end_are_read_in_time_that_grows_with_the_text() -> None:
    text = "the risks were explained, " * 20_000
    assert not list(risks_told(text))
