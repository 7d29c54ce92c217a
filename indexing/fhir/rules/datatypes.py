"""Rules of single data types that no table states: what a period, an attachment, a coding must be.

Each function is a hook of `walk.Type`: it sees one object after its properties were checked.
"""

from __future__ import annotations

import re
from decimal import Decimal

from indexing.fhir.definitions import resource_types, system_codes, value_set_urls
from indexing.fhir.issues import Severity
from indexing.fhir.primitives import interval
from indexing.fhir.walk import Hook, Json, Node, Walk

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:").match


def is_absolute(url: str) -> bool:
    """Tell whether a URL names its scheme."""
    return _SCHEME(url) is not None


def period(walk: Walk, value: Json, node: Node) -> None:
    """per-1: start is surely not after end.

    As in the reference implementation a day and a time within it cannot be ordered, and fail.
    """
    start, end = value.get("start"), value.get("end")
    if not isinstance(start, str) or not isinstance(end, str):
        return
    first, last = interval(start), interval(end)
    if first is not None and last is not None and first != last and first[1] > last[0]:
        reason = "per-1: start must be before end, both told equally precisely"
        walk.report(node, reason, code="invariant")


def range_(walk: Walk, value: Json, node: Node) -> None:
    """rng-2, where both ends are numbers of the same unit."""
    low, high = value.get("low"), value.get("high")
    if not isinstance(low, dict) or not isinstance(high, dict):
        return
    a, b = low.get("value"), high.get("value")
    numbers = (int, float, Decimal)
    if not isinstance(a, numbers) or not isinstance(b, numbers):
        return
    same_unit = (low.get("system"), low.get("code")) == (high.get("system"), high.get("code"))
    if same_unit and low.get("unit") == high.get("unit") and a > b:
        walk.report(node, "rng-2: low must not be above high", code="invariant")


def attachment(walk: Walk, value: Json, node: Node) -> None:
    """The stated size is that of the data."""
    data, size = value.get("data"), value.get("size")
    if not isinstance(data, str) or type(size) is not int:
        return
    packed = "".join(data.split())
    actual = len(packed) * 3 // 4 - packed[-2:].count("=")
    if len(packed) % 4 == 0 and actual != size:
        walk.report(node, f"size is {size}, but data has {actual} bytes", code="structure")


def coding(walk: Walk, value: Json, node: Node) -> None:
    """The system is an absolute URL of a code system, and knows the code if R4 enumerates it."""
    system = value.get("system")
    if not isinstance(system, str) or not system:
        return
    if not is_absolute(system):
        walk.report((node, "system", None), "Coding.system must be an absolute URL")
        return
    if system in value_set_urls():
        reason = "Coding.system names a value set, not a code system"
        walk.report((node, "system", None), reason)
        return
    codes = system_codes(system)
    code = value.get("code")
    if codes is None or not isinstance(code, str) or code in codes:
        return
    # hl7.org/fhir systems are frozen with R4; terminology.hl7.org goes on adding codes.
    severity: Severity = "error" if system.startswith("http://hl7.org/fhir/") else "warning"
    reason = f"the code system {system} has no such code in R4"
    walk.report(node, reason, code="code-invalid", severity=severity)


def identifier(walk: Walk, value: Json, node: Node) -> None:
    """The system is an absolute URL; under urn:ietf:rfc:3986 the value is one as well."""
    system, text = value.get("system"), value.get("value")
    if isinstance(system, str) and system and not is_absolute(system):
        walk.report((node, "system", None), "Identifier.system must be an absolute URL")
    if system == "urn:ietf:rfc:3986" and isinstance(text, str) and not is_absolute(text):
        reason = "under urn:ietf:rfc:3986 Identifier.value must be a URI with its scheme"
        walk.report((node, "value", None), reason)


def meta(walk: Walk, value: Json, node: Node) -> None:
    """Profiles are absolute; none is known here, so none is checked."""
    profiles = value.get("profile")
    if not isinstance(profiles, list):
        return
    for index, profile in enumerate(profiles):
        if not isinstance(profile, str) or not profile:
            continue
        at: Node = (node, "profile", index)
        if not is_absolute(profile):
            walk.report(at, "canonical URLs must be absolute")
        elif _is_core(profile):
            _core_profile(walk, profile, at)
        else:
            reason = "this profile is not known here: checked against base R4 only"
            walk.report(at, reason, code="informational", severity="warning")


def _is_core(profile: str) -> bool:
    name = profile.removeprefix("http://hl7.org/fhir/StructureDefinition/")
    return name != profile and "/" not in name


def _core_profile(walk: Walk, profile: str, node: Node) -> None:
    """A base type claimed as profile is that of the resource."""
    name = profile.rsplit("/", 1)[-1].split("|")[0]
    if name in resource_types() and name != walk.scope.resource["resourceType"]:
        walk.report(node, f"the profile is for {name}, not for this type", code="structure")


def value_set_include(walk: Walk, value: Json, node: Node) -> None:
    """`ValueSet.compose.include.system` is absolute."""
    system = value.get("system")
    if isinstance(system, str) and system and not is_absolute(system):
        walk.report((node, "system", None), "the system must be an absolute URL")


def code_system(walk: Walk, value: Json, node: Node) -> None:
    """The stated count is that of the concepts, when they are all there."""
    count = value.get("count")
    if value.get("content") != "complete" or type(count) is not int:
        return
    if count != _concepts(value.get("concept")):
        walk.report((node, "count", None), "count is not the number of concepts")


def _concepts(rows: object) -> int:
    found = 0
    for row in rows if isinstance(rows, list) else []:
        found += 1 + (_concepts(row.get("concept")) if isinstance(row, dict) else 0)
    return found


HOOKS: dict[str, tuple[Hook, ...]] = {
    "Period": (period,),
    "Range": (range_,),
    "Attachment": (attachment,),
    "Coding": (coding,),
    "Identifier": (identifier,),
    "Meta": (meta,),
    "ValueSet.compose.include": (value_set_include,),
    "CodeSystem": (code_system,),
}
