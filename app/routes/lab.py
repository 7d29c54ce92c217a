"""The relevance lab: stored runs, one run by topic, two runs side by side."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import RedirectResponse, Response

from app.auth.permissions import Permission
from app.auth.sessions import may, services
from app.lab import PAGE, Bench
from app.pages import page
from app.plots import HEIGHT, TALL, WIDTH, bars, curve
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
        measures=EVERY_RUN, intervals=bench.intervals(card, EVERY_RUN) if card.finished else {},
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
    metrics = (*HEADLINE, *([metric] if metric not in HEADLINE else []))
    differences = bench.differences(first, second, metrics)
    return page(
        request, "lab/compare.html", base=first, run=second, metric=metric, metrics=metrics,
        differences=differences, difference=next(d for d in differences if d.metric == metric),
        intervals=[bench.intervals(card, metrics) for card in (first, second)], topics=found,
        bars=bars(found), texts=bench.texts(first), width=WIDTH, height=HEIGHT,
    )  # fmt: skip


@router.get("/settings")
def settings(
    request: Request,
    run: Id,
    setting: Annotated[str, Query(max_length=80)] = "",
    metric: Annotated[str, Query(max_length=40)] = "nDCG@10",
) -> Response:
    """Draw score over a setting: the runs that differ from one in that alone."""
    bench = _bench(request)
    card = bench.card(run)
    found = bench.settings_of(card)
    chosen = setting if setting in found else next(iter(found), "")
    points = bench.points(found[chosen], metric) if chosen else []
    if chosen and not points:
        raise InvalidInput(f"these runs have no {metric}")
    return page(
        request, "lab/settings.html", card=card, settings=found, chosen=chosen, metric=metric,
        metrics=EVERY_RUN, points=points, curve=curve(points) if points else None,
        width=WIDTH, height=TALL,
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
