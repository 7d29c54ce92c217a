"""`anamnesis graph`: what the commands do."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

from app.cli.output import operator, print_json, shown
from app.graph_drawing import said, told, words
from app.medical import (
    condition_pathways,
    interactions_json,
    neighbourhood_json,
    node_graph,
    pathways_json,
)
from app.services import services_of
from app.settings import load
from app.wiring import Installation
from indexing.audit import AuditRow
from indexing.errors import InvalidInput
from indexing.medical_follow import rebuild_medical
from indexing.site_edges import FOLDER, read_edges
from rankers.medical import Neighbourhood


def neighbours_command(tenant: str, patient: str, name: str, hops: int, *, as_json: bool) -> None:
    """Print a neighbourhood."""
    if bool(patient) == bool(name):
        raise InvalidInput("name either --patient or --name")
    installation = Installation(load())
    access = operator(installation.tenants.by_code(tenant))
    own = services_of(installation)
    if patient:
        real = own.charts.standing(access, patient)
        own.trail.record(access, AuditRow("R", "graph", [real], [f"Patient/{real}"]))
        found = own.medical(access.tenant_id).around_patient(access, [real], hops)
    else:
        found = node_graph(own, access, name, hops)
    if as_json:
        print_json(neighbourhood_json(found))
    else:
        _print(found, ZoneInfo(access.time_zone))
    installation.close()


def _print(found: Neighbourhood, zone: tzinfo) -> None:
    names = {placed.node.node_id: placed.node.name for placed in found.nodes}
    for edge in found.edges:
        more = ", ".join(said(edge, zone))
        print(shown(f"{names[edge.source]} — {told(edge)} → {names[edge.target]}") + f"  {more}")
    print(f"{len(found.nodes)} nodes, {found.left_out} as near are not shown")


def pathways_command(tenant: str, condition: str, k: int, *, as_json: bool) -> None:
    """Print how a condition was treated."""
    installation = Installation(load())
    access = operator(installation.tenants.by_code(tenant))
    found = condition_pathways(services_of(installation), access, condition, k)
    if as_json:
        print_json(pathways_json(found))
    else:
        print(f"{found.condition.name}: {found.carriers} patients")
        for each in found.treatments:
            share = each.patients / found.carriers if found.carriers else 0
            name, relation = each.treatment.name, words(each.relation)
            print(f"{each.patients:>6}  {share:>6.1%}  {relation:<12}  {name}")
        if found.more:
            print(f"rarer ones are not shown: --k {2 * k}")
    installation.close()


def interactions_command(tenant: str, patient: str, past: bool, *, as_json: bool) -> None:
    """Print which medications act on each other."""
    installation = Installation(load())
    access = operator(installation.tenants.by_code(tenant))
    own = services_of(installation)
    real = own.charts.standing(access, patient)
    own.trail.record(access, AuditRow("R", "graph", [real], [f"Patient/{real}"]))
    found = own.medical(access.tenant_id).interactions(access, [real], past=past)
    if as_json:
        print_json({"interactions": interactions_json(found)})
    else:
        for each in found:
            print(f"{each.severity or 'shared target':<16} {' with '.join(each.drugs)}: {each.what}"
                  f" ({each.first}; {each.second})")  # fmt: skip
        print(f"{len(found)} found; what is not in the loaded knowledge is not found")
    installation.close()


def load_command(paths: Sequence[Path], *, as_json: bool) -> None:
    """Check edges files, then keep them in the home folder; one that is wrong keeps all out."""
    counts = {
        path.name: sum(1 for _ in read_edges(path.read_text("utf-8"), path.name)) for path in paths
    }
    folder = load().home / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for path in paths:
        shutil.copyfile(path, folder / path.with_suffix(".tsv").name)
    if as_json:
        print_json({"edges": counts})
    else:
        for name, count in counts.items():
            print(f"{name}: {count} edges")


def rebuild_command(tenant: str, *, as_json: bool) -> None:
    """Make a tenant's graph anew."""
    installation = Installation(load())
    found = installation.tenants.by_code(tenant)
    count = rebuild_medical(
        found.tenant_id,
        installation.medical.facts,
        installation.medical.graph,
        installation.medical.of(found.tenant_id).maker,
    )
    if as_json:
        print_json({"entries": count})
    else:
        print(f"{count} entries")
    installation.close()
