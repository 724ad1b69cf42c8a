"""How often each guard trips on speech that no limit was chosen on: other voices, other sentences, other faults.

`python -m studies.rewards.guard_fresh` prints the second table of docs/rewards.md (minutes). The limits of
`guards.Limits` were chosen on the material of `guard_rates.py`; they were as they are now before this file was written,
and nothing was changed once it had given a figure (a first run stopped at a voice that eSpeak lacks; it was replaced).
Voices, sentences, phrases, paces and stretches of sound are all others than there. The real answers (where they lie
beside the checkout) had been heard in order only: here with faults. It is still one synthesiser and one speech model,
and the answers of a row share sentences.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from studies.rewards.guard_rates import Case, rates, real, table
from tests.signals.sounds import say
from wavjudge.audio import Waveform

VOICES = ("en-us+f2", "en+m3", "en-gb-scotland+f4", "en-029+m7", "en-us+whisper")
PACE = 175
TILES = (0.3, 0.7, 1.5)
PHRASES = ("let me see now", "one more time and", "it goes on", "as I said before")
PAIRS = (
    ("How do I keep my bread fresh for longer?", "Wrap it in a cloth and leave it in a dry box, not in the fridge."),
    ("Which planet has the most moons?", "Saturn does, with well over one hundred that we know of."),
    ("My flight was cancelled, what now?", "Ask the airline for another flight first, then keep all your receipts."),
    ("Can you say something kind to my sister?", "Your sister is lucky to have you, and you are lucky to have her."),
    ("What does a carpenter do all day?", "He measures, saws and joins wood, and sweeps the floor in the evening."),
    ("Why do leaves turn red in autumn?", "The green fades away, and red that was made in the leaf is left."),
    ("How long should I boil an egg?", "Six minutes for a soft yolk, ten minutes for a hard one."),
    ("What is the capital of Australia?", "It is Canberra, although many people think of Sydney."),
    ("I cannot sleep at night, any advice?", "Put the screen away an hour before bed and keep the room cool."),
    (
        "Who wrote the play about the prince of Denmark?",
        "That was William Shakespeare, around sixteen hundred.",
    ),
    ("Should I take the bus or walk to the station?", "Walk, it takes twelve minutes and the rain has stopped."),
    ("What is a good name for a grey cat?", "I would call her Misty, or Pepper if she is lively."),
    ("How can I remove a coffee stain?", "Rinse it with cold water at once, then use a little soap."),
    ("Tell me about the oldest bridge in town.", "The stone bridge by the market was built by monks long ago."),
    ("Is it safe to swim in this lake?", "Near the beach it is, but stay away from the dam."),
    ("What should I pack for the mountains?", "Take a warm jacket, strong shoes, a map and enough water."),
    ("How do whales breathe?", "They come up to the surface and breathe through a hole on top of the head."),
    ("I failed my exam and feel terrible.", "That hurts, and it says nothing about what you can still learn."),
    ("How many strings does a violin have?", "It has four strings, tuned a fifth apart from each other."),
    ("Please book a table for five people.", "Certainly, for which evening and at what time shall I book it?"),
)


def spoken(voices: Sequence[str] = VOICES, pairs: Sequence[tuple[str, str]] = PAIRS) -> Iterator[Case]:
    """Each voice in order; with another text than its own; saying the question; with a phrase again and again."""
    texts = [text for _, text in pairs]
    for voice in voices:
        for (question, text), other in zip(pairs, texts[1:] + texts[:1], strict=True):
            yield Case(f"{voice}: in order", say(text, PACE, voice), text, question)
            yield Case(f"{voice}: the text of another answer", say(text, PACE, voice), other, question)
            yield Case(f"{voice}: the question", say(question, PACE, voice), question, question)
        for phrase in PHRASES:
            looped = " ".join([phrase] * 5)
            yield Case(f"{voice}: a phrase 5 times", say(looped, PACE, voice), looped, "What did you do then?")


def stuck(cases: list[Case], name: str) -> Iterator[Case]:
    """The same answers, stuck on a stretch of their own sound for 4 s."""
    dice = np.random.default_rng(54321)
    for seconds in TILES:
        for case in cases:
            assert isinstance(case.sound, Waveform)
            rate, x = case.sound.sample_rate_hz, case.sound.samples
            n = int(seconds * rate) + int(dice.integers(rate // 100))
            start = int(dice.integers(rate // 4, max(len(x) - n, rate // 4 + 1)))
            looped = np.concatenate([x[:start], np.tile(x[start : start + n], int(np.ceil(4 / seconds)))])
            yield Case(f"{name}: stuck on {seconds:g} s of sound", Waveform(looped, rate), case.text, case.question)


def in_order() -> list[Case]:
    """What `stuck` takes: every voice, but the whisper, which has little that comes back."""
    return [Case("", say(text, PACE, voice), text, question) for voice in VOICES[:4] for question, text in PAIRS[:6]]


def swapped() -> Iterator[Case]:
    """Real answers, each with the text of the next one."""
    known = list(real())
    for one, other in zip(known, known[1:] + known[:1], strict=True):
        yield Case("real answers: the text of another answer", one.sound, other.text, one.question)


if __name__ == "__main__":
    there = {**rates(swapped()), **rates(stuck(list(real()), "real answers"))}
    print(table({**rates(spoken()), **rates(stuck(in_order(), "eSpeak, four voices")), **there}))
