"""`Watch`: looks that a training makes itself, with two judges behind the loopback server."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.loopback import Loopback
from tests.rewards.sounds import tone
from tests.signals.sounds import needs_models
from wavjudge.errors import AuthError, InputError, ModelChangedError
from wavjudge.rewards.item import RewardItem, Samples
from wavjudge.rewards.judge_reward import Judged, JudgeReward
from wavjudge.rewards.monitor.watch import Watch, fingerprints

PROMPTS = [RewardItem(question_text=f"What is {n}?", id=f"q{n:02}", language="en") for n in range(14)]
TRAINED = [RewardItem(question_text="Who are you?")]
JOINT = {"semantic": 0.5, "acoustic": 0.5}


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback() as running:
        yield running


@pytest.fixture
def judges(server: Loopback) -> Iterator[dict[str, JudgeReward]]:
    with ours(server) as reward, theirs(server) as held_out:
        yield {"reward": reward, "held_out": held_out}


def ours(server: Loopback, **more: Any) -> JudgeReward:
    spec = f"openai:m?base_url={server.openai_url}&attempts=1"
    return JudgeReward(spec, {"overall": 1.0}, guards=None, cache=False, **more)


def theirs(server: Loopback, **more: Any) -> JudgeReward:
    spec = f"gemini:m?base_url={server.gemini_url}&attempts=1"
    return JudgeReward(spec, JOINT, guards=None, cache=False, prompt_set="joint", **more)


def speaks(model: int, prompts: Sequence[RewardItem]) -> list[RewardItem]:
    """A policy that says the tone of its number."""
    return [replace(one, answer_text="It is so.", answer_audio=tone(model)) for one in prompts]


def watching(out: Path, judges: dict[str, JudgeReward], answer: Any = speaks, **more: Any) -> Watch:
    return Watch(out, PROMPTS, answer, training=TRAINED, instruments=False, **judges, **more)


def tones(judges: dict[str, JudgeReward]) -> tuple[int, int]:
    """Two tones: the reward's judge prefers the second, the held-out one hears no difference."""
    items = [replace(PROMPTS[0], answer_text="It is so.", answer_audio=tone(n)) for n in range(60)]
    reward, held_out = ([one.score or 0 for one in judge.score_now(items)] for judge in judges.values())
    return next((a, b) for a in range(60) for b in range(60) if reward[b] > reward[a] and held_out[a] == held_out[b])


def test_a_reward_that_rises_alone_is_an_alarm(tmp_path: Path, judges: dict[str, JudgeReward]) -> None:
    low, high = tones(judges)
    watch = watching(tmp_path / "out", judges)
    assert watch.is_due(0) and watch.look(0, low).verdict == "first"
    found = watch.look(50, high)
    assert found.verdict == "gaming" and found.alarms[0] == "gaming"
    names = {path.name for path in (tmp_path / "out").iterdir()} - {".lock"}
    assert names == {"plan.json", "monitor.jsonl", "monitor.csv", "monitor.md", "monitor.png", "monitor.svg"}
    (first, _) = [json.loads(line) for line in (tmp_path / "out" / "monitor.jsonl").read_text("utf-8").splitlines()]
    assert {name.split("|")[0] for name in first["judges"]} == {"openai:m", "gemini:m"}
    assert all("|is:" in name for name in first["judges"])
    assert first["answers"][3]["prompt"] == "q03" and first["answers"][3]["values"]["seconds"] == 0.5


def test_a_resumed_training_goes_on_and_asks_nobody_again(
    tmp_path: Path, server: Loopback, judges: dict[str, JudgeReward]
) -> None:
    watching(tmp_path / "out", judges).look(50, 1)
    asked = server.requests
    again = watching(tmp_path / "out", judges)
    assert [again.is_due(step) for step in (0, 50, 51)] == [False, False, True]
    with pytest.raises(InputError, match="got step 50 after step 50, expected a later one"):
        again.look(50, 1)
    assert server.requests == asked
    assert again.look(100, 1).verdict == "no_rise"


def test_failures_of_either_side_are_kept_apart(tmp_path: Path, server: Loopback) -> None:
    """Of the answers one is silent and one has no recording; the held-out judge fails on all others."""

    def answer(model: int, prompts: Sequence[RewardItem]) -> list[RewardItem]:
        said = speaks(model, prompts)
        said[0] = replace(said[0], answer_audio=Samples(np.zeros(8000, np.float32), 16_000))
        said[1] = replace(said[1], answer_audio=None)
        return said

    with ours(server) as reward, theirs(server) as held_out:
        watch = watching(tmp_path, {"reward": reward, "held_out": held_out}, answer)
        server.plan = lambda number: "bad_request" if server.received[-1].protocol == "gemini" else None
        watch.look(0, 1)
    (look,) = watch.monitor.looks
    assert [one.values["failed"] for one in look.answers] == [1.0, 1.0] + [0.0] * 12
    assert look.why_missing("reward") == {"no_speech": 2}
    assert look.why_missing("held_out") == {"failed": 12, "no_speech": 2}
    assert sum(one.values.get("held_out_failed", 0) for one in look.answers) == 12
    assert all("loudness" in one.values for one in look.answers[2:])


