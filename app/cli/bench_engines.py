"""`anamnesis bench engines`: the servers of a site beside the embedded engines, on one corpus."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

from app.cli.bench_hospital import settled, tenant_of
from app.cli.bench_rivals import own_hybrids
from app.cli.bench_servers import reach
from app.cli.output import operator, print_json, progress
from app.settings import Settings, load
from app.wiring import Installation
from eval.bench.clock import Ask, Figures, interleaved
from eval.bench.questions import questions
from indexing.access import Access
from indexing.errors import EngineUnavailable
from indexing.model import TenantId
from indexing.ports import LexicalEntry, LexicalIndex, VectorEntry, VectorIndex
from indexing.routed import RoutedLexicalIndex, RoutedVectorIndex
from rankers.answer import SearchRequest

QUESTIONS = 300
BATCH = 500
PATIENT = {"leg_patience_s": 30.0}  # a busy moment is no outage
ENGINES: Mapping[str, Mapping[str, str]] = {
    "opensearch": {"lexical": "opensearch", "vector": "opensearch"},
    "weaviate": {"vector": "weaviate"},
}


class Beside(Installation):
    """An installation over another one's database, with other engines."""

    def __init__(self, settings: Settings, whole: Installation) -> None:
        super().__init__(settings)
        self._whole = whole

    @cached_property
    def encoder(self) -> Any:
        """The other one's, so that both encode a question alike."""
        return self._whole.encoder


def engines_command(notes: int, names: Sequence[str], as_json: bool) -> int:
    """Time bulk indexing and the hybrid search of each engine; return the exit code."""
    outer = load()
    reach(outer, names, tuple(ENGINES))
    result: dict[str, Any] = {"notes": notes, "bulk": {}}
    with settled(outer, notes) as whole:
        tenant_id = tenant_of(whole).tenant_id
        access = operator(tenant_of(whole))
        with _filled(outer, whole, tenant_id, names, result) as beside:
            systems = _systems(whole, beside, access)
            with own_hybrids(beside, access) as own:
                found = interleaved(systems | own, questions(QUESTIONS))
            for each in (whole, *beside.values()):
                each.search.close()
    result["hybrid"] = {name: each.to_json() for name, each in found.items()}
    result["ratio_p95"] = _ratios(found)
    if as_json:
        print_json(result)
        return 0
    _print(result, found)
    return 0


@contextmanager
def _filled(
    outer: Settings, whole: Installation, tenant_id: TenantId, names: Sequence[str],
    result: dict[str, Any],
) -> Iterator[dict[str, Installation]]:  # fmt: skip
    """Lend an installation for each engine, filled while it is timed, and empty them again."""
    made: dict[str, Installation] = {}
    try:
        for name in names:
            changed = {"home": whole.home, "database_url": None, **PATIENT, **ENGINES[name]}
            made[name] = Beside(outer.model_copy(update=changed), whole)
            result["bulk"][name] = bulk(whole, made[name], tenant_id)
        yield made
    finally:
        for each in made.values():
            each.vector.drop(tenant_id)
            if each.settings.lexical in ENGINES:
                each.lexical.drop(tenant_id)
            each.close()


def bulk(whole: Installation, into: Installation, tenant_id: TenantId) -> dict[str, float]:
    """Index every note, its language and vectors given; return notes/s of each port and of both
    one after the other, milliseconds of this process's processor a note, and by how many MB it
    grew. Where a server compiles what it runs, all of it again when it has, and both at once."""
    lexical = into.lexical if into.settings.lexical in ENGINES else None
    vector = into.vector
    vector.drop(tenant_id)
    if lexical is not None:
        lexical.drop(tenant_id)
    keys = sorted(whole.derived.live(tenant_id))
    told = _filled_once(whole, into.settings.vector, lexical, vector, tenant_id, keys)
    _counted(lexical, vector, tenant_id, len(keys))
    if lexical is not None:
        again = _filled_once(whole, into.settings.vector, lexical, vector, tenant_id, keys)
        told |= {f"again_{name}": figure for name, figure in again.items()}
        told |= _filled_at_once(whole, lexical, vector, tenant_id, keys)
    return told


