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
    r"incontinence|insomnia|hay fever|t[12]d|hld|hfmref|gad|aud|oud|af|hf|ida|pcos|oa|cvi|"
    r"(?:clogged|blocked|narrowed|hardened|hardening of the) (?:\w+ )?arter\w*|"
    r"(?:weak|bad|enlarged|failing) (?:heart|kidneys?|lungs?|liver)|"
    r"irregular (?:heart ?beat|pulse)|\w+ fibrillation|arrhythmi\w*|overweight|"
    r"high (?:sugar|lipids)|hypertriglycerid\w*|pre-?diabet\w*|(?:under|over)active thyroid|"
    r"dependence|addiction|alcoholism|(?:hearing|vision|visual) (?:loss|impairment)|deaf\w*|"
    r"blindness|scoliosis|amyloid\w*|spondyl\w*|paraly\w*|\w*plegia)\b"
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


def is_chronic(words: str) -> bool:
    """Whether folded `words` name a condition that lasts."""
    return (_CHRONIC.search(words) or _LASTING.search(words)) is not None and not is_event(words)


def is_event(words: str) -> bool:
    """Whether folded `words` name something that happens and is then over."""
    return _EVENT.search(words) is not None and _LASTING.search(words) is None
