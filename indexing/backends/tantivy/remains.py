"""What is left of documents in a tenant's folders of Tantivy, deleted ones counted too."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from indexing.backends.tantivy.names import mapped_errors
from indexing.backends.tantivy.schema import open_index
from indexing.erasure import Looked
from indexing.model import TenantId


def remains(root: Path, tenant_id: TenantId, doc_ids: Sequence[str]) -> Looked:
    """Ask every index of the tenant, the one that counts and any beside it, in how many documents
    each id stands: a deleted one is counted until its segment is merged, and so is a tombstone."""
    looked = Looked("tantivy: terms", "indexes")
    for meta in sorted((root / tenant_id.hex).glob("*/meta.json")):
        looked.looked += 1
        with mapped_errors("be looked through"):
            searcher = open_index(meta.parent).searcher()
            looked.found += sum(bool(searcher.doc_freq("doc_id", own)) for own in doc_ids)
    return looked
