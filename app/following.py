"""Keeping the indexes current: lanes, so that the model's time never holds words back.

In each lane the first follower makes what the others index, which they do side by side.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from typing import NamedTuple

from app.naming import Naming
from app.refill import refill
from app.resting import put_away_unasked
from app.wiring import Installation
from indexing.errors import EngineUnavailable, TenantErased
from indexing.feed import ChangeFeed
from indexing.follow import READ_LIMIT, Follower, step
from indexing.medical_follow import outdated, remake_some
from indexing.model import ChangeEvent, Position, TenantId
from indexing.vitals.intake import DETAILS, ROLLUPS

LANES = ("text", "vectors", "series", "medical")
_IDLE_S = 1.0
_TELL_S = 2.0
_QUIET = 20  # rounds without news before names get their vectors, some at a time: news goes first
# A transaction that writes holds back what is younger than it: who hurries least waits a moment,
# so that a note is found before its patient's graph and series are drawn anew.
_LATER_S = {"series": 0.15, "medical": 0.15}
_BACK_OFF_S = (0.2, 0.5, 1.0, 2.0, 5.0)
_SETBACK_S = 5.0  # after what nobody foresaw: it may come again at once

_DAILY_S = 86_400.0

_log = logging.getLogger("anamnesis.follow")


class Dropped(NamedTuple):
    """How many details and how many hours of series were past their time."""

    points: int
    hours: int


def followers(installation: Installation, lane: str) -> Sequence[Follower]:
    """Return a lane's followers, in the order in which they feed each other."""
    if lane == "text":
        return installation.text_followers()
    if lane == "series":
        return installation.series_followers()
    if lane == "medical":
        return installation.medical.followers()
    return (*installation.vector_followers(), installation.research.follower)


def run_lane(installation: Installation, lane: str, stop: threading.Event) -> None:
    """Follow until `stop`, as the one holder of the lane; wait while somebody else holds it.

    What one tenant's notes or names bring about ends the lane for nobody: it begins anew.
    """
    tidy = _tidying(installation, lane)  # its day goes on while a rebuild has the lane
    while not stop.is_set():
        try:
            with installation.feed.lock(f"follow:{lane}") as mine:
                if mine:
                    installation.refresh_encoder()
                    _follow(installation, lane, stop, tidy)
        except (EngineUnavailable, TenantErased):
            pass  # the database is away, or a tenant left: the next round finds who is there
        except Exception as exc:  # noqa: BLE001
            # Its type alone: its words may quote a patient.
            _log.error("the lane %s failed and begins anew: %s", lane, type(exc).__name__)
            stop.wait(_SETBACK_S)
        stop.wait(_IDLE_S)


def _follow(
    installation: Installation, lane: str, stop: threading.Event, tidy: Callable[[], None]
) -> None:
    feed = installation.feed
    if not refill(installation, lane, lambda: not (stop.is_set() or feed.wanted(f"follow:{lane}"))):
        return
    maker, *indexers = followers(installation, lane)
    with ThreadPoolExecutor(max(len(indexers), 1), thread_name_prefix=f"follow-{lane}") as pool:
        round_ = partial(_round, pool, maker, indexers)
        _until(stop, installation, lane, maker, round_, tidy)


def _round(
    pool: ThreadPoolExecutor, maker: Follower, indexers: Sequence[Follower], feed: ChangeFeed
) -> int:
    """Take a batch through each; return how many events the largest had."""
    made = step(feed, maker)
    return max(made, *pool.map(lambda indexer: step(feed, indexer), indexers), 0)


def _until(
    stop: threading.Event, installation: Installation, lane: str, maker: Follower,
    round_: Callable[[ChangeFeed], int], tidy: Callable[[], None],
) -> None:  # fmt: skip
    feed = installation.new_feed()
    failures = 0
    quiet, naming = 0, Naming(installation)
    again = _again(installation, lane, maker)
    behind = again is not None
    busy = 0
    while not stop.is_set():
        more = behind or busy >= READ_LIMIT
        if not more and stop.wait(_LATER_S.get(lane, 0)):
            return
        try:
            busy = round_(feed)
            failures = 0
        except EngineUnavailable:
            failures += 1
            if stop.wait(_BACK_OFF_S[failures - 1]) or failures == len(_BACK_OFF_S):
                return  # `run_lane` begins anew: an index that could not be filled may be at fault
            continue
        if feed.wanted(f"follow:{lane}"):
            return  # a rebuild or reconcile asks for the lane; run_lane comes back to it
        quiet = 0 if busy else quiet + 1
        if busy:
            continue
        tidy()
        try:
            behind = behind and again is not None and again()
        except EngineUnavailable:
            behind = False  # asked again like everything else, a second later
        if not behind:  # asked again whenever nothing was said for a while, so that news goes first
            linked = lane == "vectors" and quiet > _QUIET and naming.some()
            behind = not feed.wait(0 if linked else _IDLE_S) and again is not None


