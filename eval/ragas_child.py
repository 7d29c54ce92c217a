"""Score answers with ragas, in a process and an environment of its own: JSON lines in and out.

ragas does not install beside us (its instructor wants rich below 15 and jiter below 0.15), so that
this file imports nothing of ours. The first line of stdin says how: {"llm": {"url", "model", "key"}
or null, "repeats": n}. Each further line is an answer: {"id", "question", "response", "retrieved",
"retrieved_ids", "reference", "reference_ids"}. Each answer's line on stdout: {"id", "scores":
{metric: number or null}, "llm": {metric: [number or null, once for each repeat]}}.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

# Nothing is told to anybody outside: set before ragas is imported.
os.environ["RAGAS_DO_NOT_TRACK"] = "true"
os.environ["HF_HUB_OFFLINE"] = "1"

Scoring = Mapping[str, Callable[[Mapping[str, Any]], Awaitable[float]]]


def plain_metrics() -> Scoring:
    """Return what needs no model: by ids, and by the likeness of texts."""
    from ragas.dataset_schema import SingleTurnSample
    from ragas.metrics import (
        IDBasedContextPrecision,
        IDBasedContextRecall,
        NonLLMContextPrecisionWithReference,
        NonLLMContextRecall,
    )

    def scoring(metric: Any) -> Callable[[Mapping[str, Any]], Awaitable[float]]:
        async def score(row: Mapping[str, Any]) -> float:
            return float(
                await metric.single_turn_ascore(
                    SingleTurnSample(
                        user_input=row["question"], response=row["response"],
                        retrieved_contexts=row["retrieved"], reference_contexts=row["reference"],
                        retrieved_context_ids=row["retrieved_ids"],
                        reference_context_ids=row["reference_ids"],
                    )
                )
            )  # fmt: skip

        return score

    made = {
        "id precision": IDBasedContextPrecision(),
        "id recall": IDBasedContextRecall(),
        "text precision": NonLLMContextPrecisionWithReference(),
        "text recall": NonLLMContextRecall(),
    }
    return {name: scoring(metric) for name, metric in made.items()}


def model_metrics(told: Mapping[str, str]) -> Scoring:
    """Return what a language model judges, behind an interface as OpenAI's."""
    from openai import AsyncOpenAI
    from ragas.llms import llm_factory
    from ragas.metrics.collections import ContextPrecisionWithoutReference, Faithfulness

    client = AsyncOpenAI(base_url=told["url"], api_key=told["key"] or "none", max_retries=1)
    model = llm_factory(told["model"], client=client)

    def scoring(metric: Any) -> Callable[[Mapping[str, Any]], Awaitable[float]]:
        async def score(row: Mapping[str, Any]) -> float:
            found = await metric.ascore(
                user_input=row["question"], response=row["response"],
                retrieved_contexts=row["retrieved"],
            )  # fmt: skip
            return float(found.value)

        return score

    return {
        "faithfulness": scoring(Faithfulness(llm=model)),
        "context utilization": scoring(ContextPrecisionWithoutReference(llm=model)),
    }


async def scored(score: Callable[[Mapping[str, Any]], Awaitable[float]], row: Any) -> float | None:
    """Return a number, None where it is undetermined: nothing to score, or no usable reply."""
    if not row["retrieved"]:
        return None
    try:
        value = await score(row)
    except Exception as exc:  # noqa: BLE001 - one answer that cannot be scored counts as such
        sys.stderr.write(f"{row['id']}: {type(exc).__name__}\n")
        return None
    return value if math.isfinite(value) else None


async def answered(rows: Iterator[Any], plain: Scoring, model: Scoring, repeats: int) -> None:
    """Write each answer's scores as soon as they are there."""
    for row in rows:
        scores = {name: await scored(score, row) for name, score in plain.items()}
        judged = {
            name: [await scored(score, row) for _ in range(repeats)]
            for name, score in model.items()
        }
        sys.stdout.write(json.dumps({"id": row["id"], "scores": scores, "llm": judged}) + "\n")
        sys.stdout.flush()


def main() -> None:
    """Read stdin to its end."""
    lines = (json.loads(line) for line in sys.stdin if line.strip())
    told = next(lines)
    model = model_metrics(told["llm"]) if told["llm"] else {}
    asyncio.run(answered(lines, plain_metrics(), model, int(told["repeats"])))


if __name__ == "__main__":
    main()
