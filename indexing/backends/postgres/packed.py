"""What the language pipeline found in a note, as the bytes that stand beside it."""

from __future__ import annotations

from functools import lru_cache
from sys import intern

import orjson

from indexing.model import Annotation, Assertion, Cue, Mention, Passage, Section

# Notes kept unpacked: a question reads its best notes to judge them and again to show them, and
# making a thousand mentions takes as long as ranking. About 11 KB each, names held once.
_UNPACKED = 6_000

# A table: a page reads thousands of them, and calling the enum costs ten times as much.
_ASSERTION = {each.value: each for each in Assertion}


def pack(annotation: Annotation) -> bytes:
    """Pack what the language pipeline found, offsets and names as lists."""
    return orjson.dumps(
        {
            "s": [[s.start, s.body, s.end, s.name, s.loinc] for s in annotation.sections],
            "p": [[p.number, p.start, p.end, p.section] for p in annotation.passages],
            "m": [_packed(m) for m in annotation.mentions],
        }
    )


def _packed(m: Mention) -> list[object]:
    cue = [m.cue.start, m.cue.end, m.cue.text] if m.cue else None
    return [
        m.start, m.end, m.concept_id, m.name, m.assertion, m.status, m.section, cue, m.ambiguous,
    ]  # fmt: skip


@lru_cache(maxsize=_UNPACKED)
def unpack(language_version: str, found: bytes) -> Annotation:
    """Undo `pack`. The same bytes give the same value, so that nothing kept can be stale."""
    raw, known = orjson.loads(found), _ASSERTION
    return Annotation(
        language_version,
        tuple(Section(*s) for s in raw["s"]),
        tuple(Passage(*p) for p in raw["p"]),
        tuple([
            Mention(
                start, end, intern(concept), intern(name), known[assertion], known[status],
                intern(section), Cue(*cue) if cue else None, ambiguous,
            )
            for start, end, concept, name, assertion, status, section, cue, ambiguous in raw["m"]
        ]),
    )  # fmt: skip
