"""Limits in questions held against the numbers that notes give."""

from __future__ import annotations

import pytest

from indexing.language.pipeline import Language
from rankers.judge import answers, met
from rankers.meanings import MEASURED
from rankers.standing import AGAINST, FULLY, PARTLY, SILENT
from rankers.wants import Reader
from tests.notes import note

ANSWERED = [
    ("hemoglobin below 8", "Hemoglobin 7.1 g/dL.", "Hemoglobin 9.4 g/dL."),
    ("hemoglobin below 8 last year", "Hemoglobin 7.1 g/dL.", "Hemoglobin 9.4 g/dL."),
    ("hemoglobin below 8 in March 2023", "Hgb 7.1.", "Hgb 9.4."),
    ("hemoglobin less than 8 during hospital stay", "Hgb 7.1.", "Hgb 9.4."),
    ("glucose above 300 in the ED", "Glucose 410 in the ED.", "Glucose 110 in the ED."),
    ("height over 70 in", "Height 72 in.", "Height 150 cm."),
    ("K > 6", "Potassium 6.4.", "Potassium 4.1."),
    ("k+ > 6", "Potassium 6.4.", "Potassium 4.1."),
    ("mg < 1.5", "Magnesium 1.1.", "Magnesium 2.0."),
    ("magnesium < 1.5", "Mg 1.1.", "Mg 2.0."),
    ("vitamin d < 20", "25-OH vitamin D 12 ng/mL.", "25-OH vitamin D 41 ng/mL."),
    ("iron < 30", "Labs: serum iron 22 ug/dL.", "Labs: serum iron 88 ug/dL."),
    ("iron < 30", "Iron 22, ferritin 9.", "Iron 88, ferritin 200."),
    ("patients with iron < 30", "Serum iron 22.", "Serum iron 88."),
    ("vitamin b12 < 200", "B12 level 150.", "Vitamin B12 420."),
    ("b12 < 200", "Serum B12 150.", "Serum B12 420."),
    ("phosphate < 1", "Serum phosphate 0.8.", "Phos 3.2."),
    ("urea > 100", "Serum urea 140.", "BUN 12."),
    ("K > 6", "Serum potassium 6.4 mmol/L.", "Serum potassium 4.1 mmol/L."),
    ("Hgb < 7", "Blood hemoglobin 6.8 g/dL.", "Blood hemoglobin 9.8 g/dL."),
    ("oxygen < 88", "SpO2 84% on room air.", "SpO2 97% on room air."),
    ("temp > 38.5", "Temperature 102.8 F.", "Temperature 98.6 F."),
    ("temp > 38.5", "Vitals: T: 39.1, HR 100.", "Vitals: T: 36.9, HR 100."),
    ("fever > 38.5", "Temp 39.1.", "Temp 36.9."),
    ("no fever over 38.5", "Denies fever. Temp 36.9.", "Fever 39."),
    ("TSH in pregnancy > 4", "Pregnancy. TSH 6.2.", "Pregnancy. TSH 1.4."),
    ("creatinine in men > 1.5", "Creatinine 2.4.", "Creatinine 1.1."),
    ("platelets < 50k", "Plt 32,000.", "Plt 210,000."),
    ("platelets below 50,000", "Platelets 32 K/uL.", "Platelets 210."),
    ("wbc over 20", "WBC 24,100.", "WBC 7,200."),
    ("anc < 500", "ANC 0.3.", "ANC 4.2."),
    ("bp 180/110 or higher", "BP 190/120.", "BP 150/90."),
    ("bp 120/80 mmhg", "BP 120/80 mmHg.", "BP 190/100 mmHg."),
    ("dbp > 110", "BP 180/115.", "BP 190/100."),
    ("diastolic over 110", "Diastolic 120.", "Diastolic 80."),
    ("lung nodule 8 mm or larger", "Lung nodule measuring 1.2 cm.", "Lung nodule measuring 4 mm."),
    ("lung nodule larger than 8 mm", "Lung nodule 0.9 x 1.2 cm.", "Lung nodule 4 x 3 mm."),
    ("Na below 125", "Sodium 118.", "Sodium 140."),
    ("mg < 1", "Mg 0.8.", "Mg 2.0."),
    ("ca over 12", "Calcium 13.1.", "Calcium 9.2."),
    ("t > 39", "Temp 39.5.", "Temp 37.1."),
    ("EF 35-40%", "EF 38%.", "EF 60%."),
    ("women under 40 on methotrexate", "Takes methotrexate.", "Methotrexate was stopped."),
    ("BP over 180/110", "BP 190/100.", "BP 120/80."),
    ("systolic above 180", "BP 190/100.", "BP 120/80."),
    ("prednisone 20 mg or more", "On prednisone 40 mg daily.", "On prednisone 5 mg daily."),
    ("metoprolol 50 mg twice daily", "Metoprolol 50 mg BID.", "Metoprolol 25 mg BID."),
    ("ejection fraction 30 percent or less", "Ejection fraction 25%.", "Ejection fraction 60%."),
    ("hemoglobin dropped below 7", "Hgb 6.1.", "Hgb 9.4."),
    ("aneurysm over 1 cm", "Aneurysm 0.9 x 1.2 cm.", "Aneurysm 0.8 x 0.6 cm."),
    ("aneurysm larger than 5 cm", "Aneurysm of 6.1 cm.", "Aneurysm of 3.2 cm."),
    ("creatinine greater than or equal to 2", "Creatinine 2.4.", "Creatinine 1.0."),
    ("father died of MI before 50", "His father had an MI.", "He had an MI."),
    ("hemoglobin below 8", "Hemoglobin 7.1 g/dL.", "Hemoglobin A1c 7.2 %."),
    ("hemoglobin under 8 g/dL", "Hemoglobin 71 g/L.", "Hemoglobin 94 g/L."),
    ("hemoglobin below 8", "Hemoglobin 78 g/L.", "Hemoglobin 94 g/L."),
    ("hemoglobin above 10", "Hemoglobin 112 g/L.", "Hemoglobin 78 g/L."),
    ("hemoglobin below 80 g/L", "Hgb 7.2.", "Hgb 94."),
    ("glucose above 300", "Glucose 22.5 mmol/L.", "Glucose 9 mmol/L."),
    ("glucose above 10 mmol/L", "Glucose 410 mg/dL.", "Glucose 110 mg/dL."),
    ("creatinine over 2", "Creatinine 250 umol/L.", "Creatinine 90 umol/L."),
    ("bilirubin above 10", "Bilirubin 210.", "Bilirubin 60."),
    ("bilirubin above 10", "Bilirubin 14.2.", "Bilirubin 4."),
    ("bilirubin above 10", "Bilirubin 22, creatinine 1.1.", "Bilirubin 22, creatinine 95."),
    ("bilirubin above 10", "Glucose 110 mg/dL, bilirubin 14.", "Glucose 5.1, bilirubin 14."),
    ("creatinine over 2", "Creatinine 210.", "Creatinine 95."),
    ("glucose over 120", "Glucose (70-99) 140.", "Glucose (70-130) 95."),
    ("hemoglobin below 8", "Hgb (13.5-17.5) 7.8.", "Hgb 9.8 [6.5-17.5]."),
    ("A1c over 8", "A1c 80 mmol/mol.", "A1c 48 mmol/mol."),
    ("A1c over 10", "Goal A1c under 7; today 10.4 %.", "Goal A1c under 7; today 8.1 %."),
    ("A1c over 8", "A1c goal <7, now 8.4.", "A1c goal <7, now 7.4."),
    ("glucose below 40", "Glucose 32.", "Glucose 140."),
    ("glucose below 30", "Glucose 24 mg/dL.", "Glucose 140."),
    ("glucose over 22", "Glucose 28.", "Glucose 18."),
    ("calcium below 8", "Calcium 1.8 mmol/L.", "Ionized calcium 0.9, calcium 9.6."),
    ("creatinine between 20 and 120", "Creatinine 1.1.", "Creatinine 4."),
    ("fever over 101", "Fever of 39.5 C.", "Fever of 37.9."),
    ("temperature over 38", "Temperature 101.2.", "Temperature 98.6."),
    ("temperature over 101 F", "Temperature 39.5 C.", "Temperature 37.2."),
    ("troponin over 0.03", "Troponin 0.4.", "Troponin <0.04."),
    ("hemoglobin below 8", "Hemoglobin 2 days ago was 7.1.", "Hemoglobin 2 days ago was 9.1."),
    ("A1c between 7 and 8", "A1c came down from 9.1 to 7.9.", "A1c 9.1 %."),
    ("EF under 30 %", "Ejection fraction of 20-25 %.", "EF went from 25% to 50%."),
    ("potassium over 6", "CK 48,000, K 6.4, Cr 4.1.", "CK 300, K 4.0, Cr 0.9."),
    ("INR over 4", "INR today 5.2.", "INR 2.1."),
    ("metoprolol 200 mg", "Metoprolol succinate 200 mg daily.", "Metoprolol tartrate 25 mg."),
    ("hemoglobin above 6 and below 8", "Hgb 7.1.", "Hgb 9.4."),
    ("hemoglobin above 6 and below 8", "Hgb 7.1.", "Hgb 5.4."),
    ("hemoglobin under 8 but over 6 g/dL", "Hgb 71 g/L.", "Hgb 8.0."),
    ("INR > 2 and < 3", "INR 2.5.", "INR 3.0."),
    ("INR >= 2, <= 3", "INR 3.0.", "INR 3.4."),
    ("hyperkalemia > 5.5", "Hyperkalemia. K 5.9.", "Hyperkalemia. K 5.2."),
    ("hyponatremia < 120", "Na of 118.", "Sodium 131, hyponatremia."),
    ("hypoglycemia under 40", "Glucose 32.", "Glucose 62."),
    ("anemia under 7", "Anemia, Hgb 6.4.", "Anemia, Hgb 9.4."),
    ("tachycardia over 120", "Tachycardia. HR 143.", "Tachycardia. HR 104."),
    ("thrombocytopenia under 50", "Plt 32.", "Plt 90, thrombocytopenia."),
    ("pack years > 20", "Smokes, 30 pack-years.", "Smokes, 10 pack-years."),
    ("ef 35-40", "LVEF 38%.", "LVEF 62%."),
    ("wbc 12-15", "WBC of 12.4 (H).", "WBC of 4.1."),
    ("psa > 4", "PSA 6.1.", "PSA 0.4."),
    ("K over 3 but under 5", "K 4.1.", "K 2.4."),
    ("INR < 2 or > 3", "INR 5.2.", "INR 2.5."),
    ("INR < 2 or > 3", "INR >8.", "INR 2.5."),
    ("sats below 88% on room air", "O2 sat on RA 85%.", "Oxygen saturation on room air: 98%."),
    ("hematocrit < 25", "Hemoglobin and hematocrit 7.1 and 21.", "Hgb and Hct 15.3 and 46.5."),
    ("hemoglobin < 8", "Hemoglobin and hematocrit 7.1 and 21.", "Hgb and Hct 15.3 and 46.5."),
    ("hemoglobin < 8", "HGB 7.9 L", "HGB 9.4 L"),
    ("potassium > 6", "Potassium H 6.1.", "Potassium H 5.6."),
    ("random urine sodium < 20", "Random urine sodium 12.", "Urine sodium 80."),
    ("3 < K < 5", "K 4.1.", "K 2.6."),
    ("3 < K < 5", "K 4.1.", "K 5.6."),
    ("120 >= systolic BP >= 90", "BP 104/60.", "BP 150/90."),
    ("INR below 2 and above 3", "INR 1.2.", "INR 2.5."),
    ("prednisone 20 mg or more but less than 60 mg", "Prednisone 40 mg.", "Prednisone 60 mg."),
    ("prednisone 60 mg", "Prednisone 60 mg daily.", "Prednisone 5 mg; it was 60 mg in March."),
]


