"""The steps that teach an encoder, kept as they go: a killed run goes on where it stood.

In each batch the other pairs' texts are the wrong answers (multiple negatives ranking). Nothing is
dropped at random: one pass over the pairs learns nothing by heart, and drawing what to drop took a
third of the time.
Source: Henderson et al. 2017, "Efficient Natural Language Response Suggestion for Smart Reply".
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eval.pairs import Pair, lessons
from indexing.errors import ConfigurationError

BATCH = 32
RATE = 5e-5
WARM = 0.1  # share of the steps over which the rate rises; then it falls to nothing
MOST_TOKENS = 64  # of a text while it teaches: a quarter of what the model reads, half the time
KEPT_EVERY = 15  # steps: what a kill costs; keeping takes less than a step
SEED = 7


@dataclass(slots=True)
class Course:
    """One encoder while it is taught. `kept`: the file that holds how far it is, with the weights
    and the optimizer's moments; `cpu_s`: processor time spent, in runs that were killed too."""

    source: Path
    kept: Path
    rate: float = RATE
    cpu_s: float = 0.0
    model: Any = field(init=False)
    loss: Any = field(init=False)
    _began: float = field(init=False, default_factory=time.process_time)

    def __post_init__(self) -> None:
        """Open the published weights. Raises: ConfigurationError without the extra `models`."""
        # Threads that wait must not spin: beside other processes that doubled the processor time.
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        try:
            import torch
            from sentence_transformers import SentenceTransformer
            from sentence_transformers.sentence_transformer.losses import (
                MultipleNegativesRankingLoss,
            )
        except ImportError as exc:
            raise ConfigurationError(
                "teaching an encoder needs PyTorch and sentence-transformers",
                hint="`make models` puts them into an environment of their own: .venv-models.",
            ) from exc
        torch.manual_seed(SEED)
        torch.set_num_threads(2)
        self.model = SentenceTransformer(str(self.source), device="cpu", local_files_only=True)
        self.model.max_seq_length = MOST_TOKENS
        self.model.eval()
        # A few thousand pairs say nothing of most words; without them a step is a tenth shorter.
        self.model[0].auto_model.embeddings.requires_grad_(False)
        self.loss = MultipleNegativesRankingLoss(self.model)

    def teach(self, teaching: Sequence[Pair], epochs: int, each: Callable[[int], None]) -> int:
        """Take every step that was not taken yet, and return how many there are; `each` hears how
        many pairs are through, those of a killed run at once."""
        import torch

        steps = [b for epoch in range(epochs) for b in lessons(teaching, BATCH, SEED + epoch)]
        weights = [p for p in self.model.parameters() if p.requires_grad]
        optimizer = torch.optim.AdamW(weights, lr=self.rate, weight_decay=0.01)
        mark = _mark(self.source, teaching, epochs, self.rate)
        done = self._resumed(optimizer, mark)
        if done:
            each(sum(map(len, steps[:done])))
        for at, batch in enumerate(steps[done:], start=done):
            if len(batch) > 1:  # one alone has nothing to be told apart from
                for group in optimizer.param_groups:
                    group["lr"] = self.rate * _share(at / len(steps))
                optimizer.zero_grad()
                self.loss(self._features(batch), None).backward()
                torch.nn.utils.clip_grad_norm_(weights, 1.0)
                optimizer.step()
            if (at + 1) % KEPT_EVERY == 0 or at + 1 == len(steps):
                self._keep(optimizer, mark, at + 1)
            each(len(batch))
        return len(steps)

    def judged(self, judging: Sequence[Pair]) -> tuple[float, float]:
        """Return the mean loss, and how often the right text is the nearest of its batch."""
        import torch

        total, right, n = 0.0, 0, 0
        with torch.no_grad():
            for batch in lessons(judging, BATCH, SEED):
                if len(batch) > 1:
                    left, other = (
                        self.model(side)["sentence_embedding"] for side in self._features(batch)
                    )
                    loss = self.loss.compute_loss_from_embeddings([left, other], None)
                    total += float(loss) * len(batch)
                    nearest = (left @ other.T).argmax(dim=1)
                    right += int((nearest == torch.arange(len(batch))).sum())
                    n += len(batch)
        return round(total / max(n, 1), 4), round(right / max(n, 1), 4)

    def spent(self) -> float:
        """Return the processor time in seconds, what killed runs had kept included."""
        return self.cpu_s + time.process_time() - self._began

    def _features(self, batch: Sequence[Pair]) -> Iterator[Any]:
        for side in ([pair.left for pair in batch], [pair.right for pair in batch]):
            yield self.model.preprocess([t.encode("utf-8", "replace").decode() for t in side])

    def _keep(self, optimizer: Any, mark: str, done: int) -> None:
        import torch

        draft = self.kept.with_name(f"{self.kept.name}.{os.getpid()}")
        state = {
            "mark": mark, "done": done, "cpu_s": self.spent(),
            "model": self.model.state_dict(), "optimizer": optimizer.state_dict(),
        }  # fmt: skip
        torch.save(state, draft)
        draft.replace(self.kept)

    def _resumed(self, optimizer: Any, mark: str) -> int:
        """Take up what was kept, where it is of this very course; return the steps taken."""
        import torch

        try:
            state = torch.load(self.kept, weights_only=True)
        except FileNotFoundError:
            return 0
        except Exception:  # noqa: BLE001 - half a file, or of another version: begin anew
            return 0
        if state.get("mark") != mark:
            return 0
        self.model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        self.cpu_s += state["cpu_s"]
        return int(state["done"])


def _mark(source: Path, teaching: Sequence[Pair], epochs: int, rate: float) -> str:
    """Name what is taught to whom, and how."""
    digest = hashlib.sha256((source / "model.safetensors").read_bytes())
    for pair in teaching:
        digest.update("\0".join((pair.left, pair.right)).encode("utf-8", "surrogatepass"))
    digest.update(repr((epochs, rate, BATCH, MOST_TOKENS, WARM, SEED)).encode())
    return digest.hexdigest()


def _share(progress: float) -> float:
    """Return the share of the rate at a share of the steps."""
    if progress < WARM:
        return progress / WARM
    return max(0.0, (1 - progress) / (1 - WARM))
