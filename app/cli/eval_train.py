"""`anamnesis eval train`: a ranker learned from judgements, saved with what it was made of."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import numpy as np

from app.cli.eval import encoder_of, indexed, searching, shown
from app.cli.eval_tune import asked_plainly, read_sets
from app.cli.output import print_json
from app.settings import load as load_settings
from app.wiring import Installation
from eval.benchmark import Benchmark
from eval.learn import Example, example, lineage, precedents, train
from eval.versions import code_version, data_version
from indexing.access import LABELS, Access, Role
from indexing.model import TenantId
from rankers.answer import LEGS
from rankers.explain import Fused
from rankers.learned import Precedents, save


class _Recorder:
    """Stands where the learned ranker will, and remembers what it would be given."""

    def __init__(self) -> None:
        self.given: Sequence[Fused] = ()

    def reordered(self, question: str, fused: Sequence[Fused]) -> Sequence[Fused]:  # noqa: ARG002
        self.given = fused
        return fused


def train_command(home: Path, sets: Sequence[str], most: int, out: Path, json_out: bool) -> int:
    """Ask the topics of every set once, train, save, and print what it is worth held out."""
    installation = Installation(load_settings().model_copy(update={"home": home, "learned": None}))
    read = read_sets(sets)
    known = _precedents(installation, [each for _, each in read])
    found: list[Example] = []
    start = 0
    for _, each in read:
        found += _asked(installation, each, known, start, most)
        start += len(each.topics)
    trained = train(found)
    made_of = lineage(
        trained,
        trained_on=[{"set": name, "data_version": data_version(each)} for name, each in read],
        model=installation.encoder.model,
        terminology=installation.terminology.version,
        code_version=code_version(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    save(out, trained.trees, made_of, known)
    if json_out:
        print_json(made_of)
    else:
        print(f"{out}: {trained.topics} topics of {', '.join(name for name, _ in read)}")
        print(f"nDCG@10 {trained.before:.4f} before, {trained.held_out:.4f} on held-out topics")
    return 0


def _precedents(installation: Installation, read: Sequence[Benchmark]) -> Precedents:
    """Encode every topic: one that is not asked itself still says something of others."""
    encoder = encoder_of(installation)
    texts = [text for each in read for text in each.topics.values()]
    judged: list[Mapping[str, int]] = [each.qrels[topic] for each in read for topic in each.topics]
    with shown("encoding the topics", len(texts)) as advance:
        rows = [encoder.encode(texts[at : at + 500]) for at in range(0, len(texts), 500)]
        advance(len(texts))
    return precedents(np.concatenate(rows), judged)


def _asked(
    installation: Installation, read: Benchmark, known: Precedents, start: int, most: int
) -> list[Example]:
    """Take what the fusion answers to at most `most` topics, drawn by a hash of their ids; the
    first of them is question `start` of the precedents."""
    access = Access(
        TenantId(uuid4()), "evaluation", frozenset({Role.RELEVANCE}), "HQUALIMP", labels=LABELS
    )
    drawn = sorted(enumerate(read.topics, start), key=lambda each: _draw(each[1]))[:most]
    recorder = _Recorder()
    with (
        indexed(installation, read, access, LEGS) as indexes,
        searching(installation, indexes, learned=recorder) as search,
        shown("asking", len(drawn)) as advance,
    ):
        found = []
        for at, topic in sorted(drawn):
            recorder.given = ()
            question = read.topics[topic]
            asked_plainly(search, access, question)
            said = known.of(known.vectors[at], without=at)
            found.append(example(topic, question, recorder.given, read.qrels[topic], said))
            advance(1)
        return found


def _draw(topic_id: str) -> bytes:
    return hashlib.sha256(b"draw" + topic_id.encode("utf-8", "surrogatepass")).digest()
