"""`anamnesis eval gate`: exit code 1, and the reason, where a change loses too much."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from app.cli.eval import measured
from app.cli.eval_runs import comparable, opened
from app.cli.output import print_json, stderr
from app.cli.traps import measured as trap_figures
from app.settings import load as load_settings
from app.wiring import Installation
from eval.archive import LAB, Archive, Card
from eval.benchmark import load
from eval.gate import changes, judge
from eval.measures import Figures, by_topic
from eval.run import RANKERS
from eval.traps import SETS, read
from indexing.errors import InvalidInput


def gate_command(
    home: Path,
    baseline: str,
    metric: str,
    max_drop: float,
    max_traps: float | None,
    json_out: bool,
    *,
    run: str = "",
    benchmark: Path | None = None,
) -> int:
    """Print the verdict; return 0 where it passed, 1 where it did not."""
    archive = Archive(home / LAB)
    base, base_figures = opened(archive, baseline, [metric])
    installation = Installation(load_settings().model_copy(update={"home": home}))
    if run:
        card, figures = opened(archive, run, [metric])
    else:
        card, figures = _again(installation, archive, base, metric, benchmark)
    comparable(base, card)
    changed = changes(base, card)
    for each in changed:
        stderr.print(f"warning: other-{each}")
    share = None if max_traps is None else _traps(installation)
    found = judge(base_figures, figures, metric, max_drop, share, max_traps)
    if json_out:
        print_json(
            {
                "passed": found.passed, "reasons": found.reasons, "baseline": base.label,
                "run": card.run_id, "trap_share": share, "changed": changed,
                "difference": asdict(found.difference) if found.difference else None,
            }
        )  # fmt: skip
    else:
        for reason in found.reasons:
            print(reason)
        print("passed" if found.passed else "not passed")
    return 0 if found.passed else 1


def _again(
    installation: Installation, archive: Archive, base: Card, metric: str, benchmark: Path | None
) -> tuple[Card, dict[str, Figures]]:
    """Measure the baseline's set with its legs and shares, as the code is now."""
    folder = benchmark or Path(base.source)
    if benchmark is None and not (base.source and folder.is_dir()):
        raise InvalidInput(
            "the baseline's set is not where it was", hint="Say where it is by --benchmark."
        )
    found_set = load(folder, base.split)
    legs = tuple(base.settings.get("legs", ()))
    ranker = base.ranker if base.ranker in RANKERS else "hybrid"
    shares = {k: base.settings[k] for k in ("vector_share", "graph_share") if k in base.settings}
    card, found = measured(
        installation, archive, found_set, base.split, ranker, source=folder, legs=legs,
        shares=shares,
    )  # fmt: skip
    stderr.print(f"stored as {card.run_id}")
    return card, by_topic(found_set.qrels, found.documents(), [metric])


def _traps(installation: Installation) -> float:
    """Return the share of wrong notes in the first ten of the trap set that fares worst."""
    found = (trap_figures(installation, read(path), ("hybrid",)) for path in SETS.values())
    return max(each["hybrid"].wrong for each in found)
