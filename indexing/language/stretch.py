"""A stretch of a text of which words beside it say something."""

from __future__ import annotations

from typing import NamedTuple


class Stretch(NamedTuple):
    """`[start, end)` is what the cue at `[cue_start, cue_end)` speaks of, and nothing else."""

    start: int
    end: int
    cue_start: int
    cue_end: int
