"""`anamnesis eval …`: what the relevance lab can be told to do."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from app.cli.eval_learning_app import learning
from app.cli.options import Json, finish, home

evaluate = typer.Typer(
    help="The relevance lab: judge, measure, tune, compare.", no_args_is_help=True
)
evaluate.add_typer(learning)

Folder = Annotated[
    Path, typer.Option("--benchmark", exists=True, file_okay=False, help="BEIR-shaped.")
]
Split = Annotated[str, typer.Option(help="qrels/SPLIT.tsv")]
Metrics = Annotated[
    list[str] | None, typer.Option("--metric", help="As ir-measures writes it; several times.")
]
RunName = Annotated[str, typer.Argument(help="A run's id, its beginning, its name, or latest.")]
RunNames = Annotated[list[str], typer.Argument(help="Ids, beginnings of ids, names, or files.")]
BookOf = Annotated[str, typer.Option("--tenant", help="Whose book; without one, the lab's own.")]
Out = Annotated[Path, typer.Option("--out", help="The file to write; packed where it ends in .gz.")]


@evaluate.command("run")
def eval_run(
    benchmark: Folder,
    split: Split,
    ranker: Annotated[Literal["hybrid", "lexical", "vector", "graph"], typer.Option()] = "hybrid",
    legs: Annotated[str, typer.Option(help="Only these legs of hybrid, comma-separated.")] = "",
    shares: Annotated[
        list[str] | None,
        typer.Option("--share", help="vector=.6 or graph=.2 in place of hybrid's own; both too."),
    ] = None,
    run_out: Annotated[Path | None, typer.Option(help="TREC run file.")] = None,
    name: Annotated[str, typer.Option(help="What to call the run.")] = "",
    tenant: Annotated[str, typer.Option(help="Whose run; without one, every tenant's.")] = "",
    terminology: Annotated[
        Literal["loaded", "seed", "none"],
        typer.Option(help="loaded: this installation's; none: no concept, no other wording."),
    ] = "loaded",
    metrics: Metrics = None,
    as_json: Json = False,
) -> None:
    """Measure a ranker on a benchmark and store the run; a run that was broken off goes on."""
    from app.cli.eval import run_command

    code = run_command(
        home(), benchmark, split, ranker, run_out, as_json,
        name=name, tenant=tenant, measures=metrics or (), legs=legs, shares=shares or (),
        terminology=terminology,
    )  # fmt: skip
    finish(code)


@evaluate.command("outlook")
def eval_outlook(
    known: Annotated[int, typer.Option(min=200, help="Patients with a known outcome.")] = 3_000,
    held_out: Annotated[int, typer.Option(min=100)] = 4_000,
    patients: Annotated[int, typer.Option(min=100, help="For the ranking of treatments.")] = 2_000,
    calibration: Annotated[Literal["isotonic", "platt"], typer.Option()] = "isotonic",
    synthea: Annotated[
        Path | None, typer.Option(exists=True, help="Bundles instead: a folder or .tar.zst.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Hold the outlook against invented patients' truth: calibration, skill, treatments."""
    from app.cli.eval_outlook import outlook_command, synthea_command

    if synthea is not None:
        finish(synthea_command(synthea, calibration, as_json=as_json))
        return
    finish(outlook_command(known, held_out, patients, calibration, as_json=as_json))


@evaluate.command("runs")
def eval_runs(as_json: Json = False) -> None:
    """List the stored runs, newest first."""
    from app.cli.eval_runs import list_command

    finish(list_command(home(), as_json))


@evaluate.command("report")
def eval_report(
    by: Annotated[
        Literal["set", "class"],
        typer.Option(help="class: by kind of question; fails where hybrid is under its best leg."),
    ] = "set",
    as_json: Json = False,
) -> None:
    """Print the table of quality from stored runs, beside what others reach."""
    from app.cli.eval_runs import classes_command, report_command

    command = classes_command if by == "class" else report_command
    finish(command(home(), as_json))