@pytest.mark.parametrize(("query", "right", "wrong"), ANSWERED)
def test_right_and_wrong(
    language: Language, reader: Reader, query: str, right: str, wrong: str
) -> None:
    wants = reader.read(query)
    assert answers(note(language, right), wants) > SILENT
    assert answers(note(language, wrong), wants) == AGAINST


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("potassium > 6", "Potassium 10 mEq daily."),
        ("potassium > 6 mmol/L", "Potassium 20 mEq daily."),
        ("birth weight under 1500 g", "Birth weight 7#10oz."),
    ],
)
def test_a_dose_or_pounds_and_ounces_are_no_such_number(
    language: Language, reader: Reader, query: str, text: str
) -> None:
    wants = reader.read(query)
    assert SILENT < answers(note(language, text), wants) < FULLY
    assert not met(note(language, text), wants)


def test_another_fluid_tells_nothing_of_the_blood(language: Language, reader: Reader) -> None:
    wants = reader.read("glucose < 40")
    assert answers(note(language, "CSF glucose 30."), wants) == SILENT
    assert answers(note(language, "CSF glucose 90. Serum glucose 30."), wants) == FULLY
    salt = note(language, "Sodium 138. His random stool sodium was low at 12.")
    assert answers(salt, reader.read("sodium < 125")) == AGAINST