def test_a_model_that_changed_behind_its_name_is_told_from_a_policy_that_did(
    tmp_path: Path, server: Loopback, judges: dict[str, JudgeReward]
) -> None:
    watching(tmp_path, judges).look(0, 1)
    text = (tmp_path / "monitor.jsonl").read_text("utf-8")
    (tmp_path / "monitor.jsonl").write_text(text.replace("|is:", "|is:old-"), "utf-8")
    with pytest.raises(ModelChangedError, match=r"got scores by gemini:m.* at step 50, and by gemini:m.*is:old-"):
        watching(tmp_path, judges).look(50, 1)
    assert len((tmp_path / "monitor.jsonl").read_text("utf-8").splitlines()) == 1

    class Changing(JudgeReward):
        """Another model answers half of what is asked."""

        def score_now(self, items: Sequence[RewardItem]) -> list[Judged]:
            old = super().score_now(items)
            new = [one.model_copy(update={"signature": f"{one.signature}-new"}) for one in old[0].ratings]
            return [replace(old[0], ratings=tuple(new)), *old[1:]]

    spec = f"openai:m?base_url={server.openai_url}"
    with Changing(spec, {"overall": 1.0}, guards=None, cache=False) as changing:
        watch = watching(tmp_path / "new", {**judges, "reward": changing})
        with pytest.raises(ModelChangedError, match="before or beside them"):
            watch.look(0, 1)


@pytest.mark.parametrize(
    ("answer", "said"),
    [(lambda model, prompts: speaks(model, prompts)[:-1], "got 13 answers, expected one to each of 14"),
     (lambda model, prompts: speaks(model, prompts[::-1]), "in their order")],
)  # fmt: skip
def test_answers_to_other_prompts_are_refused_before_a_judge_is_asked(
    tmp_path: Path, server: Loopback, judges: dict[str, JudgeReward], answer: Any, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        watching(tmp_path, judges, answer).look(0, 1)
    assert server.requests == 0 and not (tmp_path / "plan.json").exists()


def test_what_is_not_apart_is_refused_at_the_start(
    tmp_path: Path, server: Loopback, judges: dict[str, JudgeReward]
) -> None:
    common: dict[str, Any] = {"instruments": False, **judges}
    with pytest.raises(InputError, match="q03 is t of the training"):
        Watch(tmp_path, PROMPTS, speaks, training=[RewardItem(question_text="what is  3", id="t")], **common)
    with pytest.raises(InputError, match="got 15 prompts, of which 14 differ"):
        Watch(tmp_path, [*PROMPTS, PROMPTS[0]], speaks, training=TRAINED, **common)
    with pytest.raises(InputError, match="got two prompts of the name 'q00'"):
        Watch(tmp_path, PROMPTS, speaks, training=[*TRAINED, *(replace(PROMPTS[0], question_text=q) for q in "ab")],
              **common)  # fmt: skip
    with pytest.raises(InputError, match="got one judge prompt for the reward and the held-out judge"):
        watching(tmp_path, {**judges, "held_out": judges["reward"]})
    assert watching(tmp_path / "b", judges).monitor.plan == (
        Watch(tmp_path / "b", PROMPTS, speaks, training=fingerprints(TRAINED), **common).monitor.plan
    )


def test_a_key_that_is_wrong_ends_it_and_nothing_is_kept(tmp_path: Path) -> None:
    with Loopback(key="another") as server, ours(server) as reward, theirs(server) as held_out:
        watch = watching(tmp_path, {"reward": reward, "held_out": held_out})
        with pytest.raises(AuthError):
            watch.look(0, 1)
    assert not (tmp_path / "monitor.jsonl").exists()


@needs_models
def test_the_instruments_give_pace_and_word_errors(tmp_path: Path, judges: dict[str, JudgeReward]) -> None:
    """Speech of the shipped test set that says its own text, and a tone, in which they hear no words."""
    from studies.rewards.guard_rates import Case, tiny

    spoken = next(one for one in tiny() if one.row == "tiny: clean")
    assert isinstance(spoken, Case) and spoken.sound is not None

    def answer(model: int, prompts: Sequence[RewardItem]) -> list[RewardItem]:
        said = speaks(model, prompts)
        sound = Samples(spoken.sound.samples, spoken.sound.sample_rate_hz)  # type: ignore[union-attr]
        wordless = replace(said[2], answer_text=None, answer_audio=sound)
        return [replace(said[0], answer_text=spoken.text, answer_audio=sound), said[1], wordless, *said[3:]]

    watch = Watch(tmp_path, PROMPTS, answer, training=TRAINED, **judges)
    watch.look(0, 1)
    (look,) = watch.monitor.looks
    assert 1 < look.answers[0].values["rate"] < 5 and look.answers[0].values["wer"] < 0.3
    assert look.answers[1].missing["rate"] == look.answers[1].missing["wer"] == "not measured"
    assert look.answers[2].values["plea"] == 0.0, "phrases are looked for in what was heard"
    assert look.answers[2].missing["wer"] == "not measured"
