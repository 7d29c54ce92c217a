"""Which conditions stay ("history of diabetes" is still diabetes) and which are over."""

from __future__ import annotations

import re
from typing import Final

# A disease a patient keeps: "history of" it does not mean that it is over.
_CHRONIC: Final = re.compile(
    r"\b(?:diabet\w*|t[12]dm|i?ddm|niddm|dm\d?|dm2|hypertens\w*|htn|copd|chronic\w*|asthma\w*|"
    r"(?:heart|renal|kidney|liver|cardiac|respiratory|hepatic) (?:failure|insufficiency)|chf|hfref|"
    r"hfpef|cardiomyopath\w*|cad|pvd|pad|ckd|esrd|afib|a-?fib|atrial (?:fib\w*|flutter)|"
    r"\w*lipid(?:a)?emia\w*|hyperlipid\w*|dyslipid\w*|hypercholesterol\w*|"
    r"(?:high|elevated) (?:cholesterol|blood pressure)|"
    r"hypo-?thyroid\w*|hyper-?thyroid\w*|cirrho\w*|"
    r"aids|\w*arthritis|osteopor\w*|"
    r"osteopen\w*|osteoarth\w*|lupus|sle|multiple sclerosis|parkinson\w*|alzheimer\w*|dementia|"
    r"epilep\w*|depress\w*|anxiety|bipolar|schizo\w*|ptsd|adhd|add|ocd|autis\w*|migraine\w*|gerd|"
    r"reflux|crohn\w*|ulcerative colitis|ibs|ibd|celiac|gout\w*|obes\w*|(?:sleep )?apnea|osa|"
    r"psoria\w*|eczema|sickle|h(?:a)?emophil\w*|thalass\w*|neuropath\w*|glaucoma|macular|bph|"
    r"endometriosis|fibromyalgia|sarcoid\w*|scleroderma|emphysema|bronchiectasis|"
    r"cystic fibrosis|cerebral palsy|down syndrome|stenosis|"
    r"(?:aortic|mitral) (?:stenosis|regurgitation|insufficiency)|disease|disorder|syndrome|"
    r"dysfunction|\w*retinopath\w*|\w*nephropath\w*|angina|varices|deficiency|allerg\w*|rhinitis|"
    r"incontinence|insomnia|hay fever|t[12]d|hld|hfmref|ms|gad|aud|oud|af|hf|ida|pcos|oa|cvi|"
    r"(?:clogged|blocked|narrowed|hardened|hardening of the) (?:\w+ )?arter\w*|"
    r"(?:weak|bad|enlarged|failing) (?:heart|kidneys?|lungs?|liver)|"
    r"irregular (?:heart ?beat|pulse)|\w+ fibrillation|arrhythmi\w*|overweight|"
    r"high (?:sugar|lipids)|hypertriglycerid\w*|pre-?diabet\w*|(?:under|over)active thyroid|"
    r"dependence|addiction|alcoholism|(?:hearing|vision|visual) (?:loss|impairment)|deaf\w*|"
    r"blindness|scars?|scoliosis|amyloid\w*|spondyl\w*|paraly\w*|\w*plegia)\b"
)
# Told of a patient's youth, and over unless the sentence goes on to say that it is not.
_YOUNG: Final = (
    r"(?:in|from|since|during|of) (?:(?:early|late|his|her|their) )*(?:childhood|infancy|youth|"
    r"adolescence)|as (?:a|an) (?:young |small |little )?(?:child|kid|infant|baby|boy|girl|toddler|"
    r"teen|teenager|adolescent|youth)|childhood"
)
_WAS_YOUNG: Final = re.compile(_YOUNG)
_NAMED_YOUNG: Final = (" in childhood", " in infancy")
_STILL: Final = re.compile(
    r"(?:[.;][ ]{1,2}(?:(?:he|she|they|patient|pt)[ ])?(?=still)|"
    r"(?:[,(–-]|[ ](?:and|but|that|which|for which))?[ ]{0,2}"
    r"(?:(?:and|but|though|he|she|they|patient|pt|for which|which|that|(?:he|she) is|is)[ ]){0,3})"
    r"(?:still\b(?! (?:denies|no\b|smok|drink))|continu(?:es|ing)\b|persist(?:s|ing|ent)\b|"
    r"to this day\b|ongoing\b|(?:ever|even) (?:since|now|today)\b|"
    r"(?:well|poorly|mostly|better)[- ]controlled (?:on|with|by)\b|"
    r"(?:uses|using|requires|carries|needs|takes|flares)\b|"
    r"(?:now|currently|presently)[ ](?:well[- ]|poorly[- ]|mostly[ ])?"
    r"(?:on|uses|using|takes|taking|needs|needing|requires|requiring|treated|managed|maintained|controlled|uncontrolled|active|"
    r"flaring|worse|with (?:flares?|attacks|symptoms))\b)"
)
# "Takes lisinopril for hypertension" tells nothing of the asthma.
_ELSE: Final = re.compile(
    r"[^.;]{0,60}? for (?!it\b|this|that|them|control|relief|rescue|flares?|attacks|symptoms|"
    r"exercise|wheez|breath|which|as needed|\d|years|many)"
)
# An infection that stays, however its name ends.
_LASTING: Final = re.compile(
    r"\b(?:hiv|human immunodeficiency virus|hcv|hbv|hep(?:atitis)?[ -]?[bc]|chronic)\b"
)
# A thing that happened: in a past history it is over.
_EVENT: Final = re.compile(
    r"(?:\w+(?:ectomy|otomy|ostomy|plasty|pexy|rraphy|scopy|desis)\b|\b(?:mi|nstemi|stemi|cva|tia|"
    r"stroke\w*|infarct\w*|dvt\w*|pe|embol\w*|thrombos[ie]s|fracture\w*|fx|pneumonia\w*|sepsis|"
    r"bypass|cabg|stent\w*|transplant\w*|surger\w*|operation|repair\w*|resection\w*|amputation\w*|"
    r"appendicitis|cholecystitis|pancreatitis|diverticulitis|h(?:a)?emorrhage\w*|bleed\w*|"
    r"concussion\w*|injur\w*|trauma|accident\w*|overdose\w*|suicide attempt\w*|seizure\w*|"
    r"miscarriage\w*|abortion\w*|pregnanc\w*|preeclampsia|delivery|c-section|cesarean|"
    r"cellulitis|pyelonephritis|meningitis|chickenpox|varicella|measles|mumps|shingles|zoster|"
    r"perforat\w*|rupture\w*|dissection|obstruction\w*|abscess\w*|syncop\w*|arrest|"
    r"c\.? diff\w*|clostridium difficile|uti|urinary tract infection\w*|infection\w*|"
    r"kidney stone\w*|nephrolithiasis|jaundice|rheumatic fever|tuberculosis|"
    r"hospitalization\w*|intubat\w*|radiation|chemotherapy)\b)"
)

