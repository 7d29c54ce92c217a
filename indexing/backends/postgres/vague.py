"""When the rows of projections say that something was, and how vaguely: SQL over a row `t`.

A date is as vague as it was given: it lies before its `…UNTIL`. A Period's first and last day are
vague by themselves; a lone date is [date_start, date_end), as is what was stored before both were.
"""

from __future__ import annotations

from typing import Final

ONSET: Final = "coalesce(t.onset_start, t.recorded_start)"
ONSET_UNTIL: Final = (
    "CASE WHEN t.onset_start IS NULL THEN t.recorded_end "
    "ELSE coalesce(t.onset_until, t.onset_end) END"
)
ABATEMENT_UNTIL: Final = "coalesce(t.abatement_until, t.abatement_end)"
DATE_UNTIL: Final = "coalesce(t.date_until, t.date_end)"
DATE_LAST: Final = "coalesce(t.date_last, t.date_start)"
