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
    """Every resource by (type, id), references resolved."""

    resources: dict[str, dict[str, Json]] = field(default_factory=dict)

    def find(self, kind: str, pairs: Iterable[tuple[str, str]]) -> set[str]:
        """Return the ids of what satisfies every pair."""
        pairs = list(pairs)
        return {
            name for name, resource in self.resources.get(kind, {}).items()
            if all(self.holds(kind, resource, *pair) for pair in pairs)
        }  # fmt: skip

    def holds(self, kind: str, resource: Json, name: str, value: str) -> bool:
        """Say whether one pair is true of a resource."""
        if name == "_id":
            return resource["id"] in value.split(",")
        if name.startswith("_has:"):
            _, source, code, rest = name.split(":", 3)
            return any(
                f"{kind}/{resource['id']}" in _references(other, PATHS[source][code][1])
                for other in (self.resources[source][n] for n in self.find(source, [(rest, value)]))
            )
        head, dot, rest = name.partition(".")
        code, _, modifier = head.partition(":")
        sort, paths = PATHS[kind][code]
        if dot:
            targets = self.find(modifier, [(rest, value)])
            return any(
                target.split("/")[1] in targets and target.startswith(modifier + "/")
                for target in _references(resource, paths)
            )
        values = [v for path in paths for v in _at(resource, path.split("."))]
        if modifier == "missing":
            return (not values) == (value == "true")
        found = any(
            _COMPARE[sort](each, one, modifier) for each in values for one in value.split(",")
        )
        return not found if modifier == "not" else found


def read(paths: Iterable[Path]) -> Plain:
    """Read transaction bundles."""
    plain = Plain()
    for path in paths:
        bundle = json.loads(path.read_text("utf-8"), parse_float=Decimal)
        links = {
            e["fullUrl"]: f"{e['resource']['resourceType']}/{e['resource']['id']}"
            for e in bundle["entry"]
        }
        for entry in bundle["entry"]:
            resource = entry["resource"]
            plain.resources.setdefault(resource["resourceType"], {})[resource["id"]] = resource
            _link(resource, links)
    return plain


def relink(plain: Plain) -> None:
    """Resolve what refers into other files: practitioners and hospitals, by their uuid."""
    links = {
        f"urn:uuid:{name}": f"{kind}/{name}"
        for kind, held in plain.resources.items() for name in held
    }  # fmt: skip
    for held in plain.resources.values():
        for resource in held.values():
            _link(resource, links)


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


def _references(resource: Json, paths: tuple[str, ...]) -> list[str]:
    return [v.get("reference", "") for path in paths for v in _at(resource, path.split("."))]


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
    if isinstance(value, dict):
        low = _span(value["start"])[0] if "start" in value else datetime(1, 1, 1, tzinfo=UTC)
        return low, _span(value["end"])[1] if "end" in value else FOREVER
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
        if kind not in plain.resources:
            continue
        pairs = [_pair(plain, dice, kind, code)]
        if made >= len(singles):
            for _ in range(dice.randint(0, 2)):
                pairs.append(_pair(plain, dice, kind, dice.choice(list(PATHS[kind]))))
            pairs += _far(plain, dice, kind)
        yield kind, pairs


def _pair(plain: Plain, dice: random.Random, kind: str, code: str) -> tuple[str, str]:
    sort, paths = PATHS[kind][code]
    held = plain.resources[kind]
    values = [
        v for name in dice.sample(sorted(held), min(30, len(held)))
        for path in paths for v in _at(held[name], path.split("."))
    ]  # fmt: skip
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
