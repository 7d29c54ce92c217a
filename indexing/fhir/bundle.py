"""One received text to entries: a Bundle's, or the single resource that it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from indexing.fhir.faults import Issue, Rejected
from indexing.fhir.reading import JsonObject


@dataclass(frozen=True, slots=True)
class Entry:
    """One resource to store or delete.

    `index` is None for a single resource. `method` is "PUT", "POST" or "DELETE"; what carries no
    request is "PUT" when it has an id, else "POST". `received` are the exact bytes (b"" for DELETE);
    `resource` is parsed from them ({} for DELETE) with `links` already applied to its references.
    `links` maps references as sent to "Type/id"; pass it to `splice.served`, and store it.
    `conditional` lists references such as "Practitioner?identifier=s|v" that only the store can
    resolve: find the target, then call `relink`. `assigned` is True when the id is made by us.
    """

    index: int | None
    resource_type: str
    resource_id: str
    assigned: bool
    method: str
    url: str
    full_url: str
    received: bytes
    resource: JsonObject
    links: Mapping[str, str]
    conditional: tuple[str, ...] = ()
    if_none_exist: str | None = None
    if_match: str | None = None
    issues: tuple[Issue, ...] = ()


@dataclass(frozen=True, slots=True)
class Submission:
    """What one text holds. Iterating parses lazily, so memory stays at one entry's size.

    `kind` is "single" or Bundle.type. `atomic`: all or nothing, roll back on the first `Rejected`.
    """

    kind: str
    atomic: bool
    count: int
    bundle_id: str | None

    def __iter__(self) -> Iterator[Entry | Rejected]:
        raise NotImplementedError


def read_submission(data: bytes, *, file: str = "", line: int | None = None) -> Submission:
    """Read a Bundle or a single resource.

    Raises:
        Unusable: the text as a whole cannot be used (not JSON, no resourceType, a Bundle whose
            entry is no list).
    """
    raise NotImplementedError


def relink(resource: JsonObject, links: Mapping[str, str]) -> None:
    """Replace in place every `reference` that `links` maps."""
    raise NotImplementedError
