"""`anamnesis eval train --encoder`: the encoder taught by a site's texts, with its lineage."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app.cli.eval import shown
from app.cli.eval_tune import read_sets
from app.cli.output import print_json, stderr
from app.settings import load as load_settings
from app.wiring import Installation
from eval.adapt import Adapted, adapt
from eval.pairs import counted, pairs
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

    with shown("teaching", len(found) * epochs) as advance:
        taught = adapt(source, out, found, epochs=epochs, each=advance, told=told)
    made_of = read_lineage(out)
    if json_out:
        print_json(made_of)
    else:
        print(f"{out}: {taught.model}, {taught.pairs} pairs in {made_of['took_s']} s")
        print(
            f"held-out pairs ({taught.held_out}): loss {taught.before:.4f} before, "
            f"{taught.after:.4f} after; nearest is right {taught.right[0]:.1%} before, "
            f"{taught.right[1]:.1%} after"
        )
        print("measure it: ANAMNESIS_ENCODER_FOLDER=DIR anamnesis eval run …, then eval compare")
        print("take it over: anamnesis encoder switch DIR")
    return 0