def _filled_once(
    whole: Installation, name: str, lexical: RoutedLexicalIndex | None, vector: RoutedVectorIndex,
    tenant_id: TenantId, keys: Sequence[str],
) -> dict[str, float]:  # fmt: skip
    """Fill beside what serves, as a rebuild does, and switch; return the figures."""
    spent = {"words": Spent(), "vectors": Spent()} if lexical is not None else {"vectors": Spent()}
    switch, before = Spent(), 0.0
    with progress() as bar, ExitStack() as stack:
        for index in (lexical, vector):
            if index is not None:
                stack.enter_context(index.fresh(tenant_id))
        task = bar.add_task(f"indexing into {name}", total=len(keys))
        for at in range(0, len(keys), BATCH):
            words, vectors = _entries(whole, tenant_id, keys[at : at + BATCH])
            if lexical is not None:
                spent["words"].on(partial(lexical.upsert, tenant_id, words))
            spent["vectors"].on(partial(vector.upsert, tenant_id, vectors))
            bar.advance(task, BATCH)
            before = before or peak_mb()  # once everything has been loaded that is needed
        switch.on(stack.close)
    rates = {f"{port}_per_s": round(len(keys) / each.seconds, 1) for port, each in spent.items()}
    own = {
        f"{port}_client_ms": round(1e3 * each.processor / len(keys), 3)
        for port, each in spent.items()
    }
    both = sum(each.seconds for each in spent.values()) + switch.seconds
    return {
        **rates, "notes_per_s": round(len(keys) / both, 1), **own,
        "grew_mb": round(peak_mb() - before, 1),
    }  # fmt: skip


def _filled_at_once(
    whole: Installation, lexical: RoutedLexicalIndex, vector: RoutedVectorIndex,
    tenant_id: TenantId, keys: Sequence[str],
) -> dict[str, float]:  # fmt: skip
    """Fill both ports side by side, a thread each as followers have; return the figures."""
    batches = [
        _entries(whole, tenant_id, keys[at : at + BATCH]) for at in range(0, len(keys), BATCH)
    ]

    lanes = [
        (lexical, [partial(lexical.upsert, tenant_id, words) for words, _ in batches]),
        (vector, [partial(vector.upsert, tenant_id, rows) for _, rows in batches]),
    ]

    def fill(
        lane: tuple[RoutedLexicalIndex | RoutedVectorIndex, list[Callable[[], None]]],
    ) -> None:
        index, writes = lane
        with index.fresh(tenant_id):
            for write in writes:
                write()

    spent = Spent()
    with ThreadPoolExecutor(2) as pool:
        spent.on(lambda: list(pool.map(fill, lanes)))
    return {
        "at_once_notes_per_s": round(len(keys) / spent.seconds, 1),
        "at_once_client_ms": round(1e3 * spent.processor / len(keys), 3),
    }


@dataclass(slots=True)
class Spent:
    """Seconds of the clock, and of the processor in every thread of this process."""

    seconds: float = 0.0
    processor: float = 0.0

    def on(self, call: Callable[[], object]) -> None:
        """Call, and add what it took."""
        began, used = time.perf_counter(), time.process_time()
        call()
        self.seconds += time.perf_counter() - began
        self.processor += time.process_time() - used


def _entries(
    whole: Installation, tenant_id: TenantId, keys: Sequence[str]
) -> tuple[list[LexicalEntry], list[VectorEntry]]:
    derived = whole.derived.derived(tenant_id, keys)
    words = [LexicalEntry(d.document, d.sections, d.mentions) for d in derived]
    encoder = whole.encoder
    codes = whole.codes_of(tenant_id)
    found = whole.derived.vectors(tenant_id, keys, encoder.model, encoder.dimension, codes)
    return words, found


def patiently(call: Callable[[], None]) -> None:
    """Do what a follower does: wait for an engine that is too busy, and try again."""
    for pause in (1.0, 5.0, 20.0):
        try:
            return call()
        except EngineUnavailable:
            time.sleep(pause)
    return call()


def _counted(
    lexical: LexicalIndex | None, vector: VectorIndex, tenant_id: TenantId, expected: int
) -> None:
    held = [len(index.entries(tenant_id)) for index in (lexical, vector) if index is not None]
    assert held == [expected] * len(held), f"{held} of {expected} notes are there"


def peak_mb() -> float:
    """Return the most memory that this process has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _systems(
    whole: Installation, beside: Mapping[str, Installation], access: Access
) -> dict[str, Ask]:
    systems = {"embedded": _asking(whole, access)}
    for name, each in beside.items():
        if each.settings.lexical in ENGINES:  # words from the engine, vectors as by default
            mixed = each.settings.model_copy(update={"vector": whole.settings.vector})
            systems[f"{name} + pgvector"] = _asking(Beside(mixed, whole), access)
        systems[f"{name}, every port"] = _asking(each, access)
    return systems


def _asking(installation: Installation, access: Access) -> Ask:
    search = installation.search
    return lambda question: search.answer(access, SearchRequest(q=question, k=10))


def _ratios(found: Mapping[str, Figures]) -> dict[str, float]:
    base = found["embedded"].p95_ms
    return {name: round(each.p95_ms / base, 2) for name, each in found.items()}


def _print(result: Mapping[str, Any], found: Mapping[str, Figures]) -> None:
    for name, rates in result["bulk"].items():
        for key, value in rates.items():
            print(f"bulk {name:<12} {key:<28} {value:10,}")
    for name, each in found.items():
        print(
            f"{name:<26} p50 {each.p50_ms:8.2f} ms  p95 {each.p95_ms:8.2f} ms  "
            f"{result['ratio_p95'][name]:5.2f} × embedded"
        )
