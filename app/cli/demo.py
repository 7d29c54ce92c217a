"""`anamnesis demo`: an invented hospital, indexed and served, with two logins to try."""

from __future__ import annotations

import json
import os
import secrets
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from app.auth.passwords import Passwords
from app.cli.output import feeder, progress, stderr
from app.cli.serve import address, listen, run, with_address
from app.cli.waiting import wait_until_searchable
from app.demo_logins import codes, logins_of
from app.settings import load
from app.wiring import Installation
from eval.hospital import DEFAULT_SEED, bundles, studies_bundle, trial_lines
from indexing.access import Role
from indexing.backends.postgres.accounts import PostgresAccounts
from indexing.backends.postgres.tenants import new_tenant_id
from indexing.errors import NotFound, TenantErased
from indexing.fhir.sources import Source
from indexing.ingest import Ingest, Outcome
from indexing.model import Tenant
from indexing.vitals.intake import Intake

LOGINS = {"clinician": Role.CLINICIAN, "researcher": Role.RESEARCHER}


def demo_command(patients: int, port: int | None) -> int:
    """Make the hospital once per installation, then serve it; return the exit code."""
    settings = with_address(load(), None, port)
    listening = listen(settings)
    installation = Installation(settings)
    tenant = demo_tenant(installation)
    logins = _logins(installation, tenant)
    _fill(installation, tenant, patients)
    wait_until_searchable(installation, ("text",))
    _announce(address(settings), tenant.code, logins)
    watcher = threading.Thread(target=_watch_vectors, args=(Installation(settings),), daemon=True)
    watcher.start()
    run(installation, listening)
    return 0


def demo_tenant(installation: Installation) -> Tenant:
    """Return the demo hospital of an installation, made under the next code where one was erased;
    a hospital that is not invented keeps its code, and gets no invented patients."""
    for code in codes():
        with suppress(TenantErased):
            try:
                tenant = installation.tenants.by_code(code)
            except NotFound:
                tenant = Tenant(new_tenant_id(), code, "St. Mnemosyne Hospital", demo=True)
                installation.tenants.create(tenant)
            if tenant.demo:
                return tenant
    raise AssertionError("codes do not end")


def _logins(installation: Installation, tenant: Tenant) -> dict[str, str]:
    """Return {name: password}: random, made once per installation, readable by its owner only."""
    path = logins_of(installation.home, tenant.code)
    if path.exists():
        return dict(json.loads(path.read_text()))
    accounts, passwords = PostgresAccounts(installation.database), Passwords()
    known = {account.name: account for account in accounts.accounts(tenant.tenant_id)}
    logins = {name: secrets.token_urlsafe(12) for name in LOGINS}
    for name, password in logins.items():
        hashed = passwords.hash(password)
        if name in known:  # a run that was killed between the account and the file
            accounts.set_password(tenant.tenant_id, known[name].user_id, hashed)
        else:
            accounts.create(tenant.tenant_id, name, [LOGINS[name]], hashed)
    _write_secret(path, json.dumps(logins))
    return logins


def _write_secret(path: Path, text: str) -> None:
    draft = path.with_suffix(".draft")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        out.write(text)
    draft.rename(path)


def _fill(installation: Installation, tenant: Tenant, patients: int) -> None:
    """Generate and ingest; a second run finds the same bytes and changes nothing."""
    into = Ingest(
        installation.records, feeder(tenant), ZoneInfo(tenant.time_zone), reason="demo hospital"
    )
    with progress() as bar:
        task = bar.add_task("inventing patients", total=patients)

        def sources() -> Iterator[Source]:
            for number, bundle in enumerate(bundles(patients, DEFAULT_SEED)):
                yield Source("hospital", number, bundle)
                bar.update(task, completed=number)
            studies = studies_bundle(patients, DEFAULT_SEED)
            yield Source("studies", 0, json.dumps(studies).encode())

        refused = [0]

        def note(outcomes: list[Outcome]) -> None:
            refused[0] += sum(outcome.rejected is not None for outcome in outcomes)

        tally = into.run(sources(), on_outcomes=note)
    Intake(installation.vitals).lines(
        tenant.tenant_id, trial_lines(datetime.now(UTC), DEFAULT_SEED), "s"
    )
    stderr.print(f"{tally.accepted} resources of {patients} invented patients")


def _announce(url: str, code: str, logins: dict[str, str]) -> None:
    lines = ["", f"  Anamnesis is at {url}", f"  DEMO – invented patients, hospital {code}", ""]
    lines += [f"  {name:<12} {password}" for name, password in logins.items()]
    print("\n".join([*lines, "", "  Ctrl-C ends it.", ""]), flush=True)


def _watch_vectors(installation: Installation) -> None:
    """Show how far the vectors are, while people already search by words and concepts."""
    total = installation.feed.pending("embed", installation.vector_followers()[0].kind)
    if not total:
        return
    with progress() as bar:
        task = bar.add_task("making vectors", total=total)
        pause = threading.Event()
        while pending := installation.feed.pending(
            "embed", installation.vector_followers()[0].kind
        ):
            bar.update(task, completed=total - pending)
            pause.wait(0.5)
        bar.update(task, completed=total)
    installation.close()
