"""`anamnesis bench …`: every figure of speed has a command that prints it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.cli.options import Json, finish

bench = typer.Typer(help="Measure speed.", no_args_is_help=True)


@bench.command("search")
def bench_search(
    notes_count: Annotated[int, typer.Option("--notes", min=10)] = 20_000, as_json: Json = False
) -> None:
    """Time our search beside others on the same corpus."""
    from app.cli.bench import search_command

    finish(search_command(notes_count, as_json))


@bench.command("ingest")
def bench_ingest(
    notes_count: Annotated[int, typer.Option("--notes", min=10)] = 2_000, as_json: Json = False
) -> None:
    """Time ingest, derive and index."""
    from app.cli.bench import ingest_command

    finish(ingest_command(notes_count, as_json))


@bench.command("recall")
def bench_recall(
    notes_count: Annotated[int, typer.Option("--notes", min=10)] = 20_000, as_json: Json = False
) -> None:
    """Compare the vector index's nearest notes with a plain scan's, under filters too."""
    from app.cli.bench_recall import recall_command

    finish(recall_command(notes_count, as_json))


@bench.command("cohort")
def bench_cohort(
    patients: Annotated[int, typer.Option("--patients", min=50)] = 5_000,
    rounds: Annotated[int, typer.Option("--rounds", min=1)] = 10,
    as_json: Json = False,
) -> None:
    """Time cohorts and similar patients on a generated hospital with its records and notes."""
    from app.cli.cohorts import bench_command

    finish(bench_command(patients, rounds, as_json=as_json))


@bench.command("similar")
def bench_similar(
    patients: Annotated[int, typer.Option("--patients", min=50)] = 10_580,
    queries: Annotated[int, typer.Option("--queries", min=10)] = 1_000,
    as_json: Json = False,
) -> None:
    """Time similar patients over generated features, and hold them against the truth."""
    from app.cli.similar import bench_command

    finish(bench_command(patients, queries, as_json=as_json))


@bench.command("view")
def bench_view(
    patients: Annotated[int, typer.Option("--patients", min=10)] = 5_000,
    visits: Annotated[int, typer.Option("--visits", min=10)] = 1_000,
    as_json: Json = False,
) -> None:
    """Time a patient's page and its call, three hops of the graph included."""
    from app.cli.bench_view import view_command

    finish(view_command(patients, visits, as_json))


@bench.command("lab")
def bench_lab(
    runs: Annotated[int, typer.Option(min=4, help="Stored runs.")] = 1_000, as_json: Json = False
) -> None:
    """Time the lab's pages with many stored runs."""
    from app.cli.bench_lab import lab_command

    finish(lab_command(runs, as_json))


@bench.command("engines")
def bench_engines(
    notes_count: Annotated[int, typer.Option("--notes", min=10)] = 20_000,
    engines: Annotated[str, typer.Option(help="Comma-separated.")] = "opensearch,weaviate",
    as_json: Json = False,
) -> None:
    """Time bulk indexing and hybrid search of a site's servers beside the embedded engines."""
    from app.cli.bench_engines import engines_command

    finish(engines_command(notes_count, engines.split(","), as_json))


@bench.command("outage")
def bench_outage(
    notes_count: Annotated[int, typer.Option("--notes", min=10)] = 2_000,
    engines: Annotated[str, typer.Option(help="Comma-separated.")] = "opensearch,weaviate,neo4j",
    as_json: Json = False,
) -> None:
    """Time questions while a site's server is hung or dead, played by a relay before it: no TLS."""
    from app.cli.bench_outage import outage_command

    finish(outage_command(notes_count, engines.split(","), as_json))


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

    finish(graph_command(nodes, edges, data, as_json))


@bench.command("parity")
def bench_parity(
    data: Annotated[Path, typer.Option(help="The folder that holds benchmarks/.")],
    engines: Annotated[str, typer.Option(help="Comma-separated.")] = "opensearch,weaviate",
    sets: Annotated[
        str, typer.Option(help="Comma-separated.")
    ] = "nfcorpus,mtsamples-lay,mtsamples-known-item",
    legs: Annotated[str, typer.Option(help="Comma-separated.")] = "lexical,vector",
    as_json: Json = False,
) -> None:
    """Compare a site's servers with the embedded engines on NFCorpus and MTSamples."""
    from app.cli.bench_parity import parity_command

    finish(parity_command(data, engines.split(","), sets.split(","), legs.split(","), as_json))


@bench.command("knowledge")
def bench_knowledge(
    rounds: Annotated[int, typer.Option("--rounds", min=10)] = 1_000,
    data: Annotated[Path | None, typer.Option(help="A folder that holds terminology/.")] = None,
    as_json: Json = False,
) -> None:
    """Time knowledge search over the terminology that is loaded, or over all that --data holds."""
    from app.cli.knowledge import bench_command

    finish(bench_command(rounds, data, as_json=as_json))


@bench.command("series")
def bench_series(
    patients: Annotated[int, typer.Option("--patients", min=10)] = 10_000, as_json: Json = False
) -> None:
    """Time series: lines read, points stored, a year drawn, everybody's last hour."""
    from app.cli.bench_series import series_command

    finish(series_command(patients, as_json=as_json))
