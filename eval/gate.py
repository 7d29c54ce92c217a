"""May this go in? A run against a baseline, and the share of traps, against what may be lost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from eval.archive import Card
from eval.compare import Difference, difference
from eval.measures import Figures

ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Verdict:
    """`reasons` say what was held against what; every one that failed begins "FAIL"."""

    passed: bool
    reasons: tuple[str, ...]
    difference: Difference | None = None
    trap_share: float | None = None


def judge(
    base: Mapping[str, Figures],
    found: Mapping[str, Figures],
    metric: str,
    max_drop: float,
    trap_share: float | None = None,
    max_traps: float | None = None,
) -> Verdict:
    """Hold a run against a baseline of the same topics. Raises: InvalidInput."""
    change = difference(base, found, metric)
    drop = change.base - change.other
    fits = drop <= max_drop + ROUNDING
    reasons = [f"{_mark(fits)} {said(change)}; allowed is a drop of {max_drop:g}"]
    if max_traps is not None and trap_share is not None:
        caught = trap_share <= max_traps + ROUNDING
        fits = fits and caught
        reasons.append(
            f"{_mark(caught)} {trap_share:.2%} of the first ten are traps; allowed is "
            f"{max_traps:.2%}"
        )
    return Verdict(fits, tuple(reasons), change, trap_share)


def changes(base: Card, run: Card) -> list[str]:
    """Tell what besides the code a run has otherwise than its baseline, as "model: a -> b". One
    that came from elsewhere does not tell; one that uses no model has no other one."""
    if not (base.code_version and run.code_version):
        return []
    told = [
        ("model", base.model, run.model),
        ("terminology", base.terminology, run.terminology),
        ("trained", base.trained or "zero-shot", run.trained or "zero-shot"),
    ]
    return [f"{name}: {a} -> {b}" for name, a, b in told if a and b and a != b]


def said(change: Difference) -> str:
    """Write a difference in one line."""
    return (
        f"{change.metric} {change.base:.4f} -> {change.other:.4f} ({change.delta:+.4f}, "
        f"95 % {change.low:+.4f} to {change.high:+.4f}, p {change.p:.4f}; "
        f"{change.wins} won, {change.ties} tied, {change.losses} lost)"
    )


def _mark(fits: bool) -> str:
    return "ok  " if fits else "FAIL"
