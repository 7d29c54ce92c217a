"""Concepts, their names and codes, and the graph between them: one immutable compiled snapshot."""

from indexing.language.terminology.model import (
    Addition,
    Code,
    Concept,
    Edge,
    EdgeKind,
    Name,
    NameKind,
    SemanticType,
)
from indexing.language.terminology.reader import Terminology
from indexing.language.terminology.store import (
    LoadReport,
    load,
    open_overlaid,
    open_terminology,
)

__all__ = [
    "Addition",
    "Code",
    "Concept",
    "Edge",
    "EdgeKind",
    "LoadReport",
    "Name",
    "NameKind",
    "SemanticType",
    "Terminology",
    "load",
    "open_overlaid",
    "open_terminology",
]
