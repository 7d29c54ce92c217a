"""Words that look like a concept's name and mean something else there: a level of the spine, how
a pain spreads, gas that is no wind, who signed."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from indexing.language.other_events import is_class, nobody_fell
from indexing.language.other_parts import (
    goes_back,
    is_amount,
    is_length,
    is_machine,
    is_of_bone,
    meets_face,
    supplies_colon,
)

_AROUND: Final = 150  # code points before a word that tell what a text speaks of
_BEHIND: Final = 60  # and after it

_Test = Callable[[str, str, str], bool]  # (the words, what stands before, what stands after)


def _re(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


# --- "pain without radiation", "radiation to the jaw" ---
_PAIN: Final = _re(
    r"\b(?:pains?|painful|ach(?:e|es|ing)|discomfort|tenderness|cp|lbp|burning|sciatica|angina|"
    r"cramp\w*|murmur|pressure|tightness|colic|soreness)\b"
)
_TREATED: Final = _re(
    r"\b(?:cancer|carcinoma|tumou?rs?|lymphoma|malignan\w*|metast\w*|mets|oncolog\w*|chemo\w*|gy|"
    r"cgy|fractions?|palliative|therap(?:y|ist)|treatments?|treated|received|completed|underwent|"
    r"undergoing|prior|previous|history|exposure|beam|stereotactic|adjuvant|field|boost|dose|"
    r"recurrence|lumpectomy|mastectomy|burns?|safety|badge|\w*sarcoma|melanoma|myeloma|\w*glioma|"
    r"seminoma|acne|keloids?|as a child|in childhood|(?:in|since)[ ](?:19|20)\d\d)\b"
)
_TOWARDS: Final = _re(
    r"(?:[ ]of[ ](?:the[ ]|his[ ]|her[ ])?(?:pain|discomfort|symptoms?|murmur)|"
    r"[ ](?:in)?to[ ](?:(?:the|his|her|either|both|left|right|bilateral|upper|lower)[ ])*"
    r"(?:arms?|jaws?|legs?|shoulders?|groin|buttocks?|thighs?|calf|calves|foot|feet|toes?|knees?|"
    r"hands?|fingers?|elbows?|flanks?|scapula|axillae?|carotids?|neck|back|testicles?|ears?|"
    r"extremit(?:y|ies)|[LR][LU]E|[LR]UQ|[LR]LQ)\b|[ ]down\b)"
)
_SPREAD: Final = _re(
    r"\b(?:without|no|with|denies|denied|any|non|positive|negative for|its|of|and|or|[-+/,:])[ ]*$"
)


# "Radiation cystitis": what it left behind.
_HARM: Final = _re(
    r"[ -](?:(?:induced|associated|related)[ ])?(?:[a-z]+itis|necrosis|fibrosis|injury|stricture|"
    r"sickness|\w*pathy|myelitis|changes)\b"
)


def _spreads(_word: str, before: str, after: str) -> bool:
    if _TREATED.search(before) or _TREATED.search(after) or _HARM.match(after):
        return False
    if _TOWARDS.match(after):
        return True
    return _PAIN.search(before) is not None and _SPREAD.search(before) is not None


# --- "distal pulses intact", "radial pulse 2+", "pulse steroids" ---
_ARTERY: Final = _re(
    r"\b(?:pedal|radial|femoral|tibial|carotid|brachial|ulnar|popliteal|pedis|distal|peripheral|"
    r"dp|pt|temporal|paradoxical)[ ]*$"
)
_NO_RATE: Final = _re(
    r"[ ]*(?:(?:is|was)[ ])?(?:intact|palpable|palpated|thready|bounding|weak|strong|absent|"
    r"deficits?|dopplerable|[0-4]\+|\+|[0-4]/4|dos(?:e|es|ed|ing)|steroids?|therapy|width|"
    r"methylprednisolone|solu-?medrol|lavage|check|present)"
)
_RATE: Final = _re(r"[ ]*(?:rate|(?:is|was|of|at|in the|:|-|=)?[ ]*\d{2,3}(?!\d*\+))")
# "Pulse weak and thready, 140": felt, and counted too.
_COUNTED: Final = _re(
    r"[ ]*(?:(?:is|was|and|at|but|check|present|absent|palpable|weak|strong|thready|bounding|"
    r"regular|irregular)[ ,:;]*){1,5}\d{2,3}(?![\d+/])"
)


def _throbs(word: str, before: str, after: str) -> bool:
    """Whether it is what is felt over an artery, or a course of a drug, not a rate."""
    if word.lower() == "pulses":
        return True
    if _RATE.match(after) or _COUNTED.match(after):
        return False
    return (_ARTERY.search(before) or _NO_RATE.match(after)) is not None


# --- "T3 compression fracture", "T4 N1 M0" ---
_THYROID: Final = _re(
    r"(?:\b(?:free|total|serum|reverse|low|high|elevated|normal|tsh|thyro\w*|triiodo\w*|hormones?|"
    r"levothyroxine|synthroid|cytomel|graves|uptake|resin)\b[^.;\n]{0,30}$)"
)
_HORMONE: Final = _re(
    r"[ ]*(?:uptake|resin|toxicosis|level|index|replacement|therapy|[:=]|(?:is|was|of)[ ]|"
    r"(?:low|high|normal|elevated|suppressed)\b|\d+(?:\.\d+)?[ ]*(?:[np]g|nmol|pmol|ug|mcg)|"
    r"\d+\.\d|(?:,|/|and)[ ]*(?:free[ ])?(?:t[34]|tsh)\b"
    r"[^.;\n]{0,12}\b(?:normal|low|high|wnl|level))"
)
_SPINE: Final = _re(
    r"\b(?:fractures?|fx|compression|burst|wedge|vertebra\w*|dis[ck]s?|bulg\w*|herniat\w*|"
    r"spin(?:e|al)|cord|roots?|dermatom\w*|laminectom\w*|foramin\w*|radicul\w*|endplates?|"
    r"kyphoplast\w*|vertebroplast\w*|fusion|pedicles?|paraplegi\w*|sensory|stenosis|"
    r"thoracic|transverse process|spinous|lytic|myelopath\w*|paraspin\w*|epidural|lesions?|"
    r"through [tl]\d|body|interspace)\b"
)
_LEVELS: Final = _re(r"(?:[ ]?[-–/,][ ]?|[ ](?:to|and|through)[ ])[TLC]?(?:[5-9]|1[0-2])\b")
_JOINED: Final = _re(r"[-–/]T?\d|[ ]level\b")
_STAGED: Final = _re(r"[ ,]*(?:N[0-3xX]|M[01xX])|[ ](?:disease|tumou?r|cancer|carcinoma|lesion)\b")
_STAGES: Final = _re(r"\b(?:[tc]?stage[d]?|staging|clinical|pathologic(?:al)?)[ :]*$")


def _is_level(_word: str, before: str, after: str) -> bool:
    """Whether a T3 or T4 is a vertebra or how far a tumour has grown, not a hormone."""
    if _STAGED.match(after) or _STAGES.search(before) or _LEVELS.match(after):
        return True
    clause = re.split(r"[.;\n]", before)[-1]
    if _THYROID.search(clause) or _HORMONE.match(after):
        return _JOINED.match(after) is not None and _SPINE.search(after) is not None
    near = re.split(r"[.;\n]", after)[0]
    return (_JOINED.match(after) or _SPINE.search(near) or _SPINE.search(clause[-40:])) is not None


# --- "bowel gas pattern", "blood gas", "impaired gas exchange" ---
_SOME_GAS: Final = _re(
    r"\b(?:blood|arterial|venous|capillary|free|bowel|colonic|gastric|rectal|luminal|biliary|"
    r"tissue|subcutaneous|peritoneal|extraluminal|overlying|mustard|tear|natural|nitrous|"
    r"anesthetic|inhaled|inert|exhaust|carrier|medical|portal|intravascular|mottled|"
    r"(?:foci|bubbles?|pockets?|collections?|locules?|evidence|traces?|focus)[ ]of)[ -]*$"
)
_GAS_OF: Final = _re(
    r"[ -]*(?:exchange|pattern|form|produc|analys|station|mask|gangrene|embol|bubbl|fill|leak|"
    r"in\b|within|throughout|tension|insufflat|chromatograph|permeable|stove|heater|tank|"
    r"anesth|trap|outlet|flow|transfer|law|price|pump)"
)
_PASSED: Final = _re(
    r"\b(?:pass(?:es|ed|ing)?|pain|pains|excess(?:ive)?|trapped|too much|lots? of|plenty of|"
    r"amounts? of)(?:[ ](?:a|any|some|the|of|lot))*[ ]*$"
)


def _other_gas(word: str, before: str, after: str) -> bool:
    if word.isupper():
        return True  # an abbreviation, or it is read in a text of capitals as everything is
    if _PASSED.search(before):
        return False
    return (_SOME_GAS.search(before) or _GAS_OF.match(after)) is not None


def _no_stage(_word: str, before: str, _after: str) -> bool:
    """Whether an M0 closes a tumour's stage: it says that there are no metastases."""
    return re.search(r"N[0-3xX][a-c]?[ ,]*$", before) is not None


