"""The `anamnesis` command: every subcommand, and how errors become exit codes.

0 = all done, 1 = done with rejects, 2 = wrong usage or configuration, 3 = a fault of our own.
"""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from typing import Annotated, Literal

import typer

from app.cli.bench_app import bench
from app.cli.cohorts_app import cohort
from app.cli.encoder_app import encoder
from app.cli.erase_app import erase
from app.cli.eval_app import evaluate
from app.cli.fhir_app import fhir
from app.cli.graph_app import graph
from app.cli.index_app import index
from app.cli.options import (
    Asking,
    Json,
    MapsAndPaths,
    Paths,
    TenantOption,
    finish,
    maps_and_paths,
)
from app.cli.outlook_app import models, predict, treatments
from app.cli.registry_app import tenants, tokens, users
from app.cli.terminology_app import terminology
from app.cli.vitals_app import vitals
from indexing.errors import AnamnesisError, InvalidQuery

app = typer.Typer(
    name="anamnesis",
    help="Semantic clinical search that a hospital runs itself.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
for sub, name in (
    (tenants, "tenants"), (users, "users"), (tokens, "tokens"), (index, "index"),
    (terminology, "terminology"), (bench, "bench"), (evaluate, "eval"), (fhir, "fhir"),
    (vitals, "vitals"), (models, "models"), (graph, "graph"),
    (cohort, "cohort"), (encoder, "encoder"),
):  # fmt: skip
    app.add_typer(sub, name=name)


@app.callback()
def every_command() -> None:
    """Say before any command which variables are named like settings and are none."""
    from app.settings import strangers, told

    for name, near in strangers().items():
        _say(told(name, near), "")


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to bind.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to bind.")] = None,
) -> None:
    """Serve the browser pages and the HTTP API, and keep the indexes current."""
    from app.cli.serve import serve_command

    finish(serve_command(host, port))


@app.command()
def demo(
    patients: Annotated[int, typer.Option(min=1, help="How many to invent.")] = 50,
    port: Annotated[int | None, typer.Option(help="Port to bind.")] = None,
) -> None:
    """Invent a hospital, index it and serve it, with two logins to try."""
    from app.cli.demo import demo_command

    finish(demo_command(patients, port))


@app.command()
def stop() -> None:
    """Stop the embedded database of this home folder, where no server runs on it."""
    from app.cli.operate import stop_command

    finish(stop_command())


@app.command()
def doctor(as_json: Json = False) -> None:
    """Check the installation and say what is wrong and what to do."""
    from app.cli.doctor import doctor_command

    finish(doctor_command(as_json=as_json))


@app.command()
def canary(
    tenant: Annotated[str | None, typer.Option(help="Only this one; all are planted.")] = None,
    as_json: Json = False,
) -> None:
    """Look in every store for a note planted in each tenant: its own, and nobody else's."""
    from app.cli.canary import canary_command

    finish(canary_command(tenant, as_json=as_json))


@app.command()
def ingest(
    tenant: TenantOption,
    paths: Paths,
    strict: Annotated[bool, typer.Option("--strict", help="Refuse any invalid resource.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Return when searchable.")] = False,
    rejects: Annotated[Path | None, typer.Option(help="Write what was refused here.")] = None,
    as_json: Json = False,
) -> None:
    """Take in FHIR: bundles, NDJSON, resources, folders, .gz .zst .tar of them."""
    from app.cli.ingest import ingest_command

    finish(ingest_command(tenant, paths, strict, wait, rejects, as_json=as_json))


@app.command()
def notes(
    tenant: TenantOption,
    columns: Annotated[list[str], typer.Option("--map", help="KEY=COLUMN, one or several.")],
    given: MapsAndPaths,
    wait: Annotated[bool, typer.Option("--wait", help="Return when searchable.")] = False,
    rejects: Annotated[Path | None, typer.Option(help="Write what was refused here.")] = None,
    as_json: Json = False,
) -> None:
    """Take in plain notes, JSONL or CSV; keys: text id patient date type specialty author title
    encounter."""
    from app.cli.ingest import notes_command

    more, paths = maps_and_paths(given)
    finish(notes_command(tenant, [*columns, *more], paths, wait, rejects, as_json=as_json))


@app.command()
def validate(paths: Paths, as_json: Json = False) -> None:
    """Check FHIR R4 resources; one line per resource, Bundle and unreadable file."""
    from app.cli.validate import validate_command

    finish(validate_command(paths, as_json))


