"""Sound for rollouts: a tone for each number, half a second long, so that the loopback judge hears it."""

from __future__ import annotations

import numpy as np

from wavjudge.rewards.item import RewardItem, Samples

RATE_HZ = 16_000


def tone(n: int, seconds: float = 0.5) -> Samples:
    time = np.arange(int(RATE_HZ * seconds)) / RATE_HZ
    return Samples((0.3 * np.sin(2 * np.pi * (200 + 10 * n) * time)).astype(np.float32), RATE_HZ)


def item(n: int, question: str = "Why?") -> RewardItem:
    return RewardItem(tone(n), f"Answer {n}.", question)
