"""Populations of prompts, answers, people and judges, and their true values.

An answer has a quality: a mean, what its prompt adds, what the answer adds, all normal. Whoever rates it hears the
quality with errors of his own and says the nearest whole number from 1 to 5. A judge also has a liking or dislike for
whole prompts, which is what makes its errors depend within a prompt.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from studies.coverage.cells import Truth
from wavjudge.analysis.stats.sums import Floats, Ints, Paired

Random = np.random.Generator

PROMPTS = (12, 20, 50)
BALANCED, UNBALANCED = "4 each", "1-8"
LAYOUTS = (BALANCED, UNBALANCED)


@dataclass(frozen=True, slots=True)
class Judge:
    """Hears level + slope (quality - mean of qualities); errors by prompt and by answer (standard deviations)."""

    level: float
    slope: float
    by_prompt: float
    by_answer: float


@dataclass(frozen=True, slots=True)
class Population:
    """Standard deviations on the 1-5 scale. people: how many rate each answer; their mean is the label."""

    mean: float
    prompt: float
    answer: float
    person: float
    people: int
    judge: Judge


POPULATIONS: Mapping[str, Population] = {
    "typical": Population(3.2, 0.6, 0.8, 0.7, 1, Judge(3.5, 0.9, 0.4, 0.6)),
    "accurate": Population(3.4, 0.7, 0.9, 0.4, 1, Judge(3.5, 1.0, 0.15, 0.35)),
    "flat": Population(3.2, 0.6, 0.8, 0.7, 3, Judge(4.0, 0.35, 0.3, 0.35)),
}


def sizes(layout: str, prompts: int, random: Random) -> Ints:
    """Answers of each prompt: four (`4 each`), one (`1 each`), or any number from 1 to 8, equally likely."""
    if layout == UNBALANCED:
        return random.integers(1, 9, prompts)
    return np.full(prompts, int(layout.split()[0]))


@dataclass(frozen=True, slots=True)
class Answers:
    """Answers of a population: the prompt of each, and its quality around the mean; shape (n,)."""

    population: Population
    prompt: Ints
    quality: Floats

    def people(self, random: Random, count: int, generosity: npt.ArrayLike = 0.0) -> Floats:
        """Ratings of so many people; shape (n, count). generosity: added to what each of them hears."""
        heard = self.quality[:, None] + self.population.person * random.normal(size=(len(self.prompt), count))
        return on_scale(self.population.mean + np.asarray(generosity) + heard)

    def judged(self, random: Random, judge: Judge) -> Floats:
        return on_scale(self.heard(random, judge))

    def heard(self, random: Random, judge: Judge) -> Floats:
        """What the judge hears, before it says a whole number."""
        liking = judge.by_prompt * random.normal(size=int(self.prompt.max()) + 1)
        errors = liking[self.prompt] + judge.by_answer * random.normal(size=len(self.prompt))
        return np.asarray(judge.level + judge.slope * self.quality + errors)

    def paired(self, random: Random) -> Paired:
        """The population's judge against the mean of its people."""
        people = self.people(random, self.population.people).mean(axis=1)
        return Paired(self.judged(random, self.population.judge), people, self.prompt)


def answers(population: Population, layout: str, prompts: int, random: Random) -> Answers:
    prompt = np.repeat(np.arange(prompts), sizes(layout, prompts, random))
    by_prompt = population.prompt * random.normal(size=prompts)
    return Answers(population, prompt, by_prompt[prompt] + population.answer * random.normal(size=len(prompt)))


def on_scale(heard: Floats) -> Floats:
    return np.asarray(np.clip(np.round(heard), 1, 5))


def mean_on_scale(mean: float, sd: float) -> float:
    """The expected rating where what is heard is normal: 1 + sum over k = 1.5, 2.5, 3.5, 4.5 of P(heard > k)."""
    return 1 + float(stats.norm.sf([1.5, 2.5, 3.5, 4.5], mean, sd).sum())


def true_mean(population: Population) -> Truth:
    """The mean of the people's ratings, in closed form."""
    return Truth(mean_on_scale(population.mean, math.hypot(population.prompt, population.answer, population.person)))


BATCHES, BATCH_PROMPTS = 40, 5000


def true_values(draw: Callable[[Random], Sequence[float]], names: Sequence[str], random: Random) -> dict[str, Truth]:
    """Means over batches of 5,000 prompts, and their standard errors. draw: the values of one batch."""
    values = np.array([draw(random) for _ in range(BATCHES)])
    errors = values.std(axis=0, ddof=1) / math.sqrt(BATCHES)
    return {name: Truth(float(m), float(e)) for name, m, e in zip(names, values.mean(axis=0), errors, strict=True)}
