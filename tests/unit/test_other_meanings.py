"""Words that look like a concept's name and mean something else where they stand."""

from __future__ import annotations

import pytest

from indexing.language.matcher import Matcher
from indexing.language.other_meanings import are_other_letters, means_other, other_letters
from indexing.language.pipeline import Language
from indexing.language.terminology import open_terminology

# The word between braces means something else there …
OTHER = """
Pain without {radiation}.
Low back pain, no {radiation} to the legs.
Epigastric discomfort with {radiation} into the back.
Pain 8/10. Denies {radiation}.
No {radiation} of the pain.
Distal {pulses} intact.
{Pulses} 2+ and symmetric.
Radial {pulse} 2+.
Femoral {pulse} absent, 120/80 by cuff.
Shingles from {T4} to T6.
Distal {pulse} intact, BP 120/80.
Given {pulse} steroids.
Dorsalis pedis {pulse} is palpable.
{T3} compression fracture.
Burst fracture of {T4}.
{T3}-T4 disc bulge.
{T4}-5 disc herniation.
Metastasis of the {T3} vertebral body.
Sensory level at {T4}.
Rectal cancer, {T3} N1 M0.
Clinical stage {T4}.
Colon cancer, T4 N1 {M0}.
Nonobstructive bowel {gas} pattern.
Impaired {gas} exchange.
Arterial blood {gas} was drawn.
No free {gas} under the diaphragm.
There is {gas} within the biliary tree.
Rapid {GAS} test.
Dictated by {AF}/md
Signed: {AF} MD
Electronically signed by J. {AF}, MD
{AF}/jt 12/03/2019
D: 01/02/2020 T: 01/03/2020 {MS}/ab
cc: {CF}, MD
Seen with Dr. {CF}.
Type 2 diabetes mellitus with nephropathy ({HCC})
Morbid obesity ({HCC}), chronic
CT chest {PE} protocol negative.
EXAM: BP 120/80. {MS}: Unresponsive to voice. CN: Eyes closed.
{MS}: Alert, oriented x3.
Skin: no rash. {MS}: no joint pain.
CTA chest {PE} study showing no clot.
Would like something to help her {quit smoking}.
He should {quit smoking} before surgery.
She is unable to {quit smoking}.
Interested in {quitting smoking}.
She was brought {back} to the ward.
The cultures came {back} negative.
We will see her {back} in two weeks.
Results are {back}.
He fell and hit the {back} of his head.
He walks 300 {feet} with a cane.
She is 5 {foot} 4.
Collapse of the femoral {head}.
Fracture of the {head} of the radius.
The {head} of bed is elevated.
Positioned under the C-{arm}.
Twenty minutes {face}-to-face.
Time spent face-to-{face} was long.
The middle {colic} artery was tied.
The right {colic} was spared.
"""
# … and its own here.
OWN = """
She {quit smoking} in 2007.
No {PE} on CT.
ASSESSMENT: {MS}: on Copaxone, stable.
Followed for {MS}, no relapse.
Was able to {quit smoking} last year.
Her {back} hurts.
Pain in the {back} since June.
Neck and {back} are tender.
He injured his lower {back}.
Rash on chest, {back}, and arms.
Both {feet} are numb.
Ulcer of the left {foot}.
3. {Foot} drop.
The {head} is atraumatic.
The left {arm} is weak.
The {face} is symmetric.
Renal {colic} on the left.
Completed {radiation} in 2019.
Hepatocellular carcinoma ({HCC}), not resectable.
{HCC} screening by ultrasound.
Cirrhosis with {HCC}.
Chemotherapy and {radiation} for lung cancer.
Palliative {radiation} to the right hip for painful metastases.
Bone pain treated with {radiation}.
No prior {radiation}.
{Radiation} to the prostate.
Abdominal pain and {radiation} enteritis.
Chest discomfort, {radiation} pneumonitis.
Neck pain, {radiation} to neck in 2010.
{Radiation} to the neck as a child.
{Radiation} to the arm for sarcoma.
{Pulse} weak and thready, 140.
{Pulse} present 110.
{PE}/dvt 3/4/2019
{AF}/chf 12/2019
{Pulse} 88.
{Pulse}: 72, regular.
Radial {pulse} 84.
Irregular {pulse}.
Free {T3} low.
{T3} uptake 32 %.
TSH and {T4} normal.
{T3}, T4 and TSH sent.
{T4} low, TSH high.
Total {T3} 80 ng/dL.
Passing {gas}.
Excess {gas} and bloating.
Passing {gas} in small amounts.
Complains of {gas} after dairy.
Patient in {AF}, MD aware.
New {AF}, MD.
Rapid {AF} with RVR.
Course complicated by {AF}.
CC: {CP}.
Reviewed {CT}.
Denies {SI}/hi.
{CP}/sob since Monday.
Read the {CT}.
Vital Signs: {BP} 140/80, HR 88.
"""


