"""Whose illness a question asks of the family, and whose a note tells: "mother with lupus" is not
answered by a cousin's."""

from __future__ import annotations

import re
from typing import Final

_KINDS: Final = {
    "mother": r"mothers?|moms?|mum|parents?", "father": r"fathers?|dads?|parents?",
    "sister": r"sisters?|siblings?", "brother": r"brothers?|siblings?",
    "grandmother": r"(?:great[ -]?)?grandmothers?|grandmas?|(?:great[ -]?)?grandparents?|mgm|pgm",
    "grandfather": r"(?:great[ -]?)?grandfathers?|grandpas?|(?:great[ -]?)?grandparents?|mgf|pgf",
    "aunt": r"(?:grand[ -]?)?aunts?", "uncle": r"(?:grand[ -]?)?uncles?", "cousin": r"cousins?",
    "daughter": r"daughters?|child(?:ren)?", "son": r"sons?|child(?:ren)?",
    "wife": r"wife|spouse|partner", "husband": r"husband|spouse|partner",
}  # fmt: skip
# "On her mother's side" tells of no mother, nor does a mother-in-law.
_ONE: Final = (
    rf"\b(?:{'|'.join(dict.fromkeys('|'.join(_KINDS.values()).split('|')))})\b"
    r"(?!['’]?s? side\b|[ -]in[ -]law|['’]s (?:\w+ )?(?:mother|father|sister|brother|aunt|uncle)\b)"
)
_NAMED: Final = re.compile(_ONE, re.IGNORECASE)
_OF: Final = r"(?:(?:both|her|his|the|a|one|two|maternal|paternal|own|older|younger)[ ]){0,3}"
# Commas alone part them: "in his brother, father healthy".
_GROUP: Final = (
    rf"{_OF}{_ONE}(?:(?:, {_OF}{_ONE}){{0,3}}(?:,? (?:and|or|as well as) | ?[/&] ?){_OF}{_ONE})?"
)
_GROUPS: Final = re.compile(_GROUP, re.IGNORECASE)
_BEHIND: Final = re.compile(
    rf"[^.;:,()\n]{{0,30}}?\b(?:in|of|affecting|involving)[ ](?P<who>{_GROUP})", re.IGNORECASE
)
_ENDS: Final = re.compile(r"[.;\n](?=\s|$)|\n")
_REACH: Final = 200  # code points before a name in which its sentence begins


def relatives(words: str) -> frozenset[str]:
    """Return the relatives that some words name, each by one name; none for "family history"."""
    found = [match[0].lower() for match in _NAMED.finditer(words)]
    return frozenset(
        kind for kind, names in _KINDS.items() for each in found if re.fullmatch(names, each)
    )


def told_of(text: str, start: int, end: int) -> frozenset[str]:
    """Return whose illness the name `text[start:end]` is by its sentence: of whom it stands behind
    it ("diabetes in her mother"), else of whom was named last before it; none where nobody is."""
    behind = _BEHIND.match(text, end, end + _REACH)
    if behind:
        return relatives(behind["who"])
    before = text[max(0, start - _REACH) : start]
    *_, last = (0, *(match.end() for match in _ENDS.finditer(before)))
    named = list(_GROUPS.finditer(before, last))
    return relatives(named[-1][0]) if named else frozenset()


_NONE_OF: Final = re.compile(
    r"\b(?:no|denie[sd]|denying|negative|without|not|non-?contributory|unremarkable|none)\b"
    r"[^.;:\n]{0,40}$",
    re.IGNORECASE,
)


def denied_of_kin(text: str, at: int) -> bool:
    """Say whether a relative's disease is denied: "no family history of stroke"."""
    return _NONE_OF.search(text, max(0, at - 60), at) is not None
