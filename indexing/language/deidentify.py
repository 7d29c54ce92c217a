"""The de-identified view of a note, by rules: names, dates, addresses, numbers that identify.

Dates are shifted by a number of days that belongs to the patient, so that intervals stay true.
The kinds follow the Safe Harbor list (45 CFR 164.514(b)(2)). What a title, a label, an address or
a signature shows to be a name is hidden wherever it stands in the note; capitals alone are never
taken for one ("LA enlargement" stays).
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from indexing.dated import moved_day
from indexing.language.terminology.forms import english

_WIDEST_SHIFT_DAYS: Final = 364


@dataclass(frozen=True, slots=True)
class Identifier:
    """Something that identifies at `[start, end)` of the original, and what stands for it."""

    start: int
    end: int
    kind: str  # name, date, age, address, place, id, phone, email, url
    shown: str


@dataclass(frozen=True, slots=True)
class Deidentified:
    """The text to show, and what was taken out of the original, in order."""

    text: str
    found: tuple[Identifier, ...]


def shift_days(patient_id: str, key: bytes) -> int:
    """Return the patient's date shift, 1 to 364 days back; `key` is the installation's secret."""
    digest = hmac.new(key, patient_id.encode(), hashlib.sha256).digest()
    return -1 - int.from_bytes(digest[:4], "big") % _WIDEST_SHIFT_DAYS


def deidentify(
    text: str,
    shift: int,
    names: Iterable[str] = (),
    literals: Iterable[str] = (),
    more: Callable[[str], Iterable[Identifier]] | None = None,
) -> Deidentified:
    """Return `text` without what identifies. `shift` moves its dates by that many days; `names`
    are known beforehand (the patient's, the author's), `literals` too (record numbers, telephone
    numbers, parts of an address). `more` finds what the rules do not
    (`indexing.language.presidio`)."""
    every = [*_identifiers(text, shift, names), *_known(text, names, literals)]
    if more is not None:
        every += more(text)
    found = _apart(sorted(every, key=lambda i: (i.start, -i.end)))
    pieces, last = [], 0
    for one in found:
        pieces += [text[last : one.start], one.shown]
        last = one.end
    return Deidentified("".join([*pieces, text[last:]]), tuple(found))


def _apart(found: Sequence[Identifier]) -> list[Identifier]:
    kept: list[Identifier] = []
    for one in found:
        if one.start < one.end and (not kept or one.start >= kept[-1].end):
            kept.append(one)
    return kept


def _identifiers(text: str, shift: int, names: Iterable[str]) -> Iterator[Identifier]:
    yield from _numbers(text)
    yield from _dates(text, shift)
    yield from _places(text)
    known = {word for name in names for word in _WORD.findall(name) if len(word) > 1}
    for match in _named(text):
        yield Identifier(match[0], match[1], "name", "[name]")
        known.update(_parts(text[match[0] : match[1]]))
    if known:
        again = re.compile(rf"\b(?:{'|'.join(map(re.escape, sorted(known, key=len)[::-1]))})\b")
        for hit in again.finditer(text):
            yield Identifier(hit.start(), hit.end(), "name", "[name]")


def _known(text: str, names: Iterable[str], literals: Iterable[str]) -> Iterator[Identifier]:
    """Yield names and literals that are known, however they are spelled: in capitals too, and in
    small letters where that is no English word ("will", "rose")."""
    words = {
        part.casefold()
        for name in names
        for word in _WORD.findall(name)
        for part in (word, *_JOINT.split(word))
        if len(part) > 1
    }
    common = english()
    for match in _LETTERS.finditer(text):
        word = match[0]
        if word.casefold() in words and (word[:1].isupper() or word.casefold() not in common):
            yield Identifier(match.start(), match.end(), "name", "[name]")
    spelled = sorted({each.strip() for each in literals if len(each.strip()) > 2}, key=len)
    if spelled:
        every = "|".join(re.escape(each) for each in reversed(spelled))
        for match in re.finditer(rf"(?<!\w)(?:{every})(?!\w)", text, re.IGNORECASE):
            yield Identifier(match.start(), match.end(), "id", "[id]")


# --- names

_LETTERS: Final = re.compile(r"[^\W\d_]+")
_JOINT: Final = re.compile(r"['’-]")
_WORD: Final = re.compile(r"[^\W\d_][\w'’-]*")
_CAP: Final = r"[A-Z][a-zÀ-ÿ]+(?:['’-][A-Z]?[a-zÀ-ÿ]+)*|[A-Z]['’][A-Z][a-z]+|Mc[A-Z][a-z]+"
_PART: Final = rf"(?:{_CAP}|[A-Z]\.?(?=\s)|van|von|de|la|del|der|bin|al)"
_NAME: Final = rf"(?:{_PART}[ ]){{0,3}}(?:{_CAP})"
_UPPER_NAME: Final = r"[A-Z][A-Z'’-]+(?:,[ ]?|[ ])(?:[A-Z]\.?[ ])?[A-Z][A-Z'’-]+"
_RELATION: Final = r"(?:mother|father|wife|husband|daughter|son|sister|brother|spouse|partner)"
_NAMES: Final = (
    # A title before it.
    re.compile(
        rf"\b(?:Mr|Mrs|Ms|Miss|Mx|Dr|Drs|Prof|Professor|Doctor|Sir|Nurse|Rev|Sister|Hon)\b\.?[ ]+"
        rf"(?P<name>{_NAME}|[A-Z]{{2,}}(?:[ ][A-Z]{{2,}})?\b)"
    ),
    # A label before it.
    re.compile(
        rf"(?im:^|[;,.|]|\t|[ ]{{2}})[ ]*(?i:(?:patient(?:'s)?|full|first|last|legal|preferred|"
        rf"family|given|mother's|next of kin|emergency contact|contact)?[ ]*names?|"
        rf"patient|pt|surname|"
        rf"next of kin|emergency contact|guardian|surgeon|assistant|attending(?:[ ]physician)?|pcp|"
        rf"(?:primary care|referring|consulting|ordering|admitting)[ ]"
        rf"(?:physician|provider|doctor)|physician|provider|doctor|author|"
        rf"dictated by|transcribed by|signed by|nurse|clinician|"
        rf"anesthesiologist|resident|seen by|cc)[ ]*:[ ]*(?P<name>{_NAME}|{_UPPER_NAME}|"
        rf"{_CAP},[ ]?{_NAME})"
    ),
    # Signed, seen, referred.
    re.compile(
        rf"\b(?i:seen|signed|dictated|reviewed|examined|referred|performed|discussed|transcribed|"
        rf"evaluated|followed|consulted|interpreted|authored|admitted|treated|written)[ ]"
        rf"(?i:by|with|to)[ ](?:Dr\.?[ ])?(?P<name>{_NAME})"
    ),
    # A profession behind it.
    re.compile(
        rf"(?P<name>{_NAME}),?[ ](?:M\.?D\.?|D\.?O\.?|R\.?N\.?|Ph\.?D\.?|N\.?P\.?|P\.?A\.?(?:-C)?|"
        rf"MBBS|FACS|FACC|DPM|LCSW|PharmD|DDS|CRNA|LPN)(?![\w])"
    ),
    # "Jane Doe is a 45-year-old", "Jane Doe, a 45 y/o".
    re.compile(
        rf"(?P<name>(?:{_CAP})[ ](?:[A-Z]\.?[ ])?(?:{_CAP}))(?:,[ ]|[ ](?:is|was)[ ])(?:an?[ ])?"
        rf"\d{{1,3}}[- ]?(?:year|yr|y/?o|month|week|day)"
    ),
    # A relative called by name.
    re.compile(rf"\b{_RELATION},?[ ](?P<name>{_CAP})(?:[ ](?:{_CAP}))?(?=,|[ ]\()"),
)
# Capitalised words that follow a title or a label and are no names.
_NO_NAMES: Final = frozenset(
    "The Patient He She They No Not None Unknown Same Left Right Chest Pain Hospital Clinic "
    "Medical Center Emergency Department Mother Father Male Female Normal Negative Positive "
    "Present Per See His Her Continue Chief Complaint History Date Day Time Age Sex Address "
    "City Will And "
    "Or In On "
    "January February March April May June July August September October November December Monday "
    "Tuesday Wednesday Thursday Friday Saturday Sunday Physical Cardiology Neurology Surgery "
    "Oncology Nephrology Urology Orthopedics Radiology Psychiatry Dermatology Gastroenterology "
    "Pulmonology Rheumatology Endocrinology Hematology Infectious Disease Internal Medicine Family "
    "Therapy Nursing Social Work Ordering General Primary Care".split()
)


def _named(text: str) -> Iterator[tuple[int, int]]:
    for pattern in _NAMES:
        for match in pattern.finditer(text):
            start, end = match.span("name")
            first = _WORD.match(text, start)
            if first and first[0] not in _NO_NAMES:
                yield start, end


def _parts(name: str) -> Iterator[str]:
    for word in _WORD.findall(name):
        if len(word) > 2 and word not in _NO_NAMES:
            yield word


# --- numbers, addresses

_LABELLED: Final = (
    r"(?:mrn|medical record(?: (?:number|no\.?|#))?|account(?: (?:number|no\.?|#))?|acct|ssn|"
    r"social security(?: number)?|patient id|chart(?: (?:number|no\.?|#))|"
    r"case(?: (?:number|no\.?|#))|accession(?: (?:number|no\.?|#))?|"
    r"policy(?: (?:number|no\.?|#))?|member id|insurance id|"
    r"license(?: (?:number|no\.?))?|npi|dea|encounter(?: (?:number|no\.?|id|#))|visit id|"
    r"specimen(?: (?:number|id|#))|device (?:serial|id)|serial(?: (?:number|no\.?))?|passport)"
)
_ID: Final = re.compile(
    rf"\b{_LABELLED}[ ]*[:#.=]*[ ]*(?P<id>(?=[\w-]*\d)[A-Z0-9][\w-]{{2,}})", re.IGNORECASE
)
_SSN: Final = re.compile(r"(?<![\w-])\d{3}-\d{2}-\d{4}(?![\w-])")
_PHONE: Final = re.compile(
    r"(?<![\w.-])(?:\+?\d{1,2}[ .-]?)?(?:\(\d{3}\)[ ]?|\d{3}[ .-])\d{3}[ .-]\d{4}"
    r"(?:[ ]?(?:x|ext\.?)[ ]?\d{1,5})?(?![\w-])|(?i:\b(?:phone|tel|fax|pager|cell|call)\b[:. ]*)"
    r"(?P<short>\d{3}-\d{4})(?![\w-])"
)
_EMAIL: Final = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{2,63}){1,4}")
_URL: Final = re.compile(r"\b(?:https?://|www\.)\S{3,200}", re.IGNORECASE)
_AGED: Final = re.compile(
    r"\b(?P<age>9\d|1[01]\d)(?=[- ]?(?:years?|yrs?|y/?o)\b)|\b(?i:age)[: ]+(?P<age2>9\d|1[01]\d)\b"
)
_STREET: Final = (
    r"(?:Street|St|Avenue|Ave|Road|Rd|Lane|Ln|Drive|Dr|Boulevard|Blvd|Court|Ct|Place|Pl|Way|"
    r"Terrace|Parkway|Pkwy|Circle|Cir|Highway|Hwy|Square|Trail|Crescent|Close|Row)"
)
_ADDRESS: Final = re.compile(
    rf"\b\d{{1,6}}[A-Z]?[ ](?:[NSEW]\.?[ ])?(?:[A-Z][\w'’.-]*[ ]){{1,4}}{_STREET}\b\.?"
    r"(?:,?[ ](?:Apt|Suite|Ste|Unit|#)\.?[ ]?\w{1,6})?"
    r"(?:,[ ](?:[A-Z][a-z]+[ ]?){1,3})?(?:,?[ ][A-Z]{2}[ ]\d{5}(?:-\d{4})?)?"
    r"|\bP\.?O\.?[ ]Box[ ]\d+|\b[A-Z]{2}[ ]\d{5}(?:-\d{4})?\b"
)
_PLACE: Final = re.compile(
    r"(?im:^|[;,|])[ \t]*(?i:address|city|town|county|zip(?: code)?|home|residence|hospital|clinic|"
    r"facility|employer|location|school)[ \t]*:[ \t]*(?P<place>[^\n;|]{2,80}?)[ \t]*(?=$|[\n;|])",
    re.MULTILINE,
)
_INSTITUTION: Final = re.compile(
    r"\b(?:(?:St\.?|Saint|Mount|Mt\.?)[ ])?(?:[A-Z][a-z'’]+[ ]){1,3}"
    r"(?:Hospital|Medical Center|Clinic|Infirmary|Health Center|Nursing Home|Healthcare|Hospice)\b"
)
_LIVES: Final = re.compile(
    r"\b(?:lives|living|resides|residing|born|moved|raised)[ ](?:in|to|from|at)[ ]"
    r"(?P<place>(?:[A-Z][a-z]+[ ]?){1,3}(?:,[ ][A-Z]{2}\b|,[ ](?:[A-Z][a-z]+[ ]?){1,2})?)"
)


def _numbers(text: str) -> Iterator[Identifier]:
    for kind, pattern, group in (
        ("id", _ID, "id"),
        ("id", _SSN, 0),
        ("email", _EMAIL, 0),
        ("url", _URL, 0),
    ):
        for match in pattern.finditer(text):
            yield Identifier(match.start(group), match.end(group), kind, f"[{kind}]")
    for match in _PHONE.finditer(text):
        part: int | str = "short" if match["short"] else 0
        yield Identifier(match.start(part), match.end(part), "phone", "[phone]")
    for match in _AGED.finditer(text):
        part = "age" if match["age"] else "age2"
        yield Identifier(match.start(part), match.end(part), "age", "90+")


def _places(text: str) -> Iterator[Identifier]:
    for match in _ADDRESS.finditer(text):
        yield Identifier(match.start(), match.end(), "address", "[address]")
    for pattern in (_PLACE, _LIVES):
        for match in pattern.finditer(text):
            start, end = match.span("place")
            end -= len(match["place"]) - len(match["place"].rstrip())
            yield Identifier(start, end, "place", "[place]")
    for match in _INSTITUTION.finditer(text):
        yield Identifier(match.start(), match.end(), "place", "[place]")


# --- dates

_MONTHS: Final = (
    "january february march april may june july august september october november december"
).split()
_MONTH: Final = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|"
    r"sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_DATE: Final = re.compile(
    r"(?<![\w/.-])(?:"
    r"(?P<iso>(?P<y1>(?:19|20)\d\d)-(?P<m1>\d{1,2})-(?P<d1>\d{1,2}))"
    r"|(?P<us>(?P<m2>\d{1,2})[/-](?P<d2>\d{1,2})[/-](?P<y2>(?:19|20)?\d\d))"
    rf"|(?P<mdy>(?P<m3>{_MONTH})\.?[ ](?P<d3>\d{{1,2}})(?:st|nd|rd|th)?"
    rf"(?:,?[ ](?P<y3>(?:19|20)\d\d))?)"
    rf"|(?P<dmy>(?P<d4>\d{{1,2}})(?:st|nd|rd|th)?[ ](?:of[ ])?(?P<m4>{_MONTH})\.?,?[ ]"
    rf"(?P<y4>(?:19|20)\d\d))"
    rf"|(?P<my>(?P<m5>{_MONTH})\.?,?[ ](?:of[ ])?(?P<y5>(?:19|20)\d\d))"
    r"|(?P<md>(?:(?<=on )|(?<=since )|(?<=dated ))(?P<m6>\d{1,2})/(?P<d6>\d{1,2}))"
    r")(?![\w/]|[.-]\d)",
    re.IGNORECASE,
)
_LEAP: Final = 2024  # stands for a year that is not given


def _dates(text: str, shift: int) -> Iterator[Identifier]:
    for match in _DATE.finditer(text):
        shown = _shifted(match, shift)
        if shown is not None:
            yield Identifier(match.start(), match.end(), "date", shown)


def _shifted(match: re.Match[str], shift: int) -> str | None:
    """Return the date moved, in the form it was written in; None where it is no date."""
    form = match.lastgroup
    number = next(n for n, f in enumerate(_FORMS, start=1) if match[f])
    form = _FORMS[number - 1]
    groups = match.groupdict()
    day = int(groups.get(f"d{number}") or 15)
    month = _month(groups[f"m{number}"] or "")
    year = groups.get(f"y{number}") or ""
    full = (
        int(year) + (0 if len(year) == 4 else 2000 if int(year) < 50 else 1900) if year else _LEAP
    )
    try:
        moved = moved_day(date(full, month, day), shift)
    except ValueError:
        return "[date]" if form in ("iso", "us") else None
    return _written(form, moved, len(year))


_FORMS: Final = ("iso", "us", "mdy", "dmy", "my", "md")


def _month(words: str) -> int:
    if words.isdigit():
        return int(words)
    return next(i for i, name in enumerate(_MONTHS, 1) if name.startswith(words.lower()[:3]))


def _written(form: str, moved: date, year_digits: int) -> str:
    name = _MONTHS[moved.month - 1].capitalize()
    year = f"{moved.year:04d}"[-year_digits:] if year_digits else ""
    match form:
        case "iso":
            return moved.isoformat()
        case "us":
            return f"{moved.month}/{moved.day}/{year}"
        case "mdy":
            return f"{name} {moved.day}" + (f", {year}" if year else "")
        case "dmy":
            return f"{moved.day} {name} {year}"
        case "my":
            return f"{name} {year}"
        case _:
            return f"{moved.month}/{moved.day}"
