"""Passages looked at by the database: filters and access as conditions, the nearest of what they
let through."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from weakref import WeakSet

from pgvector import Vector
from pgvector.psycopg import register_vector

from indexing.access import Access
from indexing.backends.postgres.connect import Connection
from indexing.filters import Filters
from indexing.ports import Vectors
from indexing.spaces import CLINICAL_NOTES, filtered_by, folded

# At 62,517 passages of notes much alike, under four filters: recall@10 .982 to .997 in 5 to 26 ms;
# by 200, over a graph built by half the `ef_construction`, .954 to .976.
_EF_SEARCH = 400

SETS = ("conditions", "medications")  # of codes, columns of their own

# Registering asks the catalogue for four types; a pooled connection is asked once.
_KNOWING: WeakSet[Connection] = WeakSet()


def know_vectors(conn: Connection) -> None:
    """Let a connection send and read vectors."""
    if conn not in _KNOWING:
        register_vector(conn)
        _KNOWING.add(conn)


def conditions(access: Access, filters: Filters) -> tuple[str, list[Any]]:
    """Return the WHERE clause and its values.

    The tenant stands there as a constant too: the planner then tests the policy once per
    statement, where it would otherwise read the setting again for every row.
    """
    parts = ["tenant_id = %s", "(labels IS NULL OR labels <@ %s)"]
    values: list[Any] = [access.tenant_id, sorted(access.labels)]
    if access.patients is not None:
        parts.append("patient = ANY(%s) AND patient_id = ANY(%s)")
        values += _patients(access.patients)
    for wanted, sign in ((filters.only, ""), (filters.without, "NOT ")):
        for name, accepted in wanted.items():
            if name not in filtered_by(CLINICAL_NOTES):
                parts.append(f"{sign}false")
                continue
            if name == "patient":
                parts.append(f"{sign}(patient = ANY(%s) AND coalesce(patient_id, '') = ANY(%s))")
                values += _patients(accepted)
                continue
            holds = f"coalesce({name}, ARRAY['']) && %s" if name in SETS else f"{name} = ANY(%s)"
            parts.append(f"{sign}{holds}")
            values.append(sorted(folded(CLINICAL_NOTES, name, accepted)))
    if filters.at_least or filters.at_most:
        parts.append("false")  # a note has no numbers
    for part, value in dated(filters):
        parts.append(part)
        values.append(value)
    return " AND ".join(parts), values


def _patients(ids: Iterable[str]) -> list[list[str]]:
    """Return ids as the column holds them that has an index, and as they are."""
    told = sorted(ids)
    return [[each.casefold() for each in told], told]


def dated(filters: Filters) -> list[tuple[str, datetime]]:
    """Return the conditions on an entry's interval, each with its value."""
    asked = (("date_end > %s", filters.date_from), ("date_start < %s", filters.date_to))
    return [(part, value) for part, value in asked if value is not None]


def nearest(
    conn: Connection, where: str, values: list[Any], vector: Vectors, n: int, approximate: bool
) -> tuple[int, list[tuple[str, float, int]]]:
    """Look at the n nearest passages; return how many there were, and for each of their documents
    (doc_id, cosine, passage) of the best one, the first where two are equal."""
    q = Vector(vector)
    d = q.dimensions()
    if approximate:
        conn.execute(
            "SELECT set_config('hnsw.ef_search', %s, true), "
            "set_config('hnsw.iterative_scan', 'relaxed_order', true), "
            "set_config('hnsw.max_scan_tuples', '40000', true)",
            (str(_EF_SEARCH),),
        )
        order, chosen = f"embedding::halfvec({d}) <#> %s::halfvec({d})", "embedding <#> %s"
        bound = [q, *values, q, n]
    else:
        # "+ 0": no index orders by that, so every row is read; by its name, so that the distance
        # is computed once for each.
        order, chosen = "distance", "(embedding <#> %s) + 0"
        bound = [q, *values, n]
    rows = conn.execute(
        "SELECT DISTINCT ON (doc_id) doc_id, -distance, number, count(*) OVER () FROM ("
        f"SELECT doc_id, number, {chosen} AS distance FROM vector_passage WHERE {where} "
        f"ORDER BY {order} LIMIT %s) AS nearest ORDER BY doc_id, distance, number",
        bound,
        binary=True,
    ).fetchall()
    return (rows[0][3] if rows else 0), [row[:3] for row in rows]
