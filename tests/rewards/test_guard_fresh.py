"""The second table of the guards on one voice: its rows, and what is plain enough to hold on any machine."""

from __future__ import annotations

from studies.rewards.guard_fresh import PAIRS, PHRASES, VOICES, spoken, stuck
from studies.rewards.guard_rates import Case, rates, table
from tests.signals.sounds import needs_espeak, needs_models, say


@needs_models
@needs_espeak
def test_one_voice_gives_its_rows_of_the_table() -> None:
    """Three answers of the first voice. Every one of these rows is unanimous in docs/rewards.md; with
    another version of eSpeak one answer a row may fall out."""
    voice, pairs = VOICES[0], PAIRS[:3]
    found = rates(spoken([voice], pairs))
    order, other, question, phrase = (f"{voice}: {name}" for name in (
        "in order", "the text of another answer", "the question", "a phrase 5 times"))  # fmt: skip
    assert list(found) == [order, other, question, phrase]
    assert [tally.answers for tally in found.values()] == [3, 3, 3, len(PHRASES)]
    assert found[order].unpaid <= 1
    assert found[other].counts["not_its_text", True] >= 2 and found[phrase].counts["loop", True] >= len(PHRASES) - 1
    again = [Case("", say(text, voice=voice), text, asked) for asked, text in pairs[:1]]
    tiles = rates(stuck(again, "one voice"))
    assert len(tiles) == 3 and sum(tally.counts["loop", True] for tally in tiles.values()) >= 2
    assert table(found).count("\n") >= 5 and f"| {order} | 3 |" in table(found)
