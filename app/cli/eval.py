"""`anamnesis eval run`: a benchmark through the search that the page uses."""

from __future__ import annotations

import math
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from functools import partial
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar
from uuid import uuid4

from app.cli.beside import beside, possible
from app.cli.output import print_json, progress, stderr
from app.settings import load as load_settings
from app.wiring import Installation
from eval.archive import LAB, Archive, Card
from eval.benchmark import Benchmark, load, oddities
from eval.corpus import HeldDocuments, Indexes, fill
from eval.measures import EVERY_RUN, HEADLINE, by_topic, mean, measured_by
from eval.run import RANKERS, Run, ask, gathered
from eval.trec import DEPTH, write_run
from eval.versions import code_version, data_version
from indexing.access import LABELS, Access, Role
from indexing.backends.memory.graph import MemoryGraphIndex
from indexing.backends.memory.vectors import MemoryVectorIndex
from indexing.backends.tantivy import TantivyLexicalIndex
from indexing.encoders import CachedEncoder
from indexing.errors import InvalidInput
from indexing.language.terminology.store import no_terminology, seed_terminology
from indexing.model import TenantId
from rankers.fusion import SHARES, Share, fuse, read_shares
from rankers.learned import Learned
from rankers.rerank import Reordering
from rankers.search import Fusion, Search

WORTH_TWO = 40  # topics: below, starting a second process takes longer than it saves
KEPT_AT_ONCE = 20  # topics between two writes: what a killed run asks again at most
T = TypeVar("T")

OTHERS = {"seed": seed_terminology, "none": no_terminology}  # than what is loaded
TIMEOUT_S = 60.0  # a benchmark wants every leg's answer, however busy the machine


def run_command(
    home: Path,
    benchmark: Path,
    split: str,
    ranker: str,
    run_out: Path | None,
    json_out: bool,
    *,
    name: str = "",
    tenant: str = "",
    measures: Sequence[str] = (),
    legs: str = "",
    shares: Sequence[str] = (),
    terminology: str = "loaded",
) -> int:
    """Measure a ranker on a benchmark, store the run and print the figures; return 0."""
    read = load(benchmark, split)
    installation = Installation(load_settings().model_copy(update={"home": home}))
    if terminology != "loaded":
        installation.speak(OTHERS[terminology]())
    card, found = measured(
        installation, Archive(home / LAB), read, split, ranker,
        source=benchmark, name=name, tenant=tenant, measures=measures, legs=_legs(ranker, legs),
        shares=_shares(ranker, shares),
    )  # fmt: skip
    if run_out is not None:
        write_run(found.ranked, f"anamnesis-{ranker}", run_out)
    result = {each: card.figures[each] for each in (*HEADLINE, *measures)}
    result |= {"n": len(read.topics), "unparsed": found.unparsed}
    stderr.print(f"stored as {card.run_id}")
    if card.measured_by == "built-in":
        stderr.print("measured by our own four; pip install 'anamnesis[lab]' brings ir-measures")
    if json_out:
        print_json({"run_id": card.run_id, **result, "warnings": card.warnings})
    else:
        for each, value in result.items():
            print(f"{each:<10} {value}")
    return 0


def measured(
    installation: Installation,
    archive: Archive,
    read: Benchmark,
    split: str,
    ranker: str,
    *,
    source: Path,
    name: str = "",
    tenant: str = "",
    measures: Sequence[str] = (),
    legs: Sequence[str] = (),
    shares: Mapping[str, float] = MappingProxyType({}),
) -> tuple[Card, Run]:
    """Store a finished run of a benchmark, continuing one that was broken off."""
    made = _card(installation, read, split, ranker, tuple(legs) or RANKERS[ranker])
    made = replace(made, settings={**made.settings, **shares})
    made = replace(
        made, name=name, tenant=tenant, source=str(source.resolve()), warnings=oddities(read)
    )
    for warning in made.warnings:
        stderr.print(f"warning: {warning}")
    return evaluate(installation, read, archive.begin(made, read), archive, measures)


