"""Seeded chance. Only `random()` is drawn from, whose stream Python promises to keep."""

from __future__ import annotations

import random
from collections.abc import Sequence
from hashlib import sha1
from itertools import accumulate
from typing import TypeVar
from uuid import UUID

T = TypeVar("T")
NAMESPACE = UUID("6c1f6b2e-5d0a-5f7e-9d43-2f6f0a9f7b11")
_NAMESPACE = NAMESPACE.bytes
_MASK = (1 << 64) - 1


def mix(*parts: int) -> int:
    """Fold integers into one well-spread 64-bit seed (the finaliser of SplitMix64)."""
    state = 0
    for part in parts:
        state = (state + part + 0x9E3779B97F4A7C15) & _MASK
        state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _MASK
        state ^= state >> 31
    return state


def stable_id(*parts: object) -> str:
    """Make an id that is the same in every run and every installation."""
    # A version 5 UUID by hand: uuid.uuid5 takes three times as long, and a chart is full of ids.
    name = "/".join(map(str, parts)).encode()
    x = sha1(_NAMESPACE + name, usedforsecurity=False).hexdigest()
    variant = "89ab"[int(x[16], 16) & 3]
    return f"{x[:8]}-{x[8:12]}-5{x[13:16]}-{variant}{x[17:20]}-{x[20:32]}"


class Dice(random.Random):
    """The draws that the generator needs, each from one uniform number."""

    def __new__(cls, *_parts: int) -> Dice:
        return super().__new__(cls)

    def __init__(self, *parts: int) -> None:
        super().__init__(mix(*parts))

    def pick(self, items: Sequence[T]) -> T:
        """Draw one item, all alike."""
        return items[int(self.random() * len(items))]

    def chance(self, probability: float) -> bool:
        """Say yes with this probability."""
        return self.random() < probability

    def between(self, low: int, high: int) -> int:
        """Draw an integer, both ends included."""
        return low + int(self.random() * (high - low + 1))

    def near(self, mean: float, spread: float) -> float:
        """Draw around a mean; three uniforms are bell enough and never stray far."""
        return mean + spread * (self.random() + self.random() + self.random() - 1.5)

    def some(self, items: Sequence[T], count: int) -> list[T]:
        """Draw up to `count` different items in a random order."""
        left = list(items)
        return [left.pop(int(self.random() * len(left))) for _ in range(min(count, len(left)))]

    def weighted(self, items: Sequence[T], weights: Sequence[float]) -> T:
        """Draw one item in proportion to its weight."""
        return self.at(items, list(accumulate(weights)))

    def at(self, items: Sequence[T], cumulative: Sequence[float]) -> T:
        """Draw one item by running totals of its weights."""
        point = self.random() * cumulative[-1]
        for item, edge in zip(items, cumulative, strict=True):
            if point < edge:
                return item
        return items[-1]