def _again(
    installation: Installation,
    lane: str,
    maker: Follower,
    tenants: Sequence[TenantId] | None = None,
) -> Callable[[], bool] | None:
    """Return what makes some anew of what another terminology made, and says whether it did; of
    these tenants, all by default."""
    if lane == "text":
        current: dict[TenantId, str] = {}  # for as long as nobody else has the lane
        return lambda: annotate_again(installation, maker, tenants, current)
    if lane == "vectors":
        own = installation.patients
        if own.vectors is None:
            return lambda: bool(own.take_back())
        own.vectors.renew()  # another process may have had the lane since
        return lambda: bool(own.take_back()) or own.vectors_in_step(_chosen(installation, tenants))
    if lane != "medical":
        return None
    installation.medical.made_by.clear()  # another process may have had the lane since
    return lambda: remake_again(installation, tenants)


def _chosen(installation: Installation, tenants: Sequence[TenantId] | None) -> Sequence[TenantId]:
    if tenants is not None:
        return tenants
    return [each.tenant_id for each in installation.tenants.all()]


def settle(installation: Installation, tenants: Sequence[TenantId] | None = None) -> int:
    """Roll up what came in since, of these tenants, all by default; return how many hours of a
    series were."""
    chosen = installation.tenants.with_open_hours() if tenants is None else tenants
    return sum(map(installation.vitals.settle, chosen))


def _tidying(installation: Installation, lane: str) -> Callable[[], None]:
    """Return what a lane does whenever it is idle: the series are rolled up, and once a day what is
    past its time is dropped, and vectors that nobody asks for are put away."""
    if lane not in ("series", "vectors"):
        return lambda: None
    due = [time.monotonic()]

    def tidy() -> None:
        if lane == "series":
            settle(installation)
        if time.monotonic() >= due[0]:
            due[0] = time.monotonic() + _DAILY_S
            if lane == "series":
                retain(installation)
            else:
                put_away_unasked(installation)

    return tidy


def retain(installation: Installation, tenants: Sequence[TenantId] | None = None) -> Dropped:
    """Drop what is past its time, of these tenants, all by default."""
    now, points, hours = datetime.now(UTC), 0, 0
    for tenant_id in _chosen(installation, tenants):
        gone = installation.vitals.retain(tenant_id, now - DETAILS, now - ROLLUPS)
        points, hours = points + gone[0], hours + gone[1]
    return Dropped(points, hours)


def annotate_again(
    installation: Installation, language: Follower, tenants: Sequence[TenantId] | None = None,
    current: dict[TenantId, str] | None = None,
) -> bool:  # fmt: skip
    """After a terminology was loaded: take one more batch of old notes, of these tenants, all by
    default; False when none is left.

    Called when the feed is quiet, so that news goes first. `current` keeps by what version all of
    a tenant's notes were found made: they are not looked through again every second.
    """
    current = {} if current is None else current
    installation.refresh_terminology()
    for tenant_id in _chosen(installation, tenants):
        version = installation.language_version_of(tenant_id)
        if current.get(tenant_id) == version:
            continue
        found = installation.derived.outdated(tenant_id, version, language.batch)
        if found:
            events = [
                ChangeEvent(Position(0, 0), tenant_id, language.kind, key, at) for key, at in found
            ]
            language.apply(tenant_id, events)
            return True
        current[tenant_id] = version
    return False


def remake_again(installation: Installation, tenants: Sequence[TenantId] | None = None) -> bool:
    """Make some entries anew of a graph that older rules or another terminology made, of these
    tenants, all by default; False when none is left."""
    installation.refresh_terminology()
    own = installation.medical
    for tenant_id in _chosen(installation, tenants):
        version = own.version_of(tenant_id)
        if own.made_by.get(tenant_id) == version:
            continue
        if outdated(tenant_id, own.facts, own.graph, version):
            remake_some(tenant_id, own.facts, own.graph, own.of(tenant_id).maker)
            return True
        own.made_by[tenant_id] = version
    return False


def catch_up(
    installation: Installation,
    lanes: Sequence[str] = LANES,
    progress: Callable[[str, int], None] = lambda _name, _pending: None,
    *,
    tenants: Sequence[TenantId] | None = None,
) -> None:
    """Return when every lane is current: follow ourselves, or wait for whoever holds the lane.

    `progress` is told (follower, events pending) as they change. News is everybody's; each of
    `tenants`, all by default, is asked what of its older things has to be made anew: whoever waits
    for one house does not wait for the questions to all of them.
    """
    for lane in lanes:
        chain = followers(installation, lane)
        while True:
            with installation.feed.lock(f"follow:{lane}") as mine:
                if mine:
                    _drain(installation, lane, chain, progress, tenants)
            pending = _pending(installation, chain, progress)
            if not pending:
                break
            # Another process follows, or a transaction holds the feed back.
            time.sleep(0.05 if pending < READ_LIMIT else _TELL_S)


def _drain(
    installation: Installation, lane: str, chain: Sequence[Follower],
    progress: Callable[[str, int], None], tenants: Sequence[TenantId] | None,
) -> None:  # fmt: skip
    refill(installation, lane)  # everybody's: news of all goes through one cursor
    again = _again(installation, lane, chain[0], tenants)
    while sum(step(installation.feed, follower) for follower in chain) or (again and again()):
        _pending(installation, chain, progress)
    if lane == "series":
        settle(installation, tenants)


def _pending(
    installation: Installation, chain: Sequence[Follower], progress: Callable[[str, int], None]
) -> int:
    total = 0
    for follower in chain:
        pending = installation.feed.pending(follower.name, follower.kind)
        progress(follower.name, pending)
        total += pending
    return total
