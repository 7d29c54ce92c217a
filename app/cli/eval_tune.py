"""`anamnesis eval tune`: settings of the search, judged by topics that they were not chosen by."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson

from app.cli.eval import KEPT_AT_ONCE, encoder_of, in_two, indexed, searching, shown
from app.cli.output import print_json, stderr
from app.settings import load as load_settings
from app.wiring import Installation
from eval.archive import LAB
from eval.asked import AskedAnswers
from eval.benchmark import Benchmark, load
from eval.corpus import Indexes
from eval.lines import written
from eval.replay import Asked, Asking, Rows, Topic
from eval.space import Space, by_grid, by_trials, space_of
from eval.tune import Tuned, tune
from eval.tunings import Tunings
from eval.versions import code_version, data_version
from indexing.access import LABELS, Access, Role
from indexing.backends.tantivy import TantivyLexicalIndex
from indexing.compiling import TITLE_WEIGHT
from indexing.errors import InvalidInput, InvalidQuery
from indexing.model import TenantId
from indexing.ports import Ranking
from rankers.answer import LEGS, SearchRequest
from rankers.explain import Fused
from rankers.fusion import SHARES, fuse
from rankers.graph import concepts
from rankers.held import held_of
from rankers.plan import Plan
from rankers.search import Search

DEPTH = 200  # as a page's legs


class _Recorder:
    """A fusion that remembers what the legs gave it."""

    def __init__(self) -> None:
        self.given: Mapping[str, Ranking] = {}
        self.told = False

    def __call__(
        self,
        rankings: Mapping[str, Ranking],
        k: int,
        question: str,
        /,
        *,
        covered: float,
        told: bool,
    ) -> Sequence[Fused]:
        self.given, self.told = dict(rankings), told
        return fuse(rankings, k, question, covered=covered, told=told)


def tune_command(
    home: Path,
    sets: Sequence[str],
    folds: int,
    out: Path | None,
    json_out: bool,
    *,
    parts: Sequence[str],
    trials: int = 0,
) -> int:
    """Ask the legs of every set once for each way of asking them, choose, store what was found for
    the lab's page, and print it. `trials` above 0: a Bayesian search of so many for each kind."""
    installation = Installation(
        load_settings().model_copy(update={"home": home, "shares": None, "learned": None})
    )
    space = space_of(parts, TITLE_WEIGHT)
    look = by_trials(trials) if trials else by_grid
    read = read_sets(sets)
    asked = {name: _asked(installation, each, space.askings()) for name, each in read}
    kinds = len({topic.kind for topics in asked.values() for topic in topics})
    with shown("searching", kinds * (folds + 1)) as advance:
        found = tune(asked, space, look, folds, advance)
    told = _told(found, read, parts, trials)
    name = Tunings(home / LAB).keep(told)
    if json_out:
        print_json({"tuning": name, **told})
    else:
        _tell(found, space)
    stderr.print(f"stored as {name}: /lab/tunings/{name}")
    if out is not None:
        _write(out, found, space)
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


def _asked(installation: Installation, read: Benchmark, askings: Sequence[Asking]) -> list[Topic]:
    """Take what the legs answer to every topic; what an earlier tuning asked is not asked again."""
    access = Access(
        TenantId(uuid4()), "evaluation", frozenset({Role.RELEVANCE}), "HQUALIMP", labels=LABELS
    )
    made_by = (code_version(), installation.encoder.model, installation.terminology.version)
    kept = AskedAnswers(installation.home / LAB, data_version(read), made_by)
    with indexed(installation, read, access, LEGS) as indexes:
        work = [(a, t) for a in askings for t in read.topics if t not in kept.topics(a)] if any(
            len(kept.topics(a)) < len(read.topics) for a in askings
        ) else []  # fmt: skip
        _ask(installation, indexes, access, read, kept, work)
        vectors = indexes.vector
        assert vectors is not None  # all legs are asked
        docs = [text.doc_id for text in read.corpus]
        rows = Rows.of(vectors.passages(access, docs))
    answers = {asking: kept.read(asking) for asking in askings}
    return [
        Topic(
            topic, text, read.qrels[topic], {a: found[topic] for a, found in answers.items()}, rows,
            askings[0], concepts(installation.matcher, installation.terminology, text).covered,
        )
        for topic, text in read.topics.items()
    ]  # fmt: skip


