"""The hybrid trainer on a Llama of 64 units: its loss against the formulas, and the reference's mistakes, by number
(rewards.md, section 5, is the list that the numbers are of)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (extra train)")
pytest.importorskip("trl", reason="TRL is not installed (extra train)")

from trl import GRPOConfig

from tests.training.tiny import SoundJudge, Tiny, write_rows
from wavjudge.errors import AuthError, DivergedError, InputError, NoRewardError
from wavjudge.rewards.combine import Reward
from wavjudge.rewards.groups import Group
from wavjudge.rewards.mixing import Gates
from wavjudge.training.data import Example, Row, collated, examples
from wavjudge.training.losses import next_token_logps, supervised
from wavjudge.training.trainer import HybridGRPOTrainer, Recipe

pytestmark = [pytest.mark.heavy, pytest.mark.filterwarnings("ignore")]

ANSWERS, GROUP = 8, 4


def made(
    folder: Path, *, speaker: Any = None, judge: Any = None, recipe: Recipe | None = None, steps: int = 1,
    prompts: list[Example] | None = None, others: dict[str, Any] | None = None, **more: Any,
) -> HybridGRPOTrainer:  # fmt: skip
    torch.set_num_threads(1)
    speaker = speaker or Tiny()
    write_rows(folder)
    args = {
        "output_dir": str(folder / "out"), "per_device_train_batch_size": ANSWERS, "num_generations": GROUP,
        "max_completion_length": 22, "max_steps": steps, "logging_steps": 1, "save_strategy": "no", "use_cpu": True,
        "report_to": [], "learning_rate": 1e-3, "bf16": False, "gradient_checkpointing": False, "disable_tqdm": True,
        "seed": 3,
    }  # fmt: skip
    return HybridGRPOTrainer(
        speaker, judge or SoundJudge(), args=GRPOConfig(**args | more),
        prompts=prompts or examples(folder / "prompts.jsonl", speaker, targets=False),
        demonstrations=examples(folder / "demonstrations.jsonl", speaker, targets=True),
        held_out=examples(folder / "held_out.jsonl", speaker, targets=True),
        recipe=recipe or Recipe(anchor_rows=2, ceiling=None), **others or {},
    )  # fmt: skip


def watched(trainer: HybridGRPOTrainer) -> list[tuple[dict[str, Any], float, float]]:
    """(inputs, loss, lambda) of each micro-batch, filled while it trains."""
    seen: list[tuple[dict[str, Any], float, float]] = []
    whole = trainer.compute_loss

    def looked(model: Any, inputs: Any, *more: Any, **named: Any) -> Any:
        loss = whole(model, inputs, *more, **named)
        seen.append((dict(inputs), loss.item(), trainer.share))
        return loss

    trainer.compute_loss = looked  # type: ignore[method-assign]
    return seen


def scored(*scores: float | None) -> Any:
    """Rewards by the order of the answers, again and again."""
    left = iter(scores * 100)
    return lambda item: Reward(s, "ok") if (s := next(left)) is not None else Reward(None, "failed", "time-out")


@pytest.mark.parametrize("accumulate", [1, 2])
def test_mistakes_4_5_and_21_the_loss_is_lambda_preference_and_the_rest_of_one_supervised(
    tmp_path: Path, accumulate: int
) -> None:
    """By hand from the paper's formula: masked means over the text tokens of an answer, over the answers that count."""
    trainer = made(tmp_path, recipe=Recipe(anchor_rows=2, ceiling=None), gradient_accumulation_steps=accumulate,
                   temperature=0.7)  # fmt: skip
    seen = watched(trainer)
    trainer.train()
    assert len(seen) == accumulate
    model, rows = Tiny().model().eval(), []
    for inputs, _, _ in seen:
        ids = torch.cat([inputs["prompt_ids"], inputs["completion_ids"]], dim=1)
        mask = torch.cat([inputs["prompt_mask"], inputs["completion_mask"]], dim=1)
        logits = model(input_ids=ids, attention_mask=mask).logits / 0.7
        logps = torch.log_softmax(logits[:, :-1].double(), -1).gather(-1, ids[:, 1:, None])[..., 0]
        logps = logps[:, -inputs["completion_ids"].shape[1] :]
        said = inputs["completion_ids"]
        text = ((said < 60) & (said != 2) & (said != 3) & inputs["completion_mask"].bool()).double()
        for row in range(len(said)):
            if text[row].sum() and inputs["counts"][row]:
                gain = torch.exp(logps[row] - logps[row].detach()) * inputs["advantages"][row]
                rows.append(-(gain * text[row]).sum() / text[row].sum())
    anchors = []
    for number in range(accumulate):
        batch = collated(trainer._anchor.chosen(number, 2), Tiny().vocabulary, pad=0)
        logps = next_token_logps(model(input_ids=batch.ids, attention_mask=batch.attention).logits, batch.ids)
        anchors.append(supervised(logps, batch.masks))
    share = seen[0][2]
    expected = share * sum(rows) / len(rows) + (1 - share) * sum(anchors) / accumulate
    assert 0 < share < 0.8
    assert sum(loss for _, loss, _ in seen) == pytest.approx(expected.item(), abs=1e-5)