def _cases(text: str) -> list[tuple[str, int, int]]:
    found = []
    for line in text.strip().split("\n"):
        start, end = line.index("{"), line.index("}") - 1
        found.append((line.replace("{", "").replace("}", ""), start, end))
    return found


@pytest.mark.parametrize(("text", "start", "end"), _cases(OTHER))
def test_words_that_mean_something_else(text: str, start: int, end: int) -> None:
    assert means_other(text, start, end)


@pytest.mark.parametrize(("text", "start", "end"), _cases(OWN))
def test_words_that_mean_what_they_name(text: str, start: int, end: int) -> None:
    assert not means_other(text, start, end)


def test_initials_that_are_an_illness_elsewhere_too() -> None:
    assert other_letters("Dictated by PE/md") == [(12, 14)]
    assert other_letters("CT chest PE protocol negative.") == []  # its words stay


@pytest.mark.parametrize(("text", "start", "end"), _cases(OTHER))
def test_initials_and_payers_categories_are_told_from_words(
    text: str, start: int, end: int
) -> None:
    told = text[start:end] in ("AF", "MS", "CF", "HCC")
    assert other_letters(text) == ([(start, end)] if told else [])
    assert are_other_letters(text, start, end) == told
    assert not are_other_letters(text, start, end - 1)


@pytest.mark.parametrize(("text", "start", "end"), _cases(OWN))
def test_letters_that_mean_what_they_name(text: str, start: int, end: int) -> None:
    assert (start, end) not in other_letters(text)


@pytest.mark.parametrize("written", ["radiation", "pulse", "T3", "T4", "gas", "AF", "CP", "RA"])
def test_a_word_alone_is_its_name(written: str) -> None:
    assert not means_other(written, 0, len(written))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Chest pain without radiation.", "radiation therapy"),
        ("Distal pulses intact.", "heart rate"),
        ("Dictated by AF/md", "atrial fibrillation"),
        ("Cranial nerves II-XII grossly intact.", "optic nerve"),
        ("Cranial nerves II through XII intact.", "optic nerve"),
    ],
)
def test_the_matcher_leaves_them_out(text: str, name: str) -> None:
    assert name not in {span.name for span in Matcher(open_terminology()).find(text)}


@pytest.mark.parametrize(
    ("text", "words", "name"),
    [
        ("Cranial nerves II-XII grossly intact.", "Cranial nerves", "cranial nerve"),
        ("Glioma of cranial nerve II.", "cranial nerve II", "optic nerve"),
        ("Pulse 88.", "Pulse", "heart rate"),
        ("She completed radiation.", "radiation", "radiation therapy"),
    ],
)
def test_the_matcher_keeps_the_others(text: str, words: str, name: str) -> None:
    found = Matcher(open_terminology()).find(text)
    assert (words, name) in {(text[span.start : span.end], span.name) for span in found}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("Recently traveled to Peru.", True),
        ("No travel.", True),
        ("The pain travels down the leg.", False),
        ("She was a travel agent.", False),
        ("It will travel along the nerve.", False),
        ("Numbness that travels to the left foot.", False),
        ("The pain has traveled to his jaw.", False),
        ("The catheter travelled to the right arm.", False),
        ("He travels to Peru for his work.", True),
        ("He travels a lot.", True),
        ("He has back pain, travels a lot.", True),
        ("A burning pain that travels.", False),
        ("Chest pain after travel.", True),
        ("She recently travelled along the coast.", False),
    ],
)
def test_what_moves_is_no_journey(language: Language, text: str, named: bool) -> None:
    found = {mention.concept_id for mention in language.annotate(text).mentions}
    assert ("anm:travel" in found) is named


def test_the_loss_of_blood_that_is_estimated_is_no_bleeding(language: Language) -> None:
    found = {
        mention.concept_id for mention in language.annotate("Estimated blood loss 5 mL.").mentions
    }
    assert found == {"anm:estimated-blood-loss"}
