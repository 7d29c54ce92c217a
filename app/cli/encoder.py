"""The commands of encoders."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from rich.progress import TaskID

from app.cli.output import print_json, progress
from app.encoders import forget, switch
from app.settings import load
from app.wiring import Installation
from indexing.encoders import EncoderShelf, OnnxEncoder
from indexing.encoders.shelf import DEFAULT


def list_command(*, as_json: bool) -> int:
    """List the encoders."""
    installation = Installation(load())
    shelf = EncoderShelf(installation.home)
    serving, tenants = shelf.serving(), installation.tenants.all()
    rows = []
    for name in (DEFAULT, *shelf.names()):
        encoder = OnnxEncoder(threads=1, folder=shelf.folder(name))
        held = [installation.derived.embedded(t.tenant_id, encoder.model) for t in tenants]
        sets = [each["set"] for each in encoder.lineage.get("trained_on", ())]
        rows.append({
            "name": name, "model": encoder.model, "serving": name == serving,
            "documents": sum(map(len, held)), "trained_on": sets,
            "gains": (encoder.lineage.get("worth") or {}).get("gains"),
        })  # fmt: skip
    if as_json:
        print_json({"encoders": rows})
    else:
        for row in rows:
            marks = ["serves"] if row["serving"] else []
            if row["gains"] is False:
                marks.append("does not gain on held-out topics")
            print(f"{row['name']:<24} {row['documents']:>9} documents  {', '.join(marks)}")
    installation.close()
    return 0


def switch_command(wanted: str, *, as_json: bool) -> int:
    """Register a folder where one is named, and switch."""
    installation = Installation(load())
    shelf = EncoderShelf(installation.home)
    name = wanted
    if wanted != DEFAULT and wanted not in shelf.names():
        name = shelf.register(Path(wanted)) if Path(wanted).is_dir() else wanted
    with progress() as bar:
        tasks: dict[str, TaskID] = {}

        def tell(what: str, done: int, every: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=every)
            bar.update(tasks[what], completed=done, total=every)

        found = switch(installation, name, tell)
    if as_json:
        print_json(asdict(found))
    else:
        print(
            f"{found.before} → {found.serving}: {found.encoded} documents encoded, "
            f"{found.indexed} indexed"
        )
    installation.close()
    return 0


def forget_command(name: str, *, as_json: bool) -> int:
    """Drop vectors."""
    installation = Installation(load())
    documents = forget(installation, name)
    if as_json:
        print_json({"forgotten": name, "documents": documents})
    else:
        print(f"{name}: vectors of {documents} documents dropped")
    installation.close()
    return 0
