"""The measures of a run: by ir-measures where it is installed, else four of our own.

ir-measures binds trec_eval and brings 115 MB of SciPy, which the default install cannot carry: it
comes with the extra `lab`, and takes every figure then, under any name it knows. Without it four
measures are to be had, written here after trec_eval; the tests hold them to its figures.
"""

from __future__ import annotations

import math
import subprocess
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

from eval.benchmark import Qrels
from indexing.errors import ConfigurationError, InvalidInput

Ranked = Mapping[str, Sequence[str]]  # topic id -> document ids, best first
Figures = dict[str, float]

_LEAST = -1  # of a grade for trec_eval; -1 says pooled and not judged to a few of its measures


def ndcg(judged: Mapping[str, int], ranked: Sequence[str], k: int) -> float:
    """Return the discounted gain over the ideal one, gain = grade.

    Source: Järvelin and Kekäläinen 2002, with trec_eval's discount log2(rank + 1).
    """
    ideal = _dcg(sorted((g for g in judged.values() if g > 0), reverse=True)[:k])
    return _dcg([max(judged.get(d, 0), 0) for d in ranked[:k]]) / ideal if ideal else 0.0


def recall(judged: Mapping[str, int], ranked: Sequence[str], k: int) -> float:
    """Return the share of the relevant documents that stand in the first k."""
    relevant = {d for d, grade in judged.items() if grade > 0}
    return len(relevant.intersection(ranked[:k])) / len(relevant) if relevant else 0.0


def reciprocal_rank(judged: Mapping[str, int], ranked: Sequence[str], k: int) -> float:
    """Return 1 / the rank of the first relevant document, 0 when it is beyond k."""
    found = (1 / rank for rank, d in enumerate(ranked[:k], 1) if judged.get(d, 0) > 0)
    return next(found, 0.0)


def judged_share(judged: Mapping[str, int], ranked: Sequence[str], k: int) -> float:
    """Return the share of the first k that somebody judged, 0 where nothing was found."""
    shown = ranked[:k]
    return sum(d in judged for d in shown) / len(shown) if shown else 0.0


def _dcg(gains: Sequence[int]) -> float:
    return sum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains, 1))


_Measure = Callable[[Mapping[str, int], Sequence[str], int], float]
BUILT_IN: Mapping[str, tuple[_Measure, int]] = {
    "nDCG@10": (ndcg, 10),
    "R@100": (recall, 100),
    "RR@10": (reciprocal_rank, 10),
    "Judged@10": (judged_share, 10),
}
HEADLINE = ("nDCG@10", "R@100", "RR@10")
EVERY_RUN = tuple(BUILT_IN)


def measured_by() -> str:
    """Name what takes the figures here."""
    if find_spec("ir_measures") is None:
        return "built-in"
    return f"ir-measures {version('ir-measures')}"


def by_topic(qrels: Qrels, run: Ranked, names: Sequence[str] = EVERY_RUN) -> dict[str, Figures]:
    """Return topic id -> measure -> value; a topic without an answer has 0.

    Raises:
        InvalidInput: no measure has that name.
        ConfigurationError: the measure needs the extra `lab`.
    """
    if find_spec("ir_measures") is not None:
        return _by_library(qrels, run, names)
    for name in names:
        if name not in BUILT_IN:
            raise ConfigurationError(
                f"the measure {name} is not among the built-in {', '.join(BUILT_IN)}",
                hint="pip install 'anamnesis[lab]' brings ir-measures, which knows it.",
            )
    return by_own(qrels, run, names)


def by_own(qrels: Qrels, run: Ranked, names: Sequence[str] = EVERY_RUN) -> dict[str, Figures]:
    """Take the built-in figures."""
    return {
        topic: {name: BUILT_IN[name][0](judged, run.get(topic, ()), BUILT_IN[name][1])
                for name in names}
        for topic, judged in qrels.items()
    }  # fmt: skip


def _by_library(qrels: Qrels, run: Ranked, names: Sequence[str]) -> dict[str, Figures]:
    import ir_measures

    wanted: dict[Any, list[str]] = {}  # MRR@10 and RR@10 are one measure
    try:
        for name in names:
            wanted.setdefault(ir_measures.parse_measure(name), []).append(name)
    except (ValueError, NameError, SyntaxError, TypeError) as exc:
        raise InvalidInput(
            f"ir-measures knows no measure of the name {', '.join(names)!r}",
            hint="Names are written as nDCG@10, R@100, RR@10, AP, P@5, Judged@10, IPrec@0.1.",
        ) from exc
    # Ranks as scores: whole numbers are exact in trec_eval's 32 bits.
    scored = {
        topic: {d: float(len(ranked) - i) for i, d in enumerate(ranked)}
        for topic, ranked in run.items()
        if ranked and topic in qrels
    }
    # Where a topic's grades all lie under -1, trec_eval writes before its own memory.
    judged = {
        t: {d: _LEAST if g < _LEAST else g for d, g in own.items()} for t, own in qrels.items()
    }
    found: dict[str, Figures] = {topic: dict.fromkeys(names, 0.0) for topic in qrels}
    if not scored:  # it takes an empty run for an error
        return found
    try:
        for metric in ir_measures.iter_calc(list(wanted), judged, scored):
            for name in wanted[metric.measure]:
                found[metric.query_id][name] = float(metric.value)
    except (ValueError, OSError, subprocess.SubprocessError) as exc:
        raise ConfigurationError(
            f"ir-measures cannot take {', '.join(names)} here ({type(exc).__name__})",
            hint="It calls other programs for some measures, which want numbers for topics' ids.",
        ) from exc
    return found


def mean(found: Mapping[str, Mapping[str, float]]) -> Figures:
    """Return each measure's mean over all topics, to four digits."""
    names = next(iter(found.values()), {})
    return {
        name: round(math.fsum(values[name] for values in found.values()) / len(found), 4)
        for name in names
    }


def aggregate(qrels: Qrels, run: Ranked, names: Sequence[str] = HEADLINE) -> Figures:
    """Return each measure's mean over all judged topics."""
    return mean(by_topic(qrels, run, names))
