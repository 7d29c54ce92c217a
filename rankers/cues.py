"""Cue words of a question: what they ask of the concept beside them.

"family history of stroke", "warfarin stopped", "no fever", "previous pneumonia", "penicillin
allergy". A leading cue holds for what follows it up to the next cue or a word that begins something
else; a trailing one for what stands right before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from typing import Final

from rankers.near_cues import NO_CARE, NO_SIGN, NO_SPAN, OUT_OF, UNABLE


class Asked(StrEnum):
    """What a question wants to hear of a concept; PRESENT is what it wants when it says nothing."""

    PRESENT = "present"
    CURRENT = "current"
    CONFIRMED = "confirmed"
    SUSPECTED = "suspected"
    HISTORY = "history"  # "history of diabetes": past, or long known and still there
    PAST = "past"  # "former smoker": past and no longer
    CHILDHOOD = "childhood"
    NEGATED = "negated"
    FAMILY = "family"
    NO_FAMILY = "no family"
    TAKING = "taking"
    STOPPED = "stopped"
    NOT_TAKING = "not taking"
    UNTAKEN = "untaken"  # "not taking her insulin": prescribed, and not taken
    FIT = "fit"  # "candidate for surgery"
    UNFIT = "unfit"
    ALLERGY = "allergy"
    INTOLERANCE = "intolerance"
    REFUSED = "refused"
    PREVENTED = "prevented"  # "DVT prophylaxis": who is kept from it
    HELPED = "helped"
    NOT_HELPED = "not helped"
    EFFECT = "effect"  # "response to steroids": whether it helped or not
    ANY = "any"  # whatever is said of it


@dataclass(frozen=True, slots=True)
class QueryCue:
    """`query[start:end]` are the cue's words; it holds for `query[first:last]`. `plain`: a word
    that also belongs to names ("acute"), so that it counts only where no name needs it."""

    asked: Asked
    start: int
    end: int
    first: int
    last: int
    plain: bool = False


_RELATIVE: Final = (
    r"mother|father|mom|dad|parents?|sisters?|brothers?|siblings?|aunts?|uncles?|cousins?|"
    r"grand(?:mother|father|parents?)|relatives?|wife|husband|spouse|partner|sons?|daughters?"
)
_FAMILY: Final = (
    r"(?:strong |positive )?fam(?:ily|ilial)? (?:medical )?(?:history|hx)(?: of| for)?|"
    rf"f(?:am)?hx?(?: of)?|relatives? with|"
    r"(?<!feeding )(?<!nursing )(?<!pregnant )(?<!new )"  # such a mother is the patient
    rf"(?:{_RELATIVE})(?:'s)?(?: (?:with|w/|who had|had|has|died (?:of|from)|diagnosed with))?"
)
_NEGATIVE: Final = r"(?:is |was )?(?:neg(?:ative)?|non-?contributory|unremarkable) for"
_OLD: Final = r"(?<!year )(?<!years )(?<!yr )(?<!month )(?<!months )(?<!week )(?<!weeks )old"
# "No change in chest pain" denies no chest pain.
_NO: Final = (
    r"no(?! (?:changes?|increase|decrease|improvement|relief|response|longer|doubt|other|further|"
    r"more|need|interest)\b)"
)
_WHICH: Final = r"(?:past |previous |prior |remote |personal )?(?:medical |surgical )?"
_USE: Final = r"(?:on|taking|using|receiving)"
_DOES_NOT: Final = r"(?:does|do|did)(?: not|n['’]?t)"
_HAS_NOT: Final = r"(?:ha(?:s|ve|d)(?: not|n['’]?t)|not)(?: yet| ever)?"
_NOT: Final = r"(?:not|n['’]t|never|no longer)"
_UNTAKEN: Final = r"non-?complian(?:ce|t)|non-?adheren(?:ce|t)"
_WELL: Final = r"(?:good|great|excellent|ideal|suitable|appropriate|optimal|eligible|reasonable)"
_POOR: Final = r"(?:poor|bad|unsuitable|sub-?optimal)"
_FELT: Final = r"(?: (?:considered|deemed|felt|thought)(?: to be)?| to be)?"
_CONTROLLED: Final = "(?:controlled|managed) (?:with|by|on|despite)"
_MISS: Final = "miss(?:es|ed|ing)"
_DOSES: Final = "(?:(?:some|several|his|her|their) )?doses of"
_OF_ONE: Final = r"(?= (?:[\w-]+ ){1,3}candidates?\b)"  # "not a liver transplant candidate"
_GOOD: Final = r"(?:(?:good|excellent|partial|complete|positive|dramatic|significant|any) )?"
# Not "how to prevent a stroke", which asks for what is known of it, not for who is kept from it.
_PREVENTION: Final = r"(?:prophylaxis|prophylactic(?:ally)?|ppx)"
_USELESS: Final = r"(?:relief|improvement|benefit|response|success|help)"

# In this order: the first that fits at a place wins.
_LEADING: Final[Mapping[Asked, tuple[str, ...]]] = {
    Asked.NO_FAMILY: (
        rf"(?:no|without|negative|denies) (?:{_FAMILY})", rf"(?:{_FAMILY}) {_NEGATIVE}",
    ),
    Asked.FAMILY: (_FAMILY,),
    Asked.UNTAKEN: (
        rf"{_NOT} (?:been )?(?:taking|using) (?:his|her|their)(?: own)?",
        rf"(?:{_DOES_NOT}|won['’]t|will not) (?:take|use) (?:his|her|their)",
        rf"(?:{_UNTAKEN}) (?:with|to)(?: taking)?", "r[au]n(?:s|ning)? out of",
        r"out of(?= (?:his|her|their)\b)",
        OUT_OF,
        rf"(?:{_NOT}|poorly) (?:been )?(?:compliant|adherent) (?:with|to)(?: taking)?",
        "(?:poor|bad|lack of) (?:compliance|adherence) (?:with|to)",
        f"(?:skip(?:s|ped|ping)|{_MISS})(?: {_DOSES})", "skip(?:s|ped|ping)",
        rf"{_MISS}(?= (?:his|her|their|(?:hemo)?dialysis)\b)",
        "forg[eo]t(?:s|ting)? to take",
        "(?:can(?:not|['’]t)|could(?: not|n['’]t)|unable to) afford",
    ),
    Asked.STOPPED: (
        rf"no longer {_USE}", rf"(?:was|were|has been|previously|formerly) {_USE}",
        "(?:stopp(?:ed|ing)|quit|g(?:ave|iven|iving) up)(?: taking| using)?",
        "discontinu(?:ed|ing|ation of)", "came off", "taken off", "cessation of",
        "d/c'?d", "h(?:old(?:ing)?|eld)",
    ),
    Asked.NOT_TAKING: (
        rf"(?:not|(?:is|was|are)n['’]?t) (?:currently )?{_USE}", rf"{_DOES_NOT} take",
        "never (?:on|took|taken)", "avoid(?:s|ed|ing)?", "off",
    ),
    Asked.NOT_HELPED: (
        rf"(?:{_DOES_NOT} respond|not respond(?:ed|ing)) (?:well )?to",
        rf"(?:no|without|little|poor|inadequate) {_USELESS} (?:to|with|on|from|after|despite)",
        "(?:un|non-?)responsive to", "(?:refractory|resistant) to", "not (?:helped|relieved) by",
        f"(?:not (?:well |adequately |fully )?|un|poorly ){_CONTROLLED}",
        "fail(?:ed|s|ing|ure of)",
    ),
    Asked.HELPED: (
        "improv(?:ed|es|ing|ement) (?:on|with|after|from)", "respon(?:ded|ds|ding|sive) to",
        f"(?:well |better )?{_CONTROLLED}", f"{_GOOD}relief (?:with|from|after)",
        "(?:helped|relieved) by", "better (?:on|with|after)",
        "(?:good|excellent|partial|complete|positive|dramatic) response to",
    ),
    Asked.EFFECT: ("(?:clinical |treatment )?response to",),
    Asked.PREVENTED: (f"{_PREVENTION} (?:for|of|against)",),
    Asked.REFUSED: ("refus(?:ed|es|ing|al of)(?: to (?:have|take|undergo|receive))?",
                    "declin(?:ed|es|ing)(?: to (?:have|take|undergo|receive))?"),
    Asked.UNFIT: (
        rf"{_NOT}{_FELT}(?: an?)?(?: {_WELL})? (?:candidates?|eligible|suitable|fit){NO_CARE} for",
        rf"{_NOT}{_FELT}(?: an?)?(?: {_WELL})?{_OF_ONE}",
        rf"{_POOR} candidates? for", rf"{_POOR}{_OF_ONE}",
        rf"(?:ineligible|unfit|unsuitable){NO_CARE} for",
    ),
    Asked.FIT: (
        rf"(?:{_WELL} )?candidates? for", rf"(?:eligible|suitable){NO_CARE} for",
        rf"{_WELL}{_OF_ONE}",
    ),
    Asked.NEGATED: (
        rf"{_HAS_NOT} (?:had|undergone|received|gotten|been given)",
        "no (?:(?:current|recent|new|known|prior|previous) )?(?:evidence|signs?|history|hx) of",
        "no (?:complaints?|symptoms?|findings?) of",
        "no (?:current|recent|new|known|prior|previous|h/o)", _NO, "denie[sd]", "denying",
        "(?:without|w/o(?:ut)?)(?: any)?", f"neg(?:ative)?(?: for|{NO_SIGN})", "absence of",
        "absent", "free (?:of|from)", "never (?:had|been)", "never",
        "not having", UNABLE, "not(?= allergic)", "ruled out(?: for)?", "excluded",
        r"(?:not|never|n['’]t)(?: been| yet)*(?= (?:vaccinat|immuni[sz])ed\b)",
        rf"{_DOES_NOT} (?:have|report|endorse|show)",
        rf"{_DOES_NOT}(?= (?:drink|smoke|use|abuse|vape|chew)\b)",
    ),
    Asked.ALLERGY: (
        "(?:known )?(?:allerg(?:y|ies|ic)|anaphylaxis|hypersensitivity) (?:to|with)",
    ),
    Asked.INTOLERANCE: (
        "intoleran(?:t|ce) (?:of|to)",
        "(?:side effects?|adverse (?:reactions?|effects?)) (?:of|from|to|with)",
        "(?:could|did|does) not tolerate",
        "(?:cannot|can['’]?t|unable to|couldn['’]t) (?:tolerate|take)",
    ),
    Asked.SUSPECTED: (
        "suspected", "suspicion (?:of|for)", "suspicious for", "possible", "probable", "presumed",
        "questionable", "(?:concern(?:ing|s)?|work-?up) for", "rule[- ]?out", "r/o", "to exclude",
        r"\?", "likely",
    ),
    Asked.CONFIRMED: (
        "(?:confirmed|definite|proven|documented|established)(?: (?:diagnosis|case) of)?",
        "definitive", "(?:tested |test )?positive for", "(?:biopsy|culture)[- ]proven",
        "diagnosed with", "known(?: to have)?",
    ),
    Asked.HISTORY: (
        rf"{_WHICH}(?:history of|hx(?: of)?)",
        "h/o", "pmhx?(?: of)?", "past medical history",
    ),
    Asked.PAST: (
        "previous(?:ly)?", "prior", "former(?:ly)?", f"past{NO_SPAN}", "ex", "remote", "resolved",
        "healed", "status[- ]post", "s/p", _OLD, "cured(?: of)?",
        "(?:complet|finish)ed(?! (?:stroke|suicide|abortion|miscarriage|infarct))",
    ),
    Asked.CHILDHOOD: ("childhood", "pa?ediatric"),
    Asked.TAKING: (
        "(?:currently|still|now|patients?|who (?:is|are)) (?:on|taking|using|receiving|takes|uses)",
        "on", "taking", "takes", "receiving", "us(?:es|ing)", "wear(?:s|ing)",
        "currently prescribed", "tolerat(?:es|ed|ing)", "re-?start(?:ed|ing)?",
        "resum(?:e[ds]?|ing)",
    ),
    Asked.CURRENT: (
        "current(?:ly)?", "active(?:ly)?", "ongoing", "present", "persist(?:ent|ing)", "still",
        "acute", "new(?:ly diagnosed|[- ]onset)?", "now", "today",
    ),
}  # fmt: skip
_TRAILING: Final[Mapping[Asked, tuple[str, ...]]] = {
    Asked.NEGATED: (
        "(?:was |is |has been )?(?:ruled out|excluded|denied|absent)", f"negative{NO_SIGN}",
    ),
    Asked.NOT_HELPED: (
        rf"(?:{_DOES_NOT}|has not|have not|hasn['’]?t) (?:help(?:ed)?|work(?:ed)?|relieve)",
        "(?:is |was |were )?(?:not (?:helpful|effective)|ineffective|unhelpful)",
        rf"(?:without|with no|no) (?:any |much )?{_USELESS}", "failed",
    ),
    Asked.HELPED: (
        "(?:has |have )?(?:helped|helps|worked|works)", "(?:is |was |were )?(?:helpful|effective)",
        f"with {_GOOD}(?:relief|improvement|response|benefit)",
    ),
    Asked.PREVENTED: (_PREVENTION,),
    Asked.REFUSED: ("(?:was |were )?(?:refused|declined)",),
    Asked.UNTAKEN: (_UNTAKEN,),
    Asked.FIT: (r"candidates?(?=[ ]*(?:$|[,;.?)]|(?:with|who|but|and|or|due|because)\b))",),
    Asked.STOPPED: (
        "(?:was |were |has been |recently )?(?:stopped|discontinued|withdrawn|held|removed|d/c'?d)",
        "discontinuation", "cessation",
    ),
    Asked.ALLERGY: ("allerg(?:y|ies|ic)", "anaphylaxis", "hypersensitivity"),
    Asked.INTOLERANCE: (
        "intoleran(?:t|ce)", "side effects?", "adverse (?:reactions?|effects?)", "not tolerated",
    ),
    Asked.FAMILY: (
        rf"(?:in|of) (?:the |a |his |her )?(?:family|(?:{_RELATIVE}))", "runs in (?:the )?family",
        "family history",
    ),
    Asked.TAKING: (
        "(?:was |is |well )?tolerated(?: well)?", "(?:was |were )?(?:re-?started|resumed)",
    ),
    Asked.SUSPECTED: ("(?:is )?suspected", "(?:cannot be|not) (?:excluded|ruled out)"),
    Asked.CONFIRMED: ("confirmed", "proven"),
    Asked.CHILDHOOD: (
        "(?:as a|when a|since) child(?:hood)?", "in childhood", "(?:in|since) infancy",
    ),
    Asked.PAST: (
        f"(?:in the|years) (?:past|ago){NO_SPAN}", "resolved", "previously", "in remission",
    ),
    Asked.CURRENT: (
        "(?:right )?now", "today", "currently", "at present", "ongoing", "unchanged", "persists",
    ),
}  # fmt: skip


def _alternatives(cues: Mapping[Asked, tuple[str, ...]]) -> str:
    return "|".join(f"(?P<{asked.name}>{'|'.join(words)})" for asked, words in cues.items())


DENIED: Final = frozenset({Asked.NEGATED, Asked.NOT_TAKING})
FAMILIES: Final = frozenset({Asked.FAMILY, Asked.NO_FAMILY})
EFFECTS: Final = frozenset({Asked.HELPED, Asked.NOT_HELPED, Asked.EFFECT})
CANDIDACY: Final = frozenset({Asked.FIT, Asked.UNFIT})
# What they ask for, notes do not assert.
ELSEWHERE: Final = DENIED | FAMILIES | CANDIDACY | {
    Asked.REFUSED, Asked.PREVENTED, Asked.UNTAKEN,
}  # fmt: skip
# Words that stand in names of diseases and are cues only outside them.
_PLAIN: Final = frozenset(
    "acute active old new present ex persistent off on past absent still negative now likely "
    "possible remote established known".split()
)
_ARTICLES: Final = r"(?:(?:a|an|the|any|his|her|their|some|recent)[ ]+)*"
_LEADS: Final = re.compile(
    rf"(?<![\w'/-])(?:{_alternatives(_LEADING)})"
    rf"(?:(?<=\?)|(?![\w'/]))[-: ]*{_ARTICLES}(?=\S)",
    re.IGNORECASE,
)
_TRAILS: Final = re.compile(
    rf"(?<=[\w)'\"])[ ,]+(?P<cue>{_alternatives(_TRAILING)})"
    r"(?![\w'/-])",
    re.IGNORECASE,
)
# Where what a leading cue holds for ends.
_ENDS: Final = re.compile(
    # "No complications of the surgery" denies no surgery.
    r"[;.:()]|(?:(?<=complication)|(?<=complications)|(?<=side effects)|(?<=sequelae)) of\b|"
    # "Not vaccinated for influenza" denies the vaccine for it.
    r"[,]? ?\b(?:but|with|who|whose|in|at|after|before|during|due|because|from|causing|"
    r"(?<!vaccinated )(?<!vaccination )(?<!immunized )(?<!vaccine )(?<!shot )for|"
    r"despite|while|treated|and (?=(?:no|not|on|with|without|taking|history|family|current)\b))\b",
    re.IGNORECASE,
)

LONGEST_CUED: Final = 300  # code points


@lru_cache(maxsize=256)  # a question is read several times, and so are its pieces
def cues(query: str) -> tuple[QueryCue, ...]:
    """Return the cues of a question in order, none overlapping another; what stands behind its
    first 300 characters is no cue, since each is held against all others."""
    query, found = query[:LONGEST_CUED], list[QueryCue]()
    for cue in sorted([*_trailing(query), *_leading(query)], key=lambda c: (c.start, -c.end)):
        if not found or cue.start >= found[-1].end:
            found.append(cue)
    found = _without_denied_allergies(query, found)
    ended = _unfit(_of_no_family([_ended(cue, found) for cue in found]))
    # In "no allergies" nothing is left that the allergy could be to: it is what is denied.
    return tuple(cue for cue in ended if query[cue.first : cue.last].strip())


def _without_denied_allergies(query: str, found: Sequence[QueryCue]) -> list[QueryCue]:
    """Let "no" hold for all of "allergy to penicillin": who asks so asks for no allergy; but of
    "side effects of metformin" for the side effects alone, which are of a drug that is taken."""
    kept: list[QueryCue] = []
    for cue in found:
        leads = cue.asked in (Asked.ALLERGY, Asked.INTOLERANCE) and cue.first >= cue.end
        before = kept[-1] if kept and leads else None
        beside = before is not None and not query[before.end : cue.start].strip()
        if before and beside and before.asked is Asked.NEGATED:
            harm = query.rfind(" ", cue.start, cue.end)
            last = max(before.last, cue.last) if cue.asked is Asked.ALLERGY else harm
            kept[-1] = replace(before, first=cue.start, last=last)
        else:
            kept.append(cue)
    return kept


def _of_no_family(found: Sequence[QueryCue]) -> list[QueryCue]:
    """Deny of the family what is denied "in the family": "no gout in the family"."""
    denied = {(cue.last, cue.asked): cue for cue in found if cue.first >= cue.end}
    kept = list(found)
    for place, cue in enumerate(found):
        before = denied.get((cue.last, Asked.NEGATED))
        if cue.asked is Asked.FAMILY and cue.first < cue.start and before:
            kept[place] = replace(cue, asked=Asked.NO_FAMILY)
            kept[found.index(before)] = replace(before, asked=Asked.NO_FAMILY)
    return kept


def _unfit(found: Sequence[QueryCue]) -> list[QueryCue]:
    """Let "not a … candidate" ask in both its parts for who is none."""
    unfit = {cue.end for cue in found if cue.asked is Asked.UNFIT}
    return [
        replace(cue, asked=Asked.UNFIT) if cue.asked is Asked.FIT and cue.first in unfit else cue
        for cue in found
    ]


def _leading(query: str) -> Iterator[QueryCue]:
    for match in _LEADS.finditer(query):
        name = match.lastgroup
        if name is None:
            continue
        end = match.end(name)
        while end > match.start() and query[end - 1] == " ":
            end -= 1
        plain = query[match.start() : end].lower() in _PLAIN
        stop = _ENDS.search(query, match.end())
        last = stop.start() if stop else len(query)
        if last > match.end():
            yield QueryCue(Asked[name], match.start(), end, match.end(), last, plain)


def _trailing(query: str) -> Iterator[QueryCue]:
    for match in _TRAILS.finditer(query):
        kind = next(asked for asked in _TRAILING if match.group(asked.name))
        plain = match["cue"].lower() in _PLAIN
        yield QueryCue(kind, match.start("cue"), match.end("cue"), 0, match.start(), plain)


def _ended(cue: QueryCue, every: Iterable[QueryCue]) -> QueryCue:
    """End a cue's stretch where the next cue begins; a trailing one reaches back to the last. What
    bends the name beside it ends nothing: "no acute distress", "family history of active TB"."""
    first, last = cue.first, cue.last
    for other in every:
        if other.plain and not cue.plain and other.start == cue.first:
            continue
        if cue.first >= cue.end and cue.end <= other.start < last and other.first >= other.end:
            last = other.start
        if cue.first < cue.start and other.end <= cue.start:
            first = max(first, other.end)
    return QueryCue(cue.asked, cue.start, cue.end, first, last, cue.plain)
