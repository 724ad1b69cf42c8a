"""DPO on pairs of answers, by the tokens of one kind: TRL's trainer, with the masks of this recipe.

    -1/B sum_i log sigmoid(beta (m_i - m_i of the reference))      m = sum logp chosen - sum logp rejected

Sums run over text tokens by default. A pair with no counted token in an answer is refused when the training is made:
the paper's code met it in the loop, where it left before the other ranks did. The reference is a frozen copy, or the
policy without its adapter; there is no training without one.
"""

from __future__ import annotations

from wavjudge.training.data import Speaker  # isort: skip  before transformers, see audio.py

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from datasets import Dataset
from torch import Tensor
from trl import DPOConfig, DPOTrainer
from trl.trainer.dpo_trainer import DataCollatorForPreference

from wavjudge.errors import InputError
from wavjudge.training.losses import frozen
from wavjudge.training.masks import Rule, Tokens, Vocabulary, masks

__all__ = ["MaskedDPOTrainer", "Pair"]

_FIELDS = ("prompt_ids", "chosen_ids", "rejected_ids")


@dataclass(frozen=True, slots=True)
class Pair:
    """One preference as token ids; the answers with their ends."""

    prompt_ids: Sequence[int]
    chosen_ids: Sequence[int]
    rejected_ids: Sequence[int]
    where: str = ""


class MaskedDPOTrainer(DPOTrainer):
    """Offline DPO that counts `tokens`. args: TRL's; `max_length` must be None, for a cut answer is another one.

    others: passed on to TRL, such as `peft_config`.
    """

    def __init__(
        self, speaker: Speaker, *, args: DPOConfig, pairs: Sequence[Pair], tokens: Tokens = "text",
        rule: Rule | None = None, **others: Any,
    ) -> None:  # fmt: skip
        if args.max_length is not None:
            raise InputError(f"got max_length {args.max_length}, expected None: a cut answer is another one",
                             todo="drop the pairs that are too long for the memory, and count them")  # fmt: skip
        tokenizer, model = speaker.tokenizer, speaker.model()
        collate = _Collator(DataCollatorForPreference(tokenizer.pad_token_id), speaker.vocabulary, tokens, rule)
        for pair in pairs:
            collate.check(pair)
        super().__init__(
            model=model, ref_model=None if "peft_config" in others else frozen(model), args=args,
            data_collator=collate, processing_class=tokenizer,
            train_dataset=Dataset.from_list([{name: list(getattr(pair, name)) for name in _FIELDS} for pair in pairs]),
            **others,
        )  # fmt: skip

    def _send_telemetry(self) -> None:
        """Nothing is told to anybody about a training."""

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

    def check(self, pair: Pair) -> None:
        """`InputError` for a pair that cannot be used."""
        if not all(getattr(pair, name) for name in _FIELDS):
            raise InputError("got a pair with an empty prompt or answer", where=pair.where)
        if list(pair.chosen_ids) == list(pair.rejected_ids):
            raise InputError("got a pair of one answer twice, expected two", where=pair.where)
        made = self([{name: list(getattr(pair, name)) for name in _FIELDS}])["completion_mask"]
        if not bool(made.any(dim=1).all()):
            raise InputError(f"got a pair without a counted token (tokens={self.tokens!r}) in an answer",
                             where=pair.where, todo="drop such pairs when they are built, and count them")  # fmt: skip
