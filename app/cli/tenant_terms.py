"""The commands of a tenant's own names and concepts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from app.cli.output import print_json, stderr
from app.settings import load
from app.wiring import Installation
from indexing.backends.postgres.additions import PostgresAdditions
from indexing.errors import Conflict, InvalidInput
from indexing.language.terminology import Addition, Terminology
from indexing.language.terminology.additions import COLUMNS, MOST, read_additions, removable

MOST_BYTES = 16 << 20  # of a file


def add_command(tenant: str, path: Path, *, as_json: bool) -> int:
    """Add what a file says, all of it or nothing; notes are annotated anew by whoever follows."""
    installation = Installation(load())
    tenant_id = installation.tenants.by_code(tenant).tenant_id
    kept = PostgresAdditions(installation.database)
    own = installation.terms.of(tenant_id)
    terminology = installation.terminology if own is None else own.terminology
    found = read_additions(_read(path), path.name, terminology)
    if len(kept.of(tenant_id)) + len(found) > MOST:
        raise Conflict(
            f"a tenant adds {MOST} names at most", hint="`anamnesis terminology load` takes more."
        )
    added = kept.add(tenant_id, found)
    installation.terms.renew()
    installation.terms.of(tenant_id)  # compiled now, not by the first question
    installation.forget_answers(tenant_id)
    result = {"added": added, "known": len(found) - added, "of": len(kept.of(tenant_id))}
    if as_json:
        print_json(result)
    else:
        print(f"{added} names added, {len(found) - added} were there; {result['of']} in all")
        print("notes are annotated anew by the server, or by `anamnesis index follow`")
    installation.close()
    return 0


def list_command(tenant: str, *, as_json: bool) -> int:
    """Print a tenant's additions, in the form in which they are added."""
    installation = Installation(load())
    tenant_id = installation.tenants.by_code(tenant).tenant_id
    found = PostgresAdditions(installation.database).of(tenant_id)
    if as_json:
        print_json({"additions": [dict(zip(COLUMNS, _cells(each), strict=True)) for each in found]})
    else:
        print("\t".join(COLUMNS))
        for each in found:
            print("\t".join(_cells(each)).rstrip())
    installation.close()
    return 0


def remove_command(tenant: str, names: Sequence[str], *, everything: bool, as_json: bool) -> int:
    """Take names back; exit code 1 where there was none of them."""
    if bool(names) == everything:
        raise InvalidInput("name what to remove, or say --all")
    installation = Installation(load())
    tenant_id = installation.tenants.by_code(tenant).tenant_id
    kept = PostgresAdditions(installation.database)
    if not everything:
        removable(kept.of(tenant_id), names)
    removed = kept.remove(tenant_id, None if everything else names)
    installation.forget_answers(tenant_id)
    if as_json:
        print_json({"removed": removed, "of": len(kept.of(tenant_id))})
    else:
        print(f"{removed} names removed")
        if not removed:
            stderr.print(
                f"none was there; `anamnesis terminology list --tenant {tenant}` names them"
            )
    installation.close()
    return 0 if removed else 1


def terminology_of(tenant: str) -> Terminology:
    """Return the terminology with a tenant's additions. Raises: NotFound."""
    installation = Installation(load())
    own = installation.terms.of(installation.tenants.by_code(tenant).tenant_id)
    found = installation.terminology if own is None else own.terminology
    installation.close()
    return found


def _cells(each: Addition) -> tuple[str, ...]:
    own = each.concept_id.startswith("site:")
    sort, parent = (each.semantic_type.value, each.parent_id or "") if own else ("", "")
    return each.concept_id, each.name, each.kind.value, sort, parent


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise InvalidInput(f"{path.name} is larger than {MOST_BYTES >> 20} MB")
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        line = exc.object.count(b"\n", 0, exc.start) + 1
        raise InvalidInput(f"{path.name}, line {line}: not UTF-8") from None
    except OSError as exc:
        raise InvalidInput(f"{path.name} cannot be read") from exc
