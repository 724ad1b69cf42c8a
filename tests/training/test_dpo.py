"""DPO with the masks of the recipe on TRL's trainer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (extra train)")
pytest.importorskip("trl", reason="TRL is not installed (extra train)")

from trl import DPOConfig

from studies.toy_recipe.world import CLOSE, END, OPEN, World
from tests.training.tiny import Tiny
from wavjudge.errors import InputError
from wavjudge.training.data import Pair
from wavjudge.training.dpo import MaskedDPOTrainer
from wavjudge.training.losses import dpo, next_token_logps
from wavjudge.training.masks import answer_mask, masks

pytestmark = [pytest.mark.heavy, pytest.mark.filterwarnings("ignore")]


def pairs(n: int = 8) -> list[Pair]:
    """Two demonstrations of one class each, of unequal length."""
    world, rng = World(), np.random.default_rng(0)
    made = []
    for number in range(n):
        one, other = world.demonstrations(2, rng).tolist()
        made.append(Pair(one[:1], one[1:], [*other[1:4], *other[7:]], f"pair {number}"))
    return made


def made(folder: Any, tokens: Any = "text", held: list[Pair] | None = None, **more: Any) -> MaskedDPOTrainer:
    torch.set_num_threads(1)
    others = {"peft_config": more.pop("peft_config")} if "peft_config" in more else {}
    args = DPOConfig(**{  # type: ignore[arg-type]
        "output_dir": str(folder), "per_device_train_batch_size": 8, "max_steps": 1, "max_length": None, "beta": 0.3,
        "use_cpu": True, "report_to": [], "bf16": False, "gradient_checkpointing": False, "disable_tqdm": True,
        "save_strategy": "no", "learning_rate": 1e-2, "logging_steps": 1, **more,
    })  # fmt: skip
    return MaskedDPOTrainer(Tiny(), args=args, pairs=held or pairs(), tokens=tokens, **others)


def _logps(model: Any, held: list[Pair], which: str) -> Any:
    rows = [[*one.prompt_ids, *getattr(one, which)] for one in held]
    width = max(map(len, rows))
    ids = torch.tensor([row + [0] * (width - len(row)) for row in rows])
    with torch.no_grad():
        logps = next_token_logps(model(input_ids=ids, attention_mask=(ids != 0).long()).logits, ids)
    counted = answer_mask(ids, Tiny().vocabulary, [len(one.prompt_ids) for one in held])
    return logps, masks(ids, counted, Tiny().vocabulary)


@pytest.mark.parametrize("tokens", ["text", "speech", "all"])
def test_the_loss_is_that_of_the_formula_on_these_tokens(tmp_path: Any, tokens: Any) -> None:
    trainer, held = made(tmp_path, tokens), pairs()
    torch.manual_seed(5)
    with torch.no_grad():
        for one in trainer.model.parameters():
            one.add_(0.05 * torch.randn_like(one))  # a policy that has left its reference
    batch = trainer.data_collator([trainer.train_dataset[n] for n in range(8)])
    found = trainer.compute_loss(trainer.model.eval(), batch)
    policy, began = trainer.model, Tiny().model().eval()
    (chosen, its_masks), (rejected, their_masks) = (_logps(policy, held, w) for w in ("chosen_ids", "rejected_ids"))
    expected = dpo(chosen, rejected, _logps(began, held, "chosen_ids")[0], _logps(began, held, "rejected_ids")[0],
                   its_masks, their_masks, tokens=tokens, beta=0.3)  # fmt: skip
    assert found.item() == pytest.approx(expected.item(), abs=1e-4) and abs(found.item() - 0.6931) > 1e-3


def test_mistake_12_there_is_a_reference_and_it_stays_what_it_was(tmp_path: Any) -> None:
    trainer = made(tmp_path, max_steps=3)
    trainer.train()
    for held, began in zip(trainer.ref_model.parameters(), Tiny().model().parameters(), strict=True):
        assert torch.equal(held, began) and not held.requires_grad
    assert not trainer.ref_model.training
    losses = [row["loss"] for row in trainer.state.log_history if "loss" in row]
    assert losses[0] == pytest.approx(np.log(2), abs=1e-4) and losses[-1] < losses[0]


@pytest.mark.parametrize("pair, said", [
    (Pair([4], [OPEN, 70, CLOSE], [20, END], "pairs.jsonl, line 3"), "without a counted token"),
    (Pair([4], [20, END], [20, END]), "one answer twice"),
    (Pair([4], [], [20, END]), "empty prompt or answer"),
    (Pair([4], [20, 999], [20, END]), "got the id 999"),
])  # fmt: skip
def test_mistake_11_pairs_of_no_use_are_refused_before_the_loop(tmp_path: Any, pair: Pair, said: str) -> None:
    with pytest.raises(InputError, match=said):
        made(tmp_path, held=[*pairs(), pair])


def test_a_cut_answer_is_refused(tmp_path: Any) -> None:
    with pytest.raises(InputError, match="max_length 16"):
        made(tmp_path, max_length=16)


def test_with_lora_the_reference_is_the_model_without_it(tmp_path: Any) -> None:
    peft = pytest.importorskip("peft", reason="peft is not installed (extra train)")
    lora = peft.LoraConfig(r=4, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
    trainer = made(tmp_path, max_steps=3, peft_config=lora)
    began = {name: one.clone() for name, one in trainer.model.named_parameters()}
    trainer.train()
    moved = {name for name, one in trainer.model.named_parameters() if not torch.equal(one, began[name])}
    assert moved and all("lora_" in name for name in moved) and trainer.ref_model is None
