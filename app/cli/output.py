"""How commands speak: one line of JSON on stdout, progress and words on stderr."""

from __future__ import annotations

import getpass
import os
import re
import sys
from dataclasses import replace

import orjson
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from indexing.access import LABELS, Access, Role
from indexing.model import Tenant

stderr = Console(stderr=True, highlight=False)

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


def shown(text: str) -> str:
    """Return words of a record as a terminal only shows them, on one line: an escape that a note
    holds clears no screen and hides no line."""
    return " ".join(_CONTROLS.sub(" ", text).split())


def print_json(value: object) -> None:
    """Print one line of JSON."""
    sys.stdout.write(orjson.dumps(value, default=str).decode() + "\n")
    sys.stdout.flush()


def progress() -> Progress:
    """Return a progress display on stderr with an ETA; silent when nobody watches."""
    return Progress(
        TextColumn("{task.description:<22}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=stderr,
        disable=not stderr.is_terminal,
    )


def feeder(tenant: Tenant) -> Access:
    """Return the access of a command that brings in what another system of the hospital holds:
    cleared for every label, because a labelled resource has next versions too."""
    return replace(operator(tenant), labels=LABELS)


def operator_name() -> str:
    """Return what the audit calls whoever runs commands here."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = str(os.getuid())
    return f"operator:{name}"


def operator(tenant: Tenant) -> Access:
    """Return the access of whoever runs commands here: named in the audit, cleared for no label."""
    return Access(
        tenant.tenant_id, operator_name(), frozenset({Role.CLINICIAN}), "HOPERAT",
        time_zone=tenant.time_zone,
    )  # fmt: skip
