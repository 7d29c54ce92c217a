"""Parts of the body, and what grows in them, whose names are common words: "come back", "five
feet", "the femoral head", "lean body mass"."""

from __future__ import annotations

import re
from typing import Final


def _re(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


_NEAR: Final = 40  # code points before a word that its verb or number is looked for in

# --- "brought back to the ward", "see her back in a week", "the back of the head" ---
_MOVED: Final = _re(
    r"\b(?:com(?:e|es|ing)|came|go(?:es|ing|ne)?|went|get(?:s|ting)?|got(?:ten)?|put|"
    r"plac(?:e|ed|ing)|bring(?:s|ing)?|brought|tak(?:e|en|ing)|took|transferr(?:ed|ing)|"
    r"turn(?:ed|ing)?|return(?:ed|ing)?|call(?:ed|ing)?|pull(?:ed|ing)?|push(?:ed|ing)?|"
    r"cut(?:ting)?|send|sent|dat(?:es|ing|ed)|passed|retracted|wheeled|folded|switched|moved?|"
    r"g[ia]ve|report(?:ed)?|check|hear|seen?|have|follow(?:ed)?|welcome|years|months|weeks|days|"
    r"results|scaled?|peeled|reflected|sutured|sewn|looped|look(?:ing|ed)?|think(?:ing)?|"
    r"walk(?:ed|ing)?|moving|right|all the way|wrapped|backed)\s+"
    r"(?:(?:it|him|her|them|me|you|us|this|that|these|those|(?:the[ ])?(?:patient|pt))\s+)?$"
)
_CAME: Final = _re(r"\bc[oa]m(?:e|es|ing)\s+$")  # "came back negative"
_ITS: Final = _re(
    r"(?:\b(?:the|her|his|my|your|their|our|its|an?|this|that|and|or|of|on|in|to|with|for|from|"
    r"low|lower|upper|mid|middle|left|right|bilateral|entire|whole|chronic|acute|mild|severe|any|"
    r"no|some|bad|sore|painful|stiff|tender|patient's|pt's|thoracic|neck|old|new|both|at|over|"
    r"normal|hurts?|injured)|[,/:;.&(\n-]|^)\s*$"
)
_WHERE: Final = _re(
    r"\s*(?:(?:to|in|into|on|onto|up|down|here|home|there|again|then|together|from|at|out|for|as|"
    r"through|over|off|when|if|towards?|and forth|around|with|by|so|now|next|after|once|until|"
    r"today|tomorrow|sooner?|later)\b|[.,;?])"
)
_BACK_OF: Final = _re(
    r"\s+(?:part\s+)?of\s+(?:the|his|her|my|your|their|both|each)\s+(?:(?:left|right)\s+)?(?:eyes?|"
    r"head|neck|throat|legs?|thighs?|knees?|hands?|arms?|heels?|mouth|ankles?|foot|feet|cal(?:f|ves)|"
    r"skull|nose|tongue|wrists?|elbows?|car|room|table|testis|vagina|uterus|patella|disc|disk)\b"
)


def goes_back(_word: str, before: str, after: str) -> bool:
    """Whether "back" tells where to, or of what part it is the back."""
    if _BACK_OF.match(after):
        return True
    before = before[-_NEAR:]
    if _CAME.search(before):
        return True
    if _MOVED.search(before):
        return _WHERE.match(after) is not None
    return _WHERE.match(after) is not None and _ITS.search(before) is None


# --- "walks 400 feet", "5 foot 8 inches" ---
_LENGTH: Final = _re(
    r"(?:\d|\b(?:three|four|five|six|seven|eight|nine|ten|fifteen|twenty|thirty|forty|fifty|"
    r"hundred|thousand))[ -]$"
)


def is_length(_word: str, before: str, _after: str) -> bool:
    """Whether feet are counted."""
    return _LENGTH.search(before[-_NEAR:]) is not None


# --- "lean body mass", "LV mass", "mass spectrometry"; but "a soft tissue mass" ---
_HOW_MUCH: Final = _re(
    r"\b(?:body|muscle|fat|lean|bone|lv|ventricular|ventricle|myocardial|dry|critical|relative|"
    r"molecular|atomic)[ -]$"
)
_OF_MATTER: Final = _re(r"[ ](?:ind(?:ex|ices)|spectromet\w+|casualt\w+|media|transit)\b")


def is_amount(_word: str, before: str, after: str) -> bool:
    """Whether a mass is how much there is of a body, and no lump in it."""
    return bool(_HOW_MUCH.search(before[-_NEAR:]) or _OF_MATTER.match(after))


# --- "the femoral head", "head of the radius", "head of bed elevated" ---
_BONE: Final = _re(
    r"\b(?:humeral|femoral|metatarsal|metacarpal|radial|fibular|clavicular|phalangeal|ulnar|talar|"
    r"mandibular|condylar|terminal|screw|pancreatic|medial|lateral|long|short)[ ]$"
)
_HEAD_OF: Final = _re(
    r"[ ](?:and (?:neck|base) )?of (?:the |his |her )?(?:(?:first|second|third|fourth|fifth|left|"
    r"right|\w+al) )?(?:bed|table|radius|femur|humerus|fibula|ulna|scaphoid|talus|metatarsals?|"
    r"metacarpals?|phalanx|phalanges|pancreas|penis|caudate|epididymis|mandible|clavicle|muscle|"
    r"gastrocnemius|biceps|triceps|screw)\b"
)


def is_of_bone(_word: str, before: str, after: str) -> bool:
    """Whether it is the head of something else than the patient."""
    return _BONE.search(before[-_NEAR:]) is not None or _HEAD_OF.match(after) is not None


# --- "C-arm fluoroscopy", "face-to-face" ---
_C_ARM: Final = _re(r"\bc[- ]?$")
_TO_FACE: Final = _re(r"[- ]to[- ]face\b")
_FACE_TO: Final = _re(r"\bface[- ]to[- ]$")


def is_machine(_word: str, before: str, _after: str) -> bool:
    """Whether it is the arm of an X-ray machine."""
    return _C_ARM.search(before[-_NEAR:]) is not None


def meets_face(_word: str, before: str, after: str) -> bool:
    """Whether somebody was met, face to face."""
    return _TO_FACE.match(after) is not None or _FACE_TO.search(before[-_NEAR:]) is not None


# --- "the middle colic artery" ---
_VESSEL: Final = _re(
    r"[ ](?:arter(?:y|ies)|veins?|vessels?|branch(?:es)?|arcades?|flexure|trunk)\b"
)
_COURSE: Final = _re(r"\b(?:middle|right|left|superior|inferior|ileo)[ -]?$")


def supplies_colon(_word: str, before: str, after: str) -> bool:
    """Whether it is a vessel and no cramp."""
    return _VESSEL.match(after) is not None or _COURSE.search(before[-_NEAR:]) is not None
