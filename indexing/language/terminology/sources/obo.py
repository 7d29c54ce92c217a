"""OBO files: Disease Ontology, Symptom Ontology and any other in format 1.2 or 1.4."""

from __future__ import annotations

import re

from indexing.language.terminology.facts import Facts, code_system
from indexing.language.terminology.model import EdgeKind, NameKind, SemanticType
from indexing.language.terminology.sources.lines import Lines

_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"\s*(.*)')
_TAIL = re.compile(
    r"\s*\((?:disorder|finding|morphologic abnormality|situation|context-dependent category|"
    r"disease|body structure|procedure|observable entity|navigational concept)\)\s*\Z"
    r"|,?\s+(?:NOS|unspecified)\s*\Z|\s*\[Ambiguous\]\s*\Z|\s*\[dup\]",
    re.IGNORECASE,
)
_TYPES = {
    "DOID": SemanticType.DISORDER,
    "MONDO": SemanticType.DISORDER,
    "SYMP": SemanticType.SYMPTOM,
    "HP": SemanticType.FINDING,
    "UBERON": SemanticType.ANATOMY,
    "CHEBI": SemanticType.SUBSTANCE,
    "GO": SemanticType.PROCESS,
}
_RELATIONS = {
    "part_of": EdgeKind.LOCATED_IN,
    "located_in": EdgeKind.LOCATED_IN,
    "has_symptom": EdgeKind.PRESENTS,
    "RO:0002452": EdgeKind.PRESENTS,
    "IDO:0000664": EdgeKind.ASSOCIATES,
}

Stanza = list[tuple[int, str, str]]  # line number, tag, value


def read(lines: Lines, facts: Facts) -> None:
    """Read every [Term] that is not obsolete."""
    stanza: Stanza | None = None
    for number, line in lines:
        if line.startswith("["):
            _term(stanza, lines, facts)
            stanza = [] if line.strip() == "[Term]" else None
        elif stanza is not None:
            tag, colon, value = line.partition(": ")
            if colon:
                stanza.append((number, tag, value.strip()))
            elif not line.startswith("!") and not line.endswith(":"):
                lines.reject(number, "expected tag: value")
    _term(stanza, lines, facts)


def clean(name: str) -> str:
    """Drop what a source hangs on a name: "(disorder)", "NOS"."""
    return _TAIL.sub("", name.replace('\\"', '"').strip()).strip()


def _term(stanza: Stanza | None, lines: Lines, facts: Facts) -> None:
    if not stanza:
        return
    values = {tag: value for _, tag, value in reversed(stanza)}
    own, name = values.get("id", ""), values.get("name", "")
    if values.get("is_obsolete") == "true":
        return
    if ":" not in own or not name:
        lines.reject(stanza[0][0], "a term without id or name")
        return
    facts.terms.append((own, clean(name), _TYPES.get(own.partition(":")[0], SemanticType.OTHER)))
    for number, tag, value in stanza:
        if not _tag(facts, own, tag, value):
            lines.reject(number, f"cannot read this {tag}")


def _tag(facts: Facts, own: str, tag: str, value: str) -> bool:
    """Take one line of a term; False when it cannot be read."""
    if tag == "is_a":
        facts.edges.append((own, EdgeKind.IS_A, value.split("!")[0].split("{")[0].strip(), 1.0, ""))
    elif tag == "alt_id":
        facts.aliases.append((value, own))
    elif tag == "xref":
        system, colon, code = value.split(" ")[0].partition(":")
        if colon and code:
            facts.xrefs.append((own, code_system(system), code))
    elif tag == "relationship":
        kind, _, target = value.partition(" ")
        if kind in _RELATIONS:
            facts.edges.append((own, _RELATIONS[kind], target.split(" ")[0], 1.0, ""))
    elif tag in ("synonym", "def"):
        quoted = _QUOTED.match(value)
        if quoted is None:
            return False
        if tag == "def":
            facts.definitions.append((own, quoted[1].replace("\\", "")))
        else:
            _synonym(facts, own, quoted[1], quoted[2])
    return True


def _synonym(facts: Facts, own: str, text: str, rest: str) -> None:
    scope, *kinds = rest.split("[")[0].split() or ["RELATED"]
    name = clean(text.replace("\\", ""))
    if scope in ("NARROW", "BROAD") or not name:
        return  # another idea's name: it would find the wrong notes
    if "OMO:0003012" in kinds or (name.isupper() and len(name) <= 5):
        facts.names.append((own, name, NameKind.ABBREVIATION))
    else:
        lay = any("layperson" in kind for kind in kinds)
        facts.names.append((own, name, NameKind.LAY if lay else NameKind.SYNONYM))
