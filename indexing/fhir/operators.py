"""FHIRPath's infix operators over JSON values: three-valued logic, comparison, arithmetic."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from indexing.fhir.functions import Env, Fn, Items, truth
from indexing.fhir.primitives import interval

_PRIMITIVE_TYPES: dict[str, tuple[type, ...]] = {
    "Boolean": (bool,),
    "boolean": (bool,),
    "decimal": (Decimal, float, int),
    "Decimal": (Decimal, float, int),
    "integer": (int,),
    "Integer": (int,),
    "string": (str,),
    "String": (str,),
}


def is_type(value: object, name: str) -> bool:
    """Tell whether a value is of a type, as far as JSON shows it."""
    if isinstance(value, dict):
        return bool(value.get("resourceType") == name)
    if isinstance(value, bool):
        return name in ("boolean", "Boolean")
    return isinstance(value, _PRIMITIVE_TYPES.get(name, ()))


def _bool(value: bool | None) -> Items:
    return [] if value is None else [value]


def _and(left: Fn, right: Fn) -> Fn:
    def run(items: Items, env: Env) -> Items:
        a = truth(left(items, env))
        if a is False:
            return [False]
        b = truth(right(items, env))
        return _bool(False if b is False else (None if a is None or b is None else True))

    return run


def _or(left: Fn, right: Fn) -> Fn:
    def run(items: Items, env: Env) -> Items:
        a = truth(left(items, env))
        if a is True:
            return [True]
        b = truth(right(items, env))
        return _bool(True if b is True else (None if a is None or b is None else False))

    return run


def _implies(left: Fn, right: Fn) -> Fn:
    def run(items: Items, env: Env) -> Items:
        a = truth(left(items, env))
        if a is False:
            return [True]
        b = truth(right(items, env))
        return _bool(True if b is True else (None if a is None or b is None else False))

    return run


def _xor(left: Fn, right: Fn) -> Fn:
    def run(items: Items, env: Env) -> Items:
        a, b = truth(left(items, env)), truth(right(items, env))
        return _bool(None if a is None or b is None else a != b)

    return run


def same(left: object, right: object) -> bool:
    """Equality of two items; true and 1 are different things in FHIR."""
    if isinstance(left, bool) != isinstance(right, bool):
        return False
    return left == right


def _equals(left: Fn, right: Fn) -> Fn:
    def run(items: Items, env: Env) -> Items:
        a, b = left(items, env), right(items, env)
        if not a or not b:
            return []
        return [len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))]

    return run


def _differs(left: Fn, right: Fn) -> Fn:
    equal = _equals(left, right)

    def run(items: Items, env: Env) -> Items:
        found = equal(items, env)
        return [not found[0]] if found else []

    return run


def _in(left: Fn, right: Fn) -> Fn:
    def run(items: Items, env: Env) -> Items:
        a = left(items, env)
        return [any(same(a[0], y) for y in right(items, env))] if a else []

    return run


def _contains(left: Fn, right: Fn) -> Fn:
    return _in(right, left)


def _union(left: Fn, right: Fn) -> Fn:
    return lambda items, env: [*left(items, env), *right(items, env)]


def _order(a: object, b: object) -> int | None:
    """-1, 0 or 1; None where the two cannot be ordered (other kinds, overlapping dates)."""
    if isinstance(a, str) and isinstance(b, str):
        first, second = interval(a), interval(b)
        if first is None or second is None:
            return (a > b) - (a < b)
        if first == second:
            return 0
        return -1 if first[1] <= second[0] else (1 if first[0] >= second[1] else None)
    numbers = (int, float, Decimal)
    if isinstance(a, numbers) and isinstance(b, numbers):
        return (a > b) - (a < b)
    return None


def _comparison(accept: Callable[[int], bool]) -> Callable[[Fn, Fn], Fn]:
    def make(left: Fn, right: Fn) -> Fn:
        def run(items: Items, env: Env) -> Items:
            a, b = left(items, env), right(items, env)
            if not a or not b or (order := _order(a[0], b[0])) is None:
                return []
            return [accept(order)]

        return run

    return make


def _concatenate(left: Fn, right: Fn) -> Fn:
    def run(items: Items, env: Env) -> Items:
        a, b = left(items, env), right(items, env)
        return [f"{a[0] if a else ''}{b[0] if b else ''}"]

    return run


def _add(left: Fn, right: Fn) -> Fn:
    def run(items: Items, env: Env) -> Items:
        a, b = left(items, env), right(items, env)
        if a and b and isinstance(a[0], int) and isinstance(b[0], int):
            return [a[0] + b[0]]
        return []

    return run


OPERATORS: dict[str, Callable[[Fn, Fn], Fn]] = {
    "and": _and,
    "or": _or,
    "xor": _xor,
    "implies": _implies,
    "=": _equals,
    "!=": _differs,
    "in": _in,
    "contains": _contains,
    "|": _union,
    "<": _comparison(lambda order: order < 0),
    ">": _comparison(lambda order: order > 0),
    "<=": _comparison(lambda order: order <= 0),
    ">=": _comparison(lambda order: order >= 0),
    "&": _concatenate,
    "+": _add,
}