def test_lambda_is_that_of_the_mixture_and_moves_once_a_step(tmp_path: Path) -> None:
    trainer = made(tmp_path, judge=SoundJudge(scored(1, 3, 4, 5, 3, 3, 3, 3)), steps=2, gradient_accumulation_steps=2)
    seen = watched(trainer)
    trainer.train()
    mean = Gates().raw(Group.of([1, 3, 4, 5])) / 2
    assert [share for _, _, share in seen] == pytest.approx([mean] * 4)
    assert trainer.mixture.state == pytest.approx(mean)


def test_mistake_2_an_answer_without_a_score_has_no_part_in_anything(tmp_path: Path) -> None:
    trainer = made(tmp_path, judge=SoundJudge(scored(5, 5, 5, None, 1, 3, 4, 5)))
    seen = watched(trainer)
    trainer.train()
    inputs = seen[0][0]
    assert int((~inputs["counts"]).sum()) == 1
    assert sorted(inputs["advantages"].tolist())[:1][0] == pytest.approx(
        Group.of([1, 3, 4, 5]).advantages()[0], abs=1e-5
    )
    assert inputs["advantages"][~inputs["counts"]].tolist() == [0.0]
    assert seen[0][2] == pytest.approx((0 + Gates().raw(Group.of([1, 3, 4, 5]))) / 2)
    assert trainer.counts == {"ok": 7, "failed": 1}


def test_mistake_4_answers_without_text_get_no_preference_gradient(tmp_path: Path) -> None:
    """The reference fell back to the full mask, so speech tokens got the noisy gradient."""
    trainer = made(tmp_path)
    seen = watched(trainer)
    trainer.train()
    inputs = {**seen[0][0], "completion_ids": torch.full((ANSWERS, 22), 70), "over": torch.zeros(ANSWERS, 2),
              "completion_mask": torch.ones(ANSWERS, 22, dtype=torch.long)}  # fmt: skip
    trainer.model.zero_grad()
    trainer._preferred(trainer.model, inputs).backward()
    assert all(float(one.grad.abs().max()) == 0 for one in trainer.model.parameters() if one.grad is not None)


