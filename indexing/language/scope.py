"""From the cues of one sentence to the stretches of it that they govern."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from indexing.language.as_needed import until_next_drug, was_given
from indexing.language.cues import Hit, Kind, Reach, Rule
from indexing.language.doubt import NO_NOUN, fears, is_low, looks_back, looks_on, takes_for_granted
from indexing.language.earlier import is_guess, is_new
from indexing.language.left_standing import left_standing
from indexing.language.list_ends import Clauses, lasting, left_open, there
from indexing.language.surgical import behind
from indexing.language.withheld import treatment

_COMMA: Final = re.compile(r"[,;()]")
_STOP: Final = re.compile(r"[;:]")
# "Pain worsens, will": a condition only where the sentence states one.
_THEN: Final = re.compile(
    r"(?:develops?|recurs?|occurs?|worsens?|returns|persists|appears|begins|starts|gets? worse|"
    r"comes back),"
)
_WHEN: Final = re.compile(r"\b(?:if|when|whenever|should|once|unless|until|in case|as soon as)\b")
# "In either knee", "takes either": a choice between what is there.
_EITHER: Final = re.compile(r"(?:in|of|on|with|at|from|to|by|for|tak\w+|us\w+|tr(?:y|ied)) $")
# "Not evaluated by cardiology": somebody saw it.
_SEEN_BY: Final = re.compile(r" (?:by|further)\b")
# "Surgery for the hernia", "treatment of diabetes" (deferred): what it is for is there.
_AIM: Final = re.compile(
    r"\bfor |\b(?:management|treatment|therapy|work-?up|repair|surgery|evaluation|care|control|"
    r"discussion|biopsy|drainage|imaging|excision|removal|resection|decision) of "
)
# A dose held for a measurement is no drug stopped.
_HOLD: Final = re.compile(r"h[eo]ld(?:ing)?")
_ONE_DOSE: Final = re.compile(
    r"\b(?:per (?:parameters?|protocol|order set)|"
    r"(?:for|if|due to) (?:the )?(?:sbp|dbp|map|bp|hr|rr|pulse|heart rate|blood pressure))\b"
)
# "Repeat echo in 6 months": ordered for a day to come. Without the day it may be a result.
_ORDER: Final = re.compile(r"repeat|recheck|surveillance|follow-?up|schedule|yearly|annual")
_TO_COME: Final = re.compile(
    r"[^.;,]{2,40}?[ ](?:in|at|every)[ ](?:the[ ]next[ ]|about[ ])?(?:\d{1,2}|an?|one|two|three|"
    r"four|six|twelve)(?:[ ]?-[ ]?\d{1,2})?[ ](?:day|week|wk|month|mo|year|yr)"
)
# The white cells' differential, not the physician's.
CELLS: Final = re.compile(
    r"[ ]*(?:\d+(?:\.\d+)?[ ]*%|(?:neut|poly|seg|band|pmn|gran|eos|baso)|"
    r"lymph(?:s|ocyt\w*)?\b|mono(?:s|cyt\w*)?\b)"
)
# "PTSD screen positive" tells a result, "an ex-30 weeker" nothing of what is over.
_OTHERWISE: Final = re.compile(
    r"screen(?:ing)?(?: test)?(?: (?:is|was))? (?:positive|pos\b|\+|abnormal)|ex-\d"
)
# Side effects that a patient has, unless the sentence speaks of what might come.
_HARM: Final = re.compile(r"(?:side[ -]effects|adverse (?:effects|reactions)|complications)\b")
_FORETOLD: Final = re.compile(
    r"\b(?:explained|discuss\w*|reviewed|counsel\w*|warned|informed|aware|educat\w*|told|consent\w*|"
    r"potential\w*|possib\w*|may|might|could|can|risks?|understands?|advised|outlined|described)\b"
)
# "Edema absent, varicosities present": what a comma follows has nothing to say of what comes next.
_DONE: Final = re.compile(
    r"absent|denied|negative|neg|excluded|resolved|stopped|discontinued|healed|nil|pending"
)
# "Cough resolved after prednisone": nor what it was resolved by.
_BY: Final = re.compile(
    r"(?:resolved|gone|subsided|healed|cleared|improved) "
    r"(?=(?:after|with|following|on|by|since|without|off)\b)|"
    r"(?:held|stopped|discontinued|d/c'd|withdrawn) (?=for\b)"
)
# "Heparin not given for bleeding"; but "not given heparin".
_NOT_GIVEN: Final = re.compile(
    r"(?:(?:was|were|is|are|has been|have been) )?not (?:given|administered)"
)
# Words that serve on both sides, and what may follow when they look back.
_EITHER_WAY: Final = re.compile(
    r"possibl[ey]|probable|likely|questionable|suspect(?:ed)?|considered|resolved|"
    r"stopped|discontinued|healed|"
    r"quit|held|previously|removed|negative|neg|absent|denied|excluded|gone|completed|d/c'd|unlikely|"
    r"remission|subsided|ceased|nil|history|hx|doubtful|"
    r"not (?:taken|started|tolerated)|never (?:started|given|filled|administered)|"
    r"(?:(?:was|were|is|are|has been|have been) )?"
    r"not (?:given|administered)|(?:cannot|can not|can't|could not) exclude"
)
# "Former smoker with COPD".
_HABIT_OF: Final = re.compile(
    r"\b(?:smoker|drinker|alcoholic|user)(?=[ ](?:with|who|presenting|here|admitted)\b)"
)
_WORDS_NEAR: Final = 4
_WORD: Final = re.compile(r"\S+")
_FILLER: Final = re.compile(r"[\s\-/\"'(]*(?:(?:a|an|the|of|any|acute|this)\s+)?")
_LAST_OF_LIST: Final = re.compile(r",?\s*\b(?:or|nor|and)\b|/")
_BACK_WORDS: Final = 14
_OVER: Final = re.compile(
    r"(?:(?:has|have|had|is|are|was|were) )?(?:(?:now|since|completely|fully) )*"
    r"(?:resolved|subsided|cleared|gone|went away|disappeared|abated|healed)\b"
)
_LINK: Final = re.compile(
    r"\b(?:with|by|for|from|after|during|had|has|have|of|was|were|is|are|developed|noted) "
)
_NEAREST: Final = 80  # code points
_WHICH: Final = re.compile(r"\b(?:which|that|who) $")
# "Neutropenic fever, cultures negative": it names what is negative, which no comma parts from it.
_TESTED: Final = re.compile(r"(?:tests?|screen|cultures?|titer|antigen|antibody|pcr|swab)\b")
_PLURAL: Final = re.compile(r"(?:were|are|have)\b")
_CAUSE_OF: Final = re.compile(
    r"\b(?:cause|etiology|source|reason|origin) (?:of|for) "
    r"(?:(?!since|because|but|and\b|as\b)[\w'/-]+ ){1,5}$"
)


@dataclass(frozen=True, slots=True)
class Scope:
    """`[start, end)` is governed by the cue at `[cue_start, cue_end)`."""

    kind: Kind
    start: int
    end: int
    cue_start: int
    cue_end: int
    forward: bool
    next_only: bool = False

    def covers(self, folded: str, start: int, end: int) -> bool:
        """Whether the mention at `[start, end)` stands in this scope."""
        if self.forward:
            if self.cue_start <= start < self.cue_end <= end:
                # The mention begins with or inside the cue: "no fever". The prefix of a name is
                # part of it: "non-Hodgkin lymphoma".
                return not self.next_only
            if not self.cue_end <= start < self.end:
                return False
            return not self.next_only or _FILLER.fullmatch(folded, self.cue_end, start) is not None
        if not (self.start <= start and end <= self.end):
            return False
        return not self.next_only or not folded[end : self.cue_start].strip(" -")


def scopes(folded: str, first: int, last: int, hits: Sequence[Hit]) -> list[Scope]:
    """Return what the cues of the sentence `[first, last)` govern, leftmost cue first."""
    closers, clauses = _Closers(folded, hits), Clauses(folded)
    doubts = [h.start for h in hits if any(_doubts(rule) for rule in h.rules)]
    found: list[Scope] = []
    for hit in hits:
        if (hit.rules[0].ends and hit.rules[-1].ends) or _says_nothing(folded, first, last, hit):
            continue  # what only ends scopes opens none
        for rule in hit.rules:
            if rule.kind in (Kind.END, Kind.PSEUDO):
                continue
            if rule.kind is Kind.NEGATED and left_standing(folded, hit[:2], last):
                rule = rule._replace(kind=Kind.UNCERTAIN)
            if rule.kind is Kind.UNCERTAIN and is_low(folded, hit[:2], last):
                rule = rule._replace(kind=Kind.NEGATED)
            if not rule.forward and is_new(folded, (hit.start, hit.end), last):
                if is_guess(folded, first, (hit.start, hit.end), last):
                    found.append(Scope(Kind.UNCERTAIN, first, hit.start, *hit[:2], forward=False))
                continue
            if not rule.forward and not _stands_behind(folded, first, last, hit):
                continue
            if rule.forward and hit.start > first and _is_done(folded, last, hit):
                continue
            if rule.forward:
                end = _forward(folded, last, hit, rule, closers, clauses)
                doubt = None
                if rule.kind is Kind.NEGATED:
                    end, doubt = left_open(folded, hit.end, end, last, doubts)
                    long = lasting(folded, hit[:2], last)
                    if long and long[0] < end:
                        if long[2] < end:  # what is listed behind goes the same way
                            rest = Scope(Kind.UNCERTAIN, long[2], end, *long[1:], forward=True)
                            found.append(rest)
                        end, doubt = long[0], long[1:]
                        found = [_until(each, end) for each in found]
                found.append(_scope(rule, hit, hit.end, end))
                if doubt is not None:
                    found.append(Scope(Kind.UNCERTAIN, end, doubt[0], *doubt, forward=False))
            else:
                if rule.kind is Kind.NEGATED and _of_cause(folded, first, hit.start):
                    continue
                start = _backward(folded, first, hit, rule, closers)
                aim = rule.kind is Kind.NOT_ASSESSED and _AIM.search(folded, start, hit.start)
                end = aim.end() if aim else hit.start
                if rule.kind is Kind.NEGATED and (what := treatment(folded, first, hit[:2], start)):
                    start, end = what
                found.append(_scope(rule, hit, start, end))
    return found


def _doubts(rule: Rule) -> bool:
    return rule.kind is Kind.UNCERTAIN and not rule.forward


def _of_cause(folded: str, first: int, end: int) -> bool:
    """Whether it is the cause that is not found, and what it is the cause of is there."""
    first = max(first, end - _NEAREST)
    if folded.find(" of ", first, end) < 0 and folded.find(" for ", first, end) < 0:
        return False
    return _CAUSE_OF.search(folded, first, end) is not None


def _says_nothing(folded: str, first: int, last: int, hit: Hit) -> bool:
    """Whether the words around take a cue's meaning away."""
    if folded.startswith("differential:", hit.start):
        return CELLS.match(folded, hit.end, last) is not None
    if folded.startswith(("either", "whether"), hit.start):
        choice = _EITHER.search(folded, max(first, hit.start - 8), hit.start)
        return choice is not None or folded.find(" or ", hit.end, last) < 0
    if _THEN.match(folded, hit.start, hit.end):
        return _WHEN.search(folded, max(first, hit.start - 120), hit.start) is None
    if any(r.kind is Kind.NOT_ASSESSED and not r.forward for r in hit.rules):
        seen = _SEEN_BY.match(folded, hit.end, last) is not None
        return seen and not folded.endswith("deferred", hit.start, hit.end)
    if _HARM.match(folded, hit.start, hit.end):
        return _FORETOLD.search(folded, first, last) is None
    if folded.startswith(("screen", "ex-"), hit.start):
        return _OTHERWISE.match(folded, hit.start, last) is not None
    kind = hit.rules[0].kind
    if kind is Kind.UNCERTAIN and takes_for_granted(folded, hit[:2], last):
        return True
    if kind is Kind.HYPOTHETICAL and was_given(folded, hit[:2], last):
        return True
    if _ORDER.fullmatch(folded, hit.start, hit.end):
        return _TO_COME.match(folded, hit.end, last) is None
    return (
        _HOLD.fullmatch(folded, hit.start, hit.end) is not None
        and _ONE_DOSE.search(folded, hit.end, last) is not None
    )


