"""FHIRPath's functions over JSON values, as makers of closures: FUNCTIONS[name](*arguments)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

Items = list[object]
BUDGET = 5_000_000  # visited items for one resource: about two seconds


class TooCostly(Exception):
    """The invariants of a resource need more steps than one resource may take."""


@dataclass(slots=True)
class Env:
    """Where an expression is evaluated: its resource, the outermost one, and its own value.

    `choices` maps the name of a choice element to its JSON names ("value" -> "valueString", ...).
    """

    resource: object
    root: object
    context: object
    choices: dict[str, frozenset[str]] = field(default_factory=dict)
    spent: int = 0

    def spend(self, items: int) -> None:
        """Count visited items: some of R4's rules take quadratic time on huge resources.

        Raises:
            TooCostly: this resource has used up its budget.
        """
        self.spent += items
        if self.spent > BUDGET:
            raise TooCostly


Fn = Callable[[Items, Env], Items]


def truth(items: Items) -> bool | None:
    """Read a collection as a boolean: None when empty, true for a single non-boolean."""
    if not items:
        return None
    return items[0] if isinstance(items[0], bool) else True


def navigate(items: Items, name: str, env: Env) -> Items:
    """Step into the element `name` of each item; choices are found under their typed names."""
    found: Items = []
    for item in items:
        if not isinstance(item, dict):
            continue
        value = item.get(name)
        if value is None:
            value = _choice_or_sibling(item, name, env)
        if isinstance(value, list):
            found.extend(v for v in value if v is not None)
        elif value is not None:
            found.append(value)
    env.spend(len(found))
    return found


def _choice_or_sibling(item: dict[str, object], name: str, env: Env) -> object:
    for key in env.choices.get(name, ()):
        if key in item:
            return item[key]
    return item.get("_" + name)  # a primitive with extensions alone exists, without a value


def children(items: Items) -> Items:
    """The direct children of all items."""
    found: Items = []
    for item in items:
        if isinstance(item, dict):
            for value in item.values():
                found.extend(value if isinstance(value, list) else [value])
    return found


def descendants(items: Items) -> Iterator[object]:
    """All children, depth first."""
    for child in children(items):
        yield child
        if isinstance(child, dict):
            yield from descendants([child])


def _descendants(items: Items, env: Env) -> Items:
    found = list(descendants(items))
    env.spend(len(found))
    return found


def _each(run: Fn, item: object, env: Env) -> bool:
    return truth(run([item], env)) is True


def _exists(where: Fn | None = None) -> Fn:
    if where is None:
        return lambda items, _env: [bool(items)]
    return lambda items, env: [any(_each(where, v, env) for v in items)]


def _where(test: Fn) -> Fn:
    return lambda items, env: [v for v in items if _each(test, v, env)]


def _all(test: Fn) -> Fn:
    return lambda items, env: [all(_each(test, v, env) for v in items)]


def _select(run: Fn) -> Fn:
    return lambda items, env: [found for v in items for found in run([v], env)]


def _not() -> Fn:
    def run(items: Items, _env: Env) -> Items:
        value = truth(items)
        return [] if value is None else [not value]

    return run


def _key(item: object) -> str:
    return f"{type(item).__name__}:{item}"


def _is_distinct() -> Fn:
    return lambda items, _env: [len({_key(v) for v in items}) == len(items)]


def _intersect(other: Fn) -> Fn:
    def run(items: Items, env: Env) -> Items:
        keys = {_key(v) for v in other([env.context], env)}
        env.spend(len(keys))
        return [v for v in items if _key(v) in keys]

    return run


def _combine(other: Fn) -> Fn:
    return lambda items, env: [*items, *other(items, env)]


def _text_test(test: Callable[[str, str], bool]) -> Callable[[Fn], Fn]:
    def make(argument: Fn) -> Fn:
        def run(items: Items, env: Env) -> Items:
            value = argument(items, env)
            if not value:
                return []
            if not items or not isinstance(items[0], str):
                return [False]  # as the reference implementation, which R4's rules count on
            return [test(items[0], str(value[0]))]

        return run

    return make


def _matches(text: str, pattern: str) -> bool:
    return re.fullmatch(pattern, text, re.DOTALL) is not None


def _replace_matches(pattern: Fn, new: Fn) -> Fn:
    def run(items: Items, env: Env) -> Items:
        found = [re.sub(str(pattern([], env)[0]), str(new([], env)[0]), str(v)) for v in items]
        return list(found)

    return run


def _to_integer() -> Fn:
    def run(items: Items, _env: Env) -> Items:
        text = str(items[0]) if items else ""
        return [int(text)] if re.fullmatch(r"[+-]?\d+", text) else []

    return run


def _iif(test: Fn, then: Fn, other: Fn | None = None) -> Fn:
    def run(items: Items, env: Env) -> Items:
        if truth(test(items, env)) is True:
            return then(items, env)
        return other(items, env) if other else []

    return run


def _has_value() -> Fn:
    return lambda items, _env: [len(items) == 1 and not isinstance(items[0], dict | list)]


def _is(name: Fn) -> Fn:
    def run(items: Items, env: Env) -> Items:
        wanted = name([], env)[0]
        return [isinstance(v, dict) and v.get("resourceType") == wanted for v in items[:1]]

    return run


def _trace(*_labels: Fn) -> Fn:
    return lambda items, _env: items


FUNCTIONS: dict[str, Callable[..., Fn]] = {
    "exists": _exists,
    "empty": lambda: lambda items, _env: [not items],
    "count": lambda: lambda items, _env: [len(items)],
    "not": _not,
    "where": _where,
    "all": _all,
    "select": _select,
    "is": _is,
    "first": lambda: lambda items, _env: items[:1],
    "tail": lambda: lambda items, _env: items[1:],
    "children": lambda: lambda items, _env: children(items),
    "descendants": lambda: _descendants,
    "isDistinct": _is_distinct,
    "intersect": _intersect,
    "combine": _combine,
    "hasValue": _has_value,
    "matches": _text_test(_matches),
    "startsWith": _text_test(lambda text, prefix: text.startswith(prefix)),
    "contains": _text_test(lambda text, part: part in text),
    "toInteger": _to_integer,
    "toString": lambda: lambda items, _env: [str(v) for v in items[:1]],
    "replaceMatches": _replace_matches,
    "iif": _iif,
    "trace": _trace,
}
