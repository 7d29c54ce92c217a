"""Read the shipped seed: one concept per line, in files by specialty.

    [disorder]
    Preferred name | synonym; lay name~; ABBR*; loose word? | I:I10 S:38341003 | < parent; t: x

Codes: I ICD-10-CM, S SNOMED CT, L LOINC, R RxNorm, M MeSH. Relations, comma-separated preferred
names: `<` is-a, `t` treats, `p` presents, `c` causes, `l` located in, `a` associates. A drug also
treats what its classes treat. "#" begins a comment line.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from itertools import chain

from indexing.errors import ConfigurationError
from indexing.language.terminology.facts import Facts
from indexing.language.terminology.model import EdgeKind, NameKind, SemanticType

NAMESPACE = "anm"
_SYSTEMS = {"I": "ICD10CM", "S": "SNOMED", "L": "LOINC", "R": "RXNORM", "M": "MESH", "U": "UMLS"}
_RELATIONS = {
    "<": EdgeKind.IS_A,
    "t": EdgeKind.TREATS,
    "p": EdgeKind.PRESENTS,
    "c": EdgeKind.CAUSES,
    "l": EdgeKind.LOCATED_IN,
    "a": EdgeKind.ASSOCIATES,
}
_SLUG = re.compile(r"[^a-z0-9]+")


def concept_id(name: str) -> str:
    """Return the seed's id for a preferred name: "anm:chest-pain"."""
    return f"{NAMESPACE}:{_SLUG.sub('-', name.casefold()).strip('-')}"


def texts() -> list[tuple[str, str]]:
    """Return (file name, text) of the shipped seed files, in name order."""
    folder = files("indexing.language") / "data" / "seed"
    found = [(f.name, f.read_text("utf-8")) for f in folder.iterdir() if f.name.endswith(".txt")]
    return sorted(found)


@cache
def digest() -> str:
    """Return the content hash of the shipped seed."""
    joined = chain.from_iterable(texts())
    return hashlib.blake2b("\0".join(joined).encode(), digest_size=16).hexdigest()


def read(sources: Iterable[tuple[str, str]] | None = None) -> Facts:
    """Parse the seed. Raises: ConfigurationError naming file and line of a bad row or relation."""
    facts = Facts()
    relations: list[tuple[str, str, str]] = []  # (where, subject id, relation text)
    for name, text in texts() if sources is None else sources:
        kind = SemanticType.OTHER
        for number, line in enumerate(text.split("\n"), 1):
            if line.startswith("["):
                kind = SemanticType(line.strip("[] "))
            elif line.strip() and not line.startswith("#"):
                relations.append(_concept(facts, f"{name}:{number}", line, kind))
    _relate(facts, relations)
    _inherit_treatments(facts)
    facts.sort()
    return facts


def _concept(facts: Facts, where: str, line: str, kind: SemanticType) -> tuple[str, str, str]:
    fields = [field.strip() for field in line.split("|")]
    if len(fields) > 4 or not fields[0]:
        raise ConfigurationError(f"seed {where}: a concept has one to four fields")
    preferred, names, codes, relations = fields + [""] * (4 - len(fields))
    own = concept_id(preferred)
    facts.terms.append((own, preferred, kind))
    for name in filter(None, (part.strip() for part in names.split(";"))):
        facts.names.append((own, name.rstrip("~*?"), _name_kind(name)))
    for code in codes.split():
        letter, _, value = code.partition(":")
        if letter not in _SYSTEMS or not value:
            raise ConfigurationError(f"seed {where}: unknown code system {letter!r}")
        facts.xrefs.append((own, _SYSTEMS[letter], value))
    return where, own, relations


def _name_kind(name: str) -> NameKind:
    if name.endswith("~"):
        return NameKind.LAY
    if name.endswith("?"):
        return NameKind.LOOSE
    return NameKind.ABBREVIATION if name.endswith("*") else NameKind.SYNONYM


def _relate(facts: Facts, relations: list[tuple[str, str, str]]) -> None:
    known = {own for own, _, _ in facts.terms}
    if len(known) < len(facts.terms):
        seen: set[str] = set()
        twice = [own for own, _, _ in facts.terms if own in seen or seen.add(own)]  # type: ignore[func-returns-value]
        raise ConfigurationError(f"seed: concepts written twice: {', '.join(twice[:20])}")
    wrong = []
    for where, own, text in relations:
        for part in filter(None, (p.strip() for p in text.split(";"))):
            mark, rest = (part[0], part[1:].lstrip(":"))
            for target in filter(None, (t.strip() for t in rest.split(","))):
                other = concept_id(target)
                if mark not in _RELATIONS or other not in known:
                    wrong.append(f"{where}: {mark} {target}")
                else:
                    facts.edges.append((own, _RELATIONS[mark], other, 1.0, ""))
    if wrong:
        raise ConfigurationError(f"seed: unknown relations or targets: {'; '.join(wrong[:400])}")


def _inherit_treatments(facts: Facts) -> None:
    """Let a drug treat what its classes treat, at less weight than what is written of itself."""
    treats: dict[str, set[str]] = {}
    classes: dict[str, set[str]] = {}
    kinds = {own: kind for own, _, kind in facts.terms}
    for subject, kind, other, *_ in facts.edges:
        if kind is EdgeKind.TREATS:
            treats.setdefault(subject, set()).add(other)
        elif kind is EdgeKind.IS_A and kinds[subject] in (
            SemanticType.DRUG,
            SemanticType.DRUG_CLASS,
        ):
            classes.setdefault(subject, set()).add(other)
    for drug in [own for own in classes if kinds[own] is SemanticType.DRUG]:
        own_treats = treats.get(drug, set())
        pending, seen = list(classes[drug]), set[str]()
        while pending:
            parent = pending.pop()
            if parent not in seen:
                seen.add(parent)
                pending.extend(classes.get(parent, ()))
        inherited = {t for parent in seen for t in treats.get(parent, ())} - own_treats
        facts.edges.extend((drug, EdgeKind.TREATS, other, 0.7, "") for other in inherited)
