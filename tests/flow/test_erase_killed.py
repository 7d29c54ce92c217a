"""An erasure that is killed is finished by the same command, or by the next start: a patient's, and
a whole tenant's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.erasing import erasing
from app.tenant_erasing import registry
from app.wiring import Installation
from indexing.backends.postgres import audit
from indexing.errors import TenantErased
from tests import erased_ward
from tests.attack import Hospital, person
from tests.erased_ward import GONE, WORD, ingest, plain_scan

# The process kills itself with SIGKILL where it would do this.
KILLED = """
import os, signal, sys
import app.erasing as erasing, app.tenant_erasing as tenant_erasing
where = sys.argv.pop(1)
for each in (erasing, tenant_erasing):
    if hasattr(each, where):
        setattr(each, where, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
from app.cli.main import main
main()
"""


def _run(installation: Installation, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], text=True, capture_output=True, check=False, timeout=300,
        stdin=subprocess.DEVNULL, env={**os.environ, "ANAMNESIS_HOME": str(installation.home)},
    )  # fmt: skip


def _killed(installation: Installation, hospital: Hospital, where: str) -> list[str]:
    own = ["erase", "--tenant", hospital.tenant.code, "--patient", GONE, "--reason", "request 5"]
    return _killed_in(installation, where, own)


def _killed_in(installation: Installation, where: str, own: list[str]) -> list[str]:
    done = _run(installation, "-c", KILLED, where, *own, "--yes")
    assert done.returncode == -9, done.stdout + done.stderr
    return own


@pytest.mark.slow
@pytest.mark.parametrize("where", ["_take_in", "_refill", "_look"])
def test_the_same_command_goes_on(installation: Installation, where: str) -> None:
    hospital = erased_ward.build(installation)
    tenant_id = hospital.tenant.tenant_id
    own = _killed(installation, hospital, where)
    refused = ingest(installation, hospital, person(GONE, WORD)).rejected
    assert refused is not None
    assert "erased" in refused.reason
    done = _run(installation, "-m", "app.cli.main", *own, "--yes", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert told["removed"]["resource"] > 8
    # Texts are known again where the records were not emptied yet.
    assert bool(told["proofs"][0]["words"]) == (where == "_take_in")
    for needle in (GONE, WORD):
        assert plain_scan(installation, tenant_id, needle) == []
    with installation.database.tenant(tenant_id) as conn:
        assert audit.broken_at(conn) is None


@pytest.mark.slow
def test_the_next_start_goes_on(installation: Installation) -> None:
    hospital = erased_ward.build(installation)
    tenant_id = hospital.tenant.tenant_id
    _killed(installation, hospital, "_refill")
    assert len(erasing(installation).unfinished(tenant_id)) == 1
    told = _run(installation, "-m", "app.cli.main", "doctor")
    assert f"begun and not finished: {hospital.tenant.code}" in told.stdout
    # What `serve` starts beside itself; it ends with its parent, whose end of the pipe is closed.
    done = _run(installation, "-m", "app.cli.main", "index", "follow", "--with-parent")
    assert done.returncode == 0, done.stdout + done.stderr
    assert erasing(installation).unfinished(tenant_id) == []
    for needle in (GONE, WORD):
        assert plain_scan(installation, tenant_id, needle) == []


@pytest.mark.slow
@pytest.mark.parametrize("where", ["_export", "_empty", "remove_files", "proof_of"])
def test_the_same_command_goes_on_with_a_tenant(
    installation: Installation, tmp_path: Path, where: str
) -> None:
    hospital = erased_ward.build(installation)
    code, tenant_id = hospital.tenant.code, hospital.tenant.tenant_id
    audit_file = tmp_path / "audit.ndjson"
    _killed_in(installation, where, ["tenants", "erase", code, "--reason", "request 6",
                                     "--export-audit", str(audit_file)])  # fmt: skip
    with pytest.raises(TenantErased):
        ingest(installation, hospital, person(GONE, WORD))
    done = _run(installation, "-m", "app.cli.main", "tenants", "erase", code, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert (told["reason"], told["audit_at"]) == ("request 6", str(audit_file))
    assert told["removed"]["resource"] > 8
    assert len(audit_file.read_text().splitlines()) == told["audit_rows"]
    with installation.owner_database.let_in(tenant_id):
        for needle in (GONE, WORD, str(tenant_id)):
            assert plain_scan(installation, tenant_id, needle) == []


@pytest.mark.slow
def test_the_next_start_goes_on_with_a_tenant(installation: Installation) -> None:
    hospital = erased_ward.build(installation)
    code, tenant_id = hospital.tenant.code, hospital.tenant.tenant_id
    _killed_in(installation, "_empty", ["tenants", "erase", code, "--reason", "request 7"])
    assert [each.code for each in registry(installation).unfinished()] == [code]
    done = _run(installation, "-m", "app.cli.main", "index", "follow", "--with-parent")
    assert done.returncode == 0, done.stdout + done.stderr
    assert registry(installation).unfinished() == []
    with installation.owner_database.let_in(tenant_id):
        assert plain_scan(installation, tenant_id, WORD) == []
