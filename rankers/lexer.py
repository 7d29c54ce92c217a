"""Cut a query into tokens. Every token knows where it stands, in code points."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from indexing.analysis import TOKEN, terms
from indexing.errors import InvalidQuery

LONGEST_QUERY = 20_000
FIELDS = ("section", "type", "specialty", "author", "patient", "date", "assertion")
QUOTES = '"“”„‟'
MOST_SLOP = 100
FEWEST_PATTERN_CHARACTERS = 2

_FIELD = re.compile(rf"({'|'.join(FIELDS)}):", re.IGNORECASE)
_RUN = re.compile(rf"[^\s(){QUOTES}]+")
_SLOP = re.compile(r"~(\d*)")
_PATTERN = re.compile(r"[\w\u0300-\u036f'’]*\*[\w\u0300-\u036f'’*]*")

# "Taken back to the OR for a washout": where one operates.
_TO_THE_ROOM = re.compile(r"(?:\b(?:in|to|from|into|during) (?:the )?|\bthe )$")


class Is(Enum):
    """What a token is."""

    WORD = "word"
    PATTERN = "pattern"
    PHRASE = "phrase"
    FIELD = "field"
    AND = "AND"
    OR = "OR"
    NOT = "NOT"
    OPEN = "("
    CLOSE = ")"
    END = "end"


_OPERATORS = {"AND": Is.AND, "OR": Is.OR, "NOT": Is.NOT}


@dataclass(frozen=True, slots=True)
class Lexeme:
    """`text` is the word, the field's value or the phrase; `name` is the field's name."""

    kind: Is
    text: str
    start: int
    end: int
    name: str = ""
    slop: int = 0


def lex(query: str) -> list[Lexeme]:
    """Return the tokens of `query`, the last one END.

    Raises: InvalidQuery where a quote is not closed, a field has no value, or `*` stands wrongly.
    """
    if len(query) > LONGEST_QUERY:
        raise InvalidQuery(f"A query has at most {LONGEST_QUERY:,} characters.", LONGEST_QUERY)
    found: list[Lexeme] = []
    at = 0
    while at < len(query):
        lexeme, at = _next(query, at)
        if lexeme is not None:
            found.append(lexeme)
    return [*found, Lexeme(Is.END, "", len(query), len(query))]


def _next(query: str, at: int) -> tuple[Lexeme | None, int]:
    here = query[at]
    if here in "()":
        return Lexeme(Is.OPEN if here == "(" else Is.CLOSE, here, at, at + 1), at + 1
    if here in QUOTES:
        return _phrase(query, at)
    if here == "-" and _negates(query, at):
        return Lexeme(Is.NOT, here, at, at + 1), at + 1
    if not (here.isalnum() or here in "_*"):
        return None, at + 1
    field = _FIELD.match(query, at)
    if field is not None:
        return _field(query, at, field)
    return _word(query, at)


def _negates(query: str, at: int) -> bool:
    """A hyphen negates what it touches when it touches nothing before it."""
    before = query[at - 1] if at else " "
    after = query[at + 1] if at + 1 < len(query) else " "
    return (before.isspace() or before in "(-") and not (after.isspace() or after == ")")


def _closing(query: str, at: int) -> int:
    for place in range(at + 1, len(query)):
        if query[place] in QUOTES:
            return place
    raise InvalidQuery("This quotation mark is never closed.", at)


def _phrase(query: str, at: int) -> tuple[Lexeme, int]:
    close = _closing(query, at)
    text = query[at + 1 : close]
    if "*" in text:
        where = at + 1 + text.index("*")
        raise InvalidQuery("`*` does not work inside quotation marks.", where)
    if not terms(text):
        raise InvalidQuery("There is no word between these quotation marks.", at)
    end, slop = close + 1, 0
    near = _SLOP.match(query, end)
    if near is not None:
        if not near.group(1) or len(near.group(1)) > 3 or int(near.group(1)) > MOST_SLOP:
            raise InvalidQuery(f"`~` takes a number of words, at most {MOST_SLOP}.", end)
        end, slop = near.end(), int(near.group(1))
    return Lexeme(Is.PHRASE, text, at, end, slop=slop), end


def _field(query: str, at: int, field: re.Match[str]) -> tuple[Lexeme, int]:
    name, value_at = field.group(1).lower(), field.end()
    if value_at < len(query) and query[value_at] in QUOTES:
        close = _closing(query, value_at)
        value = query[value_at + 1 : close].strip()
        return Lexeme(Is.FIELD, value, at, close + 1, name=name), close + 1
    run = _RUN.match(query, value_at)
    if run is None:
        raise InvalidQuery(f"`{name}:` needs a value, with no space before it.", value_at)
    return Lexeme(Is.FIELD, run.group(), at, run.end(), name=name), run.end()


def _word(query: str, at: int) -> tuple[Lexeme | None, int]:
    run = _RUN.match(query, at)
    assert run is not None  # the caller saw a letter, a digit or `*` here
    if "*" in run.group():
        return _pattern(at, run)
    found = list(TOKEN.finditer(run.group()))
    if not found:
        return None, run.end()
    start, end = at + found[0].start(), at + found[-1].end()
    text = query[start:end]
    room = text == "OR" and _TO_THE_ROOM.search(query, max(0, start - 16), start)
    return Lexeme(Is.WORD if room else _OPERATORS.get(text, Is.WORD), text, start, end), run.end()


def _pattern(at: int, run: re.Match[str]) -> tuple[Lexeme, int]:
    star = at + run.group().index("*")
    text = run.group().rstrip(".,;:!?-/")
    if _PATTERN.fullmatch(text) is None:
        raise InvalidQuery("`*` works in one word of letters and digits only.", star)
    if sum(character.isalnum() for character in text) < FEWEST_PATTERN_CHARACTERS:
        raise InvalidQuery("`*` needs at least two letters beside it.", star)
    return Lexeme(Is.PATTERN, text, at, at + len(text)), run.end()