# --- "Type 2 diabetes mellitus (HCC)" ---
_CARCINOMA: Final = _re(r"(?:carcinoma|hepatoma|liver cancer|cancer of the liver)[ ]*\($")


def _pays_more(word: str, before: str, after: str) -> bool:
    """Whether an "(HCC)" behind a diagnosis is the payer's category, as problem lists print it."""
    bracketed = word.isupper() and before.endswith("(") and after.startswith(")")
    return bracketed and _CARCINOMA.search(before) is None


# --- "CT PE protocol", "chest PE study": how it is looked for ---
_LOOKED_FOR: Final = _re(r"[ -](?:protocol|study|studies|prot)\b")


def _is_study(word: str, before: str, after: str) -> bool:
    return _LOOKED_FOR.match(after) is not None or _wrote(word, before, after)


# --- "MS: alert and oriented. CN: intact": what is examined ---
_EXAMINED: Final = _re(
    r"[ ]*:[ ]*(?:a ?& ?o|a ?x ?o|alert|awake|oriented|unresponsive|unremarkable|normal|intact|"
    r"full|speech|mood|affect|strength|[0-5]/5|gait|grossly|lethargic|comatose|no joint|no swell|"
    r"(?:denies|no|positive|negative)[^.;\n]{0,30}(?:joint|muscle|back|neck|myalgia|arthralgia))"
)
_EXAM: Final = _re(
    r"\b(?:c\.?n\.?|cranial nerves|motor|sensory|sensation|coord(?:ination)?|station|gait|reflexes|"
    r"heent|cv|chest|resp|lungs|gi|gu|skin|ext(?:remities)?|neuro|psych|endo(?:crine)?|heme)[ ]*:"
)


