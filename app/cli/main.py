"""The `anamnesis` command: every subcommand, and how errors become exit codes.

0 = all done, 1 = done with rejects, 2 = wrong usage or configuration.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from app.cli.cohorts_app import cohort
from app.cli.eval_app import evaluate
from app.cli.fhir_app import fhir
from app.cli.graph_app import graph
from app.cli.outlook_app import models, predict
from app.cli.vitals_app import vitals
from indexing.errors import AnamnesisError, InvalidQuery

app = typer.Typer(
    name="anamnesis",
    help="Semantic clinical search that a hospital runs itself.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
tenants = typer.Typer(help="The registry of tenants.", no_args_is_help=True)
users = typer.Typer(help="Accounts of a tenant.", no_args_is_help=True)
tokens = typer.Typer(help="Bearer tokens for the HTTP API.", no_args_is_help=True)
index = typer.Typer(help="The indexes that follow the records.", no_args_is_help=True)
terminology = typer.Typer(help="Medical terminologies.", no_args_is_help=True)
bench = typer.Typer(help="Measure speed.", no_args_is_help=True)
for sub, name in (
    (tenants, "tenants"), (users, "users"), (tokens, "tokens"), (index, "index"),
    (terminology, "terminology"), (bench, "bench"), (evaluate, "eval"), (fhir, "fhir"),
    (vitals, "vitals"), (models, "models"), (graph, "graph"),
    (cohort, "cohort"),
):  # fmt: skip
    app.add_typer(sub, name=name)
app.command("predict")(predict)

Json = Annotated[bool, typer.Option("--json", help="One line of JSON on stdout.")]
TenantOption = Annotated[str, typer.Option("--tenant", help="The tenant's code.")]
Paths = Annotated[list[Path], typer.Argument(help="Files or folders.", exists=True)]


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to bind.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to bind.")] = None,
) -> None:
    """Serve the browser pages and the HTTP API, and keep the indexes current."""
    from app.cli.serve import serve_command

    _exit(serve_command(host, port))


@app.command()
def demo(
    patients: Annotated[int, typer.Option(min=1, help="How many to invent.")] = 50,
    port: Annotated[int | None, typer.Option(help="Port to bind.")] = None,
) -> None:
    """Invent a hospital, index it and serve it, with two logins to try."""
    from app.cli.demo import demo_command

    _exit(demo_command(patients, port))


@app.command()
def stop() -> None:
    """Stop the embedded database of this home folder."""
    from app.cli.operate import stop_command

    _exit(stop_command())


@app.command()
def doctor(as_json: Json = False) -> None:
    """Check the installation and say what is wrong and what to do."""
    from app.cli.doctor import doctor_command

    _exit(doctor_command(as_json=as_json))


@app.command()
def canary(
    tenant: Annotated[str | None, typer.Option(help="Only this one; all are planted.")] = None,
    as_json: Json = False,
) -> None:
    """Look in every store for a note planted in each tenant: its own, and nobody else's."""
    from app.cli.canary import canary_command

    _exit(canary_command(tenant, as_json=as_json))


@tenants.command("create")
def tenants_create(
    code: str,
    name: Annotated[str, typer.Option(help="The hospital's name.")],
    tier: str = "standard",
    region: str = "",
    compliance: Annotated[str, typer.Option(help="Comma-separated, e.g. HIPAA,GDPR.")] = "",
    time_zone: Annotated[str, typer.Option(help="IANA name, e.g. Europe/Vienna.")] = "UTC",
    as_json: Json = False,
) -> None:
    """Add a tenant."""
    from app.cli.tenants import create_command

    _exit(create_command(code, name, tier, region, compliance, time_zone, as_json=as_json))


@tenants.command("list")
def tenants_list(as_json: Json = False) -> None:
    """List the tenants."""
    from app.cli.tenants import list_command

    _exit(list_command(as_json=as_json))


@users.command("create")
def users_create(
    name: str,
    tenant: TenantOption,
    role: Annotated[list[str], typer.Option(help="May be given several times.")],
    password_stdin: Annotated[bool, typer.Option("--password-stdin")] = False,
    as_json: Json = False,
) -> None:
    """Add an account; without --password-stdin a random password is printed once."""
    from app.cli.users import create_command

    _exit(create_command(name, tenant, role, password_stdin=password_stdin, as_json=as_json))


@tokens.command("create")
def tokens_create(
    tenant: TenantOption,
    user: Annotated[str, typer.Option(help="Whose rights the token carries.")],
    days: Annotated[int, typer.Option(min=1, max=366, help="Valid for so long.")] = 30,
    as_json: Json = False,
) -> None:
    """Make a bearer token and print it once."""
    from app.cli.tokens import create_command

    _exit(create_command(tenant, user, days, as_json=as_json))


