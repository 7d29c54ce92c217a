"""Where words that look like a cue are none, by what follows: "past 2 years" is no history, nobody
has run "out of" breath, and what one cannot take is another matter than what one cannot do."""

from __future__ import annotations

from typing import Final

# Behind "past": a stretch of time up to now, "past 2 years", is no history.
NO_SPAN: Final = (
    r"(?! (?:\d+|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|few|several|couple|"
    r"days?|weeks?|months?|years?)\b)"
)
# Behind "negative": what is so called and denies nothing.
NO_SIGN: Final = (
    r"(?! (?:pressure|margins?|symptoms?|feedback|ions?|head|chest|ct|cta|mri|mra|x-?ray|cxr|scan|"
    r"echo|ekg|ecg|ultrasound|us|biopsy|stress|cath)\b)"
)
# "Unfit for consumption", "not fit for duty": what no one is treated with.
NO_CARE: Final = (
    r"(?! for (?:(?:human|public|active|military|full|light|any|the|a|an) )*(?:consumption|"
    r"drinking|eating|use|usage|duty|work|school|sports?|travel|flying|driving|sale|habitation|service|"
    r"insurance|medicare|medicaid|benefits)\b)"
)
# Behind "out of": what no one has run out of.
_NO_PLACE: Final = (
    r"(?! (?:bed|breath|control|range|proportion|hospital|state|town|network|work|school|pocket|"
    r"date|reach|wedlock|body|phase|place|shape|focus|the|a|an|it|this|that)\b)"
)
OUT_OF: Final = (
    r"(?:^|(?<=\bis )|(?<=\bwas )|(?<=\bbeen )|(?<=\bnow )|(?<=\bpt )|(?<=\bpatient )|"
    rf"(?<=\bpatients ))out of{_NO_PLACE}"
)
# Not "cannot take aspirin", nor "can't afford insulin".
UNABLE: Final = (
    r"(?:(?:unable|not able|inability) to|can(?:not|['’]t))"
    r"(?! (?:tolerate|take|afford|be|exclude|rule)\b)"
)