def _ask(
    installation: Installation,
    indexes: Indexes,
    access: Access,
    read: Benchmark,
    kept: AskedAnswers,
    work: Sequence[tuple[Asking, str]],
) -> None:
    before = kept.count()

    def answer(some: Sequence[tuple[Asking, str]], advance: Callable[[int], None]) -> None:
        by_asking: dict[Asking, list[str]] = {}
        for asking, topic in some:
            by_asking.setdefault(asking, []).append(topic)
        for asking, topics in by_asking.items():
            own = replace(indexes, encoder=encoder_of(installation))
            for part in _answers(installation, own, access, asking, read, topics):
                kept.add(asking, part)
                advance(len(part))

    def left() -> list[tuple[Asking, str]]:
        done = {asking: kept.topics(asking) for asking in {a for a, _ in work}}
        return [(asking, topic) for asking, topic in work if topic not in done[asking]]

    with shown("asking", len(work)) as advance:
        in_two(work, answer, advance, lambda: kept.count() - before, left)


def _answers(
    installation: Installation,
    indexes: Indexes,
    access: Access,
    asking: Asking,
    read: Benchmark,
    topics: Sequence[str],
) -> Any:
    """Yield topic -> leg -> hits, some topics at a time."""
    assert isinstance(indexes.lexical, TantivyLexicalIndex)
    own = replace(indexes, lexical=indexes.lexical.with_title_weight(asking.title))
    shares = {k: replace(share, expansions=asking.expansions) for k, share in SHARES.items()}
    recorder = _Recorder()
    with searching(installation, own, recorder, shares=shares) as search:
        rest = iter(topics)
        while some := list(islice(rest, KEPT_AT_ONCE)):
            part: dict[str, Asked] = {}
            for topic in some:
                recorder.given, recorder.told = {}, False
                plan = asked_plainly(search, access, read.topics[topic])
                legs = {
                    leg: [(hit.doc_id, hit.score) for hit in ranking.hits]
                    for leg, ranking in recorder.given.items()
                }
                docs = sorted({doc_id for hits in legs.values() for doc_id, _ in hits})
                held = held_of(own.lexical, access, plan, docs) if plan and docs else {}
                part[topic] = Asked(legs, recorder.told, held)
            yield part


def asked_plainly(search: Search, access: Access, text: str) -> Plan | None:
    """Ask as `eval run` does: what does not parse is asked again as plain words; return what was
    asked. None where there is no word in it at all: nothing is found, and that counts."""
    request = SearchRequest(q=text, k=DEPTH, rankers=LEGS, bare=True)
    try:
        return search.rank(access, request).plan
    except InvalidQuery:
        try:
            return search.rank(access, replace(request, plain=True)).plan
        except InvalidQuery:
            return None


def _told(
    found: Tuned, read: Sequence[tuple[str, Benchmark]], parts: Sequence[str], trials: int
) -> dict[str, Any]:
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "search": f"Bayesian, {trials} trials" if trials else "grid",
        "parts": list(parts),
        "data": {name: data_version(each) for name, each in read},
        "code_version": code_version(),
        **asdict(found),
    }


def _write(out: Path, found: Tuned, space: Space) -> None:
    """Write what is worth taking over, for ANAMNESIS_SHARES; nothing where nothing is."""
    if not found.kept:
        stderr.print(f"{out.name} was not written: nothing is worth taking over")
        return
    shares: dict[str, Any] = {}
    for kind, share in found.shares.items():
        said = {name: value for name, value in asdict(share).items() if value is not None}
        shares[kind] = said
    if found.title != space.titles[0]:
        shares["fields"] = {"title": found.title}
    with written(out) as file:
        file.write(orjson.dumps(shares, option=orjson.OPT_INDENT_2).decode() + "\n")


def _tell(found: Tuned, space: Space) -> None:
    for kind, each in found.kinds.items():
        share = each.share
        line = f"{kind:<10} vector {share.vector:.2f}  graph {share.graph:.2f}  by {share.by}"
        if share.alike is not None:
            line += f"  alike {share.alike:g}"
        if share.expansions is not None:
            line += f"  wordings {'+'.join(share.expansions) or 'none'}"
        verdict = "worth taking over" if each.kept else "keep the default"
        print(f"{line}  ({each.topics} topics): {verdict}")
    if len(space.titles) > 1:
        print(f"{'fields':<10} title {found.title:g}")
    for name, figures in found.sets.items():
        print(
            f"{name:<28} n {figures.n:<5} default {figures.default:.4f}  "
            f"tuned {figures.tuned:.4f}  held out {figures.held_out:.4f}  "
            f"best leg {figures.best_leg:.4f}"
        )
    print("worth taking over" if found.kept else "not worth taking over: keep the default")