def _is_examined(word: str, before: str, after: str) -> bool:
    """Whether "MS:" heads the mental status or the joints, not an illness."""
    if word.isupper() and after.lstrip(" ").startswith(":"):
        beside = _EXAM.search(after) or _EXAM.search(before[-_BEHIND:])
        return beside is not None or _EXAMINED.match(after) is not None
    return _wrote(word, before, after)


# --- "Pain that travels", "traveled down the leg", "a travel agent", "TRAVEL HISTORY:" ---
_TRAVEL: Final = _re(r"(?:(?:recently|has|had)[ ])?(?:travel(?:s|l?ed|l?ing)?|trips?(?=[ ]to))\b")
_PAIN_THAT: Final = _re(rf"(?:{_PAIN.pattern}|\bnumbness\b)[^.,;\n]{{0,20}}$")
# "Two trips to the bathroom at night", "trip to the ED", "extra trips to pee".
_AT_HAND: Final = _re(
    r"[ ]to[ ](?:(?:the|an?|his|her|our|local|nearest)[ ])*(?:bath ?room|rest ?room|toilet|commode|"
    r"e[dr]|or|icu|emergency|hospital|clinic|store|shop|market|doctor|pharmacy|kitchen|ct|mri|"
    r"radiology|operating|office|vet|dentist|gym|mailbox|park|mall|grocery|"
    r"pee|urinate|void|see|use|get|go|visit|pick|take|have|help)\b"
)
_GOES: Final = _re(
    r"[ ](?:agen(?:t|cy)|nurse|mug|pillow|size|times?|vaccin\w+|immuni\w+|clinic|medicine|plans|"
    r"insurance|history[ ]*:|down|along|through|around|up|into|posterior\w*|"
    r"anterior\w*|medial\w*|lateral\w*|distal\w*|proximal\w*)\b"
)