@tokens.command("revoke")
def tokens_revoke(
    tenant: TenantOption,
    user: Annotated[str, typer.Option(help="Whose tokens end now.")],
    as_json: Json = False,
) -> None:
    """End every token of a user."""
    from app.cli.tokens import revoke_command

    _exit(revoke_command(tenant, user, as_json=as_json))


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

    _exit(ingest_command(tenant, paths, strict, wait, rejects, as_json=as_json))


@app.command()
def notes(
    tenant: TenantOption,
    columns: Annotated[list[str], typer.Option("--map", help="KEY=COLUMN, several times.")],
    paths: Paths,
    wait: Annotated[bool, typer.Option("--wait", help="Return when searchable.")] = False,
    rejects: Annotated[Path | None, typer.Option(help="Write what was refused here.")] = None,
    as_json: Json = False,
) -> None:
    """Take in plain notes, JSONL or CSV; keys: text id patient date type specialty author title
    encounter."""
    from app.cli.ingest import notes_command

    _exit(notes_command(tenant, columns, paths, wait, rejects, as_json=as_json))


@app.command()
def validate(paths: Paths, as_json: Json = False) -> None:
    """Check FHIR R4 resources; one line per resource, Bundle and unreadable file."""
    from app.cli.validate import validate_command

    _exit(validate_command(paths, as_json))


@app.command()
def annotate(as_json: Json = False) -> None:
    """Annotate JSON lines {"text", "spans"} from stdin; needs no database."""
    from app.cli.annotate import annotate_command
    from app.settings import load

    _exit(annotate_command(load().home, as_json, sys.stdin, sys.stdout))


@app.command()
def concepts(
    query: str,
    specialty: Annotated[str | None, typer.Option(help="Only of this specialty.")] = None,
    as_json: Json = False,
) -> None:
    """Find concepts by name and by meaning."""
    from app.cli.terminology import concepts_command
    from app.settings import load
    from app.wiring import Installation

    _exit(concepts_command(Installation(load()), query, specialty, as_json))


@terminology.command("load")
def terminology_load(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Files or folders; none: compile anew.", exists=True)
    ] = None,
    file_format: Annotated[str | None, typer.Option("--format", help="Overrides.")] = None,
    as_json: Json = False,
) -> None:
    """Load terminology files, recognised by their header; .gz too, in any order.

    Without any, what is loaded is compiled anew with the seed of this release.
    """
    from app.cli.terminology import load_command
    from app.settings import load

    _exit(load_command(load().home, paths or [], file_format, as_json))


@app.command()
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
    as_json: Json = False,
) -> None:
    """Search a tenant's notes."""
    from app.cli.search import search_command
    from indexing.access import Role

    who = Role(role)
    _exit(search_command(tenant, query, k, rankers, plain, assertion, who, as_json=as_json))


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
    _exit(similar_command(tenant, asked, Role(role), as_json=as_json))


