"""Every node that a Cypher statement names is the tenant's: there is no way around the builder."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from uuid import uuid4

import pytest

from indexing.access import Access, Role
from indexing.backends.neo4j import connect, graph, held, medical, vectors, words
from indexing.backends.neo4j.compile import conditions, micros, scoped
from indexing.errors import EngineUnavailable, EventRejected
from indexing.filters import Filters
from indexing.model import TenantId

MADE = {
    "MATCH (d:Note) RETURN d": "MATCH (d:Note {tenant: $tenant}) RETURN d",
    "MATCH (d:Note {id: $id})-[m:IS]->(:Concept)": (
        "MATCH (d:Note {tenant: $tenant, id: $id})-[m:IS]->(:Concept {tenant: $tenant})"
    ),
    "MATCH (c:Concept) RETURN COUNT { (c)<-[:IS]-() } AS n, count(c)": (
        "MATCH (c:Concept {tenant: $tenant}) RETURN COUNT { (c)<-[:IS]-() } AS n, count(c)"
    ),
}


@pytest.mark.parametrize(("statement", "made"), MADE.items())
def test_the_tenant_is_put_into_every_node(statement: str, made: str) -> None:
    assert scoped(statement) == made


@pytest.mark.parametrize(
    "statement",
    [
        "MATCH (d) RETURN d", "MATCH () RETURN 1", "MATCH (d:Note)-[m]->() RETURN m",
        "MATCH (d:Note)-->(c) RETURN c", "RETURN COUNT { (c)<-[:MENTIONS]-() } AS n",
    ],
)  # fmt: skip
def test_a_node_that_cannot_be_held_to_a_tenant_is_refused(statement: str) -> None:
    with pytest.raises(ValueError, match="without a tenant"):
        scoped(statement)


def test_every_statement_of_the_engine_names_its_tenant_in_every_node() -> None:
    found = [
        value for module in (graph, held, medical, vectors, words)
        for name, value in vars(module).items()
        if name.startswith("_") and isinstance(value, str) and re.search(r"\(\w*:", value)
    ]  # fmt: skip
    assert len(found) > 30
    for statement in found:
        wide = "{where}" in statement or "{label}" in statement
        made = scoped(
            statement.format(where="true", label="Note", metric="cosine") if wide else statement
        )
        nodes = re.findall(r"(?<!\w)\(\w*:\w+[^()]*\)", made)
        assert nodes
        assert all("tenant: $tenant" in node for node in nodes)


def test_conditions_bind_their_values_and_hold_unknown_labels_back() -> None:
    access = Access(TenantId(uuid4()), "x", frozenset({Role.CLINICIAN}), patients=frozenset({"P"}))
    only = {"type": ("Clinic'}) //",), "patient": ("AB1",)}
    filters = Filters(only=only, date_from=datetime(2023, 1, 1, tzinfo=UTC))
    where, values = conditions(access, filters)
    assert "Clinic" not in where
    assert values["only_type"] == ["clinic'}) //"]
    assert values["only_patient"] == ["AB1"]
    assert "d.labels IS NULL" in where
    assert "d.patient_id IN $open_patients" in where


def test_a_moment_is_one_number_in_every_zone() -> None:
    noon = datetime(2023, 5, 1, 12, 0, 0, 1, tzinfo=UTC)
    assert micros(noon) == micros(noon.astimezone(timezone(timedelta(hours=5)))) == 1682942400000001


@pytest.mark.parametrize(
    ("code", "kind", "hint"),
    [
        ("Neo.ClientError.Security.Unauthorized", EngineUnavailable, "PASSWORD"),
        ("Neo.ClientError.Security.CredentialsExpired", EngineUnavailable, "PASSWORD"),
        ("Neo.ClientError.Statement.TypeError", EventRejected, ""),
        ("Neo.TransientError.Transaction.DeadlockDetected", EngineUnavailable, "doctor"),
        ("Neo.ClientError.General.ForbiddenOnReadOnlyDatabase", EngineUnavailable, "read_only"),
        ("Neo.DatabaseError.General.UnknownError", EngineUnavailable, "doctor"),
    ],
)
def test_errors_are_told_by_their_code_alone(code: str, kind: type[Exception], hint: str) -> None:
    from neo4j.exceptions import Neo4jError

    words = "parameter {id: 'Ada Example'}"
    error = Neo4jError._hydrate_neo4j(code=code, message=words)
    made = connect.mapped(error)
    assert isinstance(made, kind)
    assert "Ada" not in f"{made} {made.hint}"
    assert code in str(made)
    assert hint in made.hint
