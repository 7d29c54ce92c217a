"""`anamnesis bench`: how fast questions are answered, and how fast notes become searchable."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from tempfile import mkdtemp
from typing import Any

import numpy as np
import orjson
from pgvector import Vector
from pgvector.psycopg import register_vector
from tokenizers import Tokenizer

from app.answers import answered, audited, request_of
from app.cli.bench_freshness import freshness
from app.cli.bench_hospital import CODE, fill, settled, tenant_of
from app.cli.output import print_json, progress, stderr
from app.large_pages import in_large_pages
from app.memory import collect_seldom
from app.pages import PAGE_SIZE
from app.questions import Question
from app.services import services_of
from app.settings import load
from app.views import view_of
from app.wiring import Installation
from eval.bench import rivals
from eval.bench.clock import Ask, Figures, interleaved, ratio
from eval.bench.questions import questions
from indexing.access import Access, Role
from indexing.backends.postgres.accounts import PostgresAccounts
from indexing.backends.postgres.embedded import Server
from indexing.backends.postgres.frozen import PostgresFrozenPages
from indexing.derive import passage_texts
from indexing.encoders.minilm import FOLDER, MAX_TOKENS
from indexing.feed import ChangeFeed
from indexing.follow import Follower, step
from indexing.model import Tenant
from indexing.ports import Vectors
from rankers.answer import SearchRequest, hit_of

QUESTIONS = 1_000
PERCENTILES = ("p50_ms", "p95_ms", "p99_ms")


def search_command(notes: int, as_json: bool) -> int:
    """Time our search beside others on the same corpus; return the exit code."""
    collect_seldom()  # as `serve` does
    with settled(load(), notes) as installation:
        access = _asker(installation, tenant_of(installation))
        texts, matrix = _corpus(installation, access)
        systems = _ours(installation, access) | _others(installation, access, texts, matrix)
        asked = questions(QUESTIONS)
        for question in asked[-50:]:
            systems["anamnesis"](question)  # it has loaded what it answers from
        in_large_pages()  # as `serve` does
        with progress() as bar:
            task = bar.add_task("asking", total=len(asked))
            found = interleaved(
                systems, asked, apart=["anamnesis page"], each=lambda: bar.advance(task)
            )
        result = {
            "systems": {name: each.to_json() for name, each in found.items()},
            "ratios": {
                name: asdict(ratio(found["anamnesis"], each))
                for name, each in found.items() if name != "anamnesis"
            },
            "notes": len(texts), "passages": len(matrix), "questions": len(asked),
            "skipped": [name for name in ("rank-bm25", "bm25s") if name not in found],
            "legs": _legs(installation, access, asked[:200]),
        }  # fmt: skip
        installation.search.close()
    _print(result, found, as_json)
    return 0


def _asker(installation: Installation, tenant: Tenant) -> Access:
    """Return the access of an account: frozen pages belong to one."""
    accounts = PostgresAccounts(installation.database)
    known = {account.name for account in accounts.accounts(tenant.tenant_id)}
    if CODE not in known:
        accounts.create(tenant.tenant_id, CODE, [Role.CLINICIAN], "!")  # no password is that
    account = accounts.by_name(tenant.tenant_id, CODE)
    return Access(tenant.tenant_id, account.user_id, frozenset({Role.CLINICIAN}))


def _ours(installation: Installation, access: Access) -> dict[str, Ask]:
    """Answer as the API does (ten hits and their audit row) and as the page does (the ranking
    frozen, the first slice of it opened, an audit row for each)."""
    search, documents = installation.search, installation.documents
    view = view_of(services_of(installation), access)
    pages = PostgresFrozenPages(installation.database, timedelta(hours=1))

    def api(question: str) -> object:
        request = SearchRequest(q=question, k=10)
        return orjson.dumps(answered(view, documents, access, request).to_json())

    def page(question: str) -> object:
        asked = Question(q=question)
        answer = search.rank(access, request_of(asked)).answer
        page_id = pages.freeze(access, asked.to_json(), answer.ranking_json(), audited(answer))
        opened = pages.open(access, page_id, 0, PAGE_SIZE, "note")
        hits = [hit_of(hit) for hit in opened.hits]
        return search.describe(access, request_of(asked), hits, opened.notes)

    return {"anamnesis": api, "anamnesis page": page}


def _others(
    installation: Installation, access: Access, texts: Sequence[str], matrix: Vectors
) -> dict[str, Ask]:
    encoder = installation.encoder
    systems: dict[str, Ask | None] = {
        "rank-bm25": rivals.rank_bm25(texts),
        "bm25s": rivals.bm25s(texts),
        "pgvector": rivals.nearest(encoder, lambda row: _pgvector(installation, access, row)),
        "minilm brute force": rivals.brute_force(encoder, matrix),
    }
    return {name: ask for name, ask in systems.items() if ask is not None}


def _pgvector(installation: Installation, access: Access, row: Vectors) -> object:
    """Ask pgvector as its manual does: no filter but the tenant, exact, ten passages."""
    with installation.database.tenant(access.tenant_id) as conn:
        register_vector(conn)
        return conn.execute(
            "SELECT doc_id, number FROM vector_passage WHERE tenant_id = %s "
            "ORDER BY (embedding <#> %s) + 0 LIMIT 10",
            (access.tenant_id, Vector(row)),
        ).fetchall()


def _corpus(installation: Installation, access: Access) -> tuple[list[str], Vectors]:
    """Read every note's text and every passage's vector."""
    derived, encoder = installation.derived, installation.encoder
    keys = sorted(derived.live(access.tenant_id))
    texts: list[str] = []
    rows: list[Vectors] = []
    for at in range(0, len(keys), 1000):
        for entry in derived.vectors(
            access.tenant_id, keys[at : at + 1000], encoder.model, encoder.dimension
        ):
            texts.append(f"{entry.document.title} {entry.document.text}")
            rows.append(entry.vectors)
    return texts, np.concatenate(rows)


def _legs(
    installation: Installation, access: Access, asked: Sequence[str]
) -> Mapping[str, Mapping[str, float]]:
    """Say where an answer's time goes: p50 and p95 of each part."""
    took: dict[str, list[float]] = {}
    for question in asked:
        answer = installation.search.answer(access, SearchRequest(q=question, k=10))
        for name, ms in answer.took_ms.items():
            took.setdefault(name, []).append(ms)
    return {
        name: {
            "p50_ms": round(float(np.percentile(times, 50)), 3),
            "p95_ms": round(float(np.percentile(times, 95)), 3),
        }
        for name, times in sorted(took.items())
    }