@pytest.mark.parametrize(
    ("query", "right", "other"),
    [
        ("GCS 3", "GCS 3.", "GCS 15."),
        ("Gleason 7", "Gleason score 3 + 4 = 7.", "Gleason 3+3=6."),
        ("FEV1 1.93", "FEV1 1.93 L.", "FEV1 3.76."),
        ("hemoglobin of 7", "Hemoglobin 7.0.", "Hemoglobin 9.5."),
        ("heart rate is 150", "Heart rate 150.", "Heart rate 67."),
    ],
)
def test_a_number_alone_comes_first_and_hides_nothing(
    language: Language, reader: Reader, query: str, right: str, other: str
) -> None:
    wants = reader.read(query)
    assert answers(note(language, right), wants) == FULLY
    assert answers(note(language, other), wants) == PARTLY
    assert not met(note(language, other), wants)


@pytest.mark.parametrize(
    "query", ["troponin x 3", "creatinine in 2020", "creatinine 2020", "glucose 2 hours after meal",
              "hemoglobin A1c", "EF 35-40", "blood pressure 120/80"],
)  # fmt: skip
def test_not_every_number_behind_a_name_is_one_of_it(reader: Reader, query: str) -> None:
    assert not any(want.bound and want.bound.bare for want in reader.read(query).wants)


