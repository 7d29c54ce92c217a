"""R4 primitive types: is this JSON value one of them?

`CHECKS[type](value)` gives None for a good value, else the `Fault`. `unsafe` faults make a value
unreadable (wrong JSON type, wrong lexical form, a date that is no date); the others are rules that
a sender broke while we can still read what was meant. Source: https://hl7.org/fhir/R4/datatypes.html
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

from indexing.fhir.issues import Severity


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a primitive; `reason` never quotes the value."""

    reason: str
    unsafe: bool = True
    code: str = "value"
    severity: Severity = "error"


Check = Callable[[object], Fault | None]

MAX_STRING = 1024 * 1024  # characters, R4 datatypes, string
_EMPTY = Fault("must not be an empty string", unsafe=False, code="invalid")
_BLANK = Fault(
    "should contain more than whitespace", unsafe=False, code="invalid", severity="warning"
)
_NUL = Fault("contains U+0000, which cannot be stored")
_CONTROL = Fault(
    "should not contain control characters", unsafe=False, code="invalid", severity="warning"
)
_SURROGATE = Fault("contains an unpaired surrogate, so it is not Unicode text")
_LONG = Fault("is longer than 1,048,576 characters", unsafe=False, code="too-long")
_SPACES = Fault("a code has no leading, trailing or repeated spaces and is not empty")
_CONTROLS = re.compile(r"[\x01-\x08\x0b\x0c\x0e-\x1f]")
_SURROGATES = re.compile(r"[\ud800-\udfff]")


def text_fault(value: str) -> Fault | None:
    """Find what no FHIR text may hold. Called for unprintable text only."""
    if _SURROGATES.search(value):
        return _SURROGATE
    if "\x00" in value:
        return _NUL
    return _CONTROL if _CONTROLS.search(value) else None


def wrong(expected: str) -> Fault:
    """The JSON value has the wrong type."""
    return Fault(f"must be a JSON {expected}", code="structure")


_NOT_STRING = wrong("string")
_NOT_BOOLEAN = wrong("boolean")
_NOT_NUMBER = wrong("number")
_NOT_INTEGER = Fault("must be a whole number without a decimal point, within 32 bits")


# Elements that run or load something; a "<" in clinical text is common and harmless.
_ACTIVE = re.compile(
    r"</?(?:script|iframe|object|embed|style|link|meta|form|svg)[\s/>]"
    r"|<(?:a|img|body)\s+[a-z]+\s*=",
    re.IGNORECASE,
).search
_MARKUP = Fault("a string must not hold active HTML elements", unsafe=False, code="invalid")


def string(value: object) -> Fault | None:
    """A string of at most 1 MB, not empty, without control characters or active HTML."""
    if isinstance(value, str) and "<" in value and _ACTIVE(value):
        return _MARKUP
    return markdown(value)


def markdown(value: object) -> Fault | None:
    """As `string`, but HTML is left to whoever renders it."""
    if not isinstance(value, str):
        return _NOT_STRING
    if not value:
        return _EMPTY
    if value.isprintable() and len(value) < MAX_STRING:
        return _BLANK if value.isspace() else None
    return text_fault(value) or (
        _LONG if len(value) > MAX_STRING else (_BLANK if value.isspace() else None)
    )


def boolean(value: object) -> Fault | None:
    """true or false, never a string."""
    return None if value is True or value is False else _NOT_BOOLEAN


def _integer(low: int, high: int, reason: str) -> Check:
    out_of_range = Fault(reason)

    def check(value: object) -> Fault | None:
        if type(value) is not int:
            return _NOT_INTEGER
        return None if low <= value <= high else out_of_range

    return check


def decimal(value: object) -> Fault | None:
    """A JSON number."""
    kind = type(value)
    if kind is Decimal or kind is int:
        return None
    if isinstance(value, float) and value == value and abs(value) != float("inf"):
        return None
    return None if isinstance(value, Decimal) and value.is_finite() else _NOT_NUMBER


def _matching(pattern: str, reason: str, *, unsafe: bool = True) -> Check:
    match = re.compile(pattern).fullmatch
    fault = Fault(reason, unsafe=unsafe)
    empty = Fault(_EMPTY.reason, unsafe=unsafe, code=_EMPTY.code)

    def check(value: object) -> Fault | None:
        if not isinstance(value, str):
            return _NOT_STRING
        if match(value):
            return None
        return (empty if not value else text_fault(value)) or fault

    return check