@app.command()
def knowledge(
    query: str,
    tenant: Annotated[str | None, typer.Option(help="Whose notes stand beside.")] = None,
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
    _exit(knowledge_command(tenant, asked, as_json=as_json))


@index.command("status")
def index_status(tenant: TenantOption, as_json: Json = False) -> None:
    """Say what each index holds and how far it is."""
    from app.cli.index import status_command

    _exit(status_command(tenant, as_json=as_json))


@index.command("follow")
def index_follow(
    tenant: Annotated[str | None, typer.Option(help="Accepted; all are followed.")] = None,
    until_current: Annotated[bool, typer.Option("--until-current")] = False,
    with_parent: Annotated[bool, typer.Option("--with-parent", hidden=True)] = False,
    as_json: Json = False,
) -> None:
    """Keep the indexes in step with the records, for ever or until current."""
    from app.cli.index import follow_command

    _exit(follow_command(tenant, until_current, with_parent=with_parent, as_json=as_json))


@index.command("rebuild")
def index_rebuild(
    tenant: TenantOption,
    to: Annotated[str | None, typer.Option(help="Build in this engine and switch to it.")] = None,
    back: Annotated[bool, typer.Option("--back", help="Switch to the engine before.")] = False,
    leg: Annotated[
        str | None, typer.Option(help="lexical, vector or graph; all by default.")
    ] = None,
    empty: Annotated[
        bool, typer.Option("--empty", help="Empty the engines that served before: no way back.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Build every index of a tenant anew beside the live one, then switch; --to another engine."""
    from app.cli.index import rebuild_command
    from app.cli.moves import empty_command, move_command

    if to is not None or back:
        _exit(move_command(tenant, to, leg, back=back, as_json=as_json))
    elif empty:
        _exit(empty_command(tenant, leg, as_json=as_json))
    else:
        _exit(rebuild_command(tenant, as_json=as_json))


@index.command("reconcile")
def index_reconcile(
    tenant: TenantOption,
    until_current: Annotated[bool, typer.Option("--until-current", help="Follow first.")] = False,
    as_json: Json = False,
) -> None:
    """Compare every index with the records, and repair what differs."""
    from app.cli.index import reconcile_command

    _exit(reconcile_command(tenant, until_current, as_json=as_json))


@bench.command("search")
def bench_search(
    notes_count: Annotated[int, typer.Option("--notes", min=10)] = 20_000, as_json: Json = False
) -> None:
    """Time our search beside others on the same corpus."""
    from app.cli.bench import search_command

    _exit(search_command(notes_count, as_json))


@bench.command("ingest")
def bench_ingest(
    notes_count: Annotated[int, typer.Option("--notes", min=10)] = 2_000, as_json: Json = False
) -> None:
    """Time ingest, derive and index."""
    from app.cli.bench import ingest_command

    _exit(ingest_command(notes_count, as_json))


@bench.command("recall")
def bench_recall(
    notes_count: Annotated[int, typer.Option("--notes", min=10)] = 20_000, as_json: Json = False
) -> None:
    """Compare the vector index's nearest notes with a plain scan's, under filters too."""
    from app.cli.bench_recall import recall_command

    _exit(recall_command(notes_count, as_json))


@bench.command("cohort")
def bench_cohort(
    patients: Annotated[int, typer.Option("--patients", min=50)] = 5_000,
    rounds: Annotated[int, typer.Option("--rounds", min=1)] = 10,
    as_json: Json = False,
) -> None:
    """Time cohorts and similar patients on a generated hospital with its records and notes."""
    from app.cli.cohorts import bench_command

    _exit(bench_command(patients, rounds, as_json=as_json))


@bench.command("similar")
def bench_similar(
    patients: Annotated[int, typer.Option("--patients", min=50)] = 10_580,
    queries: Annotated[int, typer.Option("--queries", min=10)] = 1_000,
    as_json: Json = False,
) -> None:
    """Time similar patients over generated features, and hold them against the truth."""
    from app.cli.similar import bench_command

    _exit(bench_command(patients, queries, as_json=as_json))


@bench.command("view")
def bench_view(
    patients: Annotated[int, typer.Option("--patients", min=10)] = 5_000, as_json: Json = False
) -> None:
    """Time a patient's page and its call, three hops of the graph included."""
    from app.cli.bench_view import view_command

    _exit(view_command(patients, as_json))


@bench.command("lab")
def bench_lab(
    runs: Annotated[int, typer.Option(min=4, help="Stored runs.")] = 1_000, as_json: Json = False
) -> None:
    """Time the lab's pages with many stored runs."""
    from app.cli.bench_lab import lab_command

    _exit(lab_command(runs, as_json))


@bench.command("engines")
def bench_engines(
    notes_count: Annotated[int, typer.Option("--notes", min=10)] = 20_000,
    engines: Annotated[str, typer.Option(help="Comma-separated.")] = "opensearch,weaviate",
    as_json: Json = False,
) -> None:
    """Time bulk indexing and hybrid search of a site's servers beside the embedded engines."""
    from app.cli.bench_engines import engines_command

    _exit(engines_command(notes_count, engines.split(","), as_json))


@bench.command("graph")
def bench_graph(
    nodes: Annotated[int, typer.Option(min=100)] = 50_000,
    edges: Annotated[int, typer.Option(min=100)] = 200_000,
    data: Annotated[
        Path | None, typer.Option(help="The folder that holds benchmarks/: quality as well.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Fill a site's Neo4j in bulk, time it, and hold its answers to the embedded engine's."""
    from app.cli.bench_graph import graph_command

    _exit(graph_command(nodes, edges, data, as_json))


@bench.command("parity")
def bench_parity(
    data: Annotated[Path, typer.Option(help="The folder that holds benchmarks/.")],
    engines: Annotated[str, typer.Option(help="Comma-separated.")] = "opensearch,weaviate",
    as_json: Json = False,
) -> None:
    """Compare a site's servers with the embedded engines on NFCorpus and MTSamples."""
    from app.cli.bench_parity import parity_command

    _exit(parity_command(data, engines.split(","), as_json))


@bench.command("knowledge")
def bench_knowledge(
    rounds: Annotated[int, typer.Option("--rounds", min=10)] = 1_000, as_json: Json = False
) -> None:
    """Time knowledge search over the terminology that is loaded."""
    from app.cli.knowledge import bench_command

    _exit(bench_command(rounds, as_json=as_json))


@bench.command("series")
def bench_series(
    patients: Annotated[int, typer.Option("--patients", min=10)] = 10_000, as_json: Json = False
) -> None:
    """Time series: lines read, points stored, a year drawn, everybody's last hour."""
    from app.cli.bench_series import series_command

    _exit(series_command(patients, as_json=as_json))


def _exit(code: int) -> None:
    if code:
        raise typer.Exit(code)


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


def _say(message: str, hint: str) -> None:
    print(f"anamnesis: {message}", file=sys.stderr)
    if hint:
        print(f"  {hint}", file=sys.stderr)


if __name__ == "__main__":
    main()