def _no_journey(word: str, before: str, after: str) -> bool:
    """Whether what travels is a pain or a thing in the body, or it is somebody's trade."""
    pain = word.lower() == "travels" and _PAIN_THAT.search(before)
    if _AT_HAND.match(after):
        return True
    return bool(pain or _GOES.match(after) or _TOWARDS.match(after))


_WORDS: Final[dict[str, _Test]] = {
    "fell": nobody_fell,
    "mass": is_amount,
    "has fallen": nobody_fell,
    "had fallen": nobody_fell,
    "asa": is_class,
    "radiation": _spreads,
    "pulse": _throbs,
    "pulses": _throbs,
    "t3": _is_level,
    "t4": _is_level,
    "gas": _other_gas,
    "m0": _no_stage,
    "hcc": _pays_more,
    "pe": _is_study,
    "ms": _is_examined,
    "back": goes_back,
    "foot": is_length,
    "feet": is_length,
    "head": is_of_bone,
    "heads": is_of_bone,
    "arm": is_machine,
    "face": meets_face,
    "colic": supplies_colon,
}
# "Dictated by AF/md", "Signed: AF, MD", "D: 1/2/20 AF/jt": who wrote, signed or typed.
_SIGNED: Final = _re(
    r"(?:\b(?:dictat\w*|(?:co-?|counter)?sign(?:ed|ature)|transcri\w*|typed|authored|scribed|authenticated)"
    r"(?:[ ]by\b|[ ]*:)|\b(?:written|reviewed|read|approved|entered)[ ]by\b|"
    r"\b(?:initials?|attending|provider|resident|physician)[ ]*:|\bdr\b)"
    r"[ :.-]*(?:(?-i:[A-Z])[.][ ]?)*$"
)
_GRADE: Final = re.compile(
    r"[ ]?,?[ ](?:M\.?D|D\.?O|R\.?N|N\.?P|PA-C|Ph\.?D|DPM|FACP|FACS|LCSW|LPN)\b"
    r"(?=[ ]*(?:$|[.,;)\n]|\d|on \d))"
)
_HAD: Final = _re(r"\b(?:in|into|with|of|has|had|hx|h/o|new|rapid|for|and|or|no|denies|to)[ ]*$")
_TYPED: Final = _re(r"(?:(?:^|\n)[ ]*|[DTJ]:[^\n]*\d[ ]*)$")
_TYPIST: Final = re.compile(r"[/:][a-z]{2,3}[ ,.]+(?:[DTJ]:|\d{1,2}/\d)|[/:][a-z]{2,3}[ ]*(?:$|\n)")
# Who typed has initials; "PE/dvt 3/4/2019" is a list of illnesses.
_ILLS: Final = frozenset(
    "af afl aki arf bph ca cad chf ckd cll cml copd cva dka dm dvt esrd gad gi hf hfr hi hiv htn "
    "ibd ibs icd ild lbp mdd mi oa osa pad pe pna ptx pud pvd ra sle sob sss svt sz tb tia uri uti "
    "vf vt vte".split()
)
_DATED: Final = re.compile(r"\d")
_SIGNED_OFF: Final = re.compile(r"[/:.,\n]|[ ]*$|[ ]\d")
_INITIALS: Final = re.compile(r"[A-Z]{2,3}")


def _wrote(_word: str, before: str, after: str) -> bool:
    """Whether two or three capitals are the initials of who wrote, signed or typed."""
    if _SIGNED.search(before):
        return _GRADE.match(after) is not None or _SIGNED_OFF.match(after) is not None
    if _GRADE.match(after):
        return _HAD.search(before) is None
    typed = _TYPIST.match(after)
    if typed is None or _TYPED.search(before) is None or typed[0][1:4].strip(" ,.") in _ILLS:
        return False
    # "SI/hi" is typed as well: only beside a date are they somebody's initials.
    return _DATED.search(before.rpartition("\n")[2] + typed[0]) is not None


