"""DPO on pairs of answers, by the tokens of one kind: TRL's trainer, with the masks of this recipe.

    -1/B sum_i log sigmoid(beta (m_i - m_i of the reference))      m = sum logp chosen - sum logp rejected

Sums run over text tokens by default. A pair with no counted token in an answer is refused when the training is made:
the paper's code met it in the loop, where it left before the other ranks did. The reference is a frozen copy, or the
policy without its adapter; there is no training without one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from datasets import Dataset
from torch import Tensor
from trl import DPOConfig, DPOTrainer
from trl.trainer.dpo_trainer import DataCollatorForPreference

from wavjudge.errors import InputError
from wavjudge.training.checkpoint import Saved, WatchedTrainer, checked_model
from wavjudge.training.data import Example, Pair, Speaker, check
from wavjudge.training.losses import frozen
from wavjudge.training.masks import Rule, Tokens, masks
from wavjudge.training.vocabulary import Vocabulary

__all__ = ["MaskedDPOTrainer"]

_FIELDS = ("prompt_ids", "chosen_ids", "rejected_ids")


class MaskedDPOTrainer(WatchedTrainer, DPOTrainer):
    """Offline DPO that counts `tokens`. args: TRL's; `max_length` must be None, for a cut answer is another one.

    held_out: demonstrations of which the negative log-likelihood is measured, text and speech apart, every
    `eval_steps`. settings: kept in checkpoints; another training's are refused. others: passed on to TRL, such as
    `peft_config`.
    """

    def __init__(
        self, speaker: Speaker, *, args: DPOConfig, pairs: Sequence[Pair], tokens: Tokens = "text",
        rule: Rule | None = None, held_out: Sequence[Example] = (), settings: Mapping[str, Any] | None = None,
        **others: Any,
    ) -> None:  # fmt: skip
        if args.max_length is not None:
            raise InputError(f"got max_length {args.max_length}, expected None: a cut answer is another one",
                             todo="drop the pairs that are too long for the memory, and count them")  # fmt: skip
        for pair in pairs:
            check(pair, speaker, tokens, rule)
        self.speaker, self.rule, self.settings, self.held_out = speaker, rule, settings or {}, list(held_out)
        tokenizer, model = speaker.tokenizer, checked_model(speaker)
        rows = Dataset.from_list([{name: list(getattr(pair, name)) for name in _FIELDS} for pair in pairs])
        super().__init__(
            model=model, ref_model=None if "peft_config" in others else frozen(model), args=args,
            data_collator=_Collator(
                DataCollatorForPreference(tokenizer.pad_token_id), speaker.vocabulary, tokens, rule
            ),
            processing_class=tokenizer, train_dataset=rows, eval_dataset=rows if held_out else None, **others,
        )  # fmt: skip

    def compute_loss(self, model: Any, inputs: Any, *more: Any, **named: Any) -> Any:
        """TRL's, on the counted tokens; no number stops all ranks."""
        loss = super().compute_loss(model, inputs, *more, **named)
        self.finite(loss[0] if isinstance(loss, tuple) else loss)
        return loss

    def saved(self) -> Saved:
        """With the tokens seen so far, which TRL logs and forgets."""
        return replace(super().saved(), counts={"tokens": self._total_train_tokens})

    def taken_up(self, saved: Saved) -> None:
        self._total_train_tokens = saved.counts["tokens"]

    def _prepare_dataset(self, dataset: Any, *_: Any, **__: Any) -> Any:
        """The rows are ids already."""
        return dataset


@dataclass(frozen=True, slots=True)
class _Collator:
    """TRL's, with the mask of the answers narrowed to the tokens that count."""

    inner: DataCollatorForPreference
    vocabulary: Vocabulary
    tokens: Tokens
    rule: Rule | None

    def __call__(self, rows: list[dict[str, Any]]) -> dict[str, Tensor]:
        batch: dict[str, Tensor] = self.inner(rows)
        kinds = masks(batch["input_ids"], batch["completion_mask"].bool(), self.vocabulary, self.rule)
        return {**batch, "completion_mask": kinds.of(self.tokens).long()}
