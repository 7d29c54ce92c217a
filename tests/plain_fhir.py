"""A plain reading of FHIR JSON: what a search should find, worked out with dicts and loops.

Shares nothing with the product: its own paths, its own dates (UTC), its own comparisons.
"""

from __future__ import annotations

import json
import random
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

Json = dict[str, Any]
Ask = tuple[str, list[tuple[str, str]]]

# type -> parameter -> (kind, paths). A path ends at the values themselves.
PATHS: dict[str, dict[str, tuple[str, tuple[str, ...]]]] = {
    "Patient": {
        "gender": ("code", ("gender",)), "birthdate": ("date", ("birthDate",)),
        "family": ("string", ("name.family",)), "given": ("string", ("name.given",)),
        "address-city": ("string", ("address.city",)),
        "address-state": ("string", ("address.state",)),
        "death-date": ("date", ("deceasedDateTime",)), "identifier": ("id", ("identifier",)),
        "language": ("concept", ("communication.language",)),
    },
    "Observation": {
        "code": ("concept", ("code",)), "category": ("concept", ("category",)),
        "combo-code": ("concept", ("code", "component.code")),
        "component-code": ("concept", ("component.code",)),
        "status": ("code", ("status",)), "date": ("date", ("effectiveDateTime",)),
        "subject": ("reference", ("subject",)), "encounter": ("reference", ("encounter",)),
        "value-quantity": ("quantity", ("valueQuantity",)),
        "component-value-quantity": ("quantity", ("component.valueQuantity",)),
        "value-concept": ("concept", ("valueCodeableConcept",)),
    },
    "Condition": {
        "code": ("concept", ("code",)), "clinical-status": ("concept", ("clinicalStatus",)),
        "onset-date": ("date", ("onsetDateTime",)), "recorded-date": ("date", ("recordedDate",)),
        "abatement-date": ("date", ("abatementDateTime",)),
        "subject": ("reference", ("subject",)), "encounter": ("reference", ("encounter",)),
    },
    "Encounter": {
        "class": ("coding", ("class",)), "type": ("concept", ("type",)),
        "date": ("date", ("period",)), "subject": ("reference", ("subject",)),
        "participant": ("reference", ("participant.individual",)),
        "service-provider": ("reference", ("serviceProvider",)),
        "reason-code": ("concept", ("reasonCode",)), "status": ("code", ("status",)),
    },
    "MedicationRequest": {
        "code": ("concept", ("medicationCodeableConcept",)), "status": ("code", ("status",)),
        "authoredon": ("date", ("authoredOn",)), "subject": ("reference", ("subject",)),
        "intent": ("code", ("intent",)), "requester": ("reference", ("requester",)),
    },
    "Procedure": {
        "code": ("concept", ("code",)), "date": ("date", ("performedPeriod", "performedDateTime")),
        "subject": ("reference", ("subject",)), "status": ("code", ("status",)),
    },
    "Immunization": {
        "vaccine-code": ("concept", ("vaccineCode",)), "date": ("date", ("occurrenceDateTime",)),
        "patient": ("reference", ("patient",)), "status": ("code", ("status",)),
    },
    "DiagnosticReport": {
        "code": ("concept", ("code",)), "category": ("concept", ("category",)),
        "date": ("date", ("effectiveDateTime",)), "issued": ("date", ("issued",)),
        "subject": ("reference", ("subject",)), "result": ("reference", ("result",)),
    },
    "CarePlan": {
        "category": ("concept", ("category",)), "date": ("date", ("period",)),
        "subject": ("reference", ("subject",)), "condition": ("reference", ("addresses",)),
        "activity-code": ("concept", ("activity.detail.code",)),
    },
    "AllergyIntolerance": {
        "code": ("concept", ("code",)), "criticality": ("code", ("criticality",)),
        "category": ("code", ("category",)), "patient": ("reference", ("patient",)),
    },
}  # fmt: skip


