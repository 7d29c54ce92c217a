"""`anamnesis eval train --encoder`: the encoder taught by a site's texts, with its lineage."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any

from app.cli.eval import shown
from app.cli.eval_tune import read_sets
from app.cli.output import print_json, stderr
from app.settings import load as load_settings
from app.wiring import Installation
from eval.adapt import HELD_OUT, MOST_STEPS, Adapted, adapt
from eval.benchmark import Benchmark
from eval.pairs import asked_in, counted, pairs, passages_of
from eval.versions import code_version, data_version
from eval.worth import Worth, yardstick
from indexing.encoders import CachedEncoder, OnnxEncoder
from indexing.encoders.lineage import read_lineage

AT_ONCE = 256  # texts: what a kill costs


def adapt_command(home: Path, sets: Sequence[str], most: int, out: Path, json_out: bool) -> int:
    """Gather pairs, teach, export, and print what it is worth on topics that were held out."""
    installation = Installation(load_settings().model_copy(update={"home": home}))
    read = read_sets(sets)
    encoder = CachedEncoder(OnnxEncoder(), installation.home / "cache" / "vectors")
    began = time.monotonic()
    _encode(encoder, read)
    found = pairs(read, installation.terminology, encoder, most)
    kinds = counted(found)
    stderr.print(f"{len(found)} pairs: " + ", ".join(f"{n} {kind}" for kind, n in kinds.items()))

    def told(taught: Adapted) -> dict[str, Any]:
        return {
            **asdict(taught),
            "kinds": kinds,
            "trained_on": [{"set": own, "data_version": data_version(each)} for own, each in read],
            "terminology": installation.terminology.version,
            "code_version": code_version(),
            "took_s": round(time.monotonic() - began, 1),
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
        }

    with shown("teaching", MOST_STEPS) as advance:
        taught = adapt(out, found, yardstick(read, HELD_OUT), encoder, each=advance, told=told)
    if json_out:
        print_json(read_lineage(out))
    else:
        print(
            f"{out}: {taught.model}, {taught.pairs} pairs, {taught.steps} steps, "
            f"{taught.cpu_s:.0f} s of processor time"
        )
        print(
            f"held-out pairs ({taught.held_out}): loss {taught.before:.4f} before, "
            f"{taught.after:.4f} after"
        )
        print(_verdict(taught.worth))
        print("measure it: ANAMNESIS_ENCODER_FOLDER=DIR anamnesis eval run …, then eval compare")
        print("take it over: anamnesis encoder switch DIR")
    return 0


def _encode(encoder: CachedEncoder, read: Sequence[tuple[str, Benchmark]]) -> None:
    """Encode what the sets hold, which takes nearly all the time; a killed run's are kept."""
    texts = [
        text
        for _, own in read
        for text in (*asked_in(own), *chain.from_iterable(map(passages_of, own.corpus)))
    ]
    with shown("encoding", len(texts)) as advance:
        for at in range(0, len(texts), AT_ONCE):
            encoder.encode(texts[at : at + AT_ONCE])
            advance(len(texts[at : at + AT_ONCE]))


def _verdict(worth: Worth | None) -> str:
    """Say whether it is worth switching on."""
    if worth is None:
        return "too few judged topics were held out to say whether it gains: measure it"
    verdict = (
        "it gains by meaning; measure what the hybrid makes of it before it is switched on"
        if worth.gains
        else "it does not gain: not worth switching on"
    )
    return (
        f"{worth.topics} held-out topics over {worth.texts} documents, nDCG@10 by meaning alone: "
        f"{worth.published:.4f} as published, {worth.taught:.4f} taught "
        f"({worth.low:+.4f} to {worth.high:+.4f}, p {worth.p:.2g}); {verdict}"
    )
