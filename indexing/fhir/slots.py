"""Compile element definitions into slots: the closures that check one JSON property each."""

from __future__ import annotations

from collections.abc import Callable, Container

from indexing.fhir.primitives import CHECKS, Check, Fault
from indexing.fhir.walk import Invariant, Json, Node, Slot, Type, Walk

_NULL = Fault("must not be null", unsafe=False, code="structure")
_ARRAY = Fault("must be an array", unsafe=False, code="structure")
_NOT_ARRAY = Fault("must be one value, not an array", unsafe=False, code="structure")
_EMPTY_ARRAY = Fault("must not be an empty array", unsafe=False, code="structure")
_EMPTY_OBJECT = Fault("must have some content", unsafe=False, code="structure")
_BARE_NULL = Fault(
    "null needs an id or extension beside it in the array of the same name with _",
    unsafe=False,
    code="structure",
)
_OBJECT = Fault("must be an object", unsafe=False, code="structure")
_NO_FRAGMENT = Fault("there is no contained resource of this id", unsafe=False, code="not-found")
_ONLY_ID = Fault("must have more content than an id", unsafe=False, code="invariant")

Element = Callable[[Walk, Json, Node], None]


def outside(value_set: str) -> Fault:
    """A code is not in the value set that its element is bound to."""
    name = value_set.rsplit("/", 1)[-1]
    return Fault(f"code is not in the required value set {name}", unsafe=False, code="code-invalid")


def primitive(name: str, kind: str, codes: Container[str] | None, url: str) -> Slot:
    """A single primitive, perhaps bound to codes."""
    check, fault_of_code, keeps = CHECKS[kind], outside(url), kind in ("uri", "url", "canonical")
    strict = kind == "canonical"

    def slot(walk: Walk, value: object, parent: Node, _owner: Json) -> None:
        fault = check(value)
        if fault is None:
            if codes is not None and value not in codes:
                walk.fault((parent, name, None), fault_of_code)
            elif keeps and type(value) is str and value[0] == "#":
                walk.scope.root.local.add(value)
                if strict and value[1:] not in walk.scope.root.contained:
                    walk.fault((parent, name, None), _NO_FRAGMENT)
            return
        if value is None:
            fault = _NULL
        elif isinstance(value, list):
            fault = _NOT_ARRAY
        walk.fault((parent, name, None), fault)

    return slot


def primitives(name: str, kind: str, codes: Container[str] | None, url: str) -> Slot:
    """An array of primitives; null stands where only a sibling says something."""
    check: Check = CHECKS[kind]
    fault_of_code, sibling = outside(url), "_" + name

    def slot(walk: Walk, values: object, parent: Node, owner: Json) -> None:
        if type(values) is not list:
            walk.fault((parent, name, None), _NULL if values is None else _ARRAY)
            return
        if not values:
            walk.fault((parent, name, None), _EMPTY_ARRAY)
        for index, value in enumerate(values):
            fault = check(value)
            if fault is None:
                if codes is not None and value not in codes:
                    walk.fault((parent, name, index), fault_of_code)
                elif type(value) is str and value[0] == "#":
                    walk.scope.root.local.add(value)
            elif value is not None:
                walk.fault((parent, name, index), fault)
            elif not _has_sibling(owner.get(sibling), index):
                walk.fault((parent, name, index), _BARE_NULL)

    return slot


def _has_sibling(siblings: object, index: int) -> bool:
    return isinstance(siblings, list) and index < len(siblings) and bool(siblings[index])


def sibling(name: str, element: Type) -> Slot:
    """The id and extensions of a primitive; `name` begins with an underscore."""

    def slot(walk: Walk, value: object, parent: Node, _owner: Json) -> None:
        node: Node = (parent, name, None)
        if isinstance(value, dict):
            _walk_element(walk, element, value, node)
        else:
            walk.fault(node, _OBJECT)

    return slot


def siblings(name: str, element: Type) -> Slot:
    """The ids and extensions of an array of primitives, null where there are none."""

    def slot(walk: Walk, values: object, parent: Node, owner: Json) -> None:
        if type(values) is not list:
            walk.fault((parent, name, None), _ARRAY)
            return
        main = owner.get(name[1:])
        for index, value in enumerate(values):
            node: Node = (parent, name, index)
            if isinstance(value, dict):
                _walk_element(walk, element, value, node)
            elif value is not None:
                walk.fault(node, _OBJECT)
            elif not isinstance(main, list) or index >= len(main) or main[index] is None:
                walk.fault(node, _BARE_NULL)

    return slot


def _walk_element(walk: Walk, spec: Type, value: Json, node: Node) -> None:
    if not value:
        walk.fault(node, _EMPTY_OBJECT)
        return
    if len(value) == 1 and "id" in value:
        walk.fault(node, _ONLY_ID)
    walk.element(spec, value, node)


def complex_one(name: str, spec: Type, after: Element | None) -> Slot:
    """A single object of a complex type; `after` looks at it once more (bindings, targets)."""

    def slot(walk: Walk, value: object, parent: Node, _owner: Json) -> None:
        node: Node = (parent, name, None)
        if type(value) is dict:
            _walk_element(walk, spec, value, node)
            if after is not None:
                after(walk, value, node)
        elif isinstance(value, list):
            walk.fault(node, _NOT_ARRAY)
        else:
            walk.fault(node, _NULL if value is None else _OBJECT)

    return slot


def complex_many(name: str, spec: Type, after: Element | None) -> Slot:
    """An array of objects of a complex type."""

    def slot(walk: Walk, values: object, parent: Node, _owner: Json) -> None:
        if type(values) is not list:
            walk.fault((parent, name, None), _NULL if values is None else _ARRAY)
            return
        if not values:
            walk.fault((parent, name, None), _EMPTY_ARRAY)
        for index, value in enumerate(values):
            node: Node = (parent, name, index)
            if type(value) is not dict:
                walk.fault(node, _NULL if value is None else _OBJECT)
                continue
            _walk_element(walk, spec, value, node)
            if after is not None:
                after(walk, value, node)

    return slot


def held(invariants: tuple[Invariant, ...], after: Element | None) -> Element | None:
    """Add the invariants that an element states beyond its type's own."""
    if not invariants:
        return after

    def both(walk: Walk, value: Json, node: Node) -> None:
        if after is not None:
            after(walk, value, node)
        walk.hold(invariants, value, node)

    return both


def codings(value_set: dict[str, frozenset[str]], url: str, kind: str) -> Element:
    """A required binding of a Coding, CodeableConcept or Quantity."""
    fault = outside(url)

    def bound(row: object) -> bool:
        if not isinstance(row, dict):
            return True
        system, code = row.get("system"), row.get("code")
        if not isinstance(system, str) or not isinstance(code, str):
            return False
        return code in value_set.get(system, ())

    def concept(walk: Walk, value: Json, node: Node) -> None:
        rows = value.get("coding")
        if isinstance(rows, list):
            wrong_codes = not any(bound(row) for row in rows)
        else:
            wrong_codes = "text" in value and "extension" not in value
        if wrong_codes:
            walk.fault(node, fault)

    def coding(walk: Walk, value: Json, node: Node) -> None:
        if "code" in value and not bound(value):
            walk.fault(node, fault)

    return concept if kind == "CodeableConcept" else coding
