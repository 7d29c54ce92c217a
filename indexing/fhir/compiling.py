"""Turn definitions into walkable types, once each: `compiled("Patient")`."""

from __future__ import annotations

from collections.abc import Container
from typing import Literal, cast

from indexing.fhir.definitions import Definition, ElementSpec, Rule, definition, value_set
from indexing.fhir.fhirpath import compile_invariant
from indexing.fhir.primitives import CHECKS, OPEN_SYSTEMS, Shaped
from indexing.fhir.resources import contained_slot, element_id, resource_slot
from indexing.fhir.rules.datatypes import HOOKS
from indexing.fhir.rules.extensions import extension
from indexing.fhir.rules.narrative import narrative
from indexing.fhir.rules.questionnaires import questionnaire, response
from indexing.fhir.rules.references import pointing_at, reference_hook
from indexing.fhir.rules.vital_signs import vital_signs
from indexing.fhir.slots import (
    Element,
    codings,
    complex_many,
    complex_one,
    held,
    primitive,
    primitives,
    sibling,
    siblings,
)
from indexing.fhir.walk import Hook, Invariant, Slot, Type

_types: dict[str, Type] = {}


def compiled(name: str) -> Type:
    """The walkable type of this name.

    Raises:
        KeyError: R4 has no such type.
    """
    found = _types.get(name)
    if found is None:
        source = definition(name)
        found = _types[name] = Type(name)  # before its slots: types are recursive
        _fill(found, source)
    return found


def _fill(spec: Type, source: Definition) -> None:
    required, exclusive = [], []
    for element in source.elements:
        names = element.json_names()
        for name, kind in names:
            _add(spec, source, element, name, kind)
        if element.least:
            keys = tuple(k for n, kind in names for k in _keys(n, kind))
            required.append((element.name, keys))
        if element.is_choice:
            keys = tuple(k for n, kind in names for k in _keys(n, kind))
            exclusive.append((element.name, frozenset(keys)))
    if source.kind == "resource":
        spec.slots["resourceType"] = lambda _walk, _value, _node, _owner: None
    spec.required, spec.exclusive = tuple(required), tuple(exclusive)
    spec.hooks = _hooks(source)
    spec.invariants = invariants(source.rules, source.name)


def _hooks(source: Definition) -> tuple[Hook, ...]:
    special: dict[str, Hook] = {
        "Extension": extension,
        "Reference": reference_hook,
        "Narrative": narrative,
        "Observation": vital_signs,
        "Questionnaire": questionnaire,
        "QuestionnaireResponse": response,
    }
    found = HOOKS.get(source.name, ())
    return (*found, special[source.name]) if source.name in special else found


def _keys(name: str, kind: str) -> tuple[str, ...]:
    return (name, "_" + name) if kind in CHECKS else (name,)


def _add(spec: Type, source: Definition, element: ElementSpec, name: str, kind: str) -> None:
    if name == "id":
        if source.kind == "resource":
            spec.slots["id"] = primitive("id", "id", None, "")
        else:
            spec.slots["id"] = element_id
    elif kind == "Resource":
        spec.slots[name] = contained_slot if name == "contained" else resource_slot
    elif kind in CHECKS:
        spec.slots[name] = _primitive(element, name, kind)
        if kind != "xhtml":
            make = siblings if element.many else sibling
            spec.slots["_" + name] = make("_" + name, compiled("Element"))
    else:
        spec.slots[name] = _complex(element, name, kind)


def _primitive(element: ElementSpec, name: str, kind: str) -> Slot:
    codes: Container[str] | None = None
    url = element.value_set or ""
    if url in OPEN_SYSTEMS:
        codes = Shaped(OPEN_SYSTEMS[url])
    elif url and (bound := value_set(url)) is not None:
        codes = frozenset().union(*bound.values())
    return (primitives if element.many else primitive)(name, kind, codes, url)


def _complex(element: ElementSpec, name: str, kind: str) -> Slot:
    after: Element | None = None
    if kind == "Reference":
        after = pointing_at(element.targets)
    else:
        url = element.value_set or ""
        if url not in OPEN_SYSTEMS and (bound := value_set(url)) is not None:
            after = codings(bound, url, kind)
    after = held(invariants(element.rules, name), after)
    return (complex_many if element.many else complex_one)(name, compiled(kind), after)


def invariants(rules: tuple[Rule, ...], name: str) -> tuple[Invariant, ...]:
    """Compile the rules of a type."""
    return tuple(
        Invariant(
            rule.key,
            cast(Literal["error", "warning"], rule.severity),
            rule.human,
            compile_invariant(rule.expression, name),
        )
        for rule in rules
    )
