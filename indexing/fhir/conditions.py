"""Searches that decide what an entry does or means: `Type?identifier=system|value`.

They stand in `ifNoneExist`, in the url of a conditional update or deletion, and in references of a
transaction. Only what identifies one resource is taken: `identifier` and `_id`, alone. Whatever
else were ignored would match too much. Source: hl7.org/fhir/R4/http.html#ccreate, #cond-update,
#cdelete, #trules; search.html#token.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote

from indexing.fhir.faults import Unusable
from indexing.fhir.projections.rows import KEY_LENGTH
from indexing.fhir.reference import parse_reference, valid_id

# An escaped mark, a mark, or what lies between; two backslashes before a bar escape each other.
_PIECE = re.compile(r"\\.|[,|]|[^\\,|]+|\\", re.DOTALL)
_ESCAPED = re.compile(r"\\([\\,$|])")


@dataclass(frozen=True, slots=True, order=True)
class Criterion:
    """What a match must be: of this type, and with this identifier, or with this id.

    `system` "" asks for an identifier without one; with `any_system` whatever it has will do.
    """

    resource_type: str
    value: str
    system: str = ""
    any_system: bool = False
    by_id: bool = False


@dataclass(frozen=True, slots=True)
class Condition:
    """POST creates only where nothing matches; PUT and DELETE act upon the one match.

    `own_id`: the resource brought an id, which must be the match's.
    """

    method: Literal["POST", "PUT", "DELETE"]
    criterion: Criterion
    own_id: bool = False


def read_criterion(resource_type: str, search: str) -> Criterion:
    """Read the part behind the question mark.

    Raises:
        Unusable: it is not one `identifier` or `_id`.
    """
    name, equals, sent = search.partition("=")
    if name not in ("identifier", "_id") or not equals or "&" in sent:
        raise Unusable("a condition may be identifier=system|value or _id=id, nothing else")
    text = unquote(sent)
    pieces = _PIECE.findall(text)
    if "," in pieces:
        raise Unusable("a condition may name one value, not several")
    if name == "_id":
        if not valid_id(text):
            raise Unusable("the condition's _id is not a FHIR id")
        return Criterion(resource_type, text, by_id=True)
    parts = [_ESCAPED.sub(r"\1", part) for part in _between_bars(pieces)]
    system, value = parts if len(parts) == 2 else ("", parts[0])
    if len(parts) > 2 or not value:
        raise Unusable("the condition's identifier is not system|value")
    if max(len(system), len(value)) > KEY_LENGTH:
        raise Unusable(f"the condition's identifier is longer than {KEY_LENGTH} characters")
    return Criterion(resource_type, value, system, any_system=len(parts) == 1)


def _between_bars(pieces: Sequence[str]) -> list[str]:
    parts = [""]
    for piece in pieces:
        if piece == "|":
            parts.append("")
        else:
            parts[-1] += piece
    return parts


def criterion_of(reference: str) -> Criterion:
    """Read a conditional reference, or the url of a conditional request.

    Raises:
        Unusable: it is none that is taken.
    """
    target = parse_reference(reference)
    if target.form != "conditional":
        raise Unusable("not of the form Type?identifier=system|value")
    return read_criterion(target.type, reference.partition("?")[2])
