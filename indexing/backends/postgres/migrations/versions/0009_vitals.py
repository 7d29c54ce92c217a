"""Series over time: points by half-years, what each hour comes to, and which hours are to count."""

from __future__ import annotations

from alembic import context, op

revision = "0009"
down_revision = "0008"

_TABLES = (
    """
    CREATE TABLE vital_series (
        tenant_id uuid NOT NULL,
        series_id bigint GENERATED ALWAYS AS IDENTITY,
        measurement text COLLATE "C" NOT NULL,
        subject text COLLATE "C" NOT NULL,        -- a patient's id, a model's or a trial's name
        kind text COLLATE "C" NOT NULL,
        unit text COLLATE "C" NOT NULL,           -- UCUM, or as sent by FHIR where that is none
        device text COLLATE "C" NOT NULL,
        place text COLLATE "C" NOT NULL,
        source text COLLATE "C" NOT NULL,         -- fhir, stream, model
        labels text[] NOT NULL,
        PRIMARY KEY (tenant_id, series_id),
        UNIQUE (tenant_id, subject, kind, measurement, unit, device, place, source, labels)
    )
    """,
    "CREATE INDEX vital_series_kind ON vital_series (tenant_id, kind)",
    """
    CREATE TABLE vital_point (
        tenant_id uuid NOT NULL,
        series_id bigint NOT NULL,
        at timestamptz NOT NULL,
        value double precision NOT NULL,
        quality real,
        battery real,
        score real,                               -- anomaly, NULL where it could not be judged
        flag smallint NOT NULL,
        PRIMARY KEY (tenant_id, series_id, at)
    ) PARTITION BY RANGE (at)
    """,
    """
    CREATE TABLE vital_rollup (
        tenant_id uuid NOT NULL,
        series_id bigint NOT NULL,
        hour timestamptz NOT NULL,
        count integer NOT NULL,
        mean double precision NOT NULL,
        low double precision NOT NULL,
        high double precision NOT NULL,
        deviation double precision NOT NULL,      -- of the population
        anomalies integer NOT NULL,
        PRIMARY KEY (tenant_id, series_id, hour)
    )
    """,
    "CREATE INDEX vital_rollup_hour ON vital_rollup (tenant_id, hour, series_id)",
    # Written with the points, in their transaction, and taken out in that of the roll-up. Every
    # write adds rows of its own: one that waits to commit while the hour is counted leaves its
    # mark behind it, and the hour is counted again.
    """
    CREATE TABLE vital_stale (
        tenant_id uuid NOT NULL,
        series_id bigint NOT NULL,
        hour timestamptz NOT NULL,
        mark bigint GENERATED ALWAYS AS IDENTITY,
        PRIMARY KEY (tenant_id, series_id, hour, mark)
    )
    """,
    """
    CREATE TABLE vital_origin (
        tenant_id uuid NOT NULL,
        origin text COLLATE "C" NOT NULL,         -- Observation/<id>
        series_id bigint NOT NULL,
        at timestamptz NOT NULL,
        PRIMARY KEY (tenant_id, origin, series_id, at)
    )
    """,
    "CREATE INDEX vital_origin_point ON vital_origin (tenant_id, series_id, at)",
)


def upgrade() -> None:
    """Row security is not inherited, and a partition can be named: each is protected."""
    app = context.config.attributes["roles"]["app"]
    for statement in _TABLES:
        op.execute(statement)
    for name in ("series", "point", "rollup", "stale", "origin"):
        op.execute(f"SELECT protect('vital_{name}')")
    below = "MINVALUE"
    for year in range(2020, 2037):
        for month in ("01", "07"):
            part, above = f"vital_point_before_{year}_{month}", f"'{year}-{month}-01 00:00:00+00'"
            op.execute(
                f"CREATE TABLE {part} PARTITION OF vital_point FOR VALUES FROM ({below}) "
                f"TO ({above})"
            )
            _close(part, app)
            below = above
    op.execute("CREATE TABLE vital_point_later PARTITION OF vital_point DEFAULT")
    _close("vital_point_later", app)


def _close(part: str, app: str) -> None:
    op.execute(f"SELECT protect('{part}')")
    op.execute(f"REVOKE ALL ON {part} FROM {app}")
