"""`anamnesis bench graph`: a site's Neo4j filled in bulk, timed, and compared."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from app.cli.eval import indexed, searching
from app.cli.output import print_json, progress
from app.settings import load as load_settings
from app.wiring import Installation
from eval.bench.clock import figures
from eval.benchmark import load
from eval.measures import by_topic, mean
from eval.run import run
from indexing.access import LABELS, Access, Role
from indexing.backends.memory.graph import MemoryGraphIndex
from indexing.filters import Filters
from indexing.model import Assertion, Document, Mention, TenantId
from indexing.ports import GraphEntry, GraphIndex

SEED: Final = 20231105
BATCH: Final = 1_000
QUESTIONS: Final = 100
CONCEPTS: Final = 100  # of one question, as the walk over the terminology gives them
NDCG: Final = "nDCG@10"


def graph_command(nodes: int, edges: int, data: Path | None, as_json: bool) -> int:
    """Time it, compare it, remove it again; return the exit code."""
    installation = Installation(load_settings())
    index = installation.graph_engine("neo4j")
    access = Access(TenantId(uuid4()), "bench", frozenset({Role.RELEVANCE}), labels=LABELS)
    try:
        result = _bulk(index, access, nodes, edges)
        if data is not None:
            result["quality"] = _quality(installation, index, access, data)
    finally:
        index.drop(access.tenant_id)
        installation.close()
    if as_json:
        print_json(result)
    else:
        for name, value in result.items():
            print(f"{name:<14} {value}")
    return 0


def _bulk(index: GraphIndex, access: Access, nodes: int, edges: int) -> dict[str, Any]:
    dice = random.Random(SEED)  # noqa: S311 - the same graph each time
    concepts = nodes // 5
    entries = list(_entries(access.tenant_id, nodes - concepts, concepts, edges, dice))
    plain = MemoryGraphIndex()
    plain.upsert(access.tenant_id, entries)
    index.entries(access.tenant_id)  # connects and sees to the schema
    began = time.perf_counter()
    with progress() as bar:
        task = bar.add_task("indexing into neo4j", total=len(entries))
        for at in range(0, len(entries), BATCH):
            index.upsert(access.tenant_id, entries[at : at + BATCH])
            bar.advance(task, BATCH)
    seconds = time.perf_counter() - began
    held = index.state(access.tenant_id)
    took, same = [], 0
    for _ in range(QUESTIONS):
        weights = {f"c{dice.randrange(concepts)}": dice.random() for _ in range(CONCEPTS)}
        asked = time.perf_counter()
        got = index.search(access, weights, Filters(), 200, "present")
        took.append(1000 * (time.perf_counter() - asked))
        same += _alike(got.hits, plain.search(access, weights, Filters(), 200, "present").hits)
    return {
        "notes": held.count, "concepts": concepts, "seconds": round(seconds, 2),
        "edges": sum(len({m.concept_id for m in e.mentions}) for e in entries),
        "equal": held.digest == plain.state(access.tenant_id).digest,
        "questions_ms": figures(took).to_json(), "same_answers": f"{same} of {QUESTIONS}",
    }  # fmt: skip


def _entries(
    tenant_id: TenantId, notes: int, concepts: int, edges: int, dice: random.Random
) -> Iterator[GraphEntry]:
    """Invent notes whose concepts are as uneven as words are; every edge is drawn once."""
    each = max(1, -(-edges // notes))
    weights = list(accumulate(1 / (rank + 1) ** 0.8 for rank in range(concepts)))
    said = Assertion.PRESENT
    for number in range(notes):
        drawn: set[int] = set()
        while len(drawn) < min(each, concepts):
            drawn.update(dice.choices(range(concepts), cum_weights=weights))
        yield GraphEntry(
            Document(tenant_id, f"n{number:07}", 1, "", patient_id=f"p{number % 5000}"),
            tuple(Mention(0, 1, f"c{c}", "c", said, said) for c in sorted(drawn)),
        )


def _alike(one: Sequence[Any], other: Sequence[Any]) -> bool:
    """Say whether two engines give the same documents at the same scores, ties aside."""
    if len(one) != len(other):
        return False
    return all(abs(a.score - b.score) < 1e-6 for a, b in zip(one, other, strict=True))


def _quality(
    installation: Installation, index: GraphIndex, access: Access, data: Path
) -> Mapping[str, Any]:
    """Ask NFCorpus by concepts alone and by all legs, the graph embedded and in Neo4j."""
    benchmark = load(data / "benchmarks" / "nfcorpus", "dev")
    found: dict[str, Any] = {}
    with indexed(installation, benchmark, access, ("lexical", "vector", "graph")) as embedded:
        every = embedded.documents.every()
        for at in range(0, len(every), BATCH):
            part = every[at : at + BATCH]
            index.upsert(access.tenant_id, [GraphEntry(d.document, d.mentions) for d in part])
        for name, own in (("embedded", embedded), ("neo4j", replace(embedded, graph=index))):
            with searching(installation, own) as search:
                for ranker in ("graph", "hybrid"):
                    ranked = run(search.answer, access, benchmark.topics, ranker).documents()
                    figure = mean(by_topic(benchmark.qrels, ranked, (NDCG,)))[NDCG]
                    found[f"{ranker} {name}"] = round(figure, 4)
    return found
