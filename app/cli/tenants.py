"""`anamnesis tenants`."""

from __future__ import annotations

from app.cli.output import print_json
from app.settings import load
from app.wiring import Installation
from indexing.backends.postgres.tenants import new_tenant_id
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


def list_command(*, as_json: bool) -> int:
    """List the tenants."""
    installation = Installation(load())
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