@pytest.mark.parametrize("speech_beta", [0.0, 0.1])
def test_mistakes_3_and_4_the_reference_is_another_model_and_speech_beta_holds_speech(
    tmp_path: Path, speech_beta: float
) -> None:
    recipe = Recipe(anchor_rows=2, ceiling=None, text_beta=0.1 - speech_beta, speech_beta=speech_beta)
    trainer = made(tmp_path, recipe=recipe, steps=4)
    seen = watched(trainer)
    trainer.train()
    kls = [row["kl"] for row in trainer.state.log_history if "kl" in row]
    assert kls[0] == pytest.approx(0, abs=1e-6) and kls[-1] > 1e-6
    for held, began in zip(trainer.reference.parameters(), Tiny().model().parameters(), strict=True):
        assert torch.equal(held, began) and not held.requires_grad
    inputs = seen[-1][0]
    kinds = trainer._kinds(inputs)
    apart = torch.full_like(inputs["reference_logps"], -3.0).requires_grad_()
    trainer._kl(apart, inputs, kinds, float(ANSWERS)).backward()
    held_kind, free_kind = (kinds.speech, kinds.text) if speech_beta else (kinds.text, kinds.speech)
    assert apart.grad[held_kind].abs().min() > 0 and not apart.grad[free_kind].any()


class Refusing(SoundJudge):
    """Holds a `.config`, which the reference took for the mark of a model that scores."""

    config = {"model_type": "judge"}

    def score_now(self, items: Any) -> Any:
        raise AuthError("got no valid key", todo="look at the key")


def test_mistake_6_a_judge_that_cannot_be_asked_stops_the_training(tmp_path: Path) -> None:
    with pytest.raises(AuthError, match="no valid key"):
        made(tmp_path, judge=Refusing()).train()


def test_mistake_7_rows_are_what_they_were_when_the_training_ends(tmp_path: Path) -> None:
    trainer = made(tmp_path, steps=3)
    before = [(one.prompt, one.target) for one in trainer._anchor._held]
    trainer.train()
    assert [(one.prompt, one.target) for one in trainer._anchor._held] == before


def test_mistake_8_prompts_of_unequal_length_share_a_batch(tmp_path: Path) -> None:
    asked = [Example(Row(question_text="q"), "doc", Path(), tuple(range(4, 5 + n))) for n in range(4)]
    made(tmp_path, prompts=asked, steps=2).train()
    demonstrations = [replace(one, target=(20, 2, 70, 3, 1)) for one in asked]
    found = collated(demonstrations, Tiny().vocabulary, pad=0)
    assert found.masks.text.sum(1).tolist() == [2] * 4 and found.masks.speech.sum(1).tolist() == [3] * 4


def test_mistake_9_an_answer_without_speech_is_given_to_the_judge_as_one(tmp_path: Path) -> None:
    """The reference sent the transcript alone, unmarked: silence was paid."""
    judge = SoundJudge()
    trainer = made(tmp_path, judge=judge, max_completion_length=1, steps=2)
    trainer.train()
    silent = [item for item in judge.heard if item.answer_audio is None]
    assert silent and trainer.counts["no_speech"] == len(silent)