def ingest_command(notes: int, as_json: bool) -> int:
    """Time ingest, derive, index and freshness in a throw-away home; return the exit code.

    Of the system as a whole: percentiles of freshness, and as `qps` notes made searchable a second.
    """
    settings = load()
    root = settings.home / "bench"
    root.mkdir(parents=True, exist_ok=True)
    home = mkdtemp(prefix="ingest-", dir=root)
    installation = Installation(
        settings.model_copy(update={"home": root / home, "database_url": None})
    )
    try:
        result = _ingested(installation, notes)
        single, burst = freshness(installation, tenant_of(installation))
        result |= {"freshness": single, "burst": burst}
        result["systems"]["anamnesis"] |= {name: single[name] for name in PERCENTILES}
    finally:
        installation.close()
        Server(installation.home).stop()
        shutil.rmtree(home, ignore_errors=True)
    _print(result, {}, as_json)
    return 0


def _ingested(installation: Installation, notes: int) -> dict[str, Any]:
    tenant = tenant_of(installation)
    began = time.perf_counter()
    resources = fill(installation, tenant, notes)
    seconds = time.perf_counter() - began
    live = len(installation.derived.live(tenant.tenant_id))
    installation.annotate(""), installation.encoder.encode([""])  # loaded before they are timed
    stages = {
        "ingest": {"resources_per_s": round(resources / seconds, 1), "seconds": round(seconds, 3)}
    }
    for follower in (*installation.text_followers(), *installation.vector_followers()):
        took = _drained(installation.feed, follower, live)
        stages[follower.name] = {"notes_per_s": round(live / took, 1), "seconds": round(took, 3)}
    passages = int(installation.vector.state(tenant.tenant_id).extra["passages"])
    stages["embed"]["passages_per_s"] = round(passages / stages["embed"]["seconds"], 1)
    tokens = _tokens(installation, tenant)
    stages["embed"]["tokens_per_s"] = round(tokens / stages["embed"]["seconds"], 1)
    asked = interleaved({"encode": _one_question(installation)}, questions(500))
    rate = round(live / (seconds + sum(stage["seconds"] for stage in stages.values())), 3)
    return {
        "systems": {"anamnesis": {"qps": rate}},
        "notes": live,
        "resources": resources,
        "stages": stages,
        "encoding a question": asked["encode"].to_json(),
    }


def _one_question(installation: Installation) -> Ask:
    return lambda question: installation.encoder.encode([question])


def _tokens(installation: Installation, tenant: Tenant) -> int:
    """Count what the encoder read: at most its window of each passage."""
    tokenizer = Tokenizer.from_file(str(FOLDER / "tokenizer.json"))
    tokenizer.enable_truncation(MAX_TOKENS)
    tokenizer.no_padding()
    keys, count = sorted(installation.derived.live(tenant.tenant_id)), 0
    for at in range(0, len(keys), 200):
        derived = installation.derived.derived(tenant.tenant_id, keys[at : at + 200])
        texts = [text for each in derived for text in passage_texts(each)]
        count += sum(len(found.ids) for found in tokenizer.encode_batch_fast(texts))
    return count


def _drained(feed: ChangeFeed, follower: Follower, live: int) -> float:
    with progress() as bar:
        task = bar.add_task(follower.name, total=live)
        began = time.perf_counter()
        while read := step(feed, follower):
            bar.advance(task, read)
        return time.perf_counter() - began


def _print(result: Mapping[str, Any], found: Mapping[str, Figures], as_json: bool) -> None:
    if as_json:
        print_json(result)
        return
    for name, each in found.items():
        print(
            f"{name:<24} p50 {each.p50_ms:8.2f} ms  p95 {each.p95_ms:8.2f} ms  "
            f"p99 {each.p99_ms:8.2f} ms  {each.qps:8.1f}/s"
        )
    for name, each in result.get("ratios", {}).items():
        print(
            f"anamnesis : {name:<24} {each['median']:.2f} by block ({each['least']:.2f} to "
            f"{each['most']:.2f})"
        )
    for name, value in result.items():
        if name not in ("systems", "ratios"):
            stderr.print(f"{name}: {value}", markup=False)
