"""The relevance lab: stored runs, one run by topic, two runs side by side."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import RedirectResponse, Response

from app.auth.permissions import Permission
from app.auth.sessions import may, services
from app.lab import HEIGHT, PAGE, WIDTH, Bench, bars
from app.pages import page
from eval.archive import Card
from eval.measures import EVERY_RUN, HEADLINE
from indexing.errors import InvalidInput

router = APIRouter(prefix="/lab", dependencies=[Depends(may(Permission.LAB))])

Id = Annotated[str, Query(max_length=80)]


@router.get("")
def runs(request: Request, page_no: Annotated[int, Query(alias="page")] = 1) -> Response:
    """List the stored runs, newest first."""
    bench = _bench(request)
    total = bench.count()
    last = max(1, -(-total // PAGE))
    at = min(max(page_no, 1), last)
    return page(
        request, "lab/runs.html", cards=bench.page(at), total=total, at=at, last=last,
        measures=EVERY_RUN,
    )  # fmt: skip


@router.get("/runs/{run_id}")
def run(request: Request, run_id: str) -> Response:
    """Show one run, the worst topics first."""
    bench = _bench(request)
    card = bench.card(run_id)
    return page(
        request, "lab/run.html", card=card, topics=bench.topics(card), others=bench.beside(card),
        measures=EVERY_RUN,
    )  # fmt: skip


@router.get("/compare")
def compare(
    request: Request,
    base: Id = "",
    run: Id = "",
    metric: Annotated[str, Query(max_length=40)] = "nDCG@10",
) -> Response:
    """Show two runs side by side: the test, the drawing, every topic."""
    if not base or not run:
        return RedirectResponse("/lab", 303)
    bench = _bench(request)
    first, second = _pair(bench, base, run)
    found = bench.deltas(first, second, metric)
    return page(
        request, "lab/compare.html", base=first, run=second, metric=metric, metrics=HEADLINE,
        difference=bench.difference(first, second, metric), topics=found, bars=bars(found),
        texts=bench.texts(first), width=WIDTH, height=HEIGHT,
    )  # fmt: skip


@router.get("/topic")
def topic(request: Request, base: Id, run: Id, topic: Id) -> Response:
    """Show one topic in two runs: both lists, what moved, and why."""
    bench = _bench(request)
    first, second = _pair(bench, base, run)
    return page(
        request, "lab/topic.html", base=first, run=second, pair=bench.topic(first, second, topic),
        measures=EVERY_RUN,
    )  # fmt: skip


def _bench(request: Request) -> Bench:
    return Bench(services(request).settings.home)


def _pair(bench: Bench, base: str, run: str) -> tuple[Card, Card]:
    first, second = bench.card(base), bench.card(run)
    if first.data_version != second.data_version:
        raise InvalidInput("these runs were taken on different data and are not comparable")
    return first, second
