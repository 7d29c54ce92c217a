"""What a patient was only near."""

from __future__ import annotations

import pytest

from tests.unit.test_assertion import judge

SENTENCES = """
Exposed to {TB|hypothetical} at the shelter, no {cough|negated}.
Exposed at work to known active {tuberculosis|hypothetical}.
{TB|hypothetical} exposure 2 months ago, PPD pending.
Exposure to {influenza|hypothetical} at daycare, now with {fever|present}.
Exposures: {pertussis|hypothetical}. {Cough|present} for a week.
Contact with {COVID|hypothetical} at work.
{Scabies|hypothetical} contacts at home, {pruritus|present}.
{HIV|hypothetical}-exposed infant with {jaundice|present}.
Exposed to {measles|hypothetical}, {mumps|hypothetical} or {rubella|hypothetical}.
Exposed to {COVID|present}, now {COVID|present} positive.
Exposed to {COVID|present} last week, tested positive yesterday.
Contact with {COVID|present}, rapid swab positive.
{COVID|present} exposure at work. Home test was positive.
{Influenza|present} exposure and positive flu swab.
Exposed to {scabies|present} at school and caught it.
Exposed to {COVID|hypothetical} positive coworker, no symptoms.
Exposed to {COVID|hypothetical}, tested negative.
Denies {TB|negated} exposure.
No known exposure to {COVID-19|negated}.
Exposed to {asbestos|present} for 20 years.
{TB|present} with exposure of household members.
{Influenza|present}, contact precautions.
{HIV|present} contact us with any question.
{COVID|present} exposure and infection last week.
Exposed to {COVID|present} last week and now COVID+.
Exposed to {flu|present}, swab came back +.
{HIV|present} exposure, 4th gen Ag/Ab reactive.
{HIV|hypothetical} exposure, Ag/Ab non-reactive.
Exposed to {TB|present}, IGRA positive.
Exposed to {TB|present} 2010, treated for latent TB.
Exposed to {chlamydia|present}; NAAT resulted positive.
Exposed to {COVID|hypothetical}, now + cough.
Exposed to {COVID|hypothetical} by a colleague who tested positive.
Exposed to {COVID|hypothetical}, son has it.
Exposed to {COVID|present} by wife, pt tested positive today.
Exposed to {TB|hypothetical}, never treated for it.
{Hep C|present} exposure, VL 2 million.
{HIV|present} exposure, viral load: 50,000.
{Hep C|hypothetical} exposure, VL <20.
{HIV|hypothetical} exposure, viral load 0.
Exposed to {TB|hypothetical}. Wife's PPD positive.
Exposed to {TB|present}. Patient's PPD positive.
Exposed to {HCV|hypothetical}, partner's VL 2 million.
{HBV|hypothetical} exposure, source patient's antigen positive.
Family exposed to {scabies|present} by pt.
{C diff|present} contact plus precautions.
{RSV|present} contact/droplet precautions.
{VRE|present} contact iso maintained.
Isolation: {MRSA|present} contact.
{TB|present} contact investigation started.
{Scabies|present} contacts all treated.
{COVID|present} exposed staff tested.
===
PMH: {HIV|present}
Exposures: none
===
PMH: {HIV|present}
Contact: daughter
===
Exposed to
{TB|hypothetical} at work
"""


@pytest.mark.parametrize("marked", [
    marked
    for group, *notes in [SENTENCES.strip().split("\n===\n")]
    for marked in (*group.splitlines(), *notes)
])  # fmt: skip
def test_what_others_had_is_a_risk(marked: str) -> None:
    for words, expected, found in judge(marked):
        assert found.assertion == expected, words
