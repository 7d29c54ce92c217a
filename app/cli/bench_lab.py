"""How fast the lab's pages are with many stored runs: a server of its own, asked over HTTP."""

from __future__ import annotations

import http.client
import re
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from tempfile import mkdtemp
from urllib.parse import urlencode

import numpy as np
import uvicorn

from app.cli.bench_hospital import tenant_of
from app.cli.output import print_json, progress
from app.cli.serve import listen
from app.services import Services, services_of
from app.settings import load
from app.web import create_app
from app.wiring import Installation
from eval.archive import LAB, Answered, Archive, Card, StoredHit
from eval.benchmark import Benchmark, Text
from eval.measures import EVERY_RUN, mean
from indexing.access import Role
from indexing.backends.postgres.embedded import Server
from indexing.model import Tenant
from rankers.explain import Signal

TOPICS, DOCUMENTS = 323, 3_633  # as NFCorpus dev
HITS = 100  # of a topic, with their signals
WHOLE = 20  # runs whose hits are all stored; the pages read no hits of the others
ASKED = 40  # times each page, of other runs each time
LEGS = ("lexical", "vector", "graph")


def lab_command(runs: int, as_json: bool) -> int:
    """Store runs in a throw-away home and time the pages; return the exit code."""
    settings = load()
    root = settings.home / "bench"
    root.mkdir(parents=True, exist_ok=True)
    home = mkdtemp(prefix="lab-", dir=root)
    own = settings.model_copy(update={"home": root / home, "database_url": None, "port": 0})
    installation = Installation(own)
    try:
        cards = _stored(Archive(installation.home / LAB), runs)
        with _browsing(installation) as get:
            result = _timed(get, cards)
    finally:
        installation.close()
        Server(installation.home).stop()
        shutil.rmtree(home, ignore_errors=True)
    if as_json:
        print_json({"runs": runs, "topics": TOPICS, "pages": result})
    else:
        for name, each in result.items():
            print(f"{name:<10} " + "  ".join(f"{k} {v:8.1f}" for k, v in each.items()))
    return 0


def _stored(archive: Archive, runs: int) -> list[Card]:
    dice = np.random.default_rng(1)
    corpus = tuple(Text(f"d{i}", f"Document {i}", "", {}) for i in range(DOCUMENTS))
    topics = {f"t{i}": f"question {i} about chest pain and other things" for i in range(TOPICS)}
    judged = {t: {f"d{d}": 1 for d in dice.integers(0, DOCUMENTS, 38)} for t in topics}
    made = Benchmark("bench", corpus, topics, judged)
    cards = []
    with progress() as bar:
        task = bar.add_task("storing runs", total=runs)
        for number in range(runs):
            cards.append(_run(archive, made, dice, number))
            bar.advance(task)
    return cards


def _run(archive: Archive, made: Benchmark, dice: np.random.Generator, number: int) -> Card:
    settings = {"legs": list(LEGS), "vector_share": round(number % 20 / 20, 2)}
    card = archive.begin(
        Card("bench", "dev", "hybrid", settings, "bench-data", "0+bench", "model", "terms",
             TOPICS, name=f"run {number}"),
        made,
    )  # fmt: skip
    kept = HITS if number < WHOLE else 1
    docs = dice.integers(0, DOCUMENTS, (TOPICS, kept))
    archive.add(card, [_answer(t, row) for t, row in zip(made.topics, docs, strict=True)], made)
    values = dice.random((TOPICS, len(EVERY_RUN)))
    figures = {
        topic: dict(zip(EVERY_RUN, map(float, row), strict=True))
        for topic, row in zip(made.topics, values, strict=True)
    }
    return archive.finish(replace(card, figures=mean(figures)), figures)


def _answer(topic: str, docs: Sequence[int]) -> Answered:
    return Answered(topic, tuple(
        StoredHit(f"d{d}", 1 / rank, {leg: Signal(rank, 9.0, 0.3 / rank) for leg in LEGS})
        for rank, d in enumerate(dict.fromkeys(int(d) for d in docs), 1)
    ))  # fmt: skip


