"""A tenant's own names and concepts over a compiled terminology."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from indexing.errors import InvalidInput
from indexing.language.terminology.compile import lay_out, tables_of
from indexing.language.terminology.compiled import Compiled
from indexing.language.terminology.model import Addition, EdgeKind


def overlaid(base: Compiled, additions: Sequence[Addition]) -> Compiled:
    """Compile `base` again with the additions; the version names both."""
    tables = tables_of(base)
    for added in additions:
        row = tables.index.get(added.concept_id)
        if row is None:
            tables.new_concept(added.concept_id, added.name, added.semantic_type)
        else:
            tables.add_name(row, added.name, added.kind)
    for number, added in enumerate(additions, 1):  # a parent may have been added after its child
        if added.parent_id is not None:
            if added.parent_id not in tables.index:
                raise InvalidInput(f"addition {number}: no such parent concept")
            row, over = tables.index[added.concept_id], tables.index[added.parent_id]
            tables.edges.append((row, EdgeKind.IS_A, over, 1.0, ""))
    return lay_out(tables, None, overlaid_version(base.version, additions))


def overlaid_version(base: str, additions: Sequence[Addition]) -> str:
    """Name what `overlaid` makes of a terminology of this version."""
    rows = [
        (a.concept_id, a.name, a.kind.value, a.semantic_type.value, a.parent_id) for a in additions
    ]
    mark = hashlib.blake2b(repr(rows).encode("utf-8", "surrogatepass"), digest_size=6)
    return f"{base}+{mark.hexdigest()}"
