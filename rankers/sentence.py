"""The sentence around a name, in which a note tells more of it."""

from __future__ import annotations

import re
from typing import Final

# Not "500 mg b.i.d. but he often misses it".
END: Final = re.compile(r"[;\n]|\.(?=\s+[A-Z])")


def sentence_of(
    text: str, start: int, end: int, ahead: int, behind: int, ends: re.Pattern[str] = END
) -> tuple[int, int]:
    """Return where the sentence of `text[start:end]` begins and stops, at most `ahead` code points
    before and `behind` after."""
    low = max(0, start - ahead)
    # One further, since a capital tells of the stop before it: "Improved. Aspirin".
    begun = (m.end() for m in ends.finditer(text, low, start + 1) if m.end() <= start)
    stop = ends.search(text, end, end + behind)
    return max(begun, default=low), stop.start() if stop else min(len(text), end + behind)