@dataclass(slots=True)
class Plain:
    """The values of every parameter, read off the JSON once: `values[type][parameter][id]`.

    `alike` groups them: [(a value, the ids that have it)], so that each is compared once.
    `resources` are there where they were wanted whole.
    """

    resources: dict[str, dict[str, Json]] = field(default_factory=dict)
    ids: dict[str, list[str]] = field(default_factory=dict)
    values: dict[str, dict[str, dict[str, list[Any]]]] = field(default_factory=dict)
    alike: dict[tuple[str, str], list[tuple[Any, set[str]]]] = field(default_factory=dict)

    def find(self, kind: str, pairs: Iterable[tuple[str, str]]) -> set[str]:
        """Return the ids of what satisfies every pair."""
        found = set(self.ids.get(kind, ()))
        for pair in pairs:
            found &= self.holding(kind, *pair)
        return found

    def holding(self, kind: str, name: str, value: str) -> set[str]:
        """Return the ids of what one pair is true of."""
        if name == "_id":
            return set(value.split(","))
        if name.startswith("_has:"):
            _, source, code, rest = name.split(":", 3)
            held = self.values[source][code]
            told = {r for n in self.find(source, [(rest, value)]) for r in _said(held.get(n, []))}
            return {name for name in self.ids[kind] if f"{kind}/{name}" in told}
        head, dot, rest = name.partition(".")
        code, _, modifier = head.partition(":")
        held = self.values[kind][code]
        if dot:
            targets = {f"{modifier}/{each}" for each in self.find(modifier, [(rest, value)])}
            return {name for name, values in held.items() if targets.intersection(_said(values))}
        everyone = set(self.ids[kind])
        if modifier == "missing":
            return everyone.difference(held) if value == "true" else set(held)
        found: set[str] = set()
        compare = _COMPARE[PATHS[kind][code][0]]
        for each, names in self._alike(kind, code):
            if any(compare(each, one, modifier) for one in value.split(",")):
                found |= names
        return everyone - found if modifier == "not" else found

    def _alike(self, kind: str, code: str) -> list[tuple[Any, set[str]]]:
        if (kind, code) not in self.alike:
            groups: dict[str, tuple[Any, set[str]]] = {}
            for name, values in self.values[kind][code].items():
                for each in values:
                    key = json.dumps(each, sort_keys=True, default=str)
                    groups.setdefault(key, (each, set()))[1].add(name)
            self.alike[kind, code] = list(groups.values())
        return self.alike[kind, code]


def read(paths: Iterable[Path], *, whole: bool = False) -> Plain:
    """Read transaction bundles, references resolved; of each resource what parameters read is kept,
    and all of it where `whole`."""
    plain = Plain()
    links: dict[str, str] = {}
    for path in paths:
        bundle = json.loads(path.read_text("utf-8"), parse_float=Decimal)
        for entry in bundle["entry"]:
            kind, name = entry["resource"]["resourceType"], entry["resource"]["id"]
            links[entry["fullUrl"]] = links[f"urn:uuid:{name}"] = f"{kind}/{name}"
            plain.ids.setdefault(kind, []).append(name)
            if whole:
                plain.resources.setdefault(kind, {})[name] = entry["resource"]
            for code, (_, ways) in PATHS.get(kind, {}).items():
                held = plain.values.setdefault(kind, {}).setdefault(code, {})
                found = [v for way in ways for v in _at(entry["resource"], way.split("."))]
                if found:
                    held[name] = found
    for names in plain.ids.values():
        names.sort()
    _link(plain.values, links)
    _link(plain.resources, links)
    return plain


def _link(value: Any, links: dict[str, str]) -> None:
    if isinstance(value, dict):
        if isinstance(value.get("reference"), str):
            value["reference"] = links.get(value["reference"], value["reference"])
        for inner in value.values():
            _link(inner, links)
    elif isinstance(value, list):
        for inner in value:
            _link(inner, links)


