"""`anamnesis eval outlook`: calibration, skill and the ranking of treatments, against the truth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal
from zoneinfo import ZoneInfo

import orjson

from app.cli.output import feeder, print_json, stderr
from app.outlook import people
from app.settings import Settings
from app.wiring import Installation
from eval.outlook import RiskFigures, risk, treatments
from eval.synthea import crossed
from indexing.access import Access
from indexing.backends.postgres.embedded import Server
from indexing.backends.postgres.outlook import PostgresOutlook
from indexing.backends.postgres.tenants import new_tenant_id
from indexing.errors import InvalidInput
from indexing.fhir.sources import Source, read_sources
from indexing.ingest import Ingest
from indexing.model import Tenant
from indexing.outlook import TYPES

# What outcomes are told by, and what these point at.
_READ = frozenset("Patient Encounter Condition MedicationRequest Organization Practitioner".split())


def outlook_command(
    known: int, held_out: int, patients: int, calibration: Literal["isotonic", "platt"], *,
    as_json: bool,
) -> int:  # fmt: skip
    """Measure on invented patients and print; return 0.

    Raises:
        ConfigurationError: the extra `outlook` is not installed.
    """
    found, ranked = risk(known, held_out, calibration), treatments(patients)
    if as_json:
        print_json({"risk": asdict(found), "treatments": asdict(ranked)})
        return 0
    _risk(found)
    print(f"treatments: Kendall tau {ranked.tau:.3f} over {ranked.pairs} pairs of options, "
          f"{ranked.patients} patients, {ranked.conditions} conditions; "
          f"{ranked.unmarked} contraindicated ones unmarked")  # fmt: skip
    return 0


def synthea_command(
    path: Path, calibration: Literal["isotonic", "platt"], *, as_json: bool
) -> int:  # fmt: skip
    """Take bundles into a hospital that lasts as long as the command, and measure on its outcomes
    of each type; return 0."""
    with TemporaryDirectory(prefix="anamnesis-") as folder:
        installation = Installation(Settings(home=Path(folder)))
        try:
            access = _taken_in(installation, path)
            told = {kind: _crossed(installation, access, kind, calibration) for kind in TYPES}
        finally:
            installation.close()
            Server(Path(folder)).stop()
    if as_json:
        print_json(told)
        return 0
    for kind, own in told.items():
        print(f"{kind}: " + ", ".join(f"{name} {_short(each)}" for name, each in own.items()))
    return 0


def _short(value: object) -> str:
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def _taken_in(installation: Installation, path: Path) -> Access:
    """Store what the outcomes and their model read of the bundles, and no more."""
    tenant = Tenant(new_tenant_id(), "synthea", "Synthea")
    installation.tenants.create(tenant)
    access = feeder(tenant)

    def kept() -> Iterator[Source]:
        for source in read_sources([path]):
            if isinstance(source, Source):
                bundle = orjson.loads(source.data)
                entries = [e for e in bundle["entry"] if e["resource"]["resourceType"] in _READ]
                if entries:
                    yield replace(source, data=orjson.dumps({**bundle, "entry": entries}))

    into = Ingest(installation.records, access, ZoneInfo("UTC"))
    tally = into.run(kept(), on_outcomes=lambda _: None)
    stderr.print(f"{tally.accepted} resources stored, {tally.rejected} refused")
    return access


def _crossed(
    installation: Installation, access: Access, kind: str, calibration: Literal["isotonic", "platt"]
) -> dict[str, Any]:
    found = people(PostgresOutlook(installation.database).outcomes(access, kind_of=kind))
    try:
        return asdict(crossed(found, calibration))
    except InvalidInput as few:
        return {"patients": len(found), "withheld": len(found), "why": str(few)}


def _risk(found: RiskFigures) -> None:
    print(f"risk: {found.held_out} held-out patients, {found.withheld} withheld; expected "
          f"calibration error {found.error:.4f}; Brier skill {found.skill:.4f} "
          f"[{found.low:.4f}, {found.high:.4f}], base rate {found.base_rate:.3f}")  # fmt: skip
    for name, (count, chance, share) in found.groups.items():
        print(f"  {name:<14} {count:>6}  told {chance:.3f}  happened {share:.3f}")
