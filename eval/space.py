"""The settings that a tuning looks through, and how it looks: a grid in rounds, or Bayesian."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, Literal, Protocol

from eval.replay import Asking, Setting
from indexing.errors import ConfigurationError
from rankers.fusion import EXPANSIONS, SHARES, Share

Part = Literal["legs", "alike", "expansions", "title"]
PARTS: tuple[Part, ...] = ("legs", "alike", "expansions", "title")

VECTOR_SHARES = tuple(round(i * 0.05, 2) for i in range(21))
GRAPH_SHARES = (0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5)
ALIKE = (0.0, 0.2, 0.4, 0.6, 0.8)
TITLES = (0.0, 0.15, 0.3, 0.6, 1.0)
# Every kind, each one left out, and none.
KINDS: tuple[tuple[str, ...], ...] = (
    EXPANSIONS,
    *(tuple(k for k in EXPANSIONS if k != without) for without in EXPANSIONS),
    (),
)
SEED = 7  # two searches of the same answers are equal

Score = Callable[[Setting], float]
Choose = Callable[[Sequence[Setting]], Setting]


@dataclass(frozen=True, slots=True)
class Space:
    """What may be chosen, by part; a part with one value is not looked for."""

    legs: tuple[Share, ...]
    alike: tuple[float | None, ...]
    expansions: tuple[tuple[str, ...] | None, ...]
    titles: tuple[float, ...]

    def askings(self) -> tuple[Asking, ...]:
        """Return every way in which the legs have to be asked, the default's first."""
        kinds = [EXPANSIONS if each is None else each for each in self.expansions]
        return tuple(Asking(t, k) for t, k in product(self.titles, kinds))

    def start(self, kind: str, title: float) -> Setting:
        """Return the default of a kind of question."""
        return Setting(SHARES[kind], title)


class Look(Protocol):
    """Looks for a kind's best setting, given what scores one and what chooses of several."""

    def __call__(self, space: Space, start: Setting, score: Score, choose: Choose) -> Setting: ...


def space_of(parts: Sequence[str], title: float) -> Space:
    """Return the space of these parts; `title` is the default weight of titles."""
    grid = (
        *(Share(v, g) for v, g in product(VECTOR_SHARES, GRAPH_SHARES)),
        *(Share(v, g, "ranks") for v, g in product(VECTOR_SHARES[::2], GRAPH_SHARES[::2])),
    )
    titles = (title, *(each for each in TITLES if each != title))
    return Space(
        legs=grid if "legs" in parts else (),
        alike=ALIKE if "alike" in parts else (None,),
        expansions=KINDS if "expansions" in parts else (None,),
        titles=titles if "title" in parts else (title,),
    )


def by_grid(space: Space, start: Setting, score: Score, choose: Choose) -> Setting:  # noqa: ARG001
    """Choose the wordings at the default's shares, then shares and like hits together."""
    worded = [
        replace(start, share=replace(start.share, expansions=kinds)) for kinds in space.expansions
    ]
    chosen = choose(worded) if len(worded) > 1 else start
    legs = space.legs or (chosen.share,)
    return choose(
        [
            Setting(replace(share, alike=alike, expansions=chosen.share.expansions), start.title)
            for share, alike in product(legs, space.alike)
        ]
    )


def by_trials(trials: int) -> Look:
    """Return a Bayesian search (tree of Parzen estimators) over all parts at once.

    Raises: ConfigurationError.
    """
    try:
        import optuna
    except ImportError as exc:
        raise ConfigurationError(
            "a Bayesian search needs Optuna",
            hint="pip install 'anamnesis[lab]', or take --search grid",
        ) from exc
    optuna.logging.set_verbosity(optuna.logging.WARNING)

    def look(space: Space, start: Setting, score: Score, choose: Choose) -> Setting:
        study = optuna.create_study(
            direction="maximize", sampler=optuna.samplers.TPESampler(seed=SEED)
        )
        seen = {start: score(start)}
        for _ in range(trials):
            trial = study.ask()
            made = _suggested(trial, space, start)
            if made not in seen:
                seen[made] = score(made)
            study.tell(trial, seen[made])
        return choose(list(seen))

    return look


def _suggested(trial: Any, space: Space, start: Setting) -> Setting:
    share = start.share
    if space.legs:
        share = replace(
            share,
            vector=round(trial.suggest_float("vector", 0.0, 1.0, step=0.05), 2),
            graph=round(trial.suggest_float("graph", 0.0, 0.5, step=0.05), 2),
            by=trial.suggest_categorical("by", ("scores", "ranks")),
        )
    if len(space.alike) > 1:
        share = replace(share, alike=trial.suggest_categorical("alike", space.alike))
    if len(space.expansions) > 1:
        at = trial.suggest_categorical("expansions", tuple(range(len(space.expansions))))
        share = replace(share, expansions=space.expansions[at])
    return replace(start, share=share)