def _stands_behind(folded: str, first: int, last: int, hit: Hit) -> bool:
    """Whether a lone word looks back ("cough, resolved."), not on to a noun ("resolved cough")."""
    back = looks_back(folded, first, hit[:2], last)
    if back is not None:
        return back
    if not _EITHER_WAY.fullmatch(folded, hit.start, hit.end):
        return True
    return NO_NOUN.match(folded, hit.end, last) is not None


def _is_done(folded: str, last: int, hit: Hit) -> bool:
    """Whether a lone word ends what it speaks of: a comma or bracket follows, or what did it."""
    if folded.startswith(("is ", "are ", "was ", "were "), hit.start):
        on = looks_on(folded, hit[:2], last)
        if on is not None:
            return not on
    if _NOT_GIVEN.fullmatch(folded, hit.start, hit.end):
        return NO_NOUN.match(folded, hit.end, last) is not None
    if _BY.match(folded, hit.start, last) and _EITHER_WAY.fullmatch(folded, hit.start, hit.end):
        return True
    return folded[hit.end : min(hit.end + 1, last)] in (",", ";", ")") and (
        _DONE.fullmatch(folded, hit.start, hit.end) is not None
    )


def _scope(rule: Rule, hit: Hit, start: int, end: int) -> Scope:
    near = rule.reach is Reach.NEXT
    return Scope(rule.kind, start, end, hit.start, hit.end, rule.forward, near)


