"""Knowledge of the site's own: a file of edges between named things, laid over the terminology.

Tab-separated with a header: source, source_kind, relation, target, target_kind, properties
("severity=major; what=bleeding"). Names are looked up in the terminology; one that it does not know
becomes a node of its own. The file that comes with the product was written here as an example:
figures in it are rough, and a site's own file of the same edge replaces it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from indexing.errors import InvalidInput
from indexing.medical_graph import NodeKind, Relation, Value

HEADER = ("source", "source_kind", "relation", "target", "target_kind", "properties")
FOLDER = "knowledge"  # of the home: every *.tsv in it is read


@dataclass(frozen=True, slots=True)
class SiteEdge:
    """One edge between names; `origin` is the file that says it."""

    source: str
    source_kind: NodeKind
    relation: Relation
    target: str
    target_kind: NodeKind
    properties: Mapping[str, Value]
    origin: str


def read_edges(text: str, origin: str) -> Iterator[SiteEdge]:
    """Read a file of edges.

    Raises:
        InvalidInput: a line is none; says which.
    """
    lines = text.splitlines()
    if not lines or tuple(lines[0].split("\t")) != HEADER:
        raise InvalidInput(f"{origin}: the first line must be {', '.join(HEADER)}, tab-separated")
    for number, line in enumerate(lines[1:], 2):
        cells = line.split("\t")
        if not line.strip():
            continue
        if len(cells) != len(HEADER) or not cells[0].strip() or not cells[3].strip():
            raise InvalidInput(f"{origin}, line {number}: {len(HEADER)} columns, both ends named")
        try:
            kinds = NodeKind(cells[1]), NodeKind(cells[4])
            relation = Relation(cells[2])
        except ValueError:
            raise InvalidInput(
                f"{origin}, line {number}: an unknown kind of node or relation",
                hint=f"relations: {', '.join(Relation)}",
            ) from None
        properties = _properties(cells[5], f"{origin}, line {number}")
        yield SiteEdge(cells[0], kinds[0], relation, cells[3], kinds[1], properties, origin)


def _properties(cell: str, where: str) -> Mapping[str, Value]:
    found: dict[str, Value] = {}
    for piece in filter(None, (part.strip() for part in cell.split(";"))):
        name, equals, value = piece.partition("=")
        if not equals or not name.strip():
            raise InvalidInput(f"{where}: properties are written name=value; name=value")
        try:
            found[name.strip()] = float(value)
        except ValueError:
            found[name.strip()] = value.strip()
    return found


def site_edges(home: Path) -> list[SiteEdge]:
    """Return the edges that come with the product, and over them those of the site's files."""
    shipped = (files("indexing") / "knowledge" / "edges.tsv").read_text("utf-8")
    every = [*read_edges(shipped, "this release's example")]
    for path in sorted((home / FOLDER).glob("*.tsv")):
        every += read_edges(path.read_text("utf-8"), path.name)
    return list(_last(every))


def _last(edges: Iterable[SiteEdge]) -> Iterable[SiteEdge]:
    """Keep what was said last of each pair."""
    found: dict[tuple[object, ...], SiteEdge] = {}
    for edge in edges:
        found[edge.source.lower(), edge.relation, edge.target.lower()] = edge
    return found.values()
