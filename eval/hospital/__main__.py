"""Command line: `python -m eval.hospital --patients 50 --seed 7 --out DIR`."""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import asdict
from pathlib import Path

import orjson

from eval.hospital.course import DEFAULT_SEED
from eval.hospital.write import write_features, write_hospital


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m eval.hospital", description="Generate an invented hospital."
    )
    parser.add_argument("--patients", type=int, default=50)
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED)
    parser.add_argument("--out", type=Path, required=True, help="a folder, made when absent")
    parser.add_argument("--features-only", action="store_true", help="no FHIR, no notes")
    chosen = parser.parse_args(argv)
    if chosen.patients < 1:
        parser.error("--patients must be at least 1")
    return chosen


def main(argv: list[str] | None = None) -> int:
    """Write the hospital; one JSON line on stdout, progress on stderr."""
    chosen = _arguments(argv)
    began = time.monotonic()

    def progress(done: int) -> None:
        if done % 100 == 0 or done == chosen.patients:
            rate = done / max(time.monotonic() - began, 1e-9)
            left = (chosen.patients - done) / max(rate, 1e-9)
            line = f"\r{done}/{chosen.patients} patients, {rate:.0f}/s, {left:.0f} s left "
            print(line, end="", file=sys.stderr, flush=True)

    if chosen.features_only:
        chosen.out.mkdir(parents=True, exist_ok=True)
        write_features(chosen.patients, chosen.seed, chosen.out / "features.jsonl")
        report: dict[str, object] = {"patients": chosen.patients}
    else:
        written = write_hospital(chosen.patients, chosen.seed, chosen.out, progress=progress)
        report = asdict(written)
        print(file=sys.stderr)
    report["seconds"] = round(time.monotonic() - began, 2)
    print(orjson.dumps(report).decode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
