"""Which concepts belong to a medical specialty: by its disorders, its organs, its means."""

from __future__ import annotations

from collections.abc import Mapping

from indexing.language.terminology.model import EdgeKind
from indexing.language.terminology.reader import Terminology
from indexing.language.terminology.seed import concept_id

# Specialty → the seed concepts it grows from.
SPECIALTIES: Mapping[str, tuple[str, ...]] = {
    "cardiology": ("cardiovascular disease", "heart", "hyperlipidemia", "antihypertensive",
                   "palpitations", "coronary artery", "heart valve"),
    "pulmonology": ("lung disease", "lung", "pleura", "bronchodilator", "dyspnea", "cough"),
    "gastroenterology": ("gastrointestinal disease", "liver disease", "stomach", "esophagus",
                         "intestine", "liver", "gallbladder", "pancreas", "abdominal pain",
                         "hernia", "proton pump inhibitor", "antiemetic", "laxative"),
    "nephrology": ("kidney disease", "kidney", "electrolyte imbalance", "dialysis"),
    "urology": ("urinary tract infection", "urinary bladder", "prostate", "testicle", "penis",
                "urethra", "urinary incontinence", "kidney stone", "scrotum"),
    "neurology": ("neurological disease", "brain", "spinal cord", "meninges", "headache",
                  "anticonvulsant", "seizure", "optic nerve"),
    "psychiatry": ("mental disorder", "antidepressant", "antipsychotic", "anxiety",
                   "anxiolytic", "mood stabilizer"),
    "endocrinology": ("endocrine disorder", "metabolic disease", "thyroid gland",
                      "antidiabetic drug", "diabetes mellitus"),
    "hematology": ("blood disorder", "anticoagulant", "blood", "anemia", "leukemia"),
    "oncology": ("cancer", "tumor", "chemotherapy drug", "chemotherapy"),
    "infectious diseases": ("infection", "antibiotic", "antiviral", "antifungal"),
    "rheumatology": ("arthritis", "autoimmune disease", "joint", "vasculitis"),
    "dermatology": ("skin disease", "skin", "rash", "pruritus", "skin cancer"),
    "orthopedics": ("musculoskeletal disease", "bone", "joint", "ligament", "tendon", "fracture",
                    "injury", "knee", "hip", "shoulder", "spine"),
    "gynecology": ("uterus", "ovary", "vagina", "cervix", "pregnancy", "pregnancy complication",
                   "breast", "vulva", "pelvis", "contraceptive"),
    "ophthalmology": ("eye disease", "eye", "eyelid", "retina", "cornea", "conjunctiva", "lens"),
    "otolaryngology": ("ear disease", "ear", "nose", "throat", "larynx", "tonsil", "mouth",
                       "paranasal sinus", "vocal cord"),
    "allergy": ("allergy", "antihistamine"),
    "dentistry": ("tooth", "gum", "mouth"),
}  # fmt: skip
_LINKS = (EdgeKind.LOCATED_IN, EdgeKind.TREATS, EdgeKind.ASSOCIATES)


def of_specialty(terminology: Terminology, concept: str, specialty: str) -> bool:
    """Say whether a concept is one of the specialty's, lies below one, or is tied to such a one."""
    roots = {concept_id(name) for name in SPECIALTIES[specialty]}
    above = {concept, *terminology.ancestors(concept)}
    if above & roots:
        return True
    for edge in terminology.edges(concept, _LINKS):
        if not edge.inverse and ({edge.other, *terminology.ancestors(edge.other)} & roots):
            return True
    return False
