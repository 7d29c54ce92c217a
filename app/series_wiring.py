"""Which engine keeps the series."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from app.engines import require
from indexing.erasure import marks_of
from indexing.vitals.intake import Intake
from indexing.vitals.store import VitalsStore

if TYPE_CHECKING:
    from app.wiring import Installation


def intake_of(installation: Installation) -> Intake:
    """Return the way in for streams, which is closed to patients who were erased."""
    from indexing.backends.postgres.erased import PostgresErased

    marks = marks_of(installation.secrets.pepper)
    erased = PostgresErased(installation.database, marks)
    intake = Intake(installation.vitals, erased=erased.among)
    installation.letting_go.append(intake.let_go)
    return intake


def vitals_of(installation: Installation) -> VitalsStore:
    """Return the engine that the settings name."""
    match installation.settings.vitals:
        case "postgres":
            from indexing.backends.postgres.vitals import PostgresVitals

            return PostgresVitals(installation.database)
        case "timescale":
            from indexing.backends.postgres.installation import ROLES
            from indexing.backends.postgres.timescale import timescale_vitals

            return timescale_vitals(
                installation.database, installation.owner_database, ROLES["app"]
            )
        case "influxdb":
            require("influxdb")
            from indexing.backends.influxdb.vitals import InfluxVitals

            return InfluxVitals(installation.influxdb, installation.database.tenant)
        case "memory":
            from indexing.backends.memory.vitals import MemoryVitals

            return MemoryVitals()
        case other:
            assert_never(other)
