"""`anamnesis knowledge` and `anamnesis bench knowledge`."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from app.cli.output import operator, print_json, progress, shown
from app.cli.terminology import grown, load_command
from app.knowledge import Known, known
from app.naming import place
from app.services import services_of
from app.settings import Settings, load
from app.wiring import Installation
from eval.bench.clock import Figures, figures
from eval.bench.questions import questions
from indexing.errors import ConfigurationError
from rankers.knowledge import DEEPEST, SOUGHT, KnowledgeRequest, search


def knowledge_command(tenant: str | None, request: KnowledgeRequest, *, as_json: bool) -> int:
    """Answer a question of knowledge; with a tenant its notes stand beside. Return 0."""
    installation = Installation(load())
    linker = grown(installation.linker)
    if tenant is None:
        whole = Known(request, search(installation.terminology, linker, request))
    else:
        access = operator(installation.tenants.by_code(tenant))
        own = installation.terms.of(access.tenant_id)
        if own is not None:
            grown(own.own_linker)
        whole = known(services_of(installation), access, request)
    if as_json:
        print_json(msgspec.to_builtins(whole.to_json(), enc_hook=str))
    else:
        if whole.found.untold:
            print(
                f"the terminology says of nothing that it {whole.found.untold} what you ask about;"
                " that is no proof that nothing does"
            )
        for each in whole.found.concepts:
            print(f"{each.score:.3f}  {each.name} ({each.type})  {' · '.join(each.reasons)}")
        for hit in whole.notes or ():
            whose = f"patient {hit.patient_id}" if hit.patient_id else "no patient"
            print(f"note   {hit.doc_id}  {whose}  {hit.date or 'undated'}  {shown(hit.title)}")
        for study in whole.studies or ():
            print(f"study  {study.score:.3f}  {shown(study.title)} ({study.status})")
    installation.close()
    return 0


def _settled(settings: Settings, data: Path | None) -> Settings:
    """Return settings whose home folder has all terminology of `data`, loaded there once."""
    if data is None:
        return settings
    home = settings.home / "bench-knowledge"
    paths = sorted((data / "terminology").rglob("*.gz"))
    if not paths:
        raise ConfigurationError(f"{data} holds no terminology")
    if not (home / "terminology").is_dir():
        load_command(home, paths, None, json_out=False)
    return settings.model_copy(update={"home": home, "database_url": None})


def _timed(ask: Callable[[str], object], questions: Sequence[str]) -> Figures:
    took = []
    for q in questions:
        began = time.perf_counter()
        ask(q)
        took.append(1000 * (time.perf_counter() - began))
    return figures(took)


def bench_command(rounds: int, data: Path | None, *, as_json: bool) -> int:
    """Time concepts by name, meaning and graph, over what is loaded or over all terminology of
    `data`; return 0. The vectors of its names are made once and kept in the home folder, and
    brought into the engine of the settings."""
    installation = Installation(_settled(load(), data))
    linker, terminology = installation.linker, installation.terminology
    with progress() as bar:
        task = bar.add_task("vectors of names", total=len(linker.names), completed=linker.made)
        while grew := linker.grow(256):
            bar.advance(task, grew)
    while place(installation.everybody):  # where an engine holds them
        pass
    asked = [q[:200] for q in questions(rounds)]
    for q in asked[:20]:
        search(terminology, linker, KnowledgeRequest(q, depth=DEEPEST))
    ask: dict[str, Callable[[str], object]] = {
        "whole": lambda q: search(terminology, linker, KnowledgeRequest(q, depth=DEEPEST)),
        "words": lambda q: linker.named(q, SOUGHT), "meaning": lambda q: linker.nearest(q, SOUGHT),
    }  # fmt: skip
    told = {part: _timed(each, asked) for part, each in ask.items()}
    result = told["whole"].to_json() | {
        "words_p95_ms": told["words"].p95_ms, "meaning_p95_ms": told["meaning"].p95_ms,
        "engine": installation.settings.concept_engine,
        "concepts": len(terminology), "names": len(linker.names),
        "edges": len(terminology.compiled.graph.other) // 2,
    }  # fmt: skip
    if as_json:
        print_json(result)
    for name, value in {} if as_json else result.items():
        print(f"{name:<10} {value}")
    return 0
