"""`anamnesis eval run`: a benchmark through the search that the page uses."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from app.cli.output import print_json, progress, stderr
from app.settings import load as load_settings
from app.wiring import Installation
from eval.benchmark import Benchmark, load
from eval.corpus import Indexes, NoDocuments, fill
from eval.measures import aggregate
from eval.run import RANKERS, Run, run
from eval.trec import write_run
from indexing.access import LABELS, Access, Role
from indexing.backends.memory_graph import MemoryGraphIndex
from indexing.backends.memory_vectors import MemoryVectorIndex
from indexing.backends.tantivy import TantivyLexicalIndex
from indexing.encoders import CachedEncoder
from indexing.model import TenantId
from rankers.search import Search

TIMEOUT_S = 60.0  # a benchmark wants every leg's answer, however busy the machine


def run_command(
    home: Path, benchmark: Path, split: str, ranker: str, run_out: Path | None, json_out: bool
) -> int:
    """Measure a ranker on a benchmark and print the figures; return the exit code."""
    read = load(benchmark, split)
    settings = load_settings().model_copy(update={"home": home})
    found = evaluate(Installation(settings), read, ranker)
    if run_out is not None:
        write_run(found.ranked, f"anamnesis-{ranker}", run_out)
    figures = aggregate(read.qrels, found.documents())
    result = {**figures, "n": len(read.topics), "unparsed": found.unparsed}
    if json_out:
        print_json(result)
    else:
        for name, value in result.items():
            print(f"{name:<10} {value}")
    return 0


def evaluate(installation: Installation, benchmark: Benchmark, ranker: str) -> Run:
    """Index the corpus in a folder that is removed again, and ask every topic."""
    legs = RANKERS[ranker]
    access = Access(
        TenantId(uuid4()), "evaluation", frozenset({Role.RELEVANCE}), "HQUALIMP", labels=LABELS
    )
    with _throw_away(installation.home) as folder:
        indexes = Indexes(
            annotate=installation.language.annotate,
            encoder=CachedEncoder(installation.encoder, installation.home / "cache" / "vectors"),
            lexical=TantivyLexicalIndex(folder),
            vector=MemoryVectorIndex() if "vector" in legs else None,
            graph=MemoryGraphIndex() if "graph" in legs else None,
        )
        search = _search(installation, indexes)
        try:
            with _shown("indexing", len(benchmark.corpus)) as advance:
                fill(indexes, access.tenant_id, benchmark.corpus, advance)
            with _shown("asking", len(benchmark.topics)) as advance:
                return run(search.answer, access, benchmark.topics, ranker, lambda: advance(1))
        finally:
            search.close()


def _search(installation: Installation, indexes: Indexes) -> Search:
    return Search(
        lexical=indexes.lexical,
        vector=indexes.vector or MemoryVectorIndex(),
        graph=indexes.graph or MemoryGraphIndex(),
        encoder=indexes.encoder,
        terminology=installation.terminology,
        matcher=installation.matcher,
        documents=NoDocuments(),
        timeout_s=TIMEOUT_S,
    )


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
def _shown(what: str, total: int) -> Iterator[Callable[[int], None]]:
    with progress() as bar:
        task = bar.add_task(what, total=total)
        yield lambda n: bar.advance(task, n)
    if not stderr.is_terminal:
        stderr.print(f"{what}: {total} done")
