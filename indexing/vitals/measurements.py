"""The five measurements of line protocol: the tags each takes, and the series that they name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from indexing.vitals.kinds import KINDS
from indexing.vitals.model import SeriesKey
from indexing.vitals.units import Change, change_of, is_unit

_KIND = re.compile(r"[a-z][a-z0-9_.]{0,63}")
LONGEST_TAG = 200


@dataclass(frozen=True, slots=True)
class Measurement:
    """`subject` names the tag of whom or what it is about; `kind` is the kind of `value` where the
    line names no type, "" where it must; `lone` says that a line needs no `value`."""

    subject: str
    device: str
    place: str
    kind: str = ""
    lone: bool = False


SPECS: Mapping[str, Measurement] = {
    "vital_signs": Measurement("patient_id", "device", "location"),
    "glucose_monitoring": Measurement("patient_id", "device", "location", kind="glucose"),
    "environmental_health": Measurement("patient_id", "device", "location"),
    "model_performance": Measurement("model", "version", "outcome", kind="value", lone=True),
    "trial_data": Measurement("trial", "device", "site"),
}


class TagFault(Exception):
    """A tag is wrong; `at` is the byte of the line where it stands."""

    def __init__(self, at: int, message: str) -> None:
        super().__init__(message)
        self.at = at


@dataclass(frozen=True, slots=True)
class Tag:
    """One tag of a line and the byte where its name begins."""

    value: str
    at: int


@dataclass(frozen=True, slots=True)
class Head:
    """What a line's tags say: the series of its `value`, how that comes into the series' unit, and
    between which bounds it must lie then."""

    key: SeriesKey
    change: Change
    low: float
    high: float
    lone: bool

    def beside(self, field_name: str) -> SeriesKey:
        """Return the series of another numeric field of the same line."""
        own = self.key
        name = field_name if self.lone else f"{own.kind}.{field_name}"
        return SeriesKey(
            own.measurement, own.subject, name, "1", own.device, own.place, own.source, own.labels
        )


def head_of(measurement: str, tags: Mapping[str, Tag]) -> Head:
    """Return what the tags say.

    Raises:
        TagFault: a tag is unknown, missing or wrong.
    """
    spec = SPECS.get(measurement)
    if spec is None:
        raise TagFault(0, f"no such measurement; there are {', '.join(SPECS)}")
    known = {spec.subject, spec.device, spec.place, "type", "unit"}
    for name, tag in tags.items():
        if name not in known:
            raise TagFault(tag.at, f"unknown tag; {measurement} takes {', '.join(sorted(known))}")
        if not tag.value or len(tag.value) > LONGEST_TAG or not tag.value.isprintable():
            raise TagFault(tag.at, f"a tag holds 1 to {LONGEST_TAG} printable characters")
    needed = (spec.subject,) if spec.kind else (spec.subject, "type")
    for name in needed:
        if name not in tags:
            example = ",".join((measurement, *(f"{each}=…" for each in needed)))
            raise TagFault(0, f"the tag {name} is missing; a line begins {example}")
    kind, bounds = _kind(spec, tags)
    unit, change = _unit(kind, tags)
    device, place = (tags[name].value if name in tags else "" for name in (spec.device, spec.place))
    key = SeriesKey(measurement, tags[spec.subject].value, kind, unit, device, place)
    return Head(key, change, *bounds, spec.lone)


def _kind(spec: Measurement, tags: Mapping[str, Tag]) -> tuple[str, tuple[float, float]]:
    kind = tags["type"].value if "type" in tags else spec.kind
    if not _KIND.fullmatch(kind):
        raise TagFault(tags["type"].at, "a type is a-z, 0-9, '_' and '.', beginning with a letter")
    known = KINDS.get(kind)
    return kind, (known.low, known.high) if known else (float("-inf"), float("inf"))


def _unit(kind: str, tags: Mapping[str, Tag]) -> tuple[str, Change]:
    known = KINDS.get(kind)
    if "unit" not in tags:
        return (known.unit if known else "1"), Change()
    unit, at = tags["unit"].value, tags["unit"].at
    if not is_unit(unit):
        raise TagFault(at, "not a UCUM unit, such as mm[Hg], /min, Cel, mg/dL")
    if known is None:
        return unit, Change()
    change = change_of(unit, known)
    if change is None:
        raise TagFault(at, f"{kind} is not measured in this unit; send {known.unit}")
    return known.unit, change
