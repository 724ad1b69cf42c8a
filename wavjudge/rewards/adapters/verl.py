"""verl: `compute_score` for `reward.custom_reward_function`, and a reward manager. Checked against verl 0.9.1.

verl asks for one sample at a time, shows decoded text alone, and has no "no reward". So the sound comes in `extra_info`
(as data, or from an agent loop's extra fields), and a missing reward must raise, unless somebody knows the other
answers to the prompt: that is what the manager is for.

    reward.reward_manager.source=importlib
    reward.reward_manager.module.path=pkg://wavjudge.rewards.adapters.verl
    reward.reward_manager.name=JudgeRewardManager
    reward.num_workers=1
    +reward.reward_kwargs.wavjudge='{judges: ["openai:NAME"], weights: {overall: 1.0}}'
"""

from __future__ import annotations

import logging
import math
from collections.abc import Collection, Hashable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from wavjudge.errors import InputError, NoRewardError
from wavjudge.rewards.adapters.columns import FIELDS, said, worded
from wavjudge.rewards.adapters.missing_rewards import Siblings
from wavjudge.rewards.adapters.options import as_plain, built, function
from wavjudge.rewards.adapters.verl_omni import item_of, reply, waveform_of
from wavjudge.rewards.item import RewardItem, made, sound
from wavjudge.rewards.judge_reward import Judged

if TYPE_CHECKING:
    JudgeRewardManager: type[Any]

_log = logging.getLogger(__name__)

VALIDATION_SPLITS = ("val", "valid", "validation", "dev", "test", "eval")
_ALIKE = (
    "rollout.n is %d and val_kwargs.n is %d: without extra_info.split a validation prompt whose "
    "answers all fail cannot be told from a training one, and stops the training; name the split in each row"
)
_SIBLINGS = (
    "rollout.n is %d and val_kwargs.n is %d: without extra_info.split a validation answer without a reward gets the "
    "mean of its siblings, as in the training, and no NaN; name the split in each row"
)
_OF_VERL = ("reward_router_address", "reward_model_tokenizer", "model_name", "sampling_params", "solution_image")


async def compute_score(
    data_source: str | None = None, solution_str: str | None = None, ground_truth: Any = None,
    extra_info: Mapping[str, Any] | None = None, *, solution_audio: Any = None, **options: Any,
) -> dict[str, float | str]:  # fmt: skip
    """The reward of one sample, under ``score``; `NoRewardError` where there is none.

    extra_info: fields of `RewardItem` (answer_audio, question_text ...), and `sample_rate_hz` where samples do not
    state theirs. The reference is `extra_info["reference"]`, else `ground_truth` if that is text or a number.
    solution_audio: verl-omni's ``(waveform, sample_rate)``. With it the sample is read as the audio scorer protocol
    reads it (`verl_omni.item_of`): `solution_str` is passed over, which is decoded codec tokens there.
    options: those of `built`.
    """
    reward = built({name: value for name, value in options.items() if name not in _OF_VERL})
    info = extra_info or {}
    if solution_audio is None:
        item = _item(str(data_source), solution_str, ground_truth, info)
    else:
        heard = waveform_of(solution_audio, f"a sample of {data_source!r}")
        item = item_of(heard, ground_truth, {**info, "data_source": data_source})
    (found,) = await reward.score_many([item])
    if found.score is None:
        raise NoRewardError(
            f"got no reward for a sample of {data_source!r} ({found.reward.status}: {found.reward.reason})",
            todo="use JudgeRewardManager, which knows the other answers to its prompt; or raise `tries`",
        )
    return reply(reward, found)


def _item(source: str, text: str | None, truth: Any, info: Mapping[str, Any]) -> RewardItem:
    told: dict[str, Any] = {name: info.get(name) for name in FIELDS}
    rate = info.get("sample_rate_hz")
    for name in ("answer_audio", "question_audio"):
        told[name] = sound(told[name], sample_rate_hz=rate, where=f'a sample of {source!r}, extra_info["{name}"]')
    told["answer_text"] = text if told["answer_text"] is None else told["answer_text"]
    right = worded(truth)
    told["reference"] = worded(told["reference"]) or (right if isinstance(right, str) and right else None)
    told["id"] = "" if told["id"] is None else str(told["id"])
    return RewardItem(**told, details={"data_source": source})


def __getattr__(name: str) -> Any:
    """The manager is a subclass of verl's, so it is made when verl asks for it."""
    if name != "JudgeRewardManager":
        raise AttributeError(name)
    return globals().setdefault(name, _manager())


