"""A note and what is found in it, for tests of what a question asks of it."""

from __future__ import annotations

from uuid import uuid4

from indexing.language.pipeline import Language
from indexing.model import Copied, Document, TenantId
from indexing.ports import Derived

TENANT = TenantId(uuid4())


def note(
    language: Language, text: str, doc_id: str = "n", copied: tuple[Copied, ...] = ()
) -> Derived:
    found = language.annotate(text)
    document = Document(TENANT, doc_id, 1, text, patient_id="P")
    return Derived(
        document, found.language_version, found.sections, found.passages, found.mentions, copied
    )