_URI = re.compile(r"\S+").fullmatch
_URI_FAULT = Fault("a URI contains no whitespace", unsafe=False, code="invalid")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}").fullmatch
_OID = re.compile(r"[0-2](\.(0|[1-9][0-9]*))+").fullmatch
_UUID_FAULT = Fault("a UUID is lower case and has 36 characters", unsafe=False, code="invalid")
_OID_FAULT = Fault("an OID is digits and dots, like 2.16.840.1", unsafe=False, code="invalid")
_SCHEME = Fault("OIDs and UUIDs are written urn:oid: and urn:uuid:", unsafe=False, code="invalid")


def uri(value: object) -> Fault | None:
    """An RFC 3986 URI, as far as its form shows."""
    if not isinstance(value, str):
        return _NOT_STRING
    if not _URI(value):
        return _EMPTY if not value else (text_fault(value) or _URI_FAULT)
    if value.startswith("urn:"):
        if value.startswith("urn:uuid:"):
            return None if _UUID(value[9:].split("#")[0]) else _UUID_FAULT
        if value.startswith("urn:oid:"):
            return None if _OID(value[8:].split("#")[0]) else _OID_FAULT
    elif value.startswith(("oid:", "uuid:")):
        return _SCHEME
    return None if value.isprintable() else text_fault(value)


_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:|#").match
# R4's own examples are full of relative ones, so this stays a warning.
_RELATIVE = Fault(
    "should be an absolute URL or a #fragment", unsafe=False, code="invalid", severity="warning"
)


def canonical(value: object) -> Fault | None:
    """A URI with its scheme, or a fragment that names a contained resource."""
    fault = uri(value)
    if fault is None and not _ABSOLUTE(str(value)):
        return _RELATIVE
    return fault


# FHIR's short names of formats count too: capability statements and test scripts use them.
_MIME = re.compile(r"[\w.+\-*]+/[\w.+\-*]+\s*(;.*)?|json|xml|ttl|none").fullmatch
_LANGUAGE = re.compile(
    r"(?:([a-z]{2})|[a-z]{3}|[a-z]{5,8}|[ix])(?:-[a-z0-9]{1,8})*", re.I
).fullmatch
# ISO 639-1, the two-letter languages of BCP 47.
_TWO_LETTERS = frozenset(
    "aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy"
    " da de dv dz ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu"
    " hy hz ia id ie ig ii ik io is it iu ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb"
    " lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn no nr nv ny oc oj om"
    " or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg sh si sk sl sm sn so sq sr ss st su sv"
    " sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh"
    " zu".split()
)


def _language(code: str) -> bool:
    match = _LANGUAGE(code)
    return match is not None and (match[1] is None or match[1].lower() in _TWO_LETTERS)


# Bindings to code systems too large to enumerate: the form of their codes.
OPEN_SYSTEMS: dict[str, Callable[[str], object]] = {
    "http://hl7.org/fhir/ValueSet/mimetypes": _MIME,
    "http://hl7.org/fhir/ValueSet/currencies": re.compile(r"[A-Z]{3}").fullmatch,
    "http://hl7.org/fhir/ValueSet/languages": _language,
}


@dataclass(frozen=True, slots=True)
class Shaped:
    """A set of codes told by their form: `code in Shaped(...)`."""

    matches: Callable[[str], object]

    def __contains__(self, code: object) -> bool:
        return isinstance(code, str) and bool(self.matches(code))


_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?").fullmatch
_BASE64_FAULT = Fault("is not valid base64")
_WHITE = str.maketrans("", "", " \t\r\n")


def base64_binary(value: object) -> Fault | None:
    """Base64, whitespace between the groups allowed."""
    if not isinstance(value, str):
        return _NOT_STRING
    if not value:
        return _EMPTY
    if _BASE64(value) or _BASE64(value.translate(_WHITE)):
        return None
    return _BASE64_FAULT


