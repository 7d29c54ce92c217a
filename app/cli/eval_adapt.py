"""`anamnesis eval train --encoder`: the encoder taught by a site's texts, with its lineage."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app.cli.eval import shown
from app.cli.eval_tune import read_sets
from app.cli.output import print_json, stderr
from app.settings import load as load_settings
from app.wiring import Installation
from eval.adapt import HELD_OUT, Adapted, adapt
from eval.pairs import counted, pairs, split
from eval.versions import code_version, data_version
from indexing.encoders.export import weights_folder
from indexing.encoders.lineage import read_lineage


def adapt_command(
    home: Path, sets: Sequence[str], most: int, epochs: int, out: Path, json_out: bool
) -> int:
    """Gather pairs, teach, export, and print what it is worth on pairs that were held out."""
    installation = Installation(load_settings().model_copy(update={"home": home}))
    source = weights_folder()
    read = read_sets(sets)
    found = pairs(read, installation.terminology, most)
    kinds = counted(found)
    stderr.print(f"{len(found)} pairs: " + ", ".join(f"{n} {kind}" for kind, n in kinds.items()))
    began = time.monotonic()

    def told(taught: Adapted) -> dict[str, Any]:
        return {
            **asdict(taught),
            "kinds": kinds,
            "trained_on": [{"set": own, "data_version": data_version(each)} for own, each in read],
            "terminology": installation.terminology.version,
            "code_version": code_version(),
            "epochs": epochs,
            "took_s": round(time.monotonic() - began, 1),
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
        }

    total = len(split(found, HELD_OUT)[0]) * epochs
    with shown("teaching", total) as advance:
        each = advance if stderr.is_terminal else _spoken(total)
        taught = adapt(source, out, found, epochs=epochs, each=each, told=told)
    made_of = read_lineage(out)
    if json_out:
        print_json(made_of)
    else:
        print(
            f"{out}: {taught.model}, {taught.pairs} pairs in {taught.cpu_s:.0f} s of processor time"
        )
        print(
            f"held-out pairs ({taught.held_out}): loss {taught.before:.4f} before, "
            f"{taught.after:.4f} after; nearest is right {taught.right[0]:.1%} before, "
            f"{taught.right[1]:.1%} after"
        )
        print("measure it: ANAMNESIS_ENCODER_FOLDER=DIR anamnesis eval run …, then eval compare")
        print("take it over: anamnesis encoder switch DIR")
    return 0


def _spoken(total: int) -> Callable[[int], None]:
    """Say in lines of a log how far it is and how long it takes, by what this run has done."""
    began, done, heard = 0.0, 0, 0

    def advance(n: int) -> None:
        nonlocal began, done, heard
        done += n
        if not heard:  # the first call may tell what a killed run had done
            began, heard = time.monotonic(), done
        elif done * 20 // total > (done - n) * 20 // total:
            left_s = (time.monotonic() - began) / (done - heard) * (total - done)
            stderr.print(f"teaching: {done} of {total}, about {left_s / 60:.1f} minutes left")

    return advance
