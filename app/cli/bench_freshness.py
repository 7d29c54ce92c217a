"""From the commit of a note to the moment it is found: by words, by meaning, by concept."""

from __future__ import annotations

import base64
import time
from collections.abc import Mapping
from zoneinfo import ZoneInfo

import numpy as np
import orjson

from app.cli.output import operator
from app.companion import Companion
from app.following import catch_up
from app.wiring import Installation
from indexing.access import Access
from indexing.clauses import Word
from indexing.derive import passage_texts
from indexing.errors import EngineUnavailable
from indexing.filters import Filters
from indexing.ingest import Ingest
from indexing.model import Tenant

NOTES = 60
BURST = 40
LONGEST_S = 60.0
PAUSE_S = 0.001  # between looks: what asks all the time takes a core from what is timed
_CONCEPT = "pneumonia"

Found = Mapping[str, float]


def freshness(installation: Installation, tenant: Tenant) -> tuple[dict[str, float], Found]:
    """Return p50 and p95 over single notes, the model's time taken off, and over a burst.

    The indexes follow as beside `serve`, in a process of their own.
    """
    catch_up(installation)  # what a load left for the other lanes is not what a note waits for
    own = {"ANAMNESIS_HOME": str(installation.home), "ANAMNESIS_DATABASE_URL": None}
    with Companion(own):
        watch = _Watch(installation, tenant)
        watch.one("warm-up")
        single = [watch.one(f"single-{n}") for n in range(NOTES)]
        burst = watch.burst(BURST)
    all_three = [max(times.values()) for times in single]
    result = _percentiles(all_three)
    for leg in ("lexical", "vector", "graph"):
        result[f"{leg}_p95_ms"] = _percentiles([t[leg] for t in single])["p95_ms"]
    return result, _percentiles(burst) | {"notes": BURST}


class _Watch:
    """Writes notes that each hold a word of their own, and asks for it until it is found."""

    def __init__(self, installation: Installation, tenant: Tenant) -> None:
        self._own = installation
        self._access: Access = operator(tenant)
        self._into = Ingest(installation.records, self._access, ZoneInfo(tenant.time_zone))
        self._concepts = {span.concept_id: 1.0 for span in installation.matcher.find(_CONCEPT)}

    def one(self, name: str) -> dict[str, float]:
        """Write one note; return ms until each leg finds it, the model's time taken off."""
        self._into.submit(_note(name))
        found = self._until_found(name, time.perf_counter())
        found["vector"] -= self._model_ms(name)
        return found

    def burst(self, count: int) -> list[float]:
        """Write many notes in one batch; return ms until each is found, the model's time too."""
        names = [f"burst-{n}" for n in range(count)]
        bundle = {"resourceType": "Bundle", "type": "batch", "entry": [
            {"resource": orjson.loads(_note(name)),
             "request": {"method": "PUT", "url": f"DocumentReference/{name}"}} for name in names
        ]}  # fmt: skip
        self._into.submit(orjson.dumps(bundle))
        committed = time.perf_counter()
        return [max(self._until_found(name, committed).values()) for name in names]

    def _until_found(self, name: str, committed: float) -> dict[str, float]:
        found: dict[str, float] = {}
        probes = {"lexical": self._by_words, "graph": self._by_concept, "vector": self._by_meaning}
        while len(found) < len(probes):
            for leg, probe in probes.items():
                if leg not in found and probe(name):
                    found[leg] = 1000 * (time.perf_counter() - committed)
            if time.perf_counter() - committed > LONGEST_S:
                raise EngineUnavailable("a note was not indexed in time")
            time.sleep(PAUSE_S)
        return found

    def _by_words(self, name: str) -> bool:
        only = Filters(only={"patient": (name,)})
        return bool(self._own.lexical.search(self._access, Word("cough"), only, 1, "any").hits)

    def _by_concept(self, name: str) -> bool:
        only = Filters(only={"patient": (name,)})
        return bool(self._own.graph.search(self._access, self._concepts, only, 1, "any").hits)

    def _by_meaning(self, name: str) -> bool:
        row = np.zeros(self._own.encoder.dimension, dtype=np.float32)
        row[0] = 1.0
        only = Filters(only={"patient": (name,)})
        return bool(self._own.vector.search(self._access, row, only, 1).hits)

    def _model_ms(self, name: str) -> float:
        [derived] = self._own.documents.fetch(self._access, [name]).values()
        began = time.perf_counter()
        self._own.encoder.encode(passage_texts(derived))
        return 1000 * (time.perf_counter() - began)


def _note(name: str) -> bytes:
    text = f"Cough for three days, {name}.\nAssessment: {_CONCEPT}. Antibiotics were started."
    return orjson.dumps(
        {
            "resourceType": "DocumentReference", "id": name, "status": "current",
            "subject": {"reference": f"Patient/{name}"},
            "content": [{"attachment": {
                "contentType": "text/plain", "data": base64.b64encode(text.encode()).decode(),
            }}],
        }
    )  # fmt: skip


def _percentiles(times: list[float]) -> dict[str, float]:
    p50, p95, p99 = (round(float(ms), 3) for ms in np.percentile(times, (50, 95, 99)))
    return {"p50_ms": p50, "p95_ms": p95, "p99_ms": p99}