def _legs(ranker: str, chosen: str) -> tuple[str, ...]:
    """Return a ranker's legs, or those chosen of it. Raises: InvalidInput."""
    legs = tuple(leg for leg in RANKERS[ranker] if leg in chosen.split(","))
    if chosen and len(legs) != len(chosen.split(",")):
        raise InvalidInput(f"{ranker} has the legs {', '.join(RANKERS[ranker])}")
    return legs


def _shares(ranker: str, chosen: Sequence[str]) -> dict[str, float]:
    """Read "vector=.6" as the setting `vector_share`. Raises: InvalidInput."""
    found = {}
    for each in chosen:
        leg, _, value = each.partition("=")
        try:
            share = float(value)
        except ValueError:
            share = math.nan
        if leg not in ("vector", "graph") or not 0 <= share <= 1 or ranker != "hybrid":
            raise InvalidInput(
                f"--share {each!r}: hybrid takes vector=0..1 and graph=0..1",
                hint="vector is its share beside the words, graph its share of the whole.",
            )
        found[f"{leg}_share"] = share
    return found


def _fusion(settings: Mapping[str, Any]) -> Fusion:
    """Return the fusion by the site's own shares, where a file is named, with those that a run sets
    for every kind of question."""
    shares = {kind: Share(**each) for kind, each in settings.get("shares", {}).items()} or SHARES
    asked = {leg: settings.get(f"{leg}_share") for leg in ("vector", "graph")}
    if all(share is None for share in asked.values()):
        return partial(fuse, shares=shares) if shares is not SHARES else fuse
    given = {leg: share for leg, share in asked.items() if share is not None}
    return partial(fuse, shares={k: replace(share, **given) for k, share in shares.items()})


def _card(
    installation: Installation, read: Benchmark, split: str, ranker: str, legs: tuple[str, ...]
) -> Card:
    """Write down what a run depends on."""
    vectors = "vector" in legs
    settings: dict[str, object] = {"legs": list(legs), "depth": DEPTH}
    learned = installation.learned if len(legs) > 1 else None
    if (own := installation.settings.shares) is not None and len(legs) > 1:
        settings["shares"] = {kind: asdict(share) for kind, share in read_shares(own).items()}
        settings.update(installation.fields)
    if learned is not None:
        settings["learned"] = learned.lineage["created"]
    return Card(
        benchmark=read.name,
        split=split,
        ranker=ranker if legs == RANKERS[ranker] else "+".join(legs),
        settings=settings,
        data_version=data_version(read),
        code_version=code_version(),
        model=installation.encoder.model if vectors else "",
        terminology=installation.terminology.version,
        n=len(read.topics),
        trained=", ".join(_trained_on(installation, learned, vectors=vectors)),
        measured_by=measured_by(),
    )


def _trained_on(installation: Installation, learned: Learned | None, *, vectors: bool) -> list[str]:
    """Return the sets that anything in a run was taught by."""
    sets = list(learned.trained_on) if learned is not None else []
    lineage = getattr(installation.encoder, "lineage", {}) if vectors else {}
    return list(dict.fromkeys([*sets, *(each["set"] for each in lineage.get("trained_on", ()))]))


def evaluate(
    installation: Installation,
    benchmark: Benchmark,
    card: Card,
    archive: Archive,
    measures: Sequence[str] = (),
) -> tuple[Card, Run]:
    """Ask the topics that the run has no answer to yet, and close it with its figures."""
    done = archive.answered(card.run_id)
    left = {topic: text for topic, text in benchmark.topics.items() if topic not in done}
    if done:
        stderr.print(f"continuing {card.run_id}: {len(done)} topics are there")
    began = time.monotonic()
    if left:
        _ask(installation, benchmark, card, archive, left)
    took_s = card.took_s + time.monotonic() - began
    found = gathered(card.ranker, list(archive.topics(card.run_id)))
    names = list(dict.fromkeys((*EVERY_RUN, *measures)))
    figures = by_topic(benchmark.qrels, found.documents(), names)
    closed = replace(card, figures=mean(figures), unparsed=found.unparsed, took_s=round(took_s, 2))
    return archive.finish(closed, figures), found