def test_mistake_10_the_judge_hears_the_answer_without_the_speech_of_the_prompt(tmp_path: Path) -> None:
    asked = [Example(Row(question_text="q"), "doc", Path(), (70, 71, 72, 73, 4 + n)) for n in range(2)]
    judge = SoundJudge()
    trainer = made(tmp_path, judge=judge, prompts=asked)
    seen = watched(trainer)
    trainer.train()
    spoken = sorted(((one >= 60) & mask.bool()).sum().item() for one, mask in
                    zip(seen[0][0]["completion_ids"], seen[0][0]["completion_mask"], strict=True))  # fmt: skip
    heard = sorted(0 if one.answer_audio is None else len(one.answer_audio.array) // 320 for one in judge.heard)
    assert heard == spoken


def test_mistake_14_rollouts_and_reference_are_without_dropout(tmp_path: Path) -> None:
    recipe = Recipe(anchor_rows=2, ceiling=None, text_beta=0.1)
    trainer = made(tmp_path, speaker=Tiny(dropout=0.5), recipe=recipe)
    modes: list[bool] = []
    whole = trainer._generate_single_turn

    def looked(*given: Any, **named: Any) -> Any:
        modes.append(trainer.model.training)
        return whole(*given, **named)

    trainer._generate_single_turn = looked
    trainer.train()
    assert modes == [False] and not trainer.reference.training and trainer.model.training


def test_mistake_17_the_rollouts_are_the_policys_own(tmp_path: Path) -> None:
    """Whatever the checkpoint's generation config says: nothing is cut off, and temperature is in both."""
    trainer = made(tmp_path, temperature=0.7)
    trainer.model.generation_config.top_p, trainer.model.generation_config.top_k = 0.05, 1
    seen = watched(trainer)
    trainer.train()
    firsts = set(seen[0][0]["completion_ids"][:, 0].tolist())
    used = trainer.generation_config
    assert (used.temperature, used.top_p, used.top_k, used.do_sample) == (0.7, 1.0, 0, True) and len(firsts) > 2


def test_mistake_19_a_step_without_a_usable_group_is_supervised_alone(tmp_path: Path) -> None:
    """The reference weighed it by what lambda had been before."""
    trainer = made(tmp_path, judge=SoundJudge(scored(*(1, 3, 4, 5) * 2, *(None,) * 8)), steps=2)
    seen = watched(trainer)
    trainer.train()
    assert seen[0][2] > 0 and seen[1][2] == 0 and trainer.mixture.state == pytest.approx(seen[0][2])
    assert seen[1][1] == pytest.approx(
        [row for row in trainer.state.log_history if "supervised" in row][1]["supervised"]
    )


def test_mistake_21_an_answer_without_a_counted_token_is_no_zero_in_the_mean(tmp_path: Path) -> None:
    trainer = made(tmp_path)
    ids = torch.full((4, 5), 70)
    ids[:2, 0] = 20
    inputs = {"completion_ids": ids, "completion_mask": torch.ones_like(ids), "counts": torch.tensor([True] * 4)}
    assert trainer._rows_that_count(inputs)[0].tolist() == [2.0, 4.0]


def test_too_many_failures_stop_the_training(tmp_path: Path) -> None:
    judge = SoundJudge(scored(3, None))
    with pytest.raises(NoRewardError, match="3 of the last 6 answers"):
        made(tmp_path, judge=judge, recipe=Recipe(ceiling=0.25, window=8), steps=9).train()


class Fragile(Tiny):
    """A speaker whose vocoder raises at some answers, and whose words do at others."""

    def audio(self, ids: Any) -> Any:
        if sum(ids) % 3 == 0:
            raise RuntimeError("CUDA error: an illegal memory access\nand much more")
        return super().audio(ids)


def test_what_the_models_own_code_raises_at_one_answer_is_that_answers_outcome(tmp_path: Path) -> None:
    judge = SoundJudge(lambda item: Reward(None, "crashed", item.crashed) if item.crashed else Reward(3.0))
    trainer = made(tmp_path, speaker=Fragile(), judge=judge, steps=3)
    trainer.train()
    crashed = [item.crashed for item in judge.heard if item.crashed]
    assert 0 < len(crashed) < len(judge.heard) and trainer.counts["crashed"] == len(crashed)
    assert set(crashed) == {"the speaker raised RuntimeError: CUDA error: an illegal memory access"}


class Halved(Tiny):
    """A speaker whose words end within a character."""

    def text(self, ids: Any) -> str:
        return f"{super().text(ids)}\ud800"


def test_half_a_character_of_a_speaker_ends_no_training(tmp_path: Path) -> None:
    judge = SoundJudge(lambda item: Reward(3.0))
    made(tmp_path, speaker=Halved(), judge=judge, steps=2).train()
    texts = [item.answer_text or "" for item in judge.heard]
    assert texts and all(text.endswith("?") and text.encode() for text in texts)


@pytest.mark.parametrize("where", ["loss", "gradient"])
def test_what_is_no_number_stops_before_it_is_saved(tmp_path: Path, where: str) -> None:
    trainer = made(tmp_path, steps=3, save_strategy="steps", save_steps=1)
    whole = trainer.compute_loss

    def spoilt(model: Any, *given: Any, **named: Any) -> Any:
        if trainer.state.global_step == 1 and where == "loss":
            with torch.no_grad():
                next(model.parameters()).fill_(float("nan"))
        loss = whole(model, *given, **named)
        if trainer.state.global_step == 1 and where == "gradient":
            loss.register_hook(lambda gradient: gradient * float("nan"))
        return loss

    trainer.compute_loss = spoilt  # type: ignore[method-assign]
    with pytest.raises((DivergedError, InputError), match=r"no number|norm nan|expected a number"):
        trainer.train()
    assert [one.name for one in (tmp_path / "out").glob("checkpoint-*")] == ["checkpoint-1"]


def test_held_out_likelihood_is_a_plain_mean_over_tokens(tmp_path: Path) -> None:
    trainer = made(tmp_path)
    model, sums = Tiny().model().eval(), {"text": [], "speech": []}
    for one in trainer.held_out:
        ids = torch.tensor([[*one.prompt, *one.target]])
        logps = torch.log_softmax(model(input_ids=ids).logits[0, :-1], -1).gather(-1, ids[0, 1:, None])[:, 0]
        for token, logp in zip(one.target, logps[len(one.prompt) - 1 :].tolist(), strict=True):
            sums["speech" if token >= 60 or token in (2, 3) else "text"].append(-logp)
    found = trainer.evaluate()
    for kind, values in sums.items():
        assert found[f"eval_nll_{kind}"] == pytest.approx(sum(values) / len(values), abs=1e-4)


def test_lora_trains_the_adapter_alone_and_is_held_to_the_model_without_it(tmp_path: Path) -> None:
    peft = pytest.importorskip("peft", reason="peft is not installed (extra train)")
    recipe = Recipe(anchor_rows=2, ceiling=None, text_beta=0.05, speech_beta=0.05)
    lora = peft.LoraConfig(r=4, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
    trainer = made(tmp_path, recipe=recipe, steps=4, others={"peft_config": lora}, learning_rate=1e-2)
    began = {name: one.clone() for name, one in trainer.model.named_parameters()}
    trainer.train()
    moved = {name for name, one in trainer.model.named_parameters() if not torch.equal(one, began[name])}
    assert moved and all("lora_" in name for name in moved) and trainer.reference is None
    kls = [row["kl"] for row in trainer.state.log_history if "kl" in row]
    assert kls[0] == pytest.approx(0, abs=1e-6) and kls[-1] > 1e-6


@pytest.mark.parametrize("more, said", [
    ({"num_iterations": 2}, "one step on each generation"),
    ({"beta": 0.1}, "text_beta and a speech_beta"),
    ({"per_device_train_batch_size": 64}, "got 8 prompts, expected at least the 16"),
])  # fmt: skip
def test_settings_that_the_recipe_does_not_have_are_refused(tmp_path: Path, more: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        made(tmp_path, **more)


def test_a_vocabulary_of_another_model_is_refused(tmp_path: Path) -> None:
    class Other(Tiny):
        def model(self) -> Any:
            model = Tiny.model(self)
            model.resize_token_embeddings(130)
            return model

    with pytest.raises(InputError, match="got a model of 130 ids and a vocabulary of 124"):
        made(tmp_path, speaker=Other())


def test_a_model_whose_weights_are_no_numbers_is_refused_before_it_samples(tmp_path: Path) -> None:
    class Diverged(Tiny):
        def model(self) -> Any:
            model = Tiny.model(self)
            with torch.no_grad():
                model.lm_head.weight[3, 3] = float("nan")
            return model

    with pytest.raises(InputError, match="weights that are no numbers: lm_head"):
        made(tmp_path, speaker=Diverged())
