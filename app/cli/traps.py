"""`anamnesis eval traps`: how often the search shows what a clinician would call wrong."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from uuid import uuid4

from app.cli.eval import searching
from app.cli.output import print_json
from app.settings import load as load_settings
from app.wiring import Installation
from eval.benchmark import Text
from eval.corpus import HeldDocuments, Indexes, fill
from eval.run import RANKERS
from eval.traps import SETS, Note, SearchFigures, Traps, read, search_figures
from indexing.access import LABELS, Access, Role
from indexing.backends.memory.graph import MemoryGraphIndex
from indexing.backends.memory.vectors import MemoryVectorIndex
from indexing.backends.tantivy import TantivyLexicalIndex
from indexing.encoders import CachedEncoder
from indexing.model import TenantId
from rankers.answer import SearchRequest
from rankers.search import Search

K = 10


def traps_command(home: Path, ranker: str | None, json_out: bool) -> int:
    """Print the figures of every trap set, for one ranker or for all legs and each alone."""
    installation = Installation(load_settings().model_copy(update={"home": home}))
    rankers = (ranker,) if ranker else tuple(RANKERS)
    found = {name: measured(installation, read(path), rankers) for name, path in SETS.items()}
    if json_out:
        print_json(
            {name: {r: f.to_json() for r, f in each.items()} for name, each in found.items()}
        )
    else:
        for name, each in found.items():
            for one, figures in each.items():
                print(f"{name:<8} {one:<8} {figures.line()}")
    return 0


def measured(
    installation: Installation, traps: Traps, rankers: Sequence[str]
) -> dict[str, SearchFigures]:
    """Ask every query of each ranker, through the search that the page uses."""
    access = Access(
        TenantId(uuid4()), "evaluation", frozenset({Role.RELEVANCE}), "HQUALIMP", labels=LABELS
    )
    meaning = any("vector" in RANKERS[ranker] for ranker in rankers)
    with tempfile.TemporaryDirectory() as folder:
        indexes = Indexes(
            annotate=installation.language.annotate,
            encoder=CachedEncoder(installation.encoder, installation.home / "cache" / "vectors"),
            lexical=TantivyLexicalIndex(Path(folder), **installation.fields),
            vector=MemoryVectorIndex() if meaning else None,
            graph=MemoryGraphIndex(),
            documents=HeldDocuments(),
        )
        fill(indexes, access.tenant_id, [_text(note) for note in traps.notes], lambda _: None)
        with searching(installation, indexes) as search:
            return {
                ranker: search_figures(traps, _ranked(search, access, traps, RANKERS[ranker]), K)
                for ranker in rankers
            }


def _ranked(
    search: Search, access: Access, traps: Traps, legs: tuple[str, ...]
) -> Mapping[str, Sequence[str]]:
    return {
        query.query_id: [
            hit.doc_id
            for hit in search.answer(
                access, SearchRequest(q=query.text, k=K, rankers=legs, bare=True)
            ).hits
        ]
        for query in traps.queries
    }


def _text(note: Note) -> Text:
    metadata = {"patient_id": note.patient_id, "date": note.date, "note_type": note.type}
    return Text(note.note_id, note.type, note.text, metadata)
