"""`anamnesis knowledge` and `anamnesis bench knowledge`."""

from __future__ import annotations

import time

import msgspec

from app.cli.output import operator, print_json
from app.cli.terminology import grown
from app.knowledge import Known, known
from app.services import services_of
from app.settings import load
from app.wiring import Installation
from eval.bench.clock import figures
from eval.bench.questions import questions
from rankers.knowledge import DEEPEST, KnowledgeRequest, search


def knowledge_command(tenant: str | None, request: KnowledgeRequest, *, as_json: bool) -> int:
    """Answer a question of knowledge; with a tenant its notes stand beside. Return 0."""
    installation = Installation(load())
    linker = grown(installation.linker)
    if tenant is None:
        whole = Known(request, search(installation.terminology, linker, request))
    else:
        access = operator(installation.tenants.by_code(tenant))
        whole = known(services_of(installation), access, request)
    if as_json:
        print_json(msgspec.to_builtins(whole.to_json(), enc_hook=str))
    else:
        for each in whole.found.concepts:
            print(f"{each.score:.3f}  {each.name} ({each.type})  {' · '.join(each.reasons)}")
        for hit in whole.notes or ():
            print(f"note   {hit.date or 'undated'}  {hit.title}")
    installation.close()
    return 0


def bench_command(rounds: int, *, as_json: bool) -> int:
    """Time concepts by name, meaning and graph, over what is loaded; return 0."""
    installation = Installation(load())
    linker, terminology = installation.linker, installation.terminology
    while linker.grow(256):
        pass
    asked = [q[:200] for q in questions(rounds)]
    for q in asked[:20]:
        search(terminology, linker, KnowledgeRequest(q, depth=DEEPEST))
    took = []
    for q in asked:
        began = time.perf_counter()
        search(terminology, linker, KnowledgeRequest(q, depth=DEEPEST))
        took.append(1000 * (time.perf_counter() - began))
    result = figures(took).to_json() | {
        "concepts": len(terminology), "names": len(linker.names),
        "edges": len(terminology.compiled.graph.other) // 2,
    }  # fmt: skip
    if as_json:
        print_json(result)
    for name, value in {} if as_json else result.items():
        print(f"{name:<10} {value}")
    return 0
