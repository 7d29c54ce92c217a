"""Where the list of a denial ends before its sentence does: at a new clause, at a finding that has
a grade, a size or a word of its own, at what is only pending or possible."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

from indexing.language.persistence import is_chronic

# A new clause: its own subject and verb, or a finding of its own. It ends a denial's list.
_CLAUSE: Final = re.compile(
    r"(?:[,;—–]|\band\b|\bbut\b|[ ]-)[ ]*(?:and[ ]+|but[ ]+|also[ ]+|now[ ]+){0,4}"
    # "No adhesions, and the omentum was swept away".
    r"(?:the[ ](?:[a-z-]+[ ]){1,3}(?:is|are|was|were|has|have|had|appears?|appeared)\b|"
    r"(?:(?!(?:that|which|who|n?or)\b)[a-z]+[ ]){1,3}(?:persists?|continues?|remains?|worsened|"
    r"(?:has|have|is|are)[ ]+(?:improv(?:ed|ing)|worsen(?:ed|ing)|better|worse|stable|unchanged|"
    r"controlled|persistent|ongoing))\b|"
    # "No problems with amoxicillin, penicillin causes hives".
    r"(?<=[,;][ ])(?:(?!(?:that|which|who|n?or|and|no|not)\b)[a-z]+[ ]){1,3}"
    r"(?:causes|caused|gives|gave)[ ](?!by\b)|"
    r"(?<=[,;][ ])(?:(?!(?:that|which|who|n?or|and|no|not|without|with|is|are|than|over|least|"
    r"exceeding|within)\b)[a-z]+[ ]){1,3}"
    r"(?:(?:improving|worsening|resolving|stable|unchanged|better|worse)"
    r"(?=[ ]*(?:$|[.;)]|(?:but|on|since|after|overall|today|with|now|over)\b))|"
    # What has a grade, a size or a duration of its own is there.
    r"(?:grade|stage|class)[ ](?:[1-5]|[a-d]|i{1,3}|iv)\b|[1-4]\+|(?:[1-9]|10)/10\b|"
    r"\d{1,3}(?:\.\d)?[ ]?[cm]m\b|"
    r"(?:mild|moderate|minimal)(?=[ ]*(?:$|[.,;)])))|"
    r"(?:(?!(?:that|which|who|n?or|on|in|at|of|with|to|for|no)\b)[a-z]+[ ]){1,3}"
    r"(?:clear|intact|normal|regular|symmetric(?:al)?|unremarkable|active|supple|[0-4]\+)"
    r"(?=[ ]*(?:$|[^\w ]|(?:and|bilaterally|throughout|to|in|on|x|with|at|without)\b))|"
    r"(?:(?!n?or\b)[a-z]+[ ]){1,2}(?:of|to)[ ]\d|"
    # "Without ectopy, respiratory rate 20": the next thing counted.
    r"(?<=[,;][ ])(?:temp(?:erature)?|pulse|resp(?:irations?|iratory rate)?|heart rate|bp|"
    r"blood pressure|weight|sats?|oxygen saturation)[ ](?:(?:is|was|of|at|rate)[ ])*\d|"
    r"(?:(?:he|she|they|it|there|this|which|who|(?:the[ ]|this[ ])?(?:patient|pt)|his|her)[ ]+)?"
    r"(?:also[ ]+|now[ ]+|then[ ]+|currently[ ]+|still[ ]+|has[ ]+been[ ]+)?"
    r"(?:is|are|was|were|has|have|had|presents|presented|reports?|reported|states?|stated|"
    r"complains?|complained|endorses|endorsed|notes|noted|admits|admitted|describes|described|"
    r"developed|develops|continues?|continued|feels|felt|takes|taking|uses|using|start(?:ed|s)?|"
    r"remains|appears|appeared|shows|showed|showing|demonstrates|revealed|reveals|reporting|found|"
    r"came|went|will|can|does|did|gets|got|having|smokes|drinks|experiences|experienced|"
    r"underwent|proceeded|elected|agreed|opted|decided|received|requires|lives|works|sounds|seems|tolerated|tolerating|begins|began|"
    r"exhibits|suffers|says|said|improved|improving|responded|present|treated|given|"
    r"positive|pos|with(?![ ]+(?:no|any))|status)\b"
    r"|(?:the[ ]+|an?[ ]+|some[ ]+|mildly[ ]+|moderate(?:ly)?[ ]+|bilateral[ ]+|otherwise[ ]+|"
    r"grossly[ ]+|slightly[ ]+|very[ ]+|still[ ]+|generally[ ]+|now[ ]+|her[ ]+|his[ ]+|new[ ]+)?"
    r"(?:normal|normally|normocephalic|intact|clear|soft|supple|regular|alert|awake|oriented|stable|"
    r"warm|moist|well|good|full|symmetric(?:al)?|equal|reactive|non-?tender|non-?distended|"
    r"(?P<sign>mild|mod(?:erate)?|minimal|slight|tiny|scattered|"
    r"small(?![ ](?:bowel|joint|vessel|cell|airway|fiber))|elevated|increased|decreased|"
    r"reduced|diminished|occasional|intermittent|persistent|worsening|ongoing|several|numerous|"
    r"[1-6]/6)|trace|\+|[1-4]\+|\(\+\)|unchanged|well-controlled|controlled|"
    r"healthy|pleasant|comfortable|cooperative|within[ ]normal[ ]limits|wnl|s1|family[ ]history|"
    r"past[ ]medical[ ]history|history[ ]of|gait|pupils)(?![\w]))"
)
# "Nothing to suggest PE, DVT present": of two things the second is there. "No pallor, icterus,
# edema present" denies its whole list.
_IS_THERE: Final = re.compile(
    r"[^,;:()]*,[ ](?P<there>(?!n?or\b|and\b)(?:(?!n?or\b|and\b|no\b)[a-z/-]+[ ]){1,3}"
    r"(?:present|(?:is|was)[ ](?:present|noted|seen|found|identified|positive|confirmed)))"
    r"[ ]*(?=$|[.;,)]|\bin\b|\bon\b|\bat\b|\bof\b|\btoday\b)"
)
# "No LOC, vomiting x 3", "no prior stroke, TIA in 2015": what has a count or a day of its own came
# to pass.
_UNIT: Final = r"(?:h|hrs?|hours?|d|days?|nights?|wks?|w|weeks?|mos?|months?|y|yrs?|years?)"
_YEAR: Final = r"\(?(?:19|20)\d\d\b"
# Not "no cyanosis x 4" (limbs) nor "no DVT x 2 studies", but "vomiting x 3 since noon".
_COUNTED: Final = (
    r"x[ ]?1?[1-9](?=[ ]*(?:$|[.,;)]|(?:episodes?|times|today|yesterday|overnight|tonight|earlier|"
    r"since|this|last|at|on|in|after|over|per|prior|before|during|while|relieved|treated|given|and|"
    r"nonbloody|loose|daily|nightly|weekly)\b))"
)
_CAME_TO_PASS: Final = re.compile(
    r"(?P<item>,[ ](?:and[ ])?(?!(?:cyanosis|clubbing|edema|deformit[a-z]+)[ ]x[ ]?[24]\b)"
    r"(?:(?!(?:n?or|and|no|not|without|but|than|over|least|on|at|by|with|during|from|since|until|"
    r"before|after|per)\b)[a-z/&'-]+[ ]){1,4}?)"
    rf"(?:{_COUNTED}|(?P<lasts>x[ ]?\d{{1,2}}[ ]?{_UNIT}\b)|"
    rf"(?P<year>in[ ](?:[a-z]{{3,9}}[ ])?{_YEAR})|{_YEAR}|"
    rf"(?:\d{{1,2}}|two|three|four|five|several|many)[ ]{_UNIT}[ ]ago|"
    r"at birth|(?P<age>at (?:the )?age (?:of )?\d)|\d{1,3}[ ]?%)"
    r"(?!(?:,[ ](?:(?!n?or\b)[a-z-]+[ ]?){1,3}){0,5},?[ ]n?or\b)"
)
_DIGIT: Final = re.compile(r"\d")
_NEAR: Final = 40  # code points behind an item in which its count or day stands
# "Never smoker with lung cancer".
_SMOKER: Final = re.compile(r"[ -](?:smoker|drinker)(?=,|[ ](?:with|who|presenting)\b)")
# "No admissions, flares in 2024": of several things, in all that time none.
# "CT without contrast: pneumonia": only what was not given.
_CONTRAST: Final = re.compile(
    r"[ ](?:(?:any|iv|intravenous|oral)[ ])*contrast(?:[ ](?:material|enhancement|agent|medium))?"
    r"(?=[ ]?:|[ ](?:shows?|showed|showing|demonstrates?|demonstrated|reveals?|revealed)\b)"
)
_PLURAL: Final = re.compile(r".*[a-z](?<![ius])s ")
_EARLIER: Final = re.compile(r".*\b(?:prior|previous|past|history|hx|h/o|never)\b.*")
# "Negative for malignancy, atypia noted".
_NOTED: Final = re.compile(
    r"[^,;:()]*,[ ](?P<there>(?!n?or\b|and\b)(?:(?!n?or\b|and\b|no\b)[a-z/-]+[ ]){1,3}"
    r"(?:(?:is|was)[ ])?(?:present|noted|seen|found|identified|confirmed))[ ]*(?=$|[.;,)])"
)
# "No fever, elevated mood or weight gain": a list that goes on with "or" is still the denial's.
_GOES_ON: Final = re.compile(r"[^;:]{0,80}?\b(?:or|nor)\b")
# "Negative for PE, pneumonia pending", "no stroke, TIA possible": the last item is in doubt.
_OPEN: Final = re.compile(
    r"(?:(?:still|is|are|remains?)[ ])*(?P<word>pending|possible|likely|probable|suspected)\b"
    r"(?P<last>[ ]*(?:$|[.,;)]|(?:on|at|given|per|today|now|but|by)\b))?"
)
_ITEM: Final = re.compile(
    r",[ ](?:and[ ])?(?:(?!(?:n?or|no|and|not|without)\b)[a-z0-9/-]+[ ]){1,3}$"
)
# "No fever, cough x3d": the cough's, or how long there was neither. More items than two before it,
# or "or" between them, share the denial, and so does what is denied by a word for the whole
# history.
_LASTING: Final = re.compile(
    r"(?:[ ][a-z0-9/-]+){1,3}"
    r"(?P<second>,(?:[ ](?!(?:n?or|and|no|not|nor|without)\b)[a-z/-]+){1,3})"
    r"[ ](?P<how>x[ ]?\d{1,2}(?:-\d{1,2})?[ ]?"
    r"(?:h|hrs?|hours?|d|days?|wks?|w|weeks?|mos?|months?|(?P<years>y|yrs?|years?)))(?![a-z0-9/-])"
    # A list that goes on and ends with "or" is all denied; "worse with cold or damp" is no item.
    r"(?!(?:,[ ](?!(?:wors|bett|after|when|with|no\b))[a-z/-]+(?:[ ](?!n?or\b)[a-z/-]+){0,2}){0,5}"
    r",?[ ]n?or\b)"
)
_BARE_NO: Final = frozenset({"no", "no known", "with no", "w/ no"})
_FAR: Final = 90  # code points in which a duration follows


def lasting(folded: str, cue: tuple[int, int], last: int) -> tuple[int, int, int] | None:
    """Return where the second of two things behind the "no" at `cue` begins that a duration
    follows, and which words tell it; None for none."""
    if folded[slice(*cue)] not in _BARE_NO:
        return None
    if folded.find(" x", cue[1], min(last, cue[1] + _FAR)) < 0:
        return None
    match = _LASTING.match(folded, cue[1], last)
    if match and match["years"] and not is_chronic(match["second"]):
        return None  # "no alcohol, tobacco x 10 years"
    return (match.start("second"), *match.span("how")) if match else None


def there(folded: str, cue: tuple[int, int], last: int, end: int) -> int:
    """Return where, before `end`, begins what stands in the list of the denial at `cue` and yet is
    said to be present or to have come to pass; `end` for none."""
    said = _NOTED if folded.startswith("neg", cue[0]) else _IS_THERE
    match = said.match(folded, cue[1], last)
    if match:
        return match.start("there")
    if folded.startswith("never", cue[0]):
        smoker = _SMOKER.match(folded, cue[1], last)
        end = smoker.end() if smoker else end
    bare = _CONTRAST.match(folded, cue[1], end)
    if bare:
        return bare.end()
    near = min(last, end + _NEAR)
    if _DIGIT.search(folded, cue[1], near) is None and not any(
        folded.find(word, cue[1], near) >= 0 for word in (" ago", "at birth")
    ):  # plain searches first: asked of every denial
        return end
    prior = _EARLIER.fullmatch(folded, *cue) is not None
    for came in _CAME_TO_PASS.finditer(folded, cue[1], last):
        if came.start() >= end:
            break
        if came["lasts"]:  # "no flashes or floaters, blurry vision x 1 wk": "or" has ended the list
            told = folded.find(" or ", cue[1], came.start()) >= 0
        elif came["age"]:
            told = prior
        else:
            told = prior or came["year"] is None or _PLURAL.fullmatch(came["item"]) is None
        if told:
            return came.start()
    return end


def left_open(
    folded: str, start: int, end: int, last: int, doubts: Sequence[int]
) -> tuple[int, tuple[int, int] | None]:
    """Return where the denied list `[start, end)` of a sentence up to `last` ends without a last
    item that is pending, possible or likely, or that a cue at one of `doubts` doubts; and which
    words say so of it, where no cue does."""
    i = bisect_left(doubts, start)
    if i < len(doubts) and doubts[i] <= end:
        comma = folded.rfind(",", start, doubts[i])
        if comma >= 0 and _ITEM.match(folded, comma, doubts[i]):
            return comma, None
    word = _OPEN.match(folded, end, last)
    comma = folded.rfind(",", start, end)
    if word is None or comma < 0 or _ITEM.match(folded, comma, end) is None:
        return end, None
    return comma, (end, word.end("word")) if word["last"] is not None else None


class Clauses:
    """Where a denial's list ends because a clause begins. What one search told holds for every
    later place up to what it found, so a sentence is searched once and not from each cue."""

    def __init__(self, folded: str) -> None:
        self._folded = folded
        self._known: dict[int, tuple[int, int]] = {}  # end → from where, and what was found

    def first(self, start: int, end: int) -> int:
        """Return where the first clause in `[start, end)` begins, `end` for none."""
        known = self._known.get(end)
        if known is not None and known[0] <= start <= known[1]:
            return known[1]
        exact = True
        for clause in _CLAUSE.finditer(self._folded, start, end):
            if not (clause["sign"] and _GOES_ON.match(self._folded, clause.end(), end)):
                found = clause.start()
                break
            exact = False
        else:
            found = end
        if exact:
            self._known[end] = (start, found)
        return found
