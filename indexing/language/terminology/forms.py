"""Which spellings are one word: inflection, British spelling, adjective and organ, safe typos."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, cached_property
from importlib.resources import files

from rapidfuzz.distance import OSA
from rapidfuzz.process import extract

# Read at word level: "renal failure" and "kidney failure" are one key.
_ORGANS = """
    renal:kidney cardiac:heart hepatic:liver pulmonary:lung gastric:stomach abdominal:abdomen
    cerebral:brain facial:face nasal:nose vaginal:vagina rectal:rectum uterine:uterus
    ovarian:ovary prostatic:prostate testicular:testicle mammary:breast muscular:muscle
    articular:joint cutaneous:skin dermal:skin osseous:bone bony:bone splenic:spleen
    pancreatic:pancreas esophageal:esophagus colonic:colon tracheal:trachea laryngeal:larynx
    thoracic:thorax pelvic:pelvis spinal:spine penile:penis scrotal:scrotum
    umbilical:umbilicus duodenal:duodenum auricular:ear aural:ear corneal:cornea
    retinal:retina intestinal:intestine epileptic:epilepsy arthritic:arthritis
    ischemic:ischemia hypertrophic:hypertrophy atrophic:atrophy stenotic:stenosis
    elevated:high increased:high raised:high decreased:low reduced:low diminished:low
    childhood:child pediatric:child juvenile:child enlarged:enlargement deficient:deficiency
    inflamed:inflammation obstructed:obstruction perforated:perforation dilated:dilation
    ruptured:rupture broken:fracture torn:tear painful:pain tender:tenderness
    hemorrhagic:hemorrhage"""
_NOUNS = """testis:testicle bowel:intestine neoplasm:tumor tumour:tumor bleeding:hemorrhage
    bleed:hemorrhage haemorrhage:hemorrhage swollen:swelling fractured:fracture
    dislocated:dislocation herniated:herniation infarct:infarction dilatation:dilation
    infected:infection bruised:bruise ulcerated:ulcer ischaemia:ischemia embolus:embolism
    emboli:embolism thrombus:thrombosis hypertrophied:hypertrophy atrophied:atrophy"""
# An adjective alone names nothing: "pulmonary" is no mention of the lung.
ADJECTIVES = frozenset(pair.partition(":")[0] for pair in _ORGANS.split())
EQUIVALENTS: Mapping[str, str] = {
    adjective: organ
    for adjective, _, organ in (pair.partition(":") for pair in f"{_ORGANS} {_NOUNS}".split())
}

_BRITISH = (
    ("ae", "e"),
    ("oe", "e"),
    ("isation", "ization"),
    ("ise", "ize"),
    ("yse", "yze"),
    ("ph", "f"),
    ("leuco", "leuko"),
    ("sulph", "sulf"),
    ("tre", "ter"),
)
_OUR = re.compile(r"(?<=\w\w)our(?=(?:s|ed|ing|al|less)?$)")
# Parts that tell one medical word from another: a word with the one is no slip for the other.
_TELLING = (
    ("macro", "micro"), ("hemi", "hemo"), ("haemo", "hemi"), ("ileo", "ilio"), ("ante", "anti"),
    ("aph", "apl"), ("otomy", "ostomy"), ("otomies", "ostomies"), ("ite", "ate"), ("ide", "ine"),
    ("ide", "ite"), ("ine", "ane"), ("ane", "ene"), ("ine", "ene"), ("ol", "one"),
)  # fmt: skip
# Suffix, its replacements: tried in order, taken when the vocabulary holds the result.
_PLURAL = (
    ("ies", ("y",)),
    ("ices", ("ix", "ex")),
    ("mata", ("ma",)),
    ("ae", ("a",)),
    ("xes", ("x",)),
    ("ses", ("s", "sis", "se")),
    ("ches", ("ch", "che")),
    ("shes", ("sh",)),
    ("zes", ("ze",)),
    ("oes", ("o", "oe")),
    ("es", ("e", "is")),
    ("s", ("",)),
    ("i", ("us",)),
    ("ia", ("ium", "ion")),
    ("a", ("um",)),
)
# Ending in one of these, a word's last "s" is no plural.
_SINGULAR_S = (
    "ss",
    "aids",
    "us",
    "is",
    "itis",
    "osis",
    "asis",
    "iasis",
    "ous",
    "ics",
    "etes",
    "ies's",
)
_MIN_TYPO = 7  # letters; shorter words have too many neighbours that are other words
_COMMON = 12_000
_LOOKALIKE = 4  # edits: a drug word is never corrected to when another drug word is this near


@cache
def english() -> frozenset[str]:
    """Return English words, which are never typos of medical ones. The file holds them by falling
    frequency (the whole words of BERT's vocabulary, Apache-2.0)."""
    return frozenset(_english_words())


@cache
def common() -> frozenset[str]:
    """Return the commonest English words: alone, they name a concept only where the seed
    says so."""
    return frozenset(_english_words()[:_COMMON])


@cache
def _other_words() -> frozenset[str]:
    """Return words of medicine and of its crafts that name nothing by themselves, and are one
    letter from a word that does."""
    text = (files("indexing.language") / "data" / "other_words.txt").read_text("utf-8")
    lines = (line for line in text.splitlines() if not line.startswith("#"))
    return frozenset(word for line in lines for word in line.split())


def _is_word(word: str) -> bool:
    return word in english() or word in _other_words()


def _is_verb(word: str) -> bool:
    """Say whether a listed word is one of everyday English too: "mets" are not many "met"."""
    return word in _other_words() and word in english()


def _told_apart(word: str, near: str) -> bool:
    """Say whether two words differ in a part that tells them apart."""
    return any(word.replace(a, b, 1) == near or word.replace(b, a, 1) == near for a, b in _TELLING)


@cache
def _english_words() -> list[str]:
    text = (files("indexing.language") / "data" / "english.txt").read_text("utf-8")
    return text.split()


class Forms:
    """Map any folded word to the vocabulary's canonical form of it, or None."""

    def __init__(self, settled: Mapping[str, str], drugs: Sequence[str] = ()) -> None:
        """`settled` maps every word of the vocabulary to its canonical form; `drugs` is sorted."""
        self.settled = settled
        self.drugs = drugs
        self._drug_words = frozenset(drugs)

    @classmethod
    def of(cls, vocabulary: Iterable[str], drugs: Iterable[str] = ()) -> Forms:
        """Settle the canonical form of every word of a vocabulary."""
        known = frozenset(vocabulary)
        return cls({word: _settle(word, known) for word in sorted(known)}, sorted(set(drugs)))

    @cached_property
    def _buckets(self) -> dict[tuple[str, int], list[str]]:
        """Group the words that can be misspelled by first letter and length."""
        buckets: dict[tuple[str, int], list[str]] = {}
        for word in self.settled:
            if len(word) >= _MIN_TYPO - 1 and word.isalpha() and word.isascii():
                buckets.setdefault((word[0], len(word)), []).append(word)
        return buckets

    def canonical(self, word: str) -> str | None:
        """Return the canonical form of a vocabulary word or of a regular form of one."""
        known = self.settled.get(word)
        if known is not None:
            return known
        for candidate in _variants(word):
            known = self.settled.get(candidate)
            if known is not None:
                return known
        return EQUIVALENTS.get(word)

    def corrected(self, word: str) -> str | None:
        """Return the canonical form of the one vocabulary word that `word` misspells, or None."""
        if len(word) < _MIN_TYPO or not (word.isalpha() and word.isascii()) or _is_word(word):
            return None
        near: set[str] = set()
        for length in (len(word) - 1, len(word), len(word) + 1):
            bucket = self._buckets.get((word[0], length), ())
            near.update(w for w, _, _ in extract(word, bucket, scorer=OSA.distance, score_cutoff=1))
        if not self._drug_words.isdisjoint(near) and not self._sole_drug(word):
            return None
        forms = {self.settled[w] for w in near if not _told_apart(word, w)}
        return forms.pop() if len(forms) == 1 else None

    def _sole_drug(self, word: str) -> bool:
        """Say whether exactly one drug word is anywhere near: look-alikes must not be bridged."""
        near = extract(word, self.drugs, scorer=OSA.distance, score_cutoff=_LOOKALIKE, limit=2)
        return len(near) == 1 and len(word) >= _MIN_TYPO + 1


def _settle(word: str, known: frozenset[str]) -> str:
    """Choose the canonical form of a vocabulary word: its singular, its organ."""
    form = EQUIVALENTS.get(word)
    if form is None:
        form = next((c for c in _plurals(word) if c in known and not _is_verb(c)), word)
        form = next((c for c in _spellings(form) if c in known), form)
    return EQUIVALENTS.get(form, form)


def _plurals(word: str) -> Iterator[str]:
    if len(word) < 4 or (word.endswith(_SINGULAR_S) and not word.endswith("ses")):
        return
    for suffix, replacements in _PLURAL:
        if word.endswith(suffix) and len(word) - len(suffix) >= 2:
            for replacement in replacements:
                yield word[: len(word) - len(suffix)] + replacement


def _spellings(word: str) -> Iterator[str]:
    for british, american in _BRITISH:
        if british in word:
            yield word.replace(british, american)
    if _OUR.search(word):  # tumour, coloured; mourning is no morning
        yield _OUR.sub("or", word)


def _variants(word: str) -> Iterator[str]:
    """Yield the words that `word` may be a regular form of: nouns, then verbs, then spelling."""
    if len(word) < 3 or not word.isalpha():
        return
    yield from _plurals(word)
    if word not in _other_words():  # who met somebody has no mets
        yield word + "s"
    yield from _verbs(word)
    for spelled in _spellings(word):
        yield spelled
        yield from _plurals(spelled)


def _verbs(word: str) -> Iterator[str]:
    """Yield the -ing form and the bare form of a regular verb form of five letters or more."""
    if len(word) < 5 or _is_word(word):
        return
    for suffix in ("ed", "ing", "s"):
        if word.endswith(suffix):
            base = word[: -len(suffix)]
            yield base + "ing"
            yield base
            yield base + "e"
            if len(base) > 3 and base[-1] == base[-2]:
                yield base[:-1]
            yield base.rstrip("e") + "ing"
    yield word.rstrip("e") + "ing"
