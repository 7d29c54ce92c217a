"""`anamnesis eval outlook`: calibration, skill and the ranking of treatments, against the truth."""

from __future__ import annotations

from dataclasses import asdict
from typing import Literal

from app.cli.output import print_json
from eval.outlook import RiskFigures, risk, treatments


def outlook_command(
    known: int, held_out: int, patients: int, calibration: Literal["isotonic", "platt"], *,
    as_json: bool,
) -> int:  # fmt: skip
    """Measure on invented patients and print; return 0.

    Raises:
        ConfigurationError: the extra `outlook` is not installed.
    """
    found, ranked = risk(known, held_out, calibration), treatments(patients)
    if as_json:
        print_json({"risk": asdict(found), "treatments": asdict(ranked)})
        return 0
    _risk(found)
    print(f"treatments: Kendall tau {ranked.tau:.3f} over {ranked.pairs} pairs of options, "
          f"{ranked.patients} patients, {ranked.conditions} conditions; "
          f"{ranked.unmarked} contraindicated ones unmarked")  # fmt: skip
    return 0


def _risk(found: RiskFigures) -> None:
    print(f"risk: {found.held_out} held-out patients, {found.withheld} withheld; expected "
          f"calibration error {found.error:.4f}; Brier skill {found.skill:.4f} "
          f"[{found.low:.4f}, {found.high:.4f}], base rate {found.base_rate:.3f}")  # fmt: skip
    for name, (count, chance, share) in found.groups.items():
        print(f"  {name:<14} {count:>6}  told {chance:.3f}  happened {share:.3f}")