def _until(scope: Scope, end: int) -> Scope:
    """End a denial that stands before, "no fever, no cough, rash x3d", at `end` as well."""
    open_still = scope.kind is Kind.NEGATED and scope.forward and scope.end > end
    return replace(scope, end=end) if open_still else scope


class _Closers:
    """Where the cues of one sentence end the scopes of each kind. Looked up, not walked: a list of
    a hundred denials asks for each of them."""

    def __init__(self, folded: str, hits: Sequence[Hit]) -> None:
        self._starts: dict[Kind, list[int]] = {}
        self._ends: dict[Kind, list[int]] = {}
        for hit in hits:
            if fears(folded, hit[:2]):
                continue
            for kind in {kind for r in hit.rules if r.ends for kind in r.ends}:
                self._starts.setdefault(kind, []).append(hit.start)
                self._ends.setdefault(kind, []).append(hit.end)

    def after(self, kind: Kind, place: int) -> int | None:
        """Return where the first one begins that stands at or behind `place`."""
        starts = self._starts.get(kind, ())
        i = bisect_left(starts, place)
        return starts[i] if i < len(starts) else None

    def before(self, kind: Kind, place: int) -> int:
        """Return where the last one ends that ends at or before `place`, 0 for none."""
        i = bisect_right(self._ends.get(kind, ()), place)
        return self._ends[kind][i - 1] if i else 0