_CHRONIC_WORD: Final = re.compile(
    r"\b(?:chronic|long-?standing|ongoing|persistent|intractable|progressive|progression of|"
    r"worsening)[ ](?:[a-z-]+[ ])?$"
)
_FOR_SO_LONG: Final = re.compile(
    r"(?:[ ](?!(?:and|or|with|for|treated|status|in|requiring|s/p)\b)[\w-]+){0,3}[ ]"
    r"(?:(?:for|over|during)[ ](?:the[ ])?(?:past|last)\b|for[ ](?:(?:about|approximately|at least|"
    r"over|more than|the)[ ])*(?:\d+|one|two|three|four|five|six|several|many|some|a few)\b"
    r"(?=[ ](?:\w+[ ])?(?:days?|weeks?|months?|years?|time)\b))"
)
_ADDICTION: Final = re.compile(
    r"\b(?:dependence|addiction|alcoholi\w+|aud|oud|(?:use|abuse) disorder|abuse)\b"
)


def is_chronic(words: str) -> bool:
    """Whether folded `words` name a condition that lasts."""
    return (_CHRONIC.search(words) or _LASTING.search(words)) is not None and not is_event(words)


def is_event(words: str) -> bool:
    """Whether folded `words` name something that happens and is then over."""
    return _EVENT.search(words) is not None and _LASTING.search(words) is None


def is_given_up(cue: str, words: str) -> bool:
    """Whether folded `words` name a habit that `cue` says is over: "alcoholism in remission"."""
    return cue.endswith("remission") and _ADDICTION.search(words) is not None


def goes_on(folded: str, told: int, start: int, end: int, last: int) -> bool:
    """Whether what a history behind `told` holds at `[start, end)` is said to be still there:
    "history of chronic cough", "history of cough for the past year"."""
    return (
        _CHRONIC_WORD.search(folded, told, start) is not None
        or _FOR_SO_LONG.match(folded, end, last) is not None
    )


def named_young(words: str) -> int | None:
    """Return where in folded `words` it is told that they are of the patient's youth ("asthma in
    childhood"); None where they are not."""
    return words.rfind(" in ") + 1 if words.endswith(_NAMED_YOUNG) else None


def outgrown(
    folded: str, cue: tuple[int, int], after: int, last: int, *, began: bool = False
) -> bool:
    """Whether what a cue of youth speaks of is over: it tells not only when it `began`, and the
    text from `after` up to `last` does not go on to say that it is still there. True of any other
    cue."""
    if _WAS_YOUNG.fullmatch(folded, *cue) is None:
        return True
    if began:
        return False
    still = _STILL.match(folded, after, last)
    return still is None or _ELSE.match(folded, still.end(), last) is not None
