"""How much of one note is read for more than its words."""

from __future__ import annotations

from typing import Final

# Code points of a note that are read for sections and mentions. A million are some
# 160,000 words, more than a chart prints, and a few seconds of work whatever they are; what lies
# behind is found by its words alone, and ingest and the note's page say so.
LONGEST: Final = 1_000_000
MOST_SECTIONS: Final = 10_000  # of one note; the last of them goes on to the end
# Passages of a note that get a vector: some 500,000 characters. They cost the model more than all
# else, and a note that has more of them would keep every later one waiting.
MOST_PASSAGES: Final = 2_000
