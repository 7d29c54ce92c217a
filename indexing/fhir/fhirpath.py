"""Compile the invariants of the R4 definitions: a subset of FHIRPath over plain JSON.

`compile_invariant` turns an expression into a closure; it holds when the result is true, as in the
reference implementation (empty counts as false). What needs a server (`resolve`, `memberOf`) is not
here. Source: http://hl7.org/fhirpath/N1.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from indexing.fhir.functions import FUNCTIONS, Env, Fn, Items, navigate, truth
from indexing.fhir.operators import OPERATORS, is_type

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?)|'(?P<string>(?:[^'\\]|\\.)*)'|`(?P<quoted>[^`]+)`"
    r"|(?P<variable>%\w+)|(?P<this>\$this)|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<op><=|>=|!=|!~|[-+*/&|=~<>().,\[\]{}]))"
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "f": "\f"}
UCUM = "http://unitsofmeasure.org"
# Binding power of each infix operator, weakest first (FHIRPath N1, operator precedence).
_LEVELS = (
    ("implies",),
    ("or", "xor"),
    ("and",),
    ("in", "contains"),
    ("=", "!=", "~", "!~"),
    ("<", ">", "<=", ">="),
    ("|",),
    ("is", "as"),
    ("+", "-", "&"),
    ("*", "/", "div", "mod"),
)
_POWER = {op: level for level, ops in enumerate(_LEVELS) for op in ops}


class UnsupportedExpression(Exception):
    """The expression uses FHIRPath beyond this subset."""


@dataclass(slots=True)
class _Tokens:
    """A cursor over (kind, text) pairs."""

    rows: list[tuple[str, str]]
    at: int = 0

    def peek(self) -> tuple[str, str]:
        return self.rows[self.at] if self.at < len(self.rows) else ("end", "")

    def take(self) -> tuple[str, str]:
        row = self.peek()
        self.at += 1
        return row

    def expect(self, text: str) -> None:
        if self.take() != ("op", text):
            raise UnsupportedExpression(text)


def tokenize(expression: str) -> list[tuple[str, str]]:
    """Cut an expression into (kind, text).

    Raises:
        UnsupportedExpression: at a character outside the grammar.
    """
    rows: list[tuple[str, str]] = []
    at = 0
    expression = expression.rstrip()
    while at < len(expression):
        match = _TOKEN.match(expression, at)
        if match is None or match.lastgroup is None:
            raise UnsupportedExpression(expression[at:])
        rows.append((match.lastgroup, match[match.lastgroup]))
        at = match.end()
    return rows


def compile_invariant(expression: str, type_name: str) -> Callable[[object, Env], bool]:
    """Make the test of one invariant stated on `type_name`: takes the value and its surroundings.

    Raises:
        UnsupportedExpression: for what this subset does not know.
    """
    tokens = _Tokens(tokenize(expression))
    run = _expression(tokens, 0, type_name)
    if tokens.peek()[0] != "end":
        raise UnsupportedExpression(tokens.peek()[1])

    def holds(value: object, env: Env) -> bool:
        return truth(run([value], env)) is True

    return holds


def _expression(tokens: _Tokens, floor: int, root: str) -> Fn:
    """Pratt's loop over infix operators that bind at least as strongly as `floor`."""
    left = _term(tokens, root)
    while (power := _POWER.get(tokens.peek()[1], -1)) >= floor and tokens.peek()[0] != "string":
        op = tokens.take()[1]
        if op in ("is", "as"):
            left = _type_operator(op, left, tokens.take()[1])
            continue
        left = OPERATORS[op](left, _expression(tokens, power + 1, root))
    return left


def _type_operator(op: str, left: Fn, name: str) -> Fn:
    if op == "is":
        # Of nothing it is false, as in the reference implementation: ras-2 counts on that.
        return lambda items, env: [is_type(v, name) for v in left(items, env)] or [False]
    return lambda items, env: [v for v in left(items, env) if is_type(v, name)]


def _term(tokens: _Tokens, root: str) -> Fn:
    """A literal, a variable, a parenthesis or a path, with everything chained to it by dots."""
    kind, text = tokens.take()
    if kind == "op" and text == "(":
        run = _expression(tokens, 0, root)
        tokens.expect(")")
    elif kind == "op" and text == "{":
        tokens.expect("}")
        run = _constant([])
    elif kind == "number":
        run = _constant([float(text) if "." in text else int(text)])
    elif kind == "string":
        run = _constant([re.sub(r"\\(.)", lambda m: _ESCAPES.get(m[1], m[1]), text)])
    elif kind == "variable":
        run = _variable(text)
    elif kind == "this":
        run = _this
    elif kind in ("name", "quoted"):
        run = _member(tokens, text, root, first=True)
    else:
        raise UnsupportedExpression(text)
    while tokens.peek() == ("op", "."):
        tokens.take()
        run = _chain(run, _member(tokens, tokens.take()[1], root, first=False))
    return run


def _constant(value: Items) -> Fn:
    return lambda _items, _env: value


def _this(items: Items, _env: Env) -> Items:
    return items


def _chain(first: Fn, then: Fn) -> Fn:
    return lambda items, env: then(first(items, env), env)


def _variable(name: str) -> Fn:
    if name == "%ucum":
        return _constant([UCUM])
    if name == "%resource":
        return lambda _items, env: [env.resource]
    if name == "%rootResource":
        return lambda _items, env: [env.root]
    if name == "%context":
        return lambda _items, env: [env.context]
    raise UnsupportedExpression(name)


def _member(tokens: _Tokens, name: str, root: str, *, first: bool) -> Fn:
    """A function call, a literal word, the type's own name, or an element."""
    if tokens.peek() == ("op", "("):
        tokens.take()
        arguments: list[Fn] = []
        if name in ("ofType", "as", "is"):
            arguments.append(_constant([tokens.take()[1]]))
        while tokens.peek() != ("op", ")"):
            arguments.append(_expression(tokens, 0, root))
            if tokens.peek() == ("op", ","):
                tokens.take()
        tokens.expect(")")
        if name not in FUNCTIONS:
            raise UnsupportedExpression(name)
        return FUNCTIONS[name](*arguments)
    if first and name in ("true", "false"):
        return _constant([name == "true"])
    if first and name == root:
        return _this
    return lambda items, env: navigate(items, name, env)
