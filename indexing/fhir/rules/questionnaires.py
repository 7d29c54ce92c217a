"""Rules of Questionnaires and their responses that reach across items."""

from __future__ import annotations

from collections.abc import Iterator

from indexing.fhir.walk import Json, Node, Walk

_HL7 = "http://hl7.org/fhir/"


def items(value: Json, node: Node) -> Iterator[tuple[Json, Node]]:
    """All items below a Questionnaire, a response, an item or an answer, depth first."""
    for name in ("item", "answer"):
        rows = value.get(name)
        for index, row in enumerate(rows if isinstance(rows, list) else []):
            if isinstance(row, dict):
                inner: Node = (node, name, index)
                if name == "item":
                    yield row, inner
                yield from items(row, inner)


def questionnaire(walk: Walk, value: Json, node: Node) -> None:
    """`enableWhen` asks another item of this questionnaire."""
    known = {str(item.get("linkId")) for item, _ in items(value, node)}
    for item, place in items(value, node):
        rows = item.get("enableWhen")
        for index, row in enumerate(rows if isinstance(rows, list) else []):
            question = row.get("question") if isinstance(row, dict) else None
            if not isinstance(question, str):
                continue
            at: Node = (place, "enableWhen", index)
            if question == item.get("linkId"):
                walk.report(at, "enableWhen must not ask its own item", code="business-rule")
            elif question not in known:
                reason = "enableWhen asks a question that is not in this questionnaire"
                walk.report(at, reason, code="not-found")


def response(walk: Walk, value: Json, node: Node) -> None:
    """A contained questionnaire has all items that are answered; HL7 itself publishes none."""
    canonical = value.get("questionnaire")
    if not isinstance(canonical, str):
        return
    if canonical.startswith(_HL7):
        reason = "R4 publishes no such questionnaire"
        walk.report((node, "questionnaire", None), reason, code="not-found")
    form = walk.scope.contained.get(canonical[1:]) if canonical.startswith("#") else None
    if form is None or form.get("resourceType") != "Questionnaire":
        return
    known = {str(item.get("linkId")) for item, _ in items(form, node)}
    for item, place in items(value, node):
        if isinstance(item.get("linkId"), str) and item["linkId"] not in known:
            reason = "linkId is not in the contained questionnaire"
            walk.report(place, reason, code="not-found")
