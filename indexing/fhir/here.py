"""References that name this very server by its address mean what they mean without it.

Source: hl7.org/fhir/R4/references.html#literal. Which addresses are its own is a setting and never
what a request says: whoever could name one would make another server's patients ours.
"""

from __future__ import annotations

from dataclasses import replace

from indexing.fhir.bundle import Entry, referring, relink
from indexing.fhir.reference import parse_reference


def local(entry: Entry, bases: frozenset[str]) -> Entry:
    """Return an entry whose references below one of `bases` (each with its last slash) are local;
    its bytes stay."""
    if not bases or entry.resource_type == "Bundle":  # that one is kept whole
        return entry
    links: dict[str, str] = {}
    for owner in referring(entry.resource):
        text = owner["reference"]
        target = parse_reference(text)
        if target.form == "absolute" and target.base in bases:
            links[text] = text.removeprefix(target.base)
    if not links:
        return entry
    relink(entry.resource, links)
    return replace(entry, links={**entry.links, **links})
