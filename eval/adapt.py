"""Teach the encoder what a site's texts call the same thing: contrastive, on the CPU.

In each batch the other pairs' texts are the wrong answers (multiple negatives ranking). What comes
of it is a folder as the default encoder's: int8 weights and float16 words in one ONNX file, its
tokenizer, and `lineage.json`, which says what it was made of and what it is worth.
Source: Henderson et al. 2017, "Efficient Natural Language Response Suggestion for Smart Reply".
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from eval.pairs import Pair, batches, split
from indexing.encoders import OnnxEncoder
from indexing.encoders.lineage import write_lineage
from indexing.encoders.shelf import FILES
from indexing.errors import ConfigurationError, InvalidInput

BATCH = 32
RATE = 2e-5
WARM = 0.1  # share of the steps over which the rate rises; then it falls to nothing
MOST_TOKENS = 128  # of a text while it teaches: half of what the model reads, a third of the time
HELD_OUT = 0.05
FEWEST = 40  # pairs that teach
FLOOR_SHARE = 0.99  # of unrelated pairs that lie below the floor of cosines
MOST_JUDGING = 512  # held-out pairs: all of them against each other
SEED = 7


@dataclass(frozen=True, slots=True)
class Adapted:
    """`before` and `after`: the loss of held-out pairs, among `BATCH` at a time; `right` how often
    a held-out pair's own text is the nearest of its batch, before and after. `floor`: the cosine
    under which 99 % of unrelated held-out pairs lie, of the exported model."""

    before: float
    after: float
    right: tuple[float, float]
    floor: float
    pairs: int
    held_out: int
    steps: int
    model: str


def adapt(
    source: Path,
    target: Path,
    found: Sequence[Pair],
    *,
    epochs: int = 1,
    rate: float = RATE,
    each: Callable[[int], None] = lambda _: None,
    told: Callable[[Adapted], Mapping[str, Any]] = asdict,
) -> Adapted:
    """Train from the published weights in `source` and export into `target`, which appears whole,
    with what is `told` of it as its lineage; `each` hears how many pairs were taught.

    Raises: ConfigurationError where the extra `models` is missing; InvalidInput.
    """
    teaching, judging = split(found, HELD_OUT)
    judging = judging[:MOST_JUDGING]
    if len(teaching) < FEWEST or len(judging) < 2:
        raise InvalidInput(
            f"{len(found)} pairs are too few to teach and to judge by",
            hint="Name more sets, or load a terminology.",
        )
    with appearing(target) as draft:
        model, loss = _model(source)
        before = _judged(loss, judging)
        steps = _taught(model, loss, teaching, epochs, rate, each)
        after = _judged(loss, judging)
        _exported(model, source, draft)
        floor = _floor(OnnxEncoder(folder=draft), judging)
        write_lineage(draft, {"floor": floor})  # with a lineage it is named as adapted
        adapted = Adapted(
            before[0], after[0], (before[1], after[1]), floor, len(teaching), len(judging), steps,
            OnnxEncoder(folder=draft).model,
        )  # fmt: skip
        write_lineage(draft, told(adapted))
    return adapted


@contextmanager
def appearing(target: Path) -> Iterator[Path]:
    """Yield a folder that takes the place of `target` when the block ends well: a kill leaves the
    old one or the new one, never files of both, and between the two the old one beside, which
    comes back with the next.

    Raises: InvalidInput where something else than an encoder lies there.
    """
    target = target.absolute()
    if target.exists() and (strange := {each.name for each in target.iterdir()} - set(FILES)):
        raise InvalidInput(
            f"{target.name} holds {min(strange)}, which is no part of an encoder",
            hint="Name a folder of its own with --out: it is replaced whole.",
        )
    draft, old = (target.with_name(f".{target.name}.{part}") for part in ("draft", "old"))
    if old.exists() and not target.exists():
        old.rename(target)
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    try:
        yield draft
        shutil.rmtree(old, ignore_errors=True)
        if target.exists():
            target.rename(old)
        draft.rename(target)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _model(source: Path) -> tuple[Any, Any]:
    try:
        import torch
        from sentence_transformers import SentenceTransformer
        from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss
    except ImportError as exc:
        raise ConfigurationError(
            "teaching an encoder needs PyTorch and sentence-transformers",
            hint="`make models` puts them into an environment of their own: .venv-models.",
        ) from exc
    torch.manual_seed(SEED)
    torch.set_num_threads(2)
    model = SentenceTransformer(str(source), device="cpu", local_files_only=True)
    model.max_seq_length = MOST_TOKENS
    return model, MultipleNegativesRankingLoss(model)


def _taught(
    model: Any,
    loss: Any,
    teaching: Sequence[Pair],
    epochs: int,
    rate: float,
    each: Callable[[int], None],
) -> int:
    import torch

    order = np.random.default_rng(SEED)
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.01)
    total, done = max(1, epochs * math.ceil(len(teaching) / BATCH)), 0
    model.train()
    for _ in range(epochs):
        shuffled = [teaching[at] for at in order.permutation(len(teaching))]
        for batch in batches(shuffled, BATCH):
            if len(batch) > 1:  # one alone has nothing to be told apart from
                for group in optimizer.param_groups:
                    group["lr"] = rate * _share(done / total)
                optimizer.zero_grad()
                loss(_features(model, batch), None).backward()
                torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                done += 1
            each(len(batch))
    model.eval()
    return done


def _share(progress: float) -> float:
    """Return the share of the rate at a share of the steps."""
    if progress < WARM:
        return progress / WARM
    return max(0.0, (1 - progress) / (1 - WARM))


def _judged(loss: Any, judging: Sequence[Pair]) -> tuple[float, float]:
    """Return the mean loss, and how often the right text is the nearest."""
    import torch

    model, total, right, n = loss.model, 0.0, 0, 0
    model.eval()
    with torch.no_grad():
        for batch in batches(judging, BATCH):
            if len(batch) > 1:
                total += float(loss(_features(model, batch), None)) * len(batch)
                left, other = (
                    model.encode(side, normalize_embeddings=True, show_progress_bar=False)
                    for side in ([p.left for p in batch], [p.right for p in batch])
                )
                right += int((np.argmax(left @ other.T, axis=1) == np.arange(len(batch))).sum())
                n += len(batch)
    return round(total / max(n, 1), 4), round(right / max(n, 1), 4)


def _features(model: Any, batch: Sequence[Pair]) -> list[Any]:
    sides = ([pair.left for pair in batch], [pair.right for pair in batch])
    return [model.preprocess([_clean(text) for text in side]) for side in sides]


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _exported(model: Any, source: Path, draft: Path) -> None:
    from indexing.encoders.export import export

    weights = draft / "weights"
    model[0].auto_model.save_pretrained(weights)
    for name in ("tokenizer.json", "config.json"):
        shutil.copyfile(source / name, weights / name)
    export(weights, draft)
    shutil.rmtree(weights)


def _floor(encoder: OnnxEncoder, judging: Sequence[Pair]) -> float:
    left = encoder.encode([pair.left for pair in judging])
    right = encoder.encode([pair.right for pair in judging])
    groups = np.array([pair.group for pair in judging])
    unrelated = (left @ right.T)[groups[:, None] != groups[None, :]]
    return round(float(np.quantile(unrelated, FLOOR_SHARE)), 3) if len(unrelated) else -1.0