@contextmanager
def _browsing(installation: Installation) -> Iterator[Callable[[str], bytes]]:
    """Serve the installation, sign in as who tunes, and lend what fetches a page."""
    services = services_of(installation)
    tenant, word = tenant_of(installation), secrets.token_urlsafe(15)
    hashed = services.passwords.hash(word)
    services.accounts.create(tenant.tenant_id, "bench", [Role.RELEVANCE], hashed)
    listening = listen(installation.settings)
    server = uvicorn.Server(uvicorn.Config(create_app(services), log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.01)
    try:
        yield _signed_in(services, tenant, word, listening.getsockname()[1])
    finally:
        server.should_exit = True
        thread.join(timeout=20)


def _signed_in(services: Services, tenant: Tenant, word: str, port: int) -> Callable[[str], bytes]:
    cookies: dict[str, str] = {}
    host = services.settings.host

    def ask(method: str, at: str, form: Mapping[str, str] | None = None) -> bytes:
        conn = http.client.HTTPConnection(host, port, timeout=60)
        headers = {"Cookie": "; ".join(f"{k}={v}" for k, v in cookies.items())}
        headers |= {"Content-Type": "application/x-www-form-urlencoded"} if form else {}
        conn.request(method, at, urlencode(form) if form else None, headers)
        answer = conn.getresponse()
        body = answer.read()
        conn.close()
        if answer.status >= 400:
            raise RuntimeError(f"{at.partition('?')[0]} answered {answer.status}")
        for each in answer.headers.get_all("Set-Cookie") or ():
            name, _, value = each.partition(";")[0].partition("=")
            cookies[name] = value
        return body

    token = re.search(rb'name="form_token" value="([0-9a-f]+)"', ask("GET", "/login"))
    assert token is not None  # every form has one
    form = {"form_token": token[1].decode(), "tenant": tenant.code, "name": "bench"}
    ask("POST", "/login", {**form, "password": word})
    return lambda at: ask("GET", at)


def _timed(get: Callable[[str], bytes], cards: Sequence[Card]) -> dict[str, dict[str, float]]:
    last = max(1, len(cards) // 50)
    ids = [card.run_id for card in cards]
    both = [(ids[i], ids[-1 - i]) for i in range(min(ASKED, len(ids) // 2))]
    whole = [(ids[i], ids[i + 1]) for i in range(min(WHOLE, len(ids)) - 1)]
    pages: dict[str, list[str]] = {
        "list": [f"/lab?page={1 + i % last}" for i in range(ASKED)],
        "open": [f"/lab/runs/{run}" for run, _ in both],
        "compare": [f"/lab/compare?base={a}&run={b}" for a, b in both],
        "topic": [f"/lab/topic?base={a}&run={b}&topic=t{i}" for i, (a, b) in enumerate(whole)],
        "settings": [f"/lab/settings?run={ids[i]}" for i in range(min(ASKED, len(ids)))],
    }
    get("/lab"), get(pages["compare"][-1])  # templates are compiled once
    return {name: _percentiles(get, asked[:-1] or asked) for name, asked in pages.items()}


def _percentiles(get: Callable[[str], bytes], asked: Sequence[str]) -> dict[str, float]:
    took, busy = [], []
    for at in asked:
        began, worked = time.perf_counter(), time.process_time()
        get(at)
        took.append(1000 * (time.perf_counter() - began))
        busy.append(1000 * (time.process_time() - worked))  # the server is in this process
    return {
        "cpu_p50_ms": round(float(np.percentile(busy, 50)), 1),
        "p50_ms": round(float(np.percentile(took, 50)), 1),
        "p95_ms": round(float(np.percentile(took, 95)), 1),
        "max_ms": round(max(took), 1),
    }
