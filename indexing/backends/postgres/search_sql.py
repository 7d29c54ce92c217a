"""FHIR search criteria to SQL: equality and ranges on plain columns, every value bound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from indexing.access import Access
from indexing.fhir.search.facts import Parameter
from indexing.fhir.search.request import (
    Chain,
    Criterion,
    Ids,
    Missing,
    Order,
    Referred,
    Test,
)
from indexing.fhir.search.terms import Amount, Pointer, Prefix, Term, Token, Updated, When, Words

TABLE = {
    "token": "search_token", "uri": "search_token", "string": "search_string",
    "date": "search_date", "reference": "search_reference", "quantity": "search_quantity",
    "number": "search_quantity",
}  # fmt: skip
# What a value is sorted by, per kind.
_SORTED = {
    "token": "code", "uri": "code", "string": "value", "date": "low", "reference": "target_id",
    "quantity": "low", "number": "low",
}  # fmt: skip
# How [v.low, v.high) stands to what was asked, [low, high). Source: R4, search.html#prefix.
_RANGE: dict[Prefix, str] = {
    "eq": "({v}.low >= %({a})s AND {v}.high <= %({b})s)",
    "ne": "NOT ({v}.low >= %({a})s AND {v}.high <= %({b})s)",
    "gt": "{v}.high > %({b})s",
    "lt": "{v}.low < %({a})s",
    "ge": "({v}.high > %({b})s OR ({v}.low >= %({a})s AND {v}.high <= %({b})s))",
    "le": "({v}.low < %({a})s OR ({v}.low >= %({a})s AND {v}.high <= %({b})s))",
    "sa": "{v}.low >= %({b})s",
    "eb": "{v}.high <= %({a})s",
    "ap": "({v}.low < %({b})s AND {v}.high > %({a})s)",
}
# A number is a point, or a range of its own; the digits of what was asked count for eq and ne.
_AMOUNT: dict[Prefix, str] = {
    "eq": "({v}.low >= %({a})s AND {v}.high < %({b})s)",
    "ne": "NOT ({v}.low >= %({a})s AND {v}.high < %({b})s)",
    "gt": "{v}.high > %({x})s",
    "lt": "{v}.low < %({x})s",
    "ge": "{v}.high >= %({x})s",
    "le": "{v}.low <= %({x})s",
    "sa": "{v}.low > %({x})s",
    "eb": "{v}.high < %({x})s",
    "ap": "({v}.low <= %({b})s AND {v}.high >= %({a})s)",
}


@dataclass(slots=True)
class Statement:
    """Collects the bound values of one statement."""

    access: Access
    values: dict[str, object] = field(default_factory=dict)

    def bind(self, value: object) -> str:
        """Bind a value and return its name."""
        name = f"v{len(self.values)}"
        self.values[name] = value
        return name

    def open(self, alias: str, kind: str) -> str:
        """Say what makes a resource of this type one that the access opens."""
        said = (
            f"{alias}.tenant_id = %({self.bind(self.access.tenant_id)})s "
            f"AND {alias}.type = %({self.bind(kind)})s AND NOT {alias}.deleted "
            f"AND NOT {alias}.labels && %({self.bind(sorted(self.access.closed_labels))})s::text[]"
        )
        if self.access.patients is not None:
            patients = self.bind(sorted(self.access.patients))
            said += f" AND {alias}.patient_id = ANY(%({patients})s::text[])"
        return said

    def where(self, alias: str, kind: str, criterion: Criterion) -> str:
        """Return the condition on the resource `alias` of this type."""
        match criterion:
            case Ids(ids):
                return f"{alias}.id = ANY(%({self.bind(list(ids))})s::text[])"
            case Updated(prefix, low, high):
                return self._updated(alias, prefix, low, high)
            case Missing(parameter, there):
                found = self._values(alias, kind, parameter)
                return f"{'' if there else 'NOT '}EXISTS ({found})"
            case Test(parameter, terms, absent):
                said = " OR ".join(self._term("s", term) for term in terms)
                found = self._values(alias, kind, parameter)
                return f"{'NOT ' if absent else ''}EXISTS ({found} AND ({said}))"
            case Chain(parameter, target, inner):
                return self._chain(alias, kind, parameter, target, inner)
            case Referred(source, parameter, inner):
                return self._referred(alias, kind, source, parameter, inner)

    def order(self, alias: str, kind: str, key: Order) -> str:
        """Return one key of ORDER BY: the least value rising, the greatest falling; none last."""
        way = "DESC" if key.falling else "ASC"
        if key.parameter is None:
            return f"{alias}.{key.column} {way}"
        column = _SORTED[key.parameter.kind]
        if key.falling and key.parameter.kind == "date":
            column = "high"
        fold = "max" if key.falling else "min"
        found = self._values(alias, kind, key.parameter, f"{fold}(s.{column})")
        return f"({found}) {way} NULLS LAST"

    def _values(self, alias: str, kind: str, parameter: Parameter, what: str = "") -> str:
        return (
            f"SELECT {what} FROM {TABLE[parameter.kind]} s WHERE {self.named('s', kind, parameter)}"
            f" AND s.resource_id = {alias}.id"
        )

    def named(self, alias: str, kind: str, parameter: Parameter) -> str:
        """Say whose values these are: of this type, by the names that the parameter reads."""
        return self.names(alias, kind, parameter.names)

    def names(self, alias: str, kind: str, names: Sequence[str]) -> str:
        """Say whose values these are, by names."""
        one = len(names) == 1
        bound = self.bind(names[0] if one else list(names))
        return (
            f"{alias}.tenant_id = %({self.bind(self.access.tenant_id)})s "
            f"AND {alias}.resource_type = %({self.bind(kind)})s AND {alias}.name = "
            + (f"%({bound})s" if one else f"ANY(%({bound})s::text[])")
        )

    def _updated(self, alias: str, prefix: Prefix, low: object, high: object) -> str:
        a, b = f"%({self.bind(low)})s", f"%({self.bind(high)})s"
        column = f"{alias}.last_updated"
        return {
            "eq": f"({column} >= {a} AND {column} < {b})",
            "ne": f"NOT ({column} >= {a} AND {column} < {b})",
            "gt": f"{column} >= {b}", "sa": f"{column} >= {b}", "ge": f"{column} >= {a}",
            "lt": f"{column} < {a}", "eb": f"{column} < {a}", "le": f"{column} < {b}",
        }[prefix]  # fmt: skip

    def _chain(
        self, alias: str, kind: str, parameter: Parameter, target: str, inner: Criterion
    ) -> str:
        other = f"{alias}t"
        return (
            f"EXISTS (SELECT FROM search_reference {other}s JOIN resource {other} "
            f"ON {self.open(other, target)} AND {other}.id = {other}s.target_id "
            f"WHERE {self.named(other + 's', kind, parameter)} "
            f"AND {other}s.target_type = %({self.bind(target)})s "
            f"AND {other}s.resource_id = {alias}.id AND {self.where(other, target, inner)})"
        )

    def _referred(
        self, alias: str, kind: str, source: str, parameter: Parameter, inner: Criterion
    ) -> str:
        other = f"{alias}b"
        return (
            f"EXISTS (SELECT FROM search_reference {other}s JOIN resource {other} "
            f"ON {self.open(other, source)} AND {other}.id = {other}s.resource_id "
            f"WHERE {self.named(other + 's', source, parameter)} "
            f"AND {other}s.target_type = %({self.bind(kind)})s "
            f"AND {other}s.target_id = {alias}.id AND {self.where(other, source, inner)})"
        )

    def _term(self, v: str, term: Term) -> str:
        match term:
            case Token(code, system):
                said = [] if code is None else [f"{v}.code = %({self.bind(code)})s"]
                said += [] if system is None else [f"{v}.system = %({self.bind(system)})s"]
                return "(" + " AND ".join(said) + ")"
            case Words():
                return self._words(v, term)
            case When(prefix, low, high):
                return _RANGE[prefix].format(v=v, a=self.bind(low), b=self.bind(high))
            case Pointer(types, target_id):
                return (
                    f"({v}.target_id = %({self.bind(target_id)})s "
                    f"AND {v}.target_type = ANY(%({self.bind(list(types))})s::text[]))"
                )
            case Amount():
                return self._amount(v, term)

    def _words(self, v: str, term: Words) -> str:
        text = self.bind(term.text)
        if term.how == "exact":
            return f"{v}.exact = %({text})s"
        if term.how == "contains":
            return f"strpos(coalesce({v}.folded, {v}.value), %({text})s) > 0"
        after = self.bind(_after(term.text))
        return f"({v}.value >= %({text})s AND {v}.value < %({after})s)"

    def _amount(self, v: str, term: Amount) -> str:
        names = {"x": self.bind(term.exact), "a": self.bind(term.low), "b": self.bind(term.high)}
        said = _AMOUNT[term.prefix].format(v=v, **names)
        if term.unit:
            unit = f"%({self.bind(term.unit)})s"
            if term.system is None:
                said += f" AND ({v}.code = {unit} OR {v}.unit = {unit})"
            else:
                said += f" AND {v}.code = {unit} AND {v}.system = %({self.bind(term.system)})s"
        return f"({said})"


def _after(text: str) -> str:
    """Return the first text behind all that begin with `text`, by code points."""
    last = ord(text[-1]) + 1
    return text[:-1] + chr(0xE000 if 0xD800 <= last < 0xE000 else min(last, 0x10FFFF))
