"""`anamnesis eval answers`: the sentences above the results, scored by ragas."""

from __future__ import annotations

from dataclasses import asdict, replace
from itertools import islice
from pathlib import Path
from uuid import uuid4

from app.cli.eval import indexed, searching, shown
from app.cli.output import print_json, stderr
from app.settings import Settings
from app.settings import load as load_settings
from app.wiring import Installation
from eval.answers import Answers, Model, Scored, measured, samples
from eval.benchmark import load
from eval.run import RANKERS
from indexing.access import LABELS, Access, Role
from indexing.errors import InvalidQuery
from indexing.model import TenantId
from rankers.answer import Answer, SearchRequest
from rankers.search import Search

K = 20  # hits: what the page has read anyway


def answers_command(home: Path, benchmark: Path, split: str, most: int, json_out: bool) -> int:
    """Answer every topic and print how good the answers are; return 0."""
    settings = load_settings().model_copy(update={"home": home})
    read = load(benchmark, split)
    topics = dict(islice(read.topics.items(), most))
    read = replace(read, topics=topics)
    installation = Installation(settings)
    access = Access(
        TenantId(uuid4()), "evaluation", frozenset({Role.RELEVANCE}), "HQUALIMP", labels=LABELS
    )
    with (
        indexed(installation, read, access, RANKERS["hybrid"]) as indexes,
        searching(installation, indexes) as search,
    ):
        rows = list(samples(read, lambda question: _asked(search, access, question)))
    with shown("scoring", len(rows)) as advance:
        found = measured(rows, settings.ragas_python, _model(settings), lambda: advance(1))
    if json_out:
        print_json(asdict(found))
    else:
        _print(found)
    return 0


def _asked(search: Search, access: Access, question: str) -> Answer:
    try:
        return search.answer(access, SearchRequest(q=question, k=K))
    except InvalidQuery:
        return search.answer(access, SearchRequest(q=question, k=K, plain=True))


def _model(settings: Settings) -> Model | None:
    if not settings.llm_url or not settings.llm_model:
        stderr.print("no language model judges: ANAMNESIS_LLM_URL and ANAMNESIS_LLM_MODEL name one")
        return None
    key = settings.llm_key.get_secret_value() if settings.llm_key else ""
    return Model(settings.llm_url, settings.llm_model, key)


def _print(found: Answers) -> None:
    print(f"{found.answered} of {found.topics} topics are answered")
    print(f"{found.wrong} of {found.judged} judged sentences come from a note graded 0")
    print(f"{'measure':<22} {'without a model':<24} by a language model (never gates)")
    for name, each in found.scores.items():
        print(f"{name:<22} {_said(each):<24}")
    for name, each in found.llm.items():
        print(f"{name:<22} {'':<24} {_said(each)}, spread of 3 {each.spread:.3f}")


def _said(each: Scored) -> str:
    mean = "undetermined" if each.mean is None else f"{each.mean:.3f}"
    return f"{mean} ({each.n}/{each.total})"
