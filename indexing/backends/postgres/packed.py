"""What the language pipeline found in a note, as the bytes that stand beside it."""

from __future__ import annotations

from functools import lru_cache

import msgspec

from indexing.model import Annotation, Mention, Passage, Section

# Notes kept unpacked: a question reads its best notes to judge them and again to show them. About
# 16 KB each.
_UNPACKED = 3_000


class _Found(msgspec.Struct, frozen=True, gc=False):
    """JSON; what has offsets is an array of its fields, in their order."""

    s: tuple[Section, ...]
    p: tuple[Passage, ...]
    m: tuple[Mention, ...]


_found = msgspec.json.Decoder(_Found)


def pack(annotation: Annotation) -> bytes:
    """Pack what the language pipeline found."""
    return msgspec.json.encode(
        _Found(annotation.sections, annotation.passages, annotation.mentions)
    )


@lru_cache(maxsize=_UNPACKED)
def unpack(language_version: str, found: bytes) -> Annotation:
    """Undo `pack`. The same bytes give the same value, so that nothing kept can be stale."""
    raw = _found.decode(found)
    return Annotation(language_version, raw.s, raw.p, raw.m)