# "Low potassium diet" is what those with too much are given, a "diabetic foot exam" no ulcer.
_LONGER: Final = re.compile(
    r"\b(?:(?:low|high|reduced)[ -](?:potassium|sodium|salt|phosph\w+|calcium|magnesium|protein|"
    r"sugar|glucose|cholesterol|iron)(?=[ -](?:[a-z]+[ -])?(?:diets?|foods?|intake|meals?)\b)|"
    r"diabetic[ ]foot(?=[ ](?:exam\w*|check\w*|screen\w*|care|clinic|education)\b))",
    re.IGNORECASE,
)


# Who is to quit, or is helped to, has not: "something to help her quit smoking".
_QUIT: Final = re.compile(r"quit(?:ting)?\b", re.IGNORECASE)
_TO_QUIT: Final = re.compile(
    r"\b(?:(?<! able )(?<!managed )to|should|must|will|would|can|could|cannot|may|"
    r"(?:help|assist)\w*(?: (?:her|him|them|the patient|patient|pt))?(?: in| with| to)?|"
    r"interested in|considering|contemplating|discussed|encouraged|about|aids? in|not)[ ]$",
    re.IGNORECASE,
)


def means_other(text: str, start: int, end: int) -> bool:
    """Whether `text[start:end]`, the name of a concept, does not mean it there."""
    word = text[start:end]
    if travel := _TRAVEL.match(text, start, end):  # "to" may be part of the name
        before, after = text[max(0, start - _BEHIND) : start], text[travel.end() : end + _BEHIND]
        return _no_journey(travel[0], before, after)
    if end - start > 10:
        if _QUIT.match(text, start, end):
            return _TO_QUIT.search(text, max(0, start - _AROUND), start) is not None
        longer = _LONGER.match(text, start)
        return longer is not None and longer.end() == end
    test = _WORDS.get(word.lower())
    if test is None and _INITIALS.fullmatch(word) is None:
        return False
    before, after = text[max(0, start - _AROUND) : start], text[end : end + _BEHIND]
    return (test or _wrote)(word, before, after)


# Where such letters may stand: in brackets, before who typed or a degree, behind who signed. A
# class of characters comes first, since it is found fastest.
_LETTERS: Final = re.compile(
    r"[A-Z](?<!\w.)[A-Z]{1,2}\b(?:(?<=\(HCC)(?=\))|(?<=MS)(?=[ ]?:)|(?=[/:][a-z]{2,3}\b)|"
    r"(?=[ ]?,?[ ](?:M\.?D|D\.?O|R\.?N|N\.?P|PA-C|Ph\.?D|DPM|FACP|FACS|LCSW|LPN)\b)|"
    r"(?<=[yr:.][ ]..)|(?<=[yr:.][ ]...))"
)


def other_letters(text: str) -> list[tuple[int, int]]:
    """Return where the letters of an abbreviation stand for something else: a payer's "(HCC)",
    initials. Whoever looks for what they are short for must not find them there."""
    return [match.span() for match in _LETTERS.finditer(text) if _mean_other(text, match)]


def are_other_letters(text: str, start: int, end: int) -> bool:
    """Whether `text[start:end]` is one of the places that `other_letters` finds."""
    match = _LETTERS.match(text, start)
    return match is not None and match.end() == end and _mean_other(text, match)


def _mean_other(text: str, match: re.Match[str]) -> bool:
    test = _WORDS.get(match[0].lower()) or _wrote
    return test in (_pays_more, _wrote, _is_study, _is_examined) and means_other(
        text, *match.span()
    )


# As titles are written: "MR" is a valve that leaks, "Ms since 2015" an illness.
_TITLE: Final = re.compile(r"\b(?:Ms|Mr|Dr)\b(?=\.|[ ]+[A-Z\[<*_])")


_TITLE_WORDS: Final = frozenset(("ms", "mr", "dr"))


def is_title_word(word: str) -> bool:
    """Whether a word has the letters of a title and is not written as one."""
    word = word.strip()
    return word.lower() in _TITLE_WORDS and not word.istitle()


def titles(text: str) -> list[tuple[int, int]]:
    """Return where "Ms.", "Mr." or "Dr." address somebody: no illness is meant there, whose letters
    are the same."""
    return [match.span() for match in _TITLE.finditer(text)]


def is_title(text: str, start: int, end: int) -> bool:
    """Whether `text[start:end]` is one of the places that `titles` finds."""
    match = _TITLE.match(text, start)
    return match is not None and match.end() == end