@pytest.mark.parametrize("query", sorted({query for query, _, _ in ANSWERED}))
def test_a_note_about_something_else_is_silent(
    language: Language, reader: Reader, query: str
) -> None:
    other = note(language, "Sprained ankle, elastic bandage applied.")
    assert answers(other, reader.read(query)) <= SILENT


@pytest.mark.parametrize(
    "query", ["falls in patients over 80", "falls age over 80", "falls in men older than 65"]
)
def test_an_age_is_no_number_of_what_it_stands_beside(
    language: Language, reader: Reader, query: str
) -> None:
    wants = reader.read(query)
    assert wants.unheld
    assert answers(note(language, "Falls at home."), wants) == FULLY
    assert answers(note(language, "Denies falls."), wants) == AGAINST


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("cough > 3 wks", "Cough for 2 months."),
        ("headache over 1 month", "Headache for 2 years."),
        ("chest pain longer than 30 min", "Chest pain for 1 hour."),
        ("pneumonia 65 years or older", "Pneumonia for 2 days."),
        ("pneumonia over 70 yo", "Pneumonia for 2 days."),
        ("CA 19-9 over 100", "CA 19-9 was 250."),
        ("creatinine in men over 70", "Creatinine 2.4."),
        ("hypoglycemia more than 3 times a week", "Hypoglycemia, 2 today."),
        ("hemoglobin drop > 2", "Hemoglobin fell to 1.9."),
        ("creatinine rise of more than 3", "Creatinine 2.8."),
    ],
)
def test_a_limit_of_something_else_is_held_against_no_number(
    language: Language, reader: Reader, query: str, text: str
) -> None:
    wants = reader.read(query)
    assert wants.unheld
    assert answers(note(language, text), wants) == FULLY


@pytest.mark.parametrize(
    "query", ["K > 3 or < 5", "BMI over 30 and under 65 years", "INR > 2 and > 3"]
)
def test_two_limits_that_make_no_condition_stay_two(reader: Reader, query: str) -> None:
    wants = reader.read(query)
    assert len(wants.bounds) == 2
    assert wants.unheld