def _manager() -> type[Any]:
    from verl.experimental.reward_loop.reward_manager.base import RewardManagerBase

    class JudgeRewardManager(RewardManagerBase):  # type: ignore[misc, unused-ignore]
        """Rewards by a wavjudge judge. A failed sample waits for the others of its prompt and gets their mean.

        Options stand in `reward.reward_kwargs.wavjudge`: those of `built`; `decode`, the ``package.module:function``
        that makes the sound from an answer's token ids, ``(samples, rate)`` or None; `wait_seconds`; and
        `validation_splits`, the values of `extra_info.split` that mark a sample of the validation, where verl itself
        does not: such a sample waits for nobody, and without a reward it gets NaN. `reward.num_workers` must be 1.
        """

        def __init__(self, config: Any, tokenizer: Any, compute_score: Any = None, **of_verl: Any) -> None:
            super().__init__(config, tokenizer, compute_score)
            options = as_plain((config.reward.get("reward_kwargs") or {}).get("wavjudge") or {})
            decode, wait = options.pop("decode", None), options.pop("wait_seconds", 600.0)
            splits = options.pop("validation_splits", VALIDATION_SPLITS)
            self._splits = _splits(splits)
            self._decode = function(decode) if decode else None
            self._decoder = ThreadPoolExecutor(1, "wavjudge-decode")  # a model's code need not bear several threads
            self._reward = built(options)
            rollout = config.actor_rollout_ref.rollout
            self._n = rollout.n
            validation_n = _validation_n(rollout)
            if min(self._n, validation_n) > 1:
                _log.warning(_ALIKE if self._n <= validation_n else _SIBLINGS, self._n, validation_n)
            self._siblings = Siblings(self._n, validation_n=validation_n, wait_seconds=wait)

        async def run_single(self, data: Any) -> dict[str, Any]:
            sample = data[-1]
            validation = of_validation(sample, self._splits)
            alone = validation or self._n == 1
            prompt = None if alone else _prompt(sample.non_tensor_batch)
            try:
                found = await self._judged(sample)
            except BaseException:
                if not alone:
                    self._siblings.lost(prompt)
                raise
            score = found.score if found.score is not None else math.nan
            if not validation:
                training = validation is False
                score = await self._siblings.number(found.reward, object() if alone else prompt, training=training)
            unscored = float(found.score is None)
            told = {"score": score, "status": found.reward.status, "unscored": unscored}
            return {"reward_score": score, "reward_extra_info": told}

        async def _judged(self, sample: Any) -> Judged:
            told = sample.non_tensor_batch
            ids = _response(sample.batch)
            asked = {"question_text": said(told.get("raw_prompt"))}
            info = {**asked, **(told.get("extra_info") or {}), **(told.get("tool_extra_fields") or {})}
            crashed = None
            if self._decode is not None:
                decoding = self.loop.run_in_executor(self._decoder, made, self._decode, ids)
                info["answer_audio"], crashed = await decoding
            text = await self.loop.run_in_executor(None, lambda: self.tokenizer.decode(ids, skip_special_tokens=True))
            truth = (told.get("reward_model") or {}).get("ground_truth")
            item = _item(str(told.get("data_source")), text, truth, info)
            (found,) = await self._reward.score_many([replace(item, crashed=crashed)])
            return found

    return JudgeRewardManager


def of_validation(sample: Any, splits: Collection[str] = VALIDATION_SPLITS) -> bool | None:
    """Whether a sample is of a validation: by verl's flag where it comes along, else by the split its row names; None
    where neither says so, nor that it is of the training (a split such as ``train`` or ``train-clean-100``).

    verl 0.9.1 hands the flag to colocated reward models alone; its own data scripts write ``extra_info.split``.
    """
    told = sample.non_tensor_batch
    held = (getattr(sample, "meta_info", None), told, told.get("tool_extra_fields"))
    flags = [one["validate"] for one in held if one is not None and one.get("validate") is not None]
    if flags:
        return any(flags)
    split = (told.get("extra_info") or {}).get("split")
    named = split.strip().lower() if isinstance(split, str) else ""
    if named in {one.strip().lower() for one in splits}:
        return True
    return False if named.startswith("train") else None


def _splits(given: Any) -> frozenset[str]:
    """The names of the splits of a validation; a single one may stand without a list."""
    names: Any = [given] if isinstance(given, str) else given
    is_list = isinstance(names, Collection) and not isinstance(names, Mapping | bytes)
    if not is_list or not all(isinstance(one, str) for one in names):
        raise InputError(f"got validation_splits {given!r}, expected a list of names",
                         todo="write validation_splits: [val, test], or leave it out")  # fmt: skip
    return frozenset(names)


def _validation_n(rollout: Any) -> int:
    """Answers to a prompt in a validation; verl's default is 1."""
    held = getattr(rollout, "val_kwargs", None)
    return 1 if held is None else int(getattr(held, "n", 1))


def _prompt(told: Mapping[str, Any]) -> Hashable:
    """What the answers to one prompt have in common: verl's uid, and the step where it comes along."""
    if told.get("uid") is None:
        raise InputError("got a sample without uid, which says whose answers belong together")
    step = told.get("global_steps")
    return told["uid"] if step is None else (told["uid"], int(step))


def _response(batch: Any) -> Any:
    """The token ids of the answer without padding."""
    ids = batch["responses"]
    return ids[: batch["attention_mask"][-ids.shape[-1] :].sum()]