def _forward(
    folded: str, last: int, hit: Hit, rule: Rule, closers: _Closers, clauses: Clauses
) -> int:
    closer = closers.after(rule.kind, hit.end)
    end = last if closer is None else min(last, closer)
    semicolon = folded.find(";", hit.end, end)
    if semicolon >= 0 and not _is_list(folded, hit, end):
        end = semicolon
    if rule.kind is Kind.NOT_ASSESSED:
        aim = _AIM.search(folded, hit.end, end)
        end = aim.end() if aim else end
    if rule.kind is Kind.NEGATED:
        end = min(end, clauses.first(hit.end, last))
        end = min(end, there(folded, hit[:2], last, end))
    if rule.kind is Kind.HYPOTHETICAL:
        end = until_next_drug(folded, hit[:2], end)
    if rule.reach in (Reach.PHRASE, Reach.NEAR):
        whole, comma = end, _COMMA.search(folded, hit.end, end)
        if comma:
            end = comma.start()
        if rule.kind is Kind.HISTORICAL:
            end = behind(folded, hit[:2], end, whole)
    if rule.reach is Reach.NEAR:
        onward = folded.find(" to ", hit.end, end)  # "switched from A to B"
        end = end if onward < 0 else onward
        habit = _HABIT_OF.search(folded, hit.end, end)
        end = habit.end() if habit else end
        for i, word in enumerate(_WORD.finditer(folded, hit.end, end)):
            if i == _WORDS_NEAR:
                return word.start()
    return end


