"""`anamnesis search`."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from app.answers import answered
from app.cli.output import operator, print_json, shown, stderr
from app.pages import plural
from app.services import services_of
from app.settings import load
from app.views import view_of
from app.wiring import Installation
from indexing.access import Role
from indexing.errors import ConfigurationError, InvalidInput
from rankers.answer import Sentence, Snippet
from rankers.search import Answer, SearchRequest

LEGS = ("lexical", "vector", "graph")


def search_command(
    tenant: str, query: str, k: int, rankers: str, plain: bool,
    assertion: Literal["present", "negated", "any"] | None, role: Role = Role.CLINICIAN, *,
    newest: bool = False, as_json: bool,
) -> int:  # fmt: skip
    """Search and print what that role may see; return the exit code."""
    legs = tuple(name.strip() for name in rankers.split(",") if name.strip())
    if not legs or not set(legs) <= set(LEGS):
        raise ConfigurationError(f"--rankers takes {', '.join(LEGS)}")
    if any("\ud800" <= char <= "\udfff" for char in query):
        raise InvalidInput("the question is not UTF-8")
    installation = Installation(load())
    found = installation.tenants.by_code(tenant)
    request = SearchRequest(
        q=query, k=k, rankers=legs, plain=plain, assertion=assertion, newest=newest
    )
    access = replace(operator(found), roles=frozenset({role}))
    view = view_of(services_of(installation), access)
    answer = answered(view, installation.documents, access, request)
    if as_json:
        print_json(answer.to_json())
    else:
        _show(answer)
    installation.close()
    return 0


def _show(answer: Answer) -> None:
    if answer.missing:
        legs = ", ".join(answer.missing)
        stderr.print(f"{legs} did not answer: ranked by the others alone", style="yellow")
    fresh = answer.freshness
    waiting = max(fresh.pending.values(), default=0) if fresh is not None else 0
    if waiting and answer.absence is None:  # the proof says it itself
        stderr.print(f"{plural(waiting, 'note')} still being indexed", style="yellow")
    for notice in answer.notices:
        stderr.print(notice, style="yellow")
    if answer.absence is not None:
        print(answer.absence.statement, *("What follows is only near it.",) if answer.hits else ())
    for said in answer.best:
        how = "" if said.says == "present" else f" ({said.says.replace('_', ' ')})"
        print(f"  “{_led(said)}”{how}")
        section = f"[{said.section}]" if said.section else ""
        print("     " + _line(said.doc_id, said.patient_id, said.date, section, said.title))
    if answer.hits and not answer.best:
        print("no good match in one sentence")
    for hit in answer.hits:
        told = _line(hit.doc_id, hit.patient_id, hit.date, hit.title)
        print(f"{hit.rank:>3}  {hit.score:.3f}  {told}")
        if hit.snippet.text:
            section = f"[{hit.snippet.section}] " if hit.snippet.section else ""
            print(f"     {section}{_led(hit.snippet)}")
    if not answer.hits and answer.absence is None:
        print("no good match")


def _line(doc_id: str, patient_id: str | None, date: str | None, *more: str) -> str:
    """Write which note it is, and of whom."""
    whose = f"patient {patient_id}" if patient_id else "no patient"
    parts = (doc_id, whose, date or "undated", *more)
    return "  ".join(shown(part) for part in parts if part)


def _led(found: Sentence | Snippet) -> str:
    """Return a sentence on one line, behind what decides from above what it says."""
    above = f"{found.lead.text} … " if found.lead else ""
    return shown(f"{above}{found.text}")
