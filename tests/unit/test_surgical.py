"""Surgical shorthand, and what is done only if something comes to pass."""

from __future__ import annotations

import pytest

from indexing.language.surgical import days_after
from tests.unit.test_assertion import judge

BEHIND = """
s/p {cholecystectomy|historical}, {appendectomy|historical}, {hysterectomy|historical}
s/p {ex lap|historical}, {LOA|historical} for {SBO|historical} on 3/4, {ileus|present}.
S/P {CABG|historical} x4, {AVR|historical}, {hypertension|present}, {diabetes|present}.
s/p {prostatectomy|historical}, {radiation proctitis|present}.
s/p {stent|historical}, {stent thrombosis|present}.
s/p {CABG|historical}, {pacemaker|present} interrogated today.
s/p {tracheostomy|historical}, requires another {bronchoscopy|present}.
s/p {TKR|historical}, {arthroplasty|hypothetical} planned on the left.
S/p {TKR|historical} c/b {infection|present}.
s/p {stroke|historical} w/ residual {hemiparesis|present}.
s/p {fall|historical} from a ladder with {rib fractures|present}.
Status post {MVA|historical} w/ {femur fracture|present}.
s/p {fall|historical} with no {LOC|negated}.
s/p {injury|historical} with subsequent {knee replacement|historical}.
s/p {hernia repair|historical} with {mesh|historical}.
POD #2 from {CABG|historical}, {afib|present} with RVR.
POD2 {TKA|historical}, {pain|present} controlled.
POD#3 after {THA|historical} with {wound drainage|present}.
POD#3 after {hernia repair|historical} with {mesh|historical}.
Post-op day 3 of {hernia repair|historical}, {ileus|present}.
POD2 {fever|present} to 39.
Post-op day 3, {nausea|present}.
"""
ONLY_IF = """
{LP|hypothetical} if {headache|hypothetical} worsens.
Repeat {CT head|hypothetical} if {vomiting|hypothetical}.
Start {heparin|hypothetical} if {DVT|hypothetical} confirmed.
Start {heparin|hypothetical} gtt if {DVT|hypothetical} confirmed.
{Chest pain|present} if he climbs stairs.
Takes {ibuprofen|present} 400 mg if {pain|hypothetical}.
Initiate {meloxicam|present} 15 mg once daily.
Repeat {CT|present} if you don't mind.
Had {MRI|present} if I recall.
"""
ADVICE = """
Go to the nearest ER for {chest pain|hypothetical} or {syncope|hypothetical}.
Seek immediate medical attention for {weakness|hypothetical}.
Seek care right away for {numbness|hypothetical}.
Monitor the incision for {redness|hypothetical}. {Pain|present} is mild.
You may experience {dizziness|hypothetical}.
You can expect some {bruising|hypothetical}.
Would recommend starting {aspirin|hypothetical}.
She should return for worsening {pain|hypothetical}.
She should return for follow-up of her {diabetes|present}.
Notify MD for {fever|hypothetical}.
RTED for {syncope|hypothetical}.
Educated on signs of {sepsis|hypothetical}.
Please report any {bleeding|hypothetical}.
It is normal to have some {cramping|hypothetical}.
{Heparin|present} drip, hold for {bleeding|hypothetical}.
On a 72-hour hold for {psychosis|present}.
Would add {cefepime|hypothetical}; agree with {vancomycin|present}.
Would meet criteria for {major depression|hypothetical} in a week.
"""


@pytest.mark.parametrize("marked", [
    line for each in (BEHIND, ONLY_IF, ADVICE) for line in each.strip().splitlines()
])  # fmt: skip
def test_what_is_behind_and_what_is_to_come(marked: str) -> None:
    for words, expected, found in judge(marked):
        assert found.assertion == expected, words


def test_the_cue_is_the_day_and_the_if() -> None:
    ((_, _, over),) = judge("POD#2 from {CABG|historical}.")
    ((_, _, asked),) = judge("{LP|hypothetical} if worse.")
    assert [each.cue and each.cue.text for each in (over, asked)] == ["POD#2 from", "if"]
    assert [*days_after("tripod 2 from, post-op note")] == []