def _is_list(folded: str, hit: Hit, end: int) -> bool:
    """Whether semicolons separate the items of a denial ("denies: fever; chills; cough")."""
    items = folded[hit.end : end].split(";")
    return len(items) > 2 and all(len(item.split()) <= 4 for item in items)


def _backward(folded: str, first: int, hit: Hit, rule: Rule, closers: _Closers) -> int:
    named = _WHICH.search(folded, first, hit.start)  # "a skin test, which was negative"
    start = max(first, closers.before(rule.kind, named.start() if named else hit.start))
    semicolon = folded.rfind(";", start, hit.start)
    start = max(start, semicolon + 1)
    if rule.kind is Kind.NOT_ASSESSED:  # "no effusion and the ovaries not well seen"
        start = max(start, folded.rfind(" and the ", start, hit.start))
    if rule.kind is Kind.HYPOTHETICAL:  # "heparin for DVT prophylaxis": the drug is given
        purpose = folded.rfind(" for ", start, hit.start)
        start = start if purpose < 0 else purpose + 5
    if named and folded.endswith(", ", start, named.start()) and _OVER.match(folded, hit.start):
        return _named_by(folded, start, named.start())
    if _TESTED.match(folded, hit.start) and folded[start : hit.start].rstrip().endswith(","):
        return hit.start
    plural = _PLURAL.match(folded, hit.start) is not None
    if rule.reach is Reach.PHRASE or not plural:
        item = _last_item(folded, start, hit.start)
        if not _as_one(folded, rule, item, hit.start):
            start = item
    words = [m.start() for m in _WORD.finditer(folded, start, hit.start)]
    if len(words) > _BACK_WORDS:
        start = words[bisect_left(words, words[-_BACK_WORDS])]
    return start


def _as_one(folded: str, rule: Rule, item: int, end: int) -> bool:
    """Whether the word that joins the last item makes a list one: "rales, wheeze, or rhonchi
    absent", "asthma, diabetes, and cancer in her family"."""
    if rule.kind is Kind.FAMILY and rule.reach is Reach.LIST:
        return folded.startswith((" and ", "and "), item)
    return rule.kind is Kind.NEGATED and folded.find(" or ", max(0, item - 1), end) >= 0


def _named_by(folded: str, start: int, end: int) -> int:
    """Return where what a clause names begins: "complicated by AKI, which resolved"."""
    start = _last_item(folded, start, end)
    nearest = list(_LINK.finditer(folded, max(start, end - _NEAREST), end))
    return nearest[-1].end() if nearest else start


def _last_item(folded: str, start: int, end: int) -> int:
    """Return where the last item before `end` begins: "fever, cough (resolved)" is the cough."""
    tail = end
    while tail > start and folded[tail - 1] in " ,(-:":
        tail -= 1
    comma = max(folded.rfind(",", start, tail), folded.rfind("(", start, tail))
    return max(start, comma + 1)