@app.command()
def annotate(
    tenant: Annotated[
        str, typer.Option(help="By this tenant's own names too; needs the database.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Annotate JSON lines {"text", "spans"} from stdin; needs no database."""
    from app.cli.annotate import annotate_command
    from app.settings import load

    own = None
    if tenant:
        from app.cli.tenant_terms import terminology_of

        own = terminology_of(tenant)
    finish(annotate_command(load().home, as_json, sys.stdin, sys.stdout, own))


@app.command()
def concepts(
    query: str,
    specialty: Annotated[str | None, typer.Option(help="Only of this specialty.")] = None,
    tenant: Annotated[str | None, typer.Option(help="With what it added.")] = None,
    as_json: Json = False,
) -> None:
    """Find concepts by name and by meaning."""
    from app.cli.terminology import concepts_command
    from app.settings import load
    from app.wiring import Installation

    finish(concepts_command(Installation(load()), query, specialty, tenant, as_json))


@app.command(cls=Asking)
def search(
    query: str,
    tenant: TenantOption,
    k: Annotated[int, typer.Option("--k", min=1, max=200)] = 10,
    rankers: Annotated[str, typer.Option(help="Comma-separated.")] = "lexical,vector,graph",
    plain: Annotated[bool, typer.Option("--plain", help="Take any text as words.")] = False,
    assertion: Annotated[
        Literal["present", "negated", "any"] | None, typer.Option(help="Default: present.")
    ] = None,
    role: Annotated[
        Literal["clinician", "researcher"], typer.Option(help="A researcher: de-identified.")
    ] = "clinician",
    newest: Annotated[bool, typer.Option("--newest", help="The newest note first.")] = False,
    as_json: Json = False,
) -> None:
    """Search a tenant's notes."""
    from app.cli.search import search_command
    from indexing.access import Role

    who = Role(role)
    finish(
        search_command(
            tenant, query, k, rankers, plain, assertion, who, newest=newest, as_json=as_json
        )
    )


@app.command()
def similar(
    tenant: TenantOption,
    patient: Annotated[str, typer.Option(help="The patient's id.")] = "",
    note: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="A note's text.")
    ] = None,
    findings: Annotated[str, typer.Option(help="Names or codes: A,B,!C; ! is absent.")] = "",
    k: Annotated[int, typer.Option("--k", min=1, max=200)] = 10,
    sex: Annotated[str, typer.Option(help="Only of this sex.")] = "",
    age: Annotated[str, typer.Option(help="Years: 40-60, 40-, -60.")] = "",
    period: Annotated[str, typer.Option(help="Seen then: 2023, 2022..2024, >=2022.")] = "",
    condition: Annotated[str, typer.Option(help="Who has all of these: A,B.")] = "",
    role: Annotated[
        Literal["clinician", "researcher"], typer.Option(help="A researcher: de-identified.")
    ] = "clinician",
    as_json: Json = False,
) -> None:
    """Find patients like one, like a note, or with findings."""
    from app.cli.similar import similar_command
    from app.similar import Question
    from indexing.access import Role

    text = note.read_text(encoding="utf-8", errors="replace") if note else ""
    asked = Question(patient, text, findings, k, sex, age, period, condition)
    finish(similar_command(tenant, asked, Role(role), as_json=as_json))


@app.command()
def knowledge(
    query: str,
    tenant: Annotated[str | None, typer.Option(help="Whose terms and notes count.")] = None,
    k: Annotated[int, typer.Option("--k", min=1, max=100)] = 20,
    specialty: Annotated[str, typer.Option(help="Only of this specialty.")] = "",
    types: Annotated[list[str] | None, typer.Option("--type", help="Several times.")] = None,
    depth: Annotated[int, typer.Option(min=0, max=3, help="Steps of the graph.")] = 2,
    as_json: Json = False,
) -> None:
    """Search medical knowledge: concepts by name, meaning and graph, with reasons."""
    from app.cli.knowledge import knowledge_command
    from rankers.knowledge import KnowledgeRequest

    asked = KnowledgeRequest(query, k, specialty, tuple(types or ()), depth)
    finish(knowledge_command(tenant, asked, as_json=as_json))


# In the order of the help: who is new reads of serving and searching before predicting and erasing.
app.command("predict")(predict)
app.command("treatments")(treatments)
app.command("erase")(erase)


def main() -> None:
    """Run the command; our own errors become one line and its hint on stderr."""
    try:
        app()
    except InvalidQuery as exc:
        _say(f"{exc} (at character {exc.position + 1})", exc.hint)
        raise SystemExit(2) from None
    except AnamnesisError as exc:
        _say(str(exc), exc.hint)
        raise SystemExit(2) from None
    except Exception as exc:  # noqa: BLE001
        if isinstance(exc, OSError) and exc.strerror:  # of a file or an address named to us
            _say(": ".join(str(part) for part in (exc.filename, exc.strerror) if part), "")
            raise SystemExit(2) from None
        # Where, and never its words: they may quote a patient. Not 1: nothing says it was done.
        places = (f"{f.name}:{f.lineno}" for f in traceback.extract_tb(exc.__traceback__)[-6:])
        _say(f"{type(exc).__name__} at {' > '.join(places)}", "This is a fault of ours.")
        raise SystemExit(3) from None


def _say(message: str, hint: str) -> None:
    print(f"anamnesis: {message}", file=sys.stderr)
    if hint:
        print(f"  {hint}", file=sys.stderr)


if __name__ == "__main__":
    main()
