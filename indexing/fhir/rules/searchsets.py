"""Rules of search results: ids, the types asked for, outcomes."""

from __future__ import annotations

from collections.abc import Iterator

from indexing.fhir.definitions import resource_types
from indexing.fhir.walk import Json, Node, Scope, Walk


def entries(bundle: Json) -> Iterator[tuple[int, Json]]:
    """The entries that are objects, with their index."""
    rows = bundle.get("entry")
    for index, row in enumerate(rows if isinstance(rows, list) else []):
        if isinstance(row, dict):
            yield index, row


def check_search(walk: Walk, scope: Scope) -> None:
    """Results have the type asked for and, once modes are told, ids; outcomes are outcomes."""
    rows = dict(entries(scope.resource))
    wanted = _searched_types(scope.resource)
    told = any(_mode(entry) for entry in rows.values())
    for index, entry in rows.items():
        resource = entry.get("resource")
        node: Node = ((scope.node, "entry", index), "resource", None)
        if not isinstance(resource, dict):
            walk.report((scope.node, "entry", index), "a search result needs a resource")
            continue
        kind, mode = resource.get("resourceType"), _mode(entry)
        if mode == "outcome" and kind != "OperationOutcome":
            walk.report(node, "an entry of mode outcome must be an OperationOutcome")
        if mode in ("match", "include") and "id" not in resource:
            walk.report(node, "search results must have ids", code="required")
        asked = mode == "match" or (not told and kind != "OperationOutcome")
        if asked and wanted and kind not in wanted:
            walk.report(node, "not a type that the search asked for")


def _mode(entry: Json) -> str:
    search = entry.get("search")
    mode = search.get("mode") if isinstance(search, dict) else None
    return mode if isinstance(mode, str) else ""


def _searched_types(bundle: Json) -> set[str]:
    """The resource types that the self link names; empty when it names none."""
    rows = bundle.get("link")
    for row in rows if isinstance(rows, list) else []:
        url = row.get("url") if isinstance(row, dict) else None
        if not isinstance(url, str) or row.get("relation") != "self":
            continue
        path, _, query = url.partition("?")
        for part in query.split("&"):
            if part.startswith("_type="):
                return set(part[6:].split(","))
        last = path.removesuffix("/_search").rstrip("/").rsplit("/", 1)[-1]
        return {last} if last in resource_types() else set()
    return set()