@evaluate.command("compare")
def eval_compare(
    runs: RunNames,
    metrics: Metrics = None,
    topics: Annotated[bool, typer.Option("--topics", help="Topic by topic as well.")] = False,
    as_json: Json = False,
) -> None:
    """Compare runs with the first: wins, ties, losses, a paired test, intervals."""
    from app.cli.eval_runs import compare_command

    finish(compare_command(home(), runs, metrics or (), as_json, topics=topics))


@evaluate.command("gate")
def eval_gate(
    baseline: Annotated[str, typer.Option(help="A stored run, or a file that `eval save` wrote.")],
    metric: Annotated[str, typer.Option(help="As ir-measures writes it.")] = "nDCG@10",
    max_drop: Annotated[float, typer.Option(min=0, help="The most that the mean may lose.")] = 0.01,
    traps: Annotated[
        float | None, typer.Option(min=0, max=1, help="The largest share of traps in the first 10.")
    ] = None,
    run: Annotated[str, typer.Option(help="Judge this stored run instead of measuring.")] = "",
    benchmark: Annotated[
        Path | None, typer.Option(exists=True, file_okay=False, help="Where the baseline's set is.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure as the baseline was measured, and exit 1 where too much is lost."""
    from app.cli.eval_gate import gate_command

    code = gate_command(
        home(), baseline, metric, max_drop, traps, as_json, run=run, benchmark=benchmark
    )
    finish(code)


@evaluate.command("save")
def eval_save(run: RunName, out: Out, as_json: Json = False) -> None:
    """Write a run's figures to a file: a baseline to commit."""
    from app.cli.eval_runs import save_command

    finish(save_command(home(), run, out, as_json))


@evaluate.command("drop")
def eval_drop(runs: RunNames, as_json: Json = False) -> None:
    """Forget stored runs."""
    from app.cli.eval_runs import drop_command

    finish(drop_command(home(), runs, as_json))


@evaluate.command("import-run")
def eval_import_run(
    run: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="TREC, six columns.")],
    benchmark: Folder,
    split: Split,
    name: Annotated[str, typer.Option(help="What to call it.")] = "",
    tenant: Annotated[str, typer.Option(help="Whose run; without one, every tenant's.")] = "",
    trained: Annotated[str, typer.Option(help="On what; without it, zero-shot.")] = "",
    as_json: Json = False,
) -> None:
    """Measure and store a run that another system made."""
    from app.cli.eval_data import import_run_command

    finish(import_run_command(home(), run, benchmark, split, name, tenant, trained, as_json))


@evaluate.command("convert")
def eval_convert(
    split: Split,
    out: Annotated[Path, typer.Option(help="The folder to write.")],
    to: Annotated[Literal["beir", "trec"], typer.Option()] = "beir",
    benchmark: Annotated[Path | None, typer.Option(exists=True, file_okay=False)] = None,
    topics: Annotated[
        Path | None, typer.Option(exists=True, help="TREC topics, in place of queries.jsonl.")
    ] = None,
    qrels: Annotated[
        Path | None, typer.Option(exists=True, help="TREC qrels, in place of the split's.")
    ] = None,
    packed: Annotated[bool, typer.Option("--gz", help="Pack the files.")] = False,
    as_json: Json = False,
) -> None:
    """Write a benchmark as a BEIR folder, or as TREC topics and qrels."""
    from app.cli.eval_data import convert_command

    finish(convert_command(benchmark, split, topics, qrels, out, to, as_json, packed=packed))


@evaluate.command("hospital")
def eval_hospital(
    out: Annotated[Path, typer.Option(help="The folder to write.")],
    patients: Annotated[int, typer.Option(min=1)] = 50,
    topics: Annotated[int, typer.Option(min=1, help="At most so many.")] = 400,
    seed: Annotated[int | None, typer.Option(help="Another hospital.")] = None,
    as_json: Json = False,
) -> None:
    """Write an invented hospital as a BEIR folder, graded by its ground truth."""
    from app.cli.eval_data import hospital_command

    finish(hospital_command(out, patients, topics, seed, as_json))


@evaluate.command("halves")
def eval_halves(
    benchmark: Folder,
    out: Annotated[Path, typer.Option(help="The folder to write.")],
    every: Annotated[int, typer.Option(min=1, help="Ask for every n-th note.")] = 4,
    packed: Annotated[bool, typer.Option("--gz", help="Pack the files.")] = False,
    as_json: Json = False,
) -> None:
    """Write whole-note questions: each note's first half is asked, the rest is indexed."""
    from app.cli.eval_data import halves_command

    finish(halves_command(benchmark, out, every, as_json, packed=packed))


@evaluate.command("traps")
def eval_traps(
    ranker: Annotated[
        Literal["hybrid", "lexical", "vector", "graph"] | None,
        typer.Option(help="One alone; without it, all legs and each by itself."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Count how often the first ten show what a clinician would call wrong."""
    from app.cli.traps import traps_command

    finish(traps_command(home(), ranker, as_json))


@evaluate.command("similar")
def eval_similar(
    benchmark: Annotated[
        Path,
        typer.Option(exists=True, file_okay=False, help="Patients as HPO findings."),
    ],
    split: Split,
    run_out: Annotated[Path | None, typer.Option(help="TREC run file.")] = None,
    vectors: Annotated[
        bool, typer.Option("--vectors", help="With the vectors of whole records.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Measure similar patients on a folder of patients with their findings."""
    from app.cli.similar import eval_command

    finish(eval_command(benchmark, split, run_out, vectors=vectors, as_json=as_json))


@evaluate.command("answers")
def eval_answers(
    benchmark: Folder,
    split: Split,
    most: Annotated[int, typer.Option("--topics", min=1, help="At most so many.")] = 100,
    as_json: Json = False,
) -> None:
    """Score the sentences above the results with ragas (`make ragas`); this never gates."""
    from app.cli.eval_answers import answers_command

    finish(answers_command(home(), benchmark, split, most, as_json))


@evaluate.command("pool")
def eval_pool(
    runs: RunNames,
    book: Annotated[str, typer.Option(help="What to call the book of judgements.")],
    depth: Annotated[int, typer.Option(min=1, max=1000, help="Of each run.")] = 20,
    guideline: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Its text, for the judges.")
    ] = None,
    guideline_version: Annotated[str, typer.Option()] = "1",
    as_json: Json = False,
) -> None:
    """Unite what runs found into a book of documents to judge."""
    from app.cli.eval_books import pool_command

    code = pool_command(home(), runs, book, depth, guideline, guideline_version, as_json)
    finish(code)


@evaluate.command("judge-export")
def eval_judge_export(
    book: Annotated[str, typer.Option(help="Which book.")],
    out: Out,
    form: Annotated[
        Literal["book", "trec", "beir"],
        typer.Option("--format", help="book loses nothing; the others hold the grades alone."),
    ] = "book",
    tenant: BookOf = "",
    as_json: Json = False,
) -> None:
    """Write a book of judgements to a file."""
    from app.cli.eval_books import export_command

    finish(export_command(home(), book, out, form, as_json, tenant))


@evaluate.command("judge-import")
def eval_judge_import(
    path: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
    book: Annotated[str, typer.Option(help="Into this book; the file's own name by default.")] = "",
    judge: Annotated[str, typer.Option(help="Whose grades qrels are.")] = "imported",
    tenant: BookOf = "",
    as_json: Json = False,
) -> None:
    """Take in a book of judgements, or qrels into a book that is there."""
    from app.cli.eval_books import import_command

    finish(import_command(home(), path, book, judge, as_json, tenant))


@evaluate.command("agreement")
def eval_agreement(
    book: Annotated[str, typer.Option(help="Which book.")],
    tenant: BookOf = "",
    as_json: Json = False,
) -> None:
    """Say how far the judges of a book agree: Cohen's kappa, Krippendorff's alpha."""
    from app.cli.eval_books import agreement_command

    finish(agreement_command(home(), book, tenant, as_json))