def _ask(
    installation: Installation,
    benchmark: Benchmark,
    card: Card,
    archive: Archive,
    topics: Mapping[str, str],
) -> None:
    """Index the corpus in a folder that is removed again, and ask."""
    legs = tuple(card.settings["legs"])
    access = Access(
        TenantId(uuid4()), "evaluation", frozenset({Role.RELEVANCE}), "HQUALIMP", labels=LABELS
    )
    with indexed(installation, benchmark, access, legs) as indexes:

        def answer(some: Sequence[str], advance: Callable[[int], None]) -> None:
            own = replace(indexes, encoder=encoder_of(installation))
            with searching(installation, own, _fusion(card.settings)) as search:
                asked = {topic: topics[topic] for topic in some}
                answers = ask(search.answer, access, asked, legs)
                while kept := list(islice(answers, KEPT_AT_ONCE)):
                    archive.add(card, kept, benchmark)
                    advance(len(kept))

        def left() -> list[str]:
            done = archive.answered(card.run_id)
            return [topic for topic in topics if topic not in done]

        with shown("asking", len(topics)) as advance:
            in_two(list(topics), answer, advance, lambda: len(archive.answered(card.run_id)), left)


@contextmanager
def indexed(
    installation: Installation, benchmark: Benchmark, access: Access, legs: Sequence[str]
) -> Iterator[Indexes]:
    """Lend a benchmark's indexes for the legs that are asked."""
    with _throw_away(installation.home) as folder:
        indexes = Indexes(
            annotate=installation.language.annotate,
            encoder=encoder_of(installation),
            lexical=TantivyLexicalIndex(folder, **installation.fields),
            vector=MemoryVectorIndex() if "vector" in legs else None,
            graph=MemoryGraphIndex(),
            documents=HeldDocuments(),
        )
        with shown("indexing", len(benchmark.corpus)) as advance:
            fill(indexes, access.tenant_id, benchmark.corpus, advance)
        yield indexes


@contextmanager
def searching(
    installation: Installation,
    indexes: Indexes,
    fusion: Fusion = fuse,
    learned: Reordering | None = None,
    shares: Mapping[str, Share] | None = None,
) -> Iterator[Search]:
    """Lend the page's search over these indexes."""
    search = Search(
        lexical=indexes.lexical,
        vector=indexes.vector or MemoryVectorIndex(),
        graph=indexes.graph,
        encoder=indexes.encoder,
        terminology=installation.terminology,
        matcher=installation.matcher,
        documents=indexes.documents,
        timeout_s=TIMEOUT_S,
        fusion=fusion,
        passages=indexes.vector,
        learned=learned or installation.learned,
        shares=installation.shares if shares is None else shares,
        least=getattr(installation.encoder, "floor", None),
    )
    try:
        yield search
    finally:
        search.close()


def in_two(
    work: Sequence[T],
    answer: Callable[[Sequence[T], Callable[[int], None]], None],
    advance: Callable[[int], None],
    count: Callable[[], int],
    left: Callable[[], Sequence[T]],
) -> None:
    """Let a second process do every other piece of work, where that pays; `count` says how much is
    stored, `left` what is not when both are through."""
    if len(work) < WORTH_TWO or not possible():
        answer(work, advance)
        return
    with beside(lambda: answer(work[1::2], lambda _: None), count):
        answer(work[::2], lambda n: advance(2 * n))
    if rest := left():
        answer(rest, lambda _: None)


def encoder_of(installation: Installation) -> CachedEncoder:
    """Open the kept vectors; each process has a connection of its own."""
    return CachedEncoder(installation.encoder, installation.home / "cache" / "vectors")


@contextmanager
def _throw_away(home: Path) -> Iterator[Path]:
    """Lend a folder of this process under the home, and sweep what killed runs left."""
    root = home / "eval"
    root.mkdir(parents=True, exist_ok=True)
    for left in root.iterdir():
        if left.name.isdecimal() and not _runs(int(left.name)):
            shutil.rmtree(left, ignore_errors=True)
    folder = root / str(os.getpid())
    folder.mkdir(exist_ok=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@contextmanager
def shown(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show progress with an ETA; where nobody watches, one line at the end."""
    began = time.monotonic()
    with progress() as bar:
        task = bar.add_task(what, total=total)
        yield lambda n: bar.advance(task, n)
    if not stderr.is_terminal:
        stderr.print(f"{what}: {total} done in {time.monotonic() - began:.1f} s")
