"""`anamnesis tenants`."""

from __future__ import annotations

from collections.abc import Sequence

from app.cli.output import print_json
from app.settings import load
from app.tenant_erasing import registry
from app.wiring import Installation
from indexing.backends.postgres.tenants import new_tenant_id
from indexing.erasure import TenantErasure
from indexing.model import Tenant


def create_command(
    code: str, name: str, tier: str, region: str, compliance: str, time_zone: str, *, as_json: bool
) -> int:
    """Add a tenant."""
    marks = tuple(mark.strip() for mark in compliance.split(",") if mark.strip())
    tenant = Tenant(
        new_tenant_id(), code, name, tier=tier, region=region, compliance=marks, time_zone=time_zone
    )
    installation = Installation(load())
    installation.tenants.create(tenant)
    if as_json:
        print_json({"code": code, "tenant_id": str(tenant.tenant_id)})
    else:
        print(f"tenant {code} created")
    installation.close()
    return 0


def list_command(*, erased: bool, as_json: bool) -> int:
    """List the tenants, or those that were erased."""
    installation = Installation(load())
    if erased:
        _list_erased(registry(installation).all(), as_json=as_json)
        installation.close()
        return 0
    tenants = installation.tenants.all()
    if as_json:
        print_json(
            [
                {"code": t.code, "name": t.name, "tier": t.tier, "active": t.active}
                for t in tenants
            ]
        )  # fmt: skip
    else:
        for tenant in tenants:
            print(f"{tenant.code}\t{tenant.name}\t{tenant.tier}")
    installation.close()
    return 0


def _list_erased(found: Sequence[TenantErasure], *, as_json: bool) -> None:
    if as_json:
        print_json([register_row(each) for each in found])
        return
    for each in found:
        when = "unfinished" if each.finished_at is None else f"{each.finished_at:%Y-%m-%d}"
        print(f"{each.code}\t{when}\t{each.asked_by}\t{each.reason}")


def register_row(erasure: TenantErasure) -> dict[str, object]:
    """Return what the register says of a tenant that was erased."""
    own = erasure
    return {
        "code": own.code, "asked_by": own.asked_by, "reason": own.reason,
        "began_at": own.began_at, "finished_at": own.finished_at, "removed": own.removed,
        "audit_rows": own.audit_rows, "audit_hash": own.audit_hash and own.audit_hash.hex(),
        "audit_at": own.export_to if own.exported_at else "",
    }  # fmt: skip
