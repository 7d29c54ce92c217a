"""Cues that are not words: boxes, plus and minus signs, question marks, and "Cough: no"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from indexing.language.cues import Hit, Kind, Reach, Rule
from indexing.language.persistence import is_event
from indexing.language.surgical import is_operation

# Two steps, because one character class is found far faster than the patterns behind it.
_PLACE: Final = re.compile(r"[\[☐☑☒(?+:\-–=]|\.\.|(?:19|20)\d\d")
_MARK: Final = re.compile(
    r"(?P<box>\[[ x✓✔_*]?\]|\([ x✓✔_]\)|[☐☑☒])"
    r"|(?P<sign>\([ ]?(?:[-+–]|neg|pos)[ ]?\)|(?<![\w)/])[-+]ve\b(?! for))"
    r"|(?P<answer>(?::|\?|(?<=[ ])[-–=]|\.{2,})[ ]*(?P<word>no|none|negative|neg|denies|denied"
    r"|absent|never|nil|n|yes|y|positive|pos|present|unknown|not assessed|n/a"
    r"|none (?:reported|seen|noted|found)|not taking|avoid"
    r"|no complaints|resolved|stopped|discontinued|stop|held|hold|on hold"
    r"|former|childhood|declined|refused|0[ ]?/[ ]?10|stable|unchanged|possible"
    r"|likely|suspected)\b(?=[ ]*(?:$|[.,;)\n]|[ ]{2}|[ ]+[a-z][\w /]{0,30}:|[ ]+-[ ])))"
    r"|(?P<told>:[ ]*(?P<how>\((?:\+|[-–])\)|\+|[-–])(?=[ ]*(?:$|[,;\n])))"
    r"|(?P<year>\(?(?:19|20)\d\d\b)"
    r"|(?P<ask>(?<![\w?)\]])\?+(?=[ ]?\w)|(?<=\w)\?(?=[ ]*(?:$|[,;).\n])))"
    r"|(?P<plus>(?<![\w)/])[+](?=[ ]?[a-z]))"
    r"|(?P<minus>(?<![^\s,;(])[-–](?=[ ]?[a-z](?:[a-z]|/[a-z])))",
    re.MULTILINE,
)
_BEFORE_YEAR: Final = re.compile(
    r"\b(?:(?:diagnosed|dx'?d?|found|began|started|onset)[ ]+)?"
    r"(?:in|circa|around|during|of|back in|until|till)[ ]+(?:(?:early|late|mid|the year|january|"
    r"february|march|april|may|june|july|august|september|october|november|december|spring|summer|fall|autumn|"
    r"winter|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)\.?,?[ ]+(?:of[ ]+)?)?$"
)
# "PMH: stroke 2012"; but no "repair 2000 mg".
_EVENT_BEFORE: Final = re.compile(r"([a-z]+)[ ]$")
_NO_YEAR: Final = re.compile(r"[-/.:,]?\d|[ ]?(?:mg|mcg|ml|cc|g|k?cal|units?|hours|hrs?|h)\b")
# "In 1998 she had a stroke", "treated in 2018 for a stroke": the year dates what comes.
_TOLD_AFTER: Final = re.compile(
    r"\)?,?[ ]+(?:for\b|(?:(?:he|she|they|the patient|patient|pt)[ ]+)?(?:also[ ]+)?"
    r"(?:had|suffered|sustained|underwent|developed|experienced|"
    r"was (?:treated|hospitali[sz]ed|admitted|operated)(?: on)? (?:for|with))\b)"
)
# A minus touching its word denies it where a plus does the same in its line: "+nausea, -vomiting".
_PLUS: Final = re.compile(r"(?<![^\s,;(])[+](?!ve\b)[a-z](?:[a-z]|/[a-z])")
_MORE_MINUS: Final = re.compile(r"(?<![^\s,;(])[-–][a-z](?:[a-z]|/[a-z])")
# "CHF +edema -continue lasix", "+HTN -amlodipine 5 mg": it parts what is done or taken.
_DONE_NEXT: Final = re.compile(
    r"(?:continu|start|stop|hold|cont\b|d/c|give|consult|on\b|in\b|at\b|to\b|for\b|follow|f/u|order|"
    r"monitor|repeat|obtain|get\b|will\b|plan|per\b|as\b|see\b|pt\b|patient|check|add\b|incr|decr|"
    r"resum|restart|trend|s/p|h/o|hx\b|now\b|likely|[a-z/-]+[ ]\d)"
)
_PLUS_LED: Final = re.compile(r"^[ \t]*[+](?!ve\b)[ ]?[a-z]{2}", re.MULTILINE)
_SPACED_PLUS: Final = re.compile(r"(?<![^\s,;(])[+][ ][a-z]{2}")
_FREE_LINE: Final = re.compile(r"\n[ \t]*\n")
_WIDEST: Final = 300  # code points to either side that count as the line
# An open box before what is to be done denies nothing: "[ ] f/u cultures".
_TASK: Final = re.compile(
    r"[ \t]*(?:f/u|follow|check|recheck|order|obtain|call|repeat|wean|start|stop|restart|resume|"
    r"hold|give|continue|consult|schedule|discuss|remove|trend|await|consider|review|confirm|draw|send|"
    r"titrate|transition|switch|monitor|ensure|arrange|refer|d/c|dc|update|will|needs?|treat|eval|"
    r"evaluate|assess|get|add|increase|decrease|taper|r/o|rule out)\b(?![ ]*(?:$|[:\n]))"
)
_EMPTY: Final = frozenset({"[ ]", "[]", "[_]", "☐", "( )", "(_)"})
_MINUS: Final = frozenset({"(-)", "(–)", "(neg)", "-ve"})
_NO: Final = frozenset(
    {"no", "none", "negative", "neg", "denies", "denied", "absent", "never", "nil", "n"}
    | {"none reported", "none seen", "none noted", "none found", "no complaints", "declined"}
    | {"refused", "0/10", "0 / 10", "not taking", "avoid"}
)
_OVER: Final = frozenset(
    {"resolved", "stopped", "discontinued", "former", "childhood"}
    | {"stop", "held", "hold", "on hold"}
)
_MAYBE: Final = frozenset({"possible", "likely", "suspected"})

NEGATES: Final = Rule(Kind.NEGATED, True, Reach.LIST)
ALL_KINDS: Final = frozenset(Kind) - {Kind.PSEUDO, Kind.END}
CLOSES: Final = Rule(Kind.END, True, Reach.LIST, frozenset({Kind.NEGATED}))
CLOSES_ALL: Final = Rule(Kind.END, True, Reach.LIST, ALL_KINDS)


def _matches(folded: str) -> Iterator[re.Match[str]]:
    after = 0
    for place in _PLACE.finditer(folded):
        if place.start() >= after:
            match = _MARK.match(folded, place.start())
            if match:
                after = match.end()
                yield match


def marks(folded: str) -> list[Hit]:
    """Return the signs of a folded text (line breaks kept) as cues, in order.

    A sign before its concept reaches forward ("(-) fever"), one behind it reaches back
    ("fever (-)"); the first of a line decides for the line.
    """
    hits: list[Hit] = []
    line_end, before = -1, True
    for match in _matches(folded):
        start, end = match.span()
        kind = match.lastgroup
        if match["box"] or match["sign"]:
            if start > line_end:
                line_end = _line_end(folded, end)
                before = _leads(folded, start, end)
            task = match["box"] and _TASK.match(folded, end)
            hits.append(Hit(start, end, (CLOSES_ALL,) if task else _signed(match, before)))
        elif match["answer"]:
            hits.append(_answered(match))
        elif match["told"]:
            hits.append(Hit(match.start("how"), end, _told(match["how"])))
        elif kind == "year":
            hits.extend(_dated(folded, start, end))
        elif kind == "minus":
            if _denies(folded, start, end):
                hits.append(Hit(start, end, (CLOSES_ALL, NEGATES)))
        elif kind == "ask":
            forward = not folded[start - 1 : start].isalnum()
            reach = Reach.PHRASE if forward else Reach.NEXT
            hits.append(Hit(start, end, (Rule(Kind.UNCERTAIN, forward, reach),)))
        else:
            hits.append(Hit(start, end, (CLOSES,)))
    return hits


def _dated(folded: str, start: int, end: int) -> Iterator[Hit]:
    """A year behind an event ("stroke in 2012", "CABG (2010)") makes it a past one."""
    before = _BEFORE_YEAR.search(folded, max(0, start - 34), start)
    if folded[start] == "(" or before:
        first = before.start() if before else start
        rules = [Rule(Kind.BACKGROUND, False, Reach.PHRASE)]
        if before and _TOLD_AFTER.match(folded, end):
            rules.append(Rule(Kind.BACKGROUND, True, Reach.LIST))
        yield Hit(first, end, tuple(rules))
    elif (event := _EVENT_BEFORE.search(folded, max(0, start - 30), start)) and (
        (is_event(event[1]) or is_operation(event[1])) and _NO_YEAR.match(folded, end) is None
    ):
        yield Hit(start, end, (Rule(Kind.BACKGROUND, False, Reach.NEXT),))


def _denies(folded: str, start: int, end: int) -> bool:
    """Whether the minus at `[start, end)` denies its word. At the head of a line it is the mark of
    an item, unless the line denies more and no line beside it begins so."""
    first, last = _line(folded, start)
    spaced = folded[end : end + 1] == " "
    heads = not folded[first:start].strip()
    if heads and _among_pluses(folded, first, last):
        return _DONE_NEXT.match(folded, end + spaced) is None
    if spaced:  # "+ nausea, - vomiting"
        parted = folded[first:start].rstrip().endswith((",", ";"))
        return parted and _SPACED_PLUS.search(folded, first, last) is not None
    if _PLUS.search(folded, first, last) is None or _DONE_NEXT.match(folded, end):
        return False
    if not heads:
        return True
    if _MORE_MINUS.search(folded, end, last) is None:
        return False
    before = folded[max(0, first - _WIDEST) : max(0, first - 1)].rpartition("\n")[2]
    after = folded[last : last + _WIDEST]
    return not (before.lstrip().startswith(("-", "–")) or after.lstrip().startswith(("-", "–")))


def _among_pluses(folded: str, first: int, last: int) -> bool:
    """Whether a line of the same list begins with a plus: "+ fever", and then "- chest pain"."""
    before = _FREE_LINE.split(folded[max(0, first - _WIDEST) : first])[-1]
    after = _FREE_LINE.split(folded[last : last + _WIDEST])[0]
    return bool(_PLUS_LED.search(before) or _PLUS_LED.search(after))


def _line(text: str, place: int) -> tuple[int, int]:
    begin = text.rfind("\n", max(0, place - _WIDEST), place) + 1
    return max(begin, place - _WIDEST), _line_end(text[: place + _WIDEST], place)


def _line_end(text: str, start: int) -> int:
    found = text.find("\n", start)
    return len(text) if found < 0 else found


def _leads(text: str, start: int, end: int) -> bool:
    """Whether the sign stands before its concept."""
    before = text[max(0, start - 3) : start].rstrip(" \t")
    if not before or before[-1] in "\n,;:.-•*|":
        return True
    after = text[end : end + 3].lstrip(" \t")
    return bool(after) and after[0].isalnum() and not text[max(0, start - 1) : start].isspace()


def _signed(match: re.Match[str], before: bool) -> tuple[Rule, ...]:
    text = match[0].replace(" ", "")
    empty = match[0] in _EMPTY or text in _MINUS
    if before:
        return (CLOSES_ALL, NEGATES) if empty else (CLOSES_ALL,)
    back = Rule(Kind.NEGATED, False, Reach.PHRASE)
    return (back, CLOSES_ALL) if empty else (CLOSES_ALL,)


def _told(how: str) -> tuple[Rule, ...]:
    """A sign by itself behind a colon answers as a word does: "Fever: -"."""
    denied = "+" not in how
    return (*((Rule(Kind.NEGATED, False, Reach.PHRASE),) if denied else ()), CLOSES_ALL)


def _answered(match: re.Match[str]) -> Hit:
    word = match["word"]
    start, end = match.start("word"), match.end("word")
    kind: Kind | None = None
    if word in _NO:
        kind = Kind.NEGATED
    elif word in _OVER:
        kind = Kind.HISTORICAL
    elif word in _MAYBE:
        kind = Kind.UNCERTAIN
    elif word == "not assessed":
        kind = Kind.NOT_ASSESSED
    back = (Rule(kind, False, Reach.PHRASE),) if kind else ()
    return Hit(start, end, (*back, CLOSES_ALL))