_YEAR = r"([0-9]{4})"
_DAY = r"-(0[1-9]|1[0-2])(?:-(0[1-9]|[12][0-9]|3[01])"
_CLOCK = r"([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9]|60)(\.[0-9]+)?"
_ZONE = r"(Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))"
_DATE = re.compile(f"{_YEAR}(?:{_DAY})?)?").fullmatch
_DATE_TIME = re.compile(f"{_YEAR}(?:{_DAY}(?:T{_CLOCK}{_ZONE})?)?)?").fullmatch
_INSTANT = re.compile(f"{_YEAR}{_DAY}T{_CLOCK}{_ZONE})").fullmatch
_UNZONED = re.compile(rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T{_CLOCK}").fullmatch
_NO_DAY = Fault("names a day that the calendar does not have")
_NO_ZONE = Fault("a date with a time must have a time zone")


def _real(match: re.Match[str]) -> bool:
    year, month, day = match[1], match[2], match[3]
    if day is None or day <= "28":
        return year != "0000"
    return year != "0000" and int(day) <= monthrange(int(year), int(month))[1]


def _calendar(pattern: Callable[[str], re.Match[str] | None], shape: str) -> Check:
    fault = Fault(f"is not {shape}")

    def check(value: object) -> Fault | None:
        if not isinstance(value, str):
            return _NOT_STRING
        match = pattern(value)
        if match is None:
            if not value:
                return Fault(_EMPTY.reason)
            return _NO_ZONE if _UNZONED(value) else fault
        return None if _real(match) else _NO_DAY

    return check


def interval(value: str) -> tuple[datetime, datetime] | None:
    """Read a date, dateTime or instant as [start, end) in UTC; None when it is none.

    A partial date spans its year, month or day, a time its second or the fraction given.
    """
    match = _DATE_TIME(value)
    if match is None or not _real(match):
        return None
    year, month, day = int(match[1]), int(match[2] or 1), int(match[3] or 1)
    try:
        start = datetime(year, month, day, tzinfo=UTC)
        if match[4] is not None:
            return _moment(start, match)
        if match[3] is not None:
            return start, start + timedelta(days=1)
        if match[2] is not None:
            return start, start + timedelta(days=monthrange(year, month)[1])
        return start, start.replace(year=year + 1)
    except (OverflowError, ValueError):
        return None  # the last moments of year 9999, the first of year 1


def _moment(day: datetime, match: re.Match[str]) -> tuple[datetime, datetime]:
    fraction = match[7] or ""
    zone = match[8]
    offset = timedelta(0)
    if zone != "Z":
        offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[4:6]))
        offset = -offset if zone[0] == "-" else offset
    micros = int(fraction[1:7].ljust(6, "0")) if fraction else 0
    start = day.replace(tzinfo=timezone(offset)) + timedelta(
        hours=int(match[4]), minutes=int(match[5]), seconds=int(match[6]), microseconds=micros
    )
    width = timedelta(microseconds=10 ** max(0, 7 - len(fraction))) if fraction else None
    return start, start + (width or timedelta(seconds=1))


_CODE = _matching(r"[^\s]+(?: [^\s]+)*", _SPACES.reason, unsafe=False)


def code(value: object) -> Fault | None:
    """No leading, trailing or repeated whitespace."""
    if type(value) is str and value.isalnum():
        return None
    return _CODE(value)


ID = re.compile(r"[A-Za-z0-9\-.]{1,64}").fullmatch
_ID = _matching(r"[A-Za-z0-9\-.]{1,64}", "an id has 1 to 64 of A-Z, a-z, 0-9, '-' and '.'")
_INT32 = (-(2**31), 2**31 - 1)

CHECKS: dict[str, Check] = {
    "string": string,
    "markdown": markdown,
    "xhtml": lambda value: None if isinstance(value, str) else _NOT_STRING,
    "boolean": boolean,
    "decimal": decimal,
    "integer": _integer(*_INT32, "is outside 32 bits"),
    "positiveInt": _integer(1, 2**31 - 1, "must be 1 or more"),
    "unsignedInt": _integer(0, 2**31 - 1, "must be 0 or more"),
    "uri": uri,
    "url": uri,
    "canonical": canonical,
    "oid": _matching(
        r"urn:oid:[0-2](\.(0|[1-9][0-9]*))+", "is not urn:oid: with digits and dots", unsafe=False
    ),
    "uuid": _matching(
        r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
        "is not urn:uuid: with a UUID",
        unsafe=False,
    ),
    "id": _ID,
    "code": code,
    "base64Binary": base64_binary,
    "date": _calendar(_DATE, "a date: YYYY, YYYY-MM or YYYY-MM-DD"),
    "dateTime": _calendar(
        _DATE_TIME, "a dateTime: YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm:ss+zz:zz"
    ),
    "instant": _calendar(_INSTANT, "an instant: YYYY-MM-DDThh:mm:ss.sss+zz:zz"),
    "time": _matching(
        r"([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\.[0-9]+)?", "is not a time: hh:mm:ss"
    ),
}
