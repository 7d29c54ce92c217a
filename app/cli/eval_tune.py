"""`anamnesis eval tune`: weights for the fusion, judged by topics that they were not chosen by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from uuid import uuid4

import orjson

from app.cli.eval import indexed, searching, shown
from app.cli.output import print_json
from app.settings import load as load_settings
from app.wiring import Installation
from eval.benchmark import Benchmark, load
from eval.lines import written
from eval.tune import Measured, Tuned, measure, tune
from indexing.access import LABELS, Access, Role
from indexing.errors import InvalidInput, InvalidQuery
from indexing.model import TenantId
from indexing.ports import Ranking
from rankers.answer import LEGS, SearchRequest
from rankers.explain import Fused
from rankers.fusion import fuse
from rankers.search import Search

DEPTH = 200  # as a page's legs


class _Recorder:
    """A fusion that remembers what the legs gave it."""

    def __init__(self) -> None:
        self.given: Mapping[str, Ranking] = {}

    def __call__(
        self, rankings: Mapping[str, Ranking], k: int, question: str | None = None
    ) -> Sequence[Fused]:
        self.given = dict(rankings)
        return fuse(rankings, k, question)


def tune_command(
    home: Path, sets: Sequence[str], folds: int, out: Path | None, json_out: bool
) -> int:
    """Ask the legs of every set once, choose, and print what was chosen and what it is worth."""
    installation = Installation(load_settings().model_copy(update={"home": home}))
    found = tune({name: _asked(installation, read) for name, read in read_sets(sets)}, folds)
    if out is not None:
        with written(out) as file:
            shares = {kind: asdict(share) for kind, share in found.shares.items()}
            file.write(orjson.dumps(shares, option=orjson.OPT_INDENT_2).decode() + "\n")
    if json_out:
        print_json(asdict(found))
    else:
        _tell(found)
    return 0


def read_sets(sets: Sequence[str]) -> list[tuple[str, Benchmark]]:
    """Read benchmarks written DIR:SPLIT, by name. Raises: InvalidInput."""
    found = []
    for each in sets:
        folder, colon, split = each.rpartition(":")
        if not colon or not folder or not split:
            raise InvalidInput(f"a set is written DIR:SPLIT, not {each!r}")
        read = load(Path(folder), split)
        found.append((f"{read.name} {split}", read))
    if len({name for name, _ in found}) != len(found):
        raise InvalidInput("the same set is named twice")
    return found


def _asked(installation: Installation, read: Benchmark) -> list[Measured]:
    """Take what the legs answer to every topic; nothing is encoded or indexed twice."""
    access = Access(
        TenantId(uuid4()), "evaluation", frozenset({Role.RELEVANCE}), "HQUALIMP", labels=LABELS
    )
    recorder = _Recorder()
    with (
        indexed(installation, read, access, LEGS) as indexes,
        searching(installation, indexes, recorder) as search,
        shown("asking", len(read.topics)) as advance,
    ):
        found = []
        for topic, text in read.topics.items():
            recorder.given = {}
            asked_plainly(search, access, text)
            found.append(measure(topic, text, recorder.given, read.qrels[topic]))
            advance(1)
        return found


def asked_plainly(search: Search, access: Access, text: str) -> None:
    """Ask as `eval run` does: what does not parse is asked again as plain words."""
    request = SearchRequest(q=text, k=DEPTH, rankers=LEGS, bare=True)
    try:
        search.answer(access, request)
    except InvalidQuery:
        try:
            search.answer(access, replace(request, plain=True))
        except InvalidQuery:  # no word in it at all: nothing is found, and that counts
            return


def _tell(found: Tuned) -> None:
    for kind, n in found.topics.items():
        share = found.shares[kind]
        print(
            f"{kind:<10} vector {share.vector:.2f}  graph {share.graph:.2f}  by {share.by}  "
            f"({n} topics)"
        )
    for name, each in found.sets.items():
        print(
            f"{name:<28} n {each.n:<5} default {each.default:.4f}  tuned {each.tuned:.4f}  "
            f"held out {each.held_out:.4f}  best leg {each.best_leg:.4f}"
        )
    print("worth taking over" if found.kept else "not worth taking over: keep the default")