def _at(value: Any, steps: list[str]) -> Iterator[Any]:
    for each in value if isinstance(value, list) else [value]:
        if not steps:
            yield each
        elif isinstance(each, dict) and steps[0] in each:
            yield from _at(each[steps[0]], steps[1:])


def _said(references: Iterable[Json]) -> list[str]:
    return [each.get("reference", "") for each in references]


def _code(value: str, asked: str, _: str) -> bool:
    return value == asked.split("|")[-1]


def _coding(value: Json, asked: str, _: str) -> bool:
    system, bar, code = asked.rpartition("|")
    return (not code or value.get("code") == code) and (
        not bar or value.get("system", "") == system
    )


def _concept(value: Json, asked: str, modifier: str) -> bool:
    return any(_coding(coding, asked, modifier) for coding in value.get("coding", []))


def _identifier(value: Json, asked: str, modifier: str) -> bool:
    return _coding({"code": value.get("value"), "system": value.get("system")}, asked, modifier)


def _folded(text: str) -> str:
    spread = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in spread if not unicodedata.combining(c))


def _string(value: str, asked: str, modifier: str) -> bool:
    if modifier == "exact":
        return value == asked
    if modifier == "contains":
        return _folded(asked) in _folded(value)
    return _folded(value).startswith(_folded(asked))


def _reference(value: Json, asked: str, _: str) -> bool:
    said = value.get("reference", "")
    return bool(said == asked or (said.rpartition("/")[2] == asked and "/" in said))


FOREVER = datetime(9999, 12, 31, tzinfo=UTC)


def _span(value: Any) -> tuple[datetime, datetime]:
    return _instant(value) if isinstance(value, str) else _period(value)


def _period(value: Json) -> tuple[datetime, datetime]:
    low = _instant(value["start"])[0] if "start" in value else datetime(1, 1, 1, tzinfo=UTC)
    return low, _instant(value["end"])[1] if "end" in value else FOREVER


@cache
def _instant(value: str) -> tuple[datetime, datetime]:
    if "T" in value:
        at = datetime.fromisoformat(value).astimezone(UTC)
        wide = re.search(r"\.\d{3}", value)
        return at, at + (timedelta(milliseconds=1) if wide else timedelta(seconds=1))
    parts = [int(p) for p in value.split("-")]
    low = datetime(parts[0], (parts + [1])[1] if len(parts) > 1 else 1,
                   parts[2] if len(parts) > 2 else 1, tzinfo=UTC)  # fmt: skip
    if len(parts) == 1:
        return low, low.replace(year=low.year + 1)
    if len(parts) == 2:
        return low, (low + timedelta(days=32)).replace(day=1)
    return low, low + timedelta(days=1)


def _prefixed(asked: str) -> tuple[str, str]:
    return (asked[:2], asked[2:]) if asked[:2].isalpha() else ("eq", asked)


def _date(value: Any, asked: str, _: str) -> bool:
    prefix, text = _prefixed(asked)
    (low, high), (a, b) = _span(value), _span(text)
    inside = a <= low and high <= b
    return {
        "eq": inside, "ne": not inside, "gt": high > b, "lt": low < a,
        "ge": high > b or inside, "le": low < a or inside, "sa": low >= b, "eb": high <= a,
    }[prefix]  # fmt: skip


def _quantity(value: Json, asked: str, _: str) -> bool:
    prefix, text = _prefixed(asked)
    number, _, unit = text.partition("|")
    if "value" not in value:
        return False
    if unit:
        system, _, code = unit.partition("|")
        if system and (value.get("system"), value.get("code")) != (system, code):
            return False
        if not system and code not in (value.get("code"), value.get("unit")):
            return False
    wanted, held = Decimal(number), Decimal(value["value"])
    slack = Decimal(5).scaleb(int(wanted.as_tuple().exponent) - 1)
    inside = wanted - slack <= held < wanted + slack
    return {
        "eq": inside, "ne": not inside, "gt": held > wanted, "lt": held < wanted,
        "ge": held >= wanted, "le": held <= wanted, "sa": held > wanted, "eb": held < wanted,
    }[prefix]  # fmt: skip


