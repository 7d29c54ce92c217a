"""A tenant's own names and concepts as a file says them, a line each.

Tab-separated: concept, name, kind, type, parent; the last three may be left out. The concept is an
id, a name that means one concept alone, or a new id that begins with "site:". Kinds are synonym
(when none is given), lay and abbreviation; a new concept wants its type.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from indexing.errors import InvalidInput
from indexing.language.terminology.model import Addition, NameKind, SemanticType
from indexing.language.terminology.reader import Terminology

COLUMNS = ("concept", "name", "kind", "type", "parent")
KINDS = {each.value: each for each in (NameKind.SYNONYM, NameKind.LAY, NameKind.ABBREVIATION)}
OWN = "site:"
LONGEST = 200  # characters of a name
MOST = 20_000  # of a tenant
ALIKE = 0.6  # of a name's spelling: below it a suggestion would be a guess
TOLD = 20  # faults named at once
_OWN_ID = re.compile(r"site:[a-z0-9][a-z0-9-]{0,79}")


@dataclass(frozen=True, slots=True)
class _Line:
    where: str
    cells: tuple[str, ...]


def read_additions(text: str, origin: str, terminology: Terminology) -> list[Addition]:
    """Read a file over the terminology as it is, the tenant's earlier additions in it.

    Raises: InvalidInput, which names the lines that are wrong, at most 20 of them.
    """
    found, faults = dict[tuple[str, str], Addition](), list[str]()
    made: dict[str, SemanticType] = {}
    for line in _lines(text, origin):
        try:
            each = _addition(line, terminology, made)
        except InvalidInput as fault:
            faults.append(f"{line.where}: {fault}")
            continue
        key = (each.concept_id, each.name.casefold())
        if key in found:
            faults.append(f"{line.where}: {each.name!r} stands there twice for {each.concept_id}")
        found[key] = each
    if len(found) > MOST:
        faults.append(f"{origin}: more than {MOST} names")
    if faults:
        more = f"\n… and {len(faults) - TOLD} more" if len(faults) > TOLD else ""
        raise InvalidInput(
            "\n".join(faults[:TOLD]) + more,
            hint=f"Nothing was added. Columns, tab-separated: {', '.join(COLUMNS)}.",
        )
    if not found:
        raise InvalidInput(f"{origin}: no line with a name in it")
    return list(found.values())


def standing(additions: Sequence[Addition], terminology: Terminology) -> list[Addition]:
    """Return what still stands over another terminology: names of concepts that are gone are left
    out, and a new concept loses a parent that is gone."""
    own = {each.concept_id for each in additions if each.concept_id.startswith(OWN)}
    kept = []
    for each in additions:
        if each.concept_id in terminology or each.concept_id in own:
            lost = each.parent_id is not None and each.parent_id not in terminology
            lost = lost and each.parent_id not in own
            kept.append(replace(each, parent_id=None) if lost else each)
    return kept


def _lines(text: str, origin: str) -> Iterator[_Line]:
    for number, line in enumerate(text.split("\n"), 1):
        cells = tuple(cell.strip() for cell in line.rstrip("\r").split("\t"))
        heading = number == 1 and cells[:2] == COLUMNS[:2]
        if any(cells) and not line.startswith("#") and not heading:
            yield _Line(f"{origin}, line {number}", cells)


def _addition(line: _Line, terminology: Terminology, made: dict[str, SemanticType]) -> Addition:
    if not 2 <= len(line.cells) <= len(COLUMNS):
        raise InvalidInput(f"wants 2 to {len(COLUMNS)} columns, has {len(line.cells)}")
    concept, name, kind, sort, parent = (*line.cells, "", "", "")[: len(COLUMNS)]
    _named(name)
    if kind and kind not in KINDS:
        raise InvalidInput(f"no kind {kind!r}: {', '.join(KINDS)}")
    over = _concept(parent, terminology, made) if parent else None
    if not concept.startswith(OWN):
        if sort or parent:
            raise InvalidInput("a type and a parent are for a new concept, which begins with site:")
        own = _concept(concept, terminology, made)
        return Addition(own, name, KINDS.get(kind, NameKind.SYNONYM))
    if not _OWN_ID.fullmatch(concept):
        raise InvalidInput(f"{concept!r}: after site: come small letters, digits and hyphens")
    if concept in terminology:
        made.setdefault(concept, terminology.concept(concept).semantic_type)
    if concept not in made:
        made[concept] = _type(sort)
    elif sort and _type(sort) is not made[concept]:
        raise InvalidInput(f"{concept} was {made[concept].value} before")
    return Addition(concept, name, KINDS.get(kind, NameKind.SYNONYM), made[concept], over)


def _named(name: str) -> None:
    if not any(character.isalpha() for character in name):
        raise InvalidInput("the name has no letter in it")
    if len(name) > LONGEST or any(ord(c) < 32 or 0xD800 <= ord(c) < 0xE000 for c in name):
        raise InvalidInput(f"the name is longer than {LONGEST} characters, or not plain text")


def _type(sort: str) -> SemanticType:
    try:
        return SemanticType(sort)
    except ValueError:
        known = ", ".join(each.value for each in SemanticType)
        raise InvalidInput(f"a new concept wants a type of {known}") from None


def _concept(said: str, terminology: Terminology, made: dict[str, SemanticType]) -> str:
    """Return the id of a concept that is said by id or by a name that means it alone."""
    if said in terminology or said in made:
        return said
    found = terminology.find(said) if said else ()
    if len(found) == 1:
        return found[0]
    if found:
        raise InvalidInput(f"{said!r} means {', '.join(found[:4])}: say which")
    near = terminology.search(said, 3) if said else []
    like = [terminology.concept(own).name for own, score in near if score >= ALIKE]
    nearest = f"; there is {', '.join(like)}" if like else ""
    raise InvalidInput(f"no concept {said!r}{nearest}")
