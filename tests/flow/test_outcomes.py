"""What was told of patients is held against what their records say, as these come in."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.following import catch_up
from app.outlook import Outlook
from app.wiring import Installation
from indexing.access import LABELS, Access, Role
from indexing.backends.postgres.tenants import new_tenant_id
from indexing.ingest import Ingest
from indexing.model import Tenant
from indexing.outcomes import FOLLOWER, draw
from indexing.outlook import ACUTE, RETURN, ModelCard, Prediction
from indexing.vitals.model import Span, micros

ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
HIV = {"security": [{"system": ACT, "code": "HIV"}]}
MADE = datetime(2024, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
MERGED = {"link": [{"type": "replaced-by", "other": {"reference": "Patient/ann"}}]}


@dataclass(frozen=True, slots=True)
class House:
    """A tenant of whose patients a model told on one day; `put` brings news and follows them."""

    installation: Installation
    own: Outlook

    @property
    def access(self) -> Access:
        return self.own.access

    def put(self, *resources: dict[str, Any]) -> None:
        loader = replace(self.access, labels=LABELS)
        into = Ingest(self.installation.records, loader, ZoneInfo("UTC"))
        for each in resources:
            [outcome] = into.submit(json.dumps(each).encode())
            assert outcome.rejected is None, outcome.rejected
        catch_up(self.installation, ["series"], tenants=[self.access.tenant_id])

    def delete(self, kind: str, own: str) -> None:
        into = Ingest(self.installation.records, self.access, ZoneInfo("UTC"))
        assert into.delete(kind, f"_id={own}")
        catch_up(self.installation, ["series"], tenants=[self.access.tenant_id])

    def held(self, who: str) -> Prediction:
        with self.installation.database.tenant(self.access.tenant_id) as conn:
            row = conn.execute(
                "SELECT actual, actual_at, due_at FROM outlook_prediction "
                "WHERE tenant_id = %s AND prediction_id = %s", (self.access.tenant_id, who),
            ).fetchone()  # fmt: skip
        assert row is not None
        return told(who, *row)

    def changes(self) -> list[tuple[str, int, int]]:
        """Return (prediction, known before, known now) of each change that the audit tells of."""
        with self.installation.database.tenant(self.access.tenant_id) as conn:
            rows = conn.execute(
                "SELECT entities[1], detail->>'before', detail->>'known', user_id "
                "FROM audit_event WHERE tenant_id = %s AND subtype = 'prediction' "
                "AND action = 'U' ORDER BY seq",
                (self.access.tenant_id,),
            ).fetchall()
        assert {row[3] for row in rows} <= {FOLLOWER}
        return [(row[0].partition("/")[2], int(row[1]), int(row[2])) for row in rows]


def told(
    who: str, actual: bool | None = None, at: datetime | None = None, due: datetime | None = None,
    kind: str = RETURN,
) -> Prediction:  # fmt: skip
    return Prediction(who, who, kind, "1", kind, 0.3, 0.2, 0.4, 0.5, "", MADE, {}, actual, at, due)


def card(kind: str) -> ModelCard:
    return ModelCard(kind, "1", "nearest", kind, "", {}, {}, {})


def person(who: str, **more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": who, **more}


def stay(
    own: str, who: str, day: float, kind: str = "EMER", *, days: float | None = 0.1,
    status: str = "finished", **more: Any,
) -> dict[str, Any]:  # fmt: skip
    period = {"start": (MADE + day * DAY).isoformat()}
    if days is not None:
        period["end"] = (MADE + (day + days) * DAY).isoformat()
    return {
        "resourceType": "Encounter", "id": own, "status": status, "period": period,
        "class": {"system": ACT, "code": kind}, "subject": {"reference": f"Patient/{who}"}, **more,
    }  # fmt: skip


@pytest.fixture
def house(installation: Installation) -> House:
    tenant = Tenant(new_tenant_id(), f"f-{new_tenant_id().hex[:12]}", "F")
    installation.tenants.create(tenant)
    own = Outlook(installation, Access(tenant.tenant_id, "dr", frozenset({Role.CLINICIAN})))
    for kind in (RETURN, ACUTE):
        own.store.register(own.access, card(kind), None)
    made = House(installation, own)
    made.put(person("ann"), person("ben"), stay("before", "ann", -3, "IMP", days=2))
    for who in ("ann", "ben"):
        own.store.keep(own.access, told(who))
    return made


def known(house: House, *who: str) -> list[bool | None]:
    return [house.held(each).actual for each in who or ("ann", "ben")]


def test_it_is_settled_as_soon_as_the_record_tells_and_when_the_time_is_up(house: House) -> None:
    house.put(stay("visit", "ben", 10, "AMB"))
    assert known(house) == [None, None]
    house.put(stay("back", "ann", 20))
    assert known(house) == [True, None]
    ann = house.held("ann")
    assert ann.due_at == MADE + 90 * DAY
    # It counts for how right the model is when everybody's time is up, not as the first that came.
    assert [ann.counts(MADE + days * DAY) for days in (30, 89, 90)] == [False, False, True]
    house.put(stay("carol", "carol", 89, "AMB", days=0.5))  # heard until then: one day short
    assert known(house) == [True, None]
    house.put(stay("dora", "dora", 90, "AMB"))
    assert known(house) == [True, False]
    assert house.changes() == [("ann", 0, 1), ("ben", 0, 1)]


def test_what_happened_stands_in_the_series_and_is_taken_back_with_it(house: House) -> None:
    def drawn() -> dict[str, list[float]]:
        span = Span(kinds=[f"{RETURN}.actual"])
        found = house.installation.vitals.points(house.access, ["ann", "ben"], span)
        assert {each.at.tolist()[0] for each in found} <= {micros(MADE)}
        return {each.key.subject: each.value.tolist() for each in found}

    house.put(stay("visit", "ben", 10, "AMB"))
    assert drawn() == {}
    house.put(stay("back", "ann", 20))
    house.put(stay("later", "zoe", 200, "AMB"))
    assert drawn() == {"ann": [1.0], "ben": [0.0]}
    house.put(stay("back", "ann", 20, status="entered-in-error"))
    assert drawn() == {"ann": [0.0], "ben": [0.0]}
    house.installation.vitals.drop(house.access.tenant_id)
    assert draw(house.own.fates, house.installation.vitals, house.access.tenant_id) == 2
    assert drawn() == {"ann": [0.0], "ben": [0.0]}
    told = house.installation.vitals.points(house.access, ["ann"], Span())
    assert {e.key.kind: e.value.tolist() for e in told} == {
        RETURN: [0.3], f"{RETURN}.low": [0.2], f"{RETURN}.high": [0.4], f"{RETURN}.actual": [0.0],
    }  # fmt: skip
    house.put(stay("later", "zoe", 200, "AMB", status="entered-in-error"))
    assert drawn() == {}


def test_what_was_settled_follows_every_correction(house: House) -> None:
    house.put(stay("heard", "zoe", 91, "AMB"))
    assert known(house) == [False, False]
    late = stay("late", "ben", 40, "IMP")
    house.put(late)  # came in after the time was up
    assert known(house) == [False, True]
    first = house.held("ben").actual_at
    house.put({**late, "serviceType": {"text": "ward 7"}})
    assert house.held("ben").actual_at == first  # nothing of it changed
    house.put({**late, "status": "entered-in-error"})
    assert known(house) == [False, False]
    house.put({**late, "meta": HIV})  # restricted: it counts for nobody
    assert known(house) == [False, False]
    house.put({**late, "subject": {"reference": "Patient/ann"}})
    assert known(house) == [True, False]
    house.put({**late, "subject": {"reference": "Patient/ben"}})
    assert known(house) == [False, True]
    house.delete("Encounter", "late")
    assert known(house) == [False, False]
    assert [each[1:] for each in house.changes() if each[0] == "ben"] == [(0, 1), *4 * [(1, 1)]]


def test_a_date_that_was_wrong_takes_back_what_it_settled(house: House) -> None:
    house.put(stay("typo", "zoe", 95, "AMB"))
    assert known(house) == [False, False]
    house.put(stay("typo", "zoe", 5, "AMB"))
    assert known(house) == [None, None]
    assert house.held("ann").actual_at is None
    # What is planned or was called off did not happen, and tells of no later day.
    house.put(
        stay("plan", "ann", 30, status="planned"), stay("off", "ben", 30, status="cancelled"),
        stay("years", "zoe", 3000, "AMB", status="planned"),
    )  # fmt: skip
    assert known(house) == [None, None]


def test_a_death_counts_and_is_taken_back(house: House) -> None:
    house.put(person("ben", deceasedDateTime="2024-03-01"))  # the day it was told: a date alone
    assert known(house) == [None, True]
    house.put(person("ben"))
    assert known(house) == [None, None]
    house.put(person("ben", deceasedDateTime="2024-09-01"), stay("heard", "zoe", 91, "AMB"))
    assert known(house) == [False, False]  # it was after its time


def test_the_time_runs_from_the_end_of_the_stay(house: House) -> None:
    house.put(stay("now", "ann", -1, "IMP", days=None, status="in-progress"))
    house.put(stay("moved", "ann", 2), stay("heard", "zoe", 95, "AMB"))
    assert known(house) == [None, False]  # still in the house: nobody left it
    house.put(stay("now", "ann", -1, "IMP", days=11))
    assert known(house) == [None, False]  # nine days after: what was before is no return
    house.put(stay("heard", "zoe", 101, "AMB"))
    assert known(house) == [False, False]
    house.put(stay("back", "ann", 99))
    assert known(house) == [True, False]
    house.put(stay("now", "ann", -1, "IMP", days=5))  # left on the fourth day: it was too late
    assert known(house) == [False, False]


def test_a_merged_chart_speaks_and_falls_silent_again(house: House) -> None:
    house.put(person("twin"), stay("twins", "twin", 30), stay("heard", "zoe", 91, "AMB"))
    assert known(house) == [False, False]
    house.put(person("twin", active=False, **MERGED))
    assert known(house) == [True, False]
    house.put(person("twin"))
    assert known(house) == [False, False]


def test_a_year_is_another_time(house: House) -> None:
    house.own.store.keep(house.access, told("year", kind=ACUTE))
    with house.installation.database.tenant(house.access.tenant_id) as conn:
        conn.execute(
            "UPDATE outlook_prediction SET patient_id = 'ben' WHERE prediction_id = 'year'"
        )
    house.put(stay("heard", "zoe", 100, "AMB"))
    assert known(house, "ben", "year") == [False, None]
    house.put(stay("later", "ben", 200))
    assert known(house, "ben", "year") == [False, True]


@pytest.mark.slow
def test_the_follower_leaves_nothing_to_the_command(house: House) -> None:
    """Whatever comes in, in whichever order: asked again, nothing is another thing."""
    chance = random.Random(20261128)
    people = ["ann", "ben", "twin", "zoe"]

    def step() -> None:
        who, number = chance.choice(people), chance.randrange(6)
        if number == 0:
            house.put(person(who, **chance.choice([{}, {"deceasedDateTime": "2024-04-09"}])))
        elif number == 1:
            house.put(person("twin", **chance.choice([{}, {"active": False, **MERGED}])))
        else:
            house.put(
                stay(
                    f"s{chance.randrange(6)}", who, chance.choice([-3, 5, 50, 89, 91, 120]),
                    chance.choice(["AMB", "IMP", "EMER"]), days=chance.choice([None, 0.5, 4]),
                    status=chance.choice(["finished", "in-progress", "entered-in-error"]),
                )
            )  # fmt: skip

    seen = set[tuple[bool | None, ...]]()
    for _ in range(40):
        step()
        before, changes = known(house), house.changes()
        seen.add(tuple(before))
        house.own.fill_in(card(RETURN))
        assert (known(house), house.changes()) == (before, changes)
    assert len(seen) > 4


def news(house: House) -> Sequence[str]:
    return house.own.fates.touched(house.access.tenant_id, ["Encounter/heard"])


def test_news_of_others_look_at_nobody_whose_time_is_not_up(house: House) -> None:
    house.put(stay("heard", "zoe", 10, "AMB"))
    assert news(house) == []
    house.put(stay("heard", "zoe", 91, "AMB"))
    assert news(house) == []  # settled, both
