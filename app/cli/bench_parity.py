"""`anamnesis bench parity`: one corpus and its questions on the embedded engines and on servers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from uuid import uuid4

from app.cli.bench_engines import ENGINES, PATIENT, patiently
from app.cli.eval import indexed, searching
from app.cli.output import print_json, progress
from app.settings import load as load_settings
from app.wiring import Installation
from eval.benchmark import Benchmark, load
from eval.corpus import Indexes, encoded
from eval.measures import by_topic, mean
from eval.run import run
from indexing.access import LABELS, Access, Role
from indexing.errors import InvalidInput
from indexing.model import TenantId
from indexing.ports import LexicalEntry, LexicalIndex, VectorIndex

SPLIT = "dev"
LEGS = ("lexical", "vector")
BATCH = 200
TEN = 10
NDCG = "nDCG@10"


@dataclass(frozen=True, slots=True)
class Parity:
    """One leg of one engine beside the embedded one's; `overlap` is the mean share of the embedded
    engine's ten best that the engine's ten best hold too."""

    benchmark: str
    leg: str
    engine: str
    embedded: float
    measured: float
    overlap: float
    topics: int


def parity_command(
    data: Path, engines: Sequence[str], sets: Sequence[str], legs: Sequence[str], as_json: bool
) -> int:
    """Print how near each engine's answers are to the embedded ones'; return 0.

    Raises:
        InvalidInput: a leg is asked for that no engine here has.
    """
    if strange := set(legs).difference(LEGS):
        raise InvalidInput(f"there is no leg {min(strange)!r}", hint=f"one of {', '.join(LEGS)}")
    installation = Installation(load_settings())
    rows: list[Parity] = []
    for name in sets:
        benchmark = load(data / "benchmarks" / name, SPLIT)
        for row in _compared(installation, benchmark, engines, legs):
            rows.append(row)
            if not as_json:
                _print(row)
    installation.close()
    if as_json:
        print_json([asdict(row) for row in rows])
    return 0


def _print(row: Parity) -> None:
    print(
        f"{row.benchmark:<22} {row.leg:<8} {row.engine:<11} nDCG@10 {row.measured:.4f} "
        f"(embedded {row.embedded:.4f}, {row.measured - row.embedded:+.4f})  "
        f"top-10 overlap {row.overlap:.3f}  {row.topics} questions",
        flush=True,
    )


def _compared(
    installation: Installation, benchmark: Benchmark, engines: Sequence[str], legs: Sequence[str]
) -> Iterator[Parity]:
    access = Access(
        TenantId(uuid4()), "evaluation", frozenset({Role.RELEVANCE}), "HQUALIMP", labels=LABELS
    )
    with indexed(installation, benchmark, access, legs) as embedded:
        plain = {leg: _ranked(installation, embedded, access, benchmark, leg) for leg in legs}
        for name in engines:
            with _served(installation, name, embedded, access.tenant_id, legs) as served:
                for leg, own in served.items():
                    found = _ranked(installation, own, access, benchmark, leg)
                    yield Parity(
                        benchmark.name, leg, name, _ndcg(benchmark, plain[leg]),
                        _ndcg(benchmark, found), _overlap(plain[leg], found), len(found),
                    )  # fmt: skip


@contextmanager
def _served(
    installation: Installation, engine: str, embedded: Indexes, tenant_id: TenantId,
    legs: Sequence[str],
) -> Iterator[dict[str, Indexes]]:  # fmt: skip
    """Lend the same corpus in an engine, and remove it again."""
    inner = Installation(installation.settings.model_copy(update={**ENGINES[engine], **PATIENT}))
    every = embedded.documents.every()
    made: dict[str, Indexes] = {}
    ports: list[LexicalIndex | VectorIndex] = []
    try:
        with progress() as bar:
            task = bar.add_task(f"indexing into {engine}", total=len(every))
            if "lexical" in ENGINES[engine] and "lexical" in legs:
                ports.append(inner.lexical)
                made["lexical"] = replace(embedded, lexical=inner.lexical)
            if "vector" in legs:
                ports.append(inner.vector)
                made["vector"] = replace(embedded, vector=inner.vector)
            for at in range(0, len(every), BATCH):
                some = every[at : at + BATCH]
                if "lexical" in made:
                    words = [LexicalEntry(d.document, d.sections, d.mentions) for d in some]
                    patiently(partial(inner.lexical.upsert, tenant_id, words))
                if "vector" in made:
                    vectors = list(encoded(embedded.encoder, some))
                    patiently(partial(inner.vector.upsert, tenant_id, vectors))
                bar.advance(task, len(some))
        yield made
    finally:
        for port in ports:
            port.drop(tenant_id)
        inner.close()


def _ranked(
    installation: Installation, indexes: Indexes, access: Access, benchmark: Benchmark, leg: str
) -> dict[str, list[str]]:
    with searching(installation, indexes) as search:
        return run(search.answer, access, benchmark.topics, leg).documents()


def _ndcg(benchmark: Benchmark, ranked: Mapping[str, Sequence[str]]) -> float:
    return mean(by_topic(benchmark.qrels, ranked, (NDCG,)))[NDCG]


def _overlap(one: Mapping[str, Sequence[str]], other: Mapping[str, Sequence[str]]) -> float:
    shares = [
        len(set(ranked[:TEN]) & set(other[topic][:TEN])) / len(ranked[:TEN])
        for topic, ranked in one.items()
        if ranked
    ]
    return sum(shares) / len(shares) if shares else 1.0