@pytest.mark.parametrize(
    ("query", "text"),
    [("iron > 100", "Iron 325 mg daily."), ("vitamin d > 50", "Takes vitamin D 2000 units daily.")],
)
def test_a_dose_is_no_measurement(
    language: Language, reader: Reader, query: str, text: str
) -> None:
    assert answers(note(language, text), reader.read(query)) == PARTLY


@pytest.mark.parametrize(
    "query",
    ["urine protein > 3", "alcohol more than 3 drinks", "oxygen over 4 l", "eye pressure > 30"],
)
def test_what_is_measured_elsewhere_or_taken_is_no_level(reader: Reader, query: str) -> None:
    (want,) = reader.read(query).wants[:1]
    assert want.meaning.kind not in MEASURED


def test_the_latest_value_stands_behind_short_names_too(language: Language, reader: Reader) -> None:
    wants = reader.read("most recent creatinine")
    for told in ("Results: Cr 1.01, Plt 237.", "Cr of 1.01.", "Creatinine fell with fluids."):
        assert answers(note(language, told), wants) == FULLY
    assert answers(note(language, "Labs today, will call with results."), wants) == SILENT


def test_years_behind_a_measured_name_are_no_range(reader: Reader) -> None:
    assert not reader.read("troponin 2019-2020").bounds


def test_how_often_a_dose_is_taken_is_no_word_that_a_note_must_hold(reader: Reader) -> None:
    for query in ("metoprolol 50 mg twice daily", "aspirin 81 mg every day"):
        assert reader.read(query).covered == 1


def test_a_time_tells_nothing_of_a_number_without_a_unit(
    language: Language, reader: Reader
) -> None:
    wants = reader.read("lung nodule > 8")
    assert answers(note(language, "Lung nodule, 12 weeks now."), wants) == PARTLY


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("pregnant over 35", "22 yo, pregnant at 12 weeks, pregnant: 30 pounds gained."),
        ("pregnant > 35", "Pregnant, 30 pounds gained."),
        ("stroke under 45", "Stroke 90 minutes ago."),
        ("pancreatitis under 30", "Pancreatitis, 40 pounds lost."),
        ("smokers over 50 and under 70", "Current smoker, 20 a day."),
        ("hypertension under 40", "Hypertension, 160/90 today."),
        ("colonoscopy 50 or older", "Colonoscopy to 30 cm."),
        ("leukemia under 18", "Leukemia, 40 % blasts."),
        ("elderly over 80 on warfarin", "Takes warfarin 5 mg."),
    ],
)
def test_a_bare_limit_of_what_is_not_measured_is_an_age(
    language: Language, reader: Reader, query: str, text: str
) -> None:
    wants = reader.read(query)
    assert wants.unheld
    assert answers(note(language, text), wants) == FULLY


@pytest.mark.parametrize(
    "query",
    ["hyperkalemia over 6", "hypoglycemia under 40", "neutropenia < 1", "fever over 39", "pain > 7",
     "lung nodule > 8", "carotid stenosis over 70", "anemia under 7", "hypertension over 180"],
)  # fmt: skip
def test_what_numbers_are_told_of_keeps_its_limit(reader: Reader, query: str) -> None:
    (want,) = reader.read(query).wants
    assert want.bound is not None


def test_a_limit_holds_no_or(reader: Reader) -> None:
    assert not reader.read("asthma and gout 40 or under").either
    assert reader.read("asthma or gout 40 or under").either


def test_one_number_of_a_pressure_is_not_the_other(language: Language, reader: Reader) -> None:
    for query, text in (("dbp > 110", "SBP 190."), ("systolic over 180", "DBP 190.")):
        assert answers(note(language, text), reader.read(query)) < FULLY


@pytest.mark.parametrize("query", ["bilirubin above 10", "bilirubin below 1"])
@pytest.mark.parametrize("told", [
    "Bilirubin 14.", "Bilirubin 14, glucose 5.1, creatinine 1.1.",
    "Bilirubin 14, hemoglobin 13.2 g/dL.", "Bilirubin 14, temperature 37.2.",
])  # fmt: skip
def test_a_number_that_could_be_of_either_unit_is_not_compared(
    language: Language, reader: Reader, query: str, told: str
) -> None:
    assert answers(note(language, told), reader.read(query)) == PARTLY
