"""A tenant's own names and concepts as a file says them, a line each.

Tab-separated: concept, name, kind, type, parent; the last three may be left out. The concept is an
id, a name that means one concept alone, or a new id that begins with "site:". Kinds are synonym
(when none is given), lay and abbreviation; a new concept wants its type.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from indexing.errors import Conflict, InvalidInput
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


@dataclass(slots=True)
class _File:
    """The terminology with what the lines before this one made: new concepts, and what stands
    right below each of the house's own."""

    terminology: Terminology
    made: dict[str, SemanticType] = field(default_factory=dict)
    below: dict[str, set[str]] = field(default_factory=dict)

    def children(self, own: str) -> set[str]:
        found = self.below.get(own, set())
        return found.union(self.terminology.children(own)) if own in self.terminology else found


def read_additions(text: str, origin: str, terminology: Terminology) -> list[Addition]:
    """Read a file over the terminology as it is, the tenant's earlier additions in it.

    Raises: InvalidInput, which names the lines that are wrong, at most 20 of them.
    """
    found, faults = dict[tuple[str, str], Addition](), list[str]()
    file = _File(terminology)
    lines = list(islice(_lines(text, origin), MOST + 1))
    if len(lines) > MOST:
        raise InvalidInput(f"{origin}: more than {MOST} names")
    for line in lines:
        try:
            each = _addition(line, file)
        except InvalidInput as fault:
            faults.append(f"{line.where}: {fault}")
            continue
        key = (each.concept_id, each.name.casefold())
        if key in found:
            faults.append(f"{line.where}: {each.name!r} stands there twice for {each.concept_id}")
        found[key] = each
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
    out, and a new concept loses a parent that is gone or that stands below it."""
    own = {each.concept_id for each in additions if each.concept_id.startswith(OWN)}
    below: dict[str, set[str]] = {}
    kept = []
    for each in additions:
        concept, over = each.concept_id, each.parent_id
        if concept not in terminology and concept not in own:
            continue
        lost = over is not None and over not in terminology and over not in own
        if lost or (over is not None and _reaches(concept, over, lambda at: below.get(at, ()))):
            each = replace(each, parent_id=None)
        elif over is not None:
            below.setdefault(over, set()).add(concept)
        kept.append(each)
    return kept


def removable(additions: Sequence[Addition], names: Collection[str]) -> None:
    """See that nothing which stays has what goes as its parent.

    Raises: Conflict, which names the first that does.
    """
    stay = [a for a in additions if a.name not in names and a.concept_id not in names]
    gone = {a.concept_id for a in additions} - {a.concept_id for a in stay}
    for each in stay:
        if each.parent_id in gone and each.parent_id.startswith(OWN):
            raise Conflict(
                f"{each.parent_id} is the parent of {each.concept_id}",
                hint=f"Remove {each.concept_id} too, or first.",
            )


def _reaches(concept: str, over: str, children: Callable[[str], Iterable[str]]) -> bool:
    """Say whether `over` is the concept or stands below it: then it cannot stand above it."""
    seen, waiting = {concept}, [concept]
    while waiting:
        if (at := waiting.pop()) == over:
            return True
        further = set(children(at)) - seen
        seen |= further
        waiting += further
    return False


def _lines(text: str, origin: str) -> Iterator[_Line]:
    for number, line in enumerate(text.split("\n"), 1):
        cells = tuple(cell.strip() for cell in line.rstrip("\r").split("\t"))
        heading = number == 1 and cells[:2] == COLUMNS[:2]
        if any(cells) and not line.startswith("#") and not heading:
            yield _Line(f"{origin}, line {number}", cells)


def _addition(line: _Line, file: _File) -> Addition:
    if not 2 <= len(line.cells) <= len(COLUMNS):
        raise InvalidInput(f"wants 2 to {len(COLUMNS)} columns, has {len(line.cells)}")
    concept, name, kind, sort, parent = (*line.cells, "", "", "")[: len(COLUMNS)]
    _named(name)
    if kind and kind not in KINDS:
        raise InvalidInput(f"no kind {kind!r}: {', '.join(KINDS)}")
    over = _concept(parent, file) if parent else None
    if not concept.startswith(OWN):
        if sort or parent:
            raise InvalidInput("a type and a parent are for a new concept, which begins with site:")
        own = _concept(concept, file)
        return Addition(own, name, KINDS.get(kind, NameKind.SYNONYM))
    if not _OWN_ID.fullmatch(concept):
        raise InvalidInput(f"{concept!r}: after site: come small letters, digits and hyphens")
    semantic_type = _typed(concept, sort, file)
    if over is not None and over.startswith(OWN):
        if _reaches(concept, over, file.children):
            raise InvalidInput(f"{concept} cannot stand below {over}, which is it or stands below")
        file.below.setdefault(over, set()).add(concept)
    return Addition(concept, name, KINDS.get(kind, NameKind.SYNONYM), semantic_type, over)


def _typed(concept: str, sort: str, file: _File) -> SemanticType:
    """Return the type of a house's own concept, which its first line says."""
    made = file.made
    if concept in file.terminology:
        made.setdefault(concept, file.terminology.concept(concept).semantic_type)
    if concept not in made:
        made[concept] = _type(sort)
    elif sort and _type(sort) is not made[concept]:
        raise InvalidInput(f"{concept} was {made[concept].value} before")
    return made[concept]


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


def _concept(said: str, file: _File) -> str:
    """Return the id of a concept that is said by id or by a name that means it alone."""
    terminology = file.terminology
    if said in terminology or said in file.made:
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
