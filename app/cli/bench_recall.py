"""How many of the truly nearest notes the vector index returns, with and without filters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.cli.bench_hospital import settled, tenant_of
from app.cli.output import operator, print_json, progress
from app.settings import load
from app.wiring import Installation
from eval.bench.questions import questions
from indexing.access import Access
from indexing.filters import Filters, compared
from indexing.model import Document
from indexing.ports import Ranking, Vectors

QUESTIONS = 200
K = 10
# Scores nearer than this are one score: the index and the plain scan add in different orders.
_SAME = 1e-6


@dataclass(frozen=True, slots=True)
class _Scan:
    """Every note and every passage's vector: row i of `matrix` belongs to `documents[owner[i]]`."""

    documents: Sequence[Document]
    matrix: Vectors
    owner: NDArray[np.int64]

    @classmethod
    def read(cls, installation: Installation, access: Access) -> _Scan:
        """Read a tenant's vectors from the source of truth."""
        derived, encoder = installation.derived, installation.encoder
        keys = sorted(derived.live(access.tenant_id))
        documents: list[Document] = []
        rows: list[Vectors] = []
        owner: list[int] = []
        for at in range(0, len(keys), 1000):
            for entry in derived.vectors(
                access.tenant_id, keys[at : at + 1000], encoder.model, encoder.dimension
            ):
                owner += [len(documents)] * len(entry.vectors)
                documents.append(entry.document)
                rows.append(entry.vectors)
        return cls(documents, np.concatenate(rows), np.array(owner))

    def share(self, row: Vectors, kept: NDArray[np.bool_], returned: Ranking) -> float:
        """Return which share of the K nearest notes among `kept` an index returned."""
        best = np.full(len(self.documents), -2.0, np.float32)
        np.maximum.at(best, self.owner, self.matrix @ row)
        best[~kept] = -2.0
        nearest = np.sort(best[kept])[::-1][:K]
        good = {
            document.doc_id
            for document, score in zip(self.documents, best, strict=True)
            if score >= nearest[-1] - _SAME
        }
        return sum(hit.doc_id in good for hit in returned.hits) / len(nearest)


def recall_command(notes: int, as_json: bool) -> int:
    """Compare the index's ten nearest notes with a plain scan's; return the exit code."""
    with settled(load(), notes) as installation:
        access = operator(tenant_of(installation))
        scan = _Scan.read(installation, access)
        extra = installation.vector.state(access.tenant_id).extra
        rows = installation.encoder.encode(questions(QUESTIONS))
        found: dict[str, Any] = {"passages": len(scan.matrix), "search": extra.get("search", "")}
        with progress() as bar:
            for name, filters, keeps in _views(scan.documents):
                kept = np.array([keeps(document) for document in scan.documents])
                shares = [
                    scan.share(row, kept, installation.vector.search(access, row, filters, K))
                    for row in bar.track(rows, description=name)
                ]
                found[name] = {
                    "recall@10": round(float(np.mean(shares)), 4),
                    "worst": round(float(np.min(shares)), 4),
                    "notes": int(kept.sum()),
                }
    if as_json:
        print_json(found)
    else:
        for name, value in found.items():
            print(f"{name:<28} {value}")
    return 0


def _views(
    documents: Sequence[Document],
) -> list[tuple[str, Filters, Callable[[Document], bool]]]:
    """Return what is asked for: everything, the commonest kind of note, the rarest, one author's,
    one patient's."""
    views: list[tuple[str, Filters, Callable[[Document], bool]]] = [
        ("no filter", Filters(), lambda _: True)
    ]
    types = _by_frequency([d.type for d in documents])
    wanted = (
        ("type, commonest", "type", types[0]),
        ("type, rarest", "type", types[-1]),
        ("author, commonest", "author", _by_frequency([d.author for d in documents])[0]),
        (
            "patient, commonest",
            "patient",
            _by_frequency([d.patient_id or "" for d in documents])[0],
        ),
    )
    for name, field, value in wanted:
        views.append((name, Filters(only={field: (value,)}), _keeping(field, value)))
    return views


def _keeping(field: str, value: str) -> Callable[[Document], bool]:
    attribute = "patient_id" if field == "patient" else field
    return lambda document: (
        compared(field, getattr(document, attribute) or "") == compared(field, value)
    )


def _by_frequency(values: Sequence[str]) -> list[str]:
    names, counts = np.unique(np.array([value for value in values if value]), return_counts=True)
    return [str(names[at]) for at in np.argsort(-counts, kind="stable")]
