"""`anamnesis erase`: erase, finish, prove, lift. Ids and counts are printed, never a text."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final

import typer

from app.cli.output import operator, print_json, stderr
from app.erasing import alone, by_operator, eraser, erasing, go_on
from app.settings import load
from app.wiring import Installation
from indexing.access import Access
from indexing.erasure import Proof, marks_of
from indexing.errors import InvalidInput, NotFound
from indexing.model import Tenant

_LEFT: Final = "SOMETHING IS LEFT: see where it was found, and run the same command again"
_BY_IDS: Final = "; it looks for ids alone then, and --prove --words FILE for texts"


def erase_command(tenant: str, patient: str, reason: str, *, yes: bool, as_json: bool) -> int:
    """Erase one patient; return the exit code."""
    installation, found = _opened(tenant)
    _require(reason, "--reason", "why the patient is erased, without saying who")
    own = eraser(installation)
    people, held = own.plan(found.tenant_id, patient)
    _confirm(people, held, yes=yes)
    with alone(installation):
        erasure, proof = own.erase(_access(found), patient, reason)
    [now] = [e for e in erasing(installation).of(found.tenant_id, erasure.marks)
             if e.erasure_id == erasure.erasure_id]  # fmt: skip
    told: dict[str, object] = {
        "erasure": str(now.erasure_id), "marks": now.marks, "removed": now.removed,
        "finished_at": now.finished_at,
    }  # fmt: skip
    if not as_json:
        print(f"{sum(now.removed.values())} rows removed; the audit names {', '.join(now.marks)}")
    installation.close()
    return tell([proof], told, as_json=as_json)


def go_on_command(tenant: str, *, as_json: bool) -> int:
    """Finish every erasure of a tenant that was begun."""
    installation, found = _opened(tenant)
    proofs = go_on(installation, _access(found))
    if not proofs and not as_json:
        print("no erasure was begun and not finished")
    installation.close()
    return tell(proofs, {"finished": len(proofs)}, as_json=as_json)


def prove_command(tenant: str, patient: str, words: Path | None, *, as_json: bool) -> int:
    """Look for a patient's id, and for texts, in every store."""
    installation, found = _opened(tenant)
    _require(patient, "--patient", "whose id to look for")
    texts = words.read_text(encoding="utf-8").splitlines() if words is not None else []
    proof = eraser(installation).prove(found.tenant_id, patient, texts)
    installation.close()
    return tell([proof], {}, as_json=as_json)


def lift_command(tenant: str, patient: str, reason: str, *, as_json: bool) -> int:
    """Let a patient be taken in again.

    Raises: NotFound: no erasure bars them that can be lifted.
    """
    installation, found = _opened(tenant)
    _require(patient, "--patient", "whom to take in again")
    _require(reason, "--reason", "why, without saying who")
    marks = marks_of(installation.secrets.pepper)(found.tenant_id, [patient])
    lifted = erasing(installation).lift(_access(found), marks, reason)
    if not lifted:
        raise NotFound(
            "no erasure that is finished, or that emptied nothing yet, bars this patient"
        )
    if as_json:
        print_json({"lifted": lifted})
    else:
        print("the patient is taken in again, as new")
    installation.close()
    return 0


def _opened(tenant: str) -> tuple[Installation, Tenant]:
    installation = Installation(load())
    return installation, installation.tenants.by_code(tenant)


def _access(tenant: Tenant) -> Access:
    return replace(
        by_operator(tenant.tenant_id, operator(tenant).user_id), time_zone=tenant.time_zone
    )


def _require(value: str, option: str, what: str) -> None:
    if not value.strip():
        raise InvalidInput(f"{option} is missing: {what}")


def _confirm(people: Sequence[str], held: dict[str, int], *, yes: bool) -> None:
    """Tell how much will go, and ask whoever sits there.

    Raises: InvalidInput: nobody does, and --yes was not given.
    """
    merged = f", merged with {len(people) - 1} other ids" if len(people) > 1 else ""
    stderr.print(f"{sum(held.values())} rows in {len(held)} tables{merged}; there is no way back")
    if yes:
        return
    if not sys.stdin.isatty():
        raise InvalidInput("nothing was erased", hint="add --yes")
    typer.confirm("Erase them?", abort=True, err=True)


def tell(proofs: Sequence[Proof], told: dict[str, object], *, as_json: bool) -> int:
    """Print what scans found; return the exit code."""
    clean = all(proof.clean for proof in proofs)
    if as_json:
        rows = [asdict(proof) | {"clean": proof.clean} for proof in proofs]
        print_json(told | {"clean": clean, "proofs": rows})
        return 0 if clean else 1
    for proof in proofs:
        aside = f" ({proof.aside} more stand with others too and prove nothing)"
        texts = f" and {proof.words} texts{aside}" if proof.words or proof.aside else ""
        print(f"looked for {proof.ids} ids{texts}")
        for store in proof.stores:
            said = "silent" if store.silent else f"found in {store.found}" if store.found else "-"
            print(f"{store.store:<24} {store.looked:>9} {store.unit:<10} {said}")
        for line in proof.left:
            print(line)
    if proofs:
        by_ids = _BY_IDS if any(proof.words for proof in proofs) else ""
        print("nothing is left" if clean else _LEFT + by_ids)
    return 0 if clean else 1
