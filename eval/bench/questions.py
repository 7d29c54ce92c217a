"""Questions as a clinic asks them, drawn from a seed: a few words, phrases, whole sentences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from eval.hospital.model import Concept
from eval.hospital.topics import topics
from eval.hospital.vocabulary import concepts

SEED = 11
_QUALITIES = (
    "acute chronic severe mild new recurrent suspected worsening stable treated admission "
    "discharge plan follow-up history medication dose allergy CT x-ray biopsy lab results"
).split()
_QUESTIONS = (
    "who was treated for {a} with {b}",
    "does the patient have {a}",
    "what was done about {a} after {b}",
    "when was {a} first noted",
    "any history of {a} or {b}",
    "which patients with {a} were started on {b}",
)


def questions(count: int, seed: int = SEED) -> list[str]:
    """Return `count` questions; the same ones for the same seed."""
    dice = Random(seed)  # noqa: S311  # a benchmark's dice, no secret
    table = list(concepts().values())
    asked = [topic.text for topic in topics()]
    kinds: Sequence[tuple[Callable[[], str], int]] = (
        (lambda: _words(dice, table), 45),
        (lambda: f'"{dice.choice(table).name.lower()}"', 10),
        (lambda: f'"{dice.choice(table).name.lower()}" {dice.choice(_QUALITIES)}', 5),
        (lambda: dice.choice(asked), 20),
        (lambda: _sentence(dice, table), 20),
    )
    makers, weights = [make for make, _ in kinds], [weight for _, weight in kinds]
    return [dice.choices(makers, weights)[0]() for _ in range(count)]


def _words(dice: Random, table: Sequence[Concept]) -> str:
    """One to four words: a concept by one of its names, often with a word beside it."""
    chosen = dice.choice(table)
    name = dice.choice([chosen.name, *chosen.terms, *chosen.short, *chosen.lay])
    beside = dice.sample(_QUALITIES, dice.choice((0, 0, 1, 2)))
    return " ".join(f"{name} {' '.join(beside)}".split()[:4])


def _sentence(dice: Random, table: Sequence[Concept]) -> str:
    a, b = dice.sample(table, 2)
    return dice.choice(_QUESTIONS).format(a=a.name.lower(), b=b.name.lower())