_COMPARE: dict[str, Callable[[Any, str, str], bool]] = {
    "code": _code, "coding": _coding, "concept": _concept, "id": _identifier, "string": _string,
    "reference": _reference, "date": _date, "quantity": _quantity,
}  # fmt: skip

PREFIXES = ("", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb")


def questions(plain: Plain, number: int, seed: int) -> Iterator[Ask]:
    """Draw questions from what is there: every parameter alone first, then mixtures."""
    dice = random.Random(seed)
    singles = [(kind, code) for kind in PATHS for code in PATHS[kind]]
    for made in range(number):
        kind, code = singles[made] if made < len(singles) else dice.choice(singles)
        if kind not in plain.ids:
            continue
        pairs = [_pair(plain, dice, kind, code)]
        if made >= len(singles):
            for _ in range(dice.randint(0, 2)):
                pairs.append(_pair(plain, dice, kind, dice.choice(list(PATHS[kind]))))
            pairs += _far(plain, dice, kind)
        yield kind, pairs


def _pair(plain: Plain, dice: random.Random, kind: str, code: str) -> tuple[str, str]:
    sort, _ = PATHS[kind][code]
    names, held = plain.ids[kind], plain.values[kind][code]
    values = [v for name in dice.sample(names, min(30, len(names))) for v in held.get(name, ())]
    roll = dice.random()
    if not values or roll < 0.08:
        return f"{code}:missing", dice.choice(["true", "false"])
    value = dice.choice(values)
    match sort:
        case "date":
            return code, dice.choice(PREFIXES) + _some_date(dice, value)
        case "quantity":
            return code, dice.choice(PREFIXES) + _some_amount(dice, value)
        case "string":
            modifier = dice.choice(["", "", ":exact", ":contains"])
            cut = value if modifier == ":exact" else value[: dice.randint(2, 5)].swapcase()
            return code + modifier, cut
        case "reference":
            said = value["reference"]
            return code, said if dice.random() < 0.5 else said.rpartition("/")[2]
        case _:
            more = dice.choice(values)
            tokens = [_token(dice, sort, value)]
            tokens += [_token(dice, sort, more)] if dice.random() < 0.3 else []
            return code + (":not" if roll > 0.85 else ""), ",".join(tokens)


def _token(dice: random.Random, sort: str, value: Any) -> str:
    if sort == "code":
        return str(value)
    if sort == "concept":
        value = dice.choice(value.get("coding") or [{"code": "none"}])
    code, system = value.get("value" if sort == "id" else "code"), value.get("system", "")
    return f"{system}|{code}" if dice.random() < 0.5 else str(code)


def _some_date(dice: random.Random, value: Any) -> str:
    text = value if isinstance(value, str) else value.get("start") or value["end"]
    return str(text if dice.random() < 0.3 and "T" not in text else text[: dice.choice([4, 7, 10])])


def _some_amount(dice: random.Random, value: Json) -> str:
    number = f"{Decimal(value.get('value', 1)):.{dice.choice([0, 1, 2])}f}"
    if dice.random() < 0.4 and "code" in value:
        return f"{number}|{value['system']}|{value['code']}"
    return f"{number}||{value['unit']}" if dice.random() < 0.3 and "unit" in value else number


def _far(plain: Plain, dice: random.Random, kind: str) -> list[tuple[str, str]]:
    """Sometimes ask through a reference, or from its other end."""
    roll = dice.random()
    if kind == "Patient" and roll < 0.4:
        code, value = _pair(plain, dice, "Condition", "code")
        return [(f"_has:Condition:subject:{code}", value)]
    if "subject" in PATHS[kind] and roll < 0.25:
        code, value = _pair(plain, dice, "Patient", dice.choice(["gender", "birthdate", "family"]))
        return [(f"subject:Patient.{code}", value)]
    return []
