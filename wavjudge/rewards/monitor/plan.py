"""What a monitor fixes before its first look: prompts and judges that are apart, weights, and the error rate."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from pydantic import Field, model_validator

from wavjudge.checks.writing import plain
from wavjudge.errors import InputError
from wavjudge.rewards.combine import Weights
from wavjudge.rewards.monitor.alarms import Errors
from wavjudge.signature import resolved_model
from wavjudge.types import Item, Stored, Utterance


class Plan(Stored):
    """What a monitor fixes before its first look. Make one with `plan`, which checks that it is honest.

    prompts: each with a hash of what is asked. reward_judges, held_out_judges: signatures. alpha, looks: as in
    `Errors`. training_prompts, training_sha256: how many they were compared with, and which. said: what has to be said
    of the judges.
    """

    prompts: dict[str, str] = Field(min_length=1)
    reward_judges: tuple[str, ...]
    held_out_judges: tuple[str, ...]
    reward_weights: dict[str, float]
    held_out_weights: dict[str, float]
    scale: tuple[float | None, float | None]
    alpha: float = Field(gt=0, lt=0.5)
    looks: int = Field(ge=1)
    training_prompts: int
    training_sha256: str
    said: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _in_order(self) -> Plan:
        if list(self.prompts) != sorted(self.prompts):
            raise ValueError("expected prompts in the order of their names")
        return self

    @property
    def errors(self) -> Errors:
        return Errors(self.alpha, self.looks)


def plan(
    monitored: Mapping[str, Fingerprint], training: Mapping[str, Fingerprint], *, reward_judges: Collection[str],
    held_out_judges: Collection[str], weights: Weights, held_out_weights: Weights | None = None,
    same_family: bool = False, alpha: float = 0.05, looks: int = 20,
) -> Plan:  # fmt: skip
    """A plan whose prompts are none of the training's and whose judges are apart, or an `InputError` that names them.

    Parameters
    ----------
    monitored, training: what is asked, by name of the prompt (`Fingerprint.of`, `asked`).
    reward_judges, held_out_judges: signatures, as ratings carry them.
    weights: of the axes of the reward. held_out_weights: of the held-out judge's, on the same scale; the same if None.
    same_family: allow a held-out judge of the same family; the output then says so.
    alpha: chance of any false alarm over all `looks` after the first. Both are fixed here, before anything is seen.

    >>> ours, theirs = {"q1": Fingerprint.of([("Why?", None)])}, {"t1": Fingerprint.of([("why", None)])}
    >>> plan(ours, theirs, reward_judges=["openai:gpt-audio-1.5|overall.1#ab"],
    ...      held_out_judges=["gemini:gemini-3.5-flash|mine.1#cd"], weights=Weights({"overall": 1.0}))
    Traceback (most recent call last):
    ...
    wavjudge.errors.InputError: got monitored prompts that are trained on, 1 in all: q1 is t1 of the training
    What to do: ...
    """
    prompts_apart(training, monitored)
    said = judges_apart(reward_judges, held_out_judges, same_family=same_family)
    second = held_out_weights or weights
    if (weights.scale.low, weights.scale.high) != (second.scale.low, second.scale.high):
        raise InputError(f"got a reward on {weights.scale.low}..{weights.scale.high} and a held-out score on "
                         f"{second.scale.low}..{second.scale.high}, expected one scale",
                         todo="their gains are compared: weigh axes of one scale")  # fmt: skip
    if not (0 < alpha < 0.5 and looks >= 1):
        raise InputError(f"got alpha={alpha}, looks={looks}, expected 0 < alpha < 0.5 and at least one look")
    return Plan(
        prompts={name: _digest([monitored[name].parts])[:16] for name in sorted(monitored)},
        reward_judges=tuple(sorted(reward_judges)), held_out_judges=tuple(sorted(held_out_judges)),
        reward_weights=dict(weights.axes), held_out_weights=dict(second.axes),
        scale=(weights.scale.low, weights.scale.high), alpha=alpha, looks=looks, training_prompts=len(training),
        training_sha256=_digest(one.parts for one in training.values()),
        said=said,
    )  # fmt: skip


def _digest(of: Iterable[tuple[str, ...]]) -> str:
    """Of fingerprints, in any order."""
    return hashlib.sha256("\n".join(sorted("\t".join(parts) for parts in of)).encode()).hexdigest()


# What keeps a monitor honest: a held-out judge of another family, another judge prompt, and prompts never trained on.
#
# All of it is compared by hash or by name before the first look. Hashes find the same words and the same file: a
# question put in other words, or a recording encoded again beside other words, is not found.

VENDORS: tuple[tuple[str, str], ...] = (
    ("openai", r"gpt|chatgpt|o[1-9]\b|whisper"), ("google", r"gemini|gemma|learnlm"), ("alibaba", r"qwen|qwq|tongyi"),
    ("anthropic", r"claude"), ("meta", r"llama|meta-llama"), ("mistral", r"mistral|voxtral|ministral|mixtral"),
    ("microsoft", r"phi-?\d"), ("moonshot", r"kimi|moonshot"), ("stepfun", r"step-"), ("zhipu", r"glm"),
    ("openbmb", r"minicpm"), ("deepseek", r"deepseek"), ("bytedance", r"doubao|seed-"), ("xai", r"grok"),
    ("nvidia", r"nemotron|audio-flamingo"), ("tencent", r"hunyuan"), ("xiaomi", r"mimo"), ("baichuan", r"baichuan"),
)  # fmt: skip
"""Who makes a model, by the beginning of its name."""

_PROMPT, _PLANNED = 1, 8


@dataclass(frozen=True, slots=True)
class Family:
    """name: the vendor. known: False where it is only read off the model's name."""

    name: str
    known: bool


def family(signature: str) -> Family:
    """Who made the judge of a signature: by the model that answered where that is known, else by the one asked for.

    The protocol says nothing where others serve it: `openai:` reaches Qwen on a server of one's own.

    >>> family("openai:Qwen/Qwen3-Omni|overall.1#ab"), family("gemini:gemini-3.5-flash|overall.1#ab").name
    (Family(name='alibaba', known=True), 'google')
    >>> family("openai:acme/judge-2|overall.1#ab"), family("openai:judge-7b|overall.1#ab|is:gpt-audio-1.5").name
    (Family(name='acme', known=False), 'openai')
    """
    kind, _, asked = signature.split("|", 1)[0].partition(":")
    if not asked:
        raise InputError(f"got {signature!r}, expected a model that judges (KIND:NAME|PROMPT|...)",
                         todo="an instrument or a person is no held-out judge here")  # fmt: skip
    if kind == "gemini":
        return Family("google", True)
    answered = resolved_model(signature) or asked
    for name in (answered, asked):
        model = name.rsplit("/", 1)[-1].lower()
        if vendor := next((vendor for vendor, begins in VENDORS if re.match(begins, model)), None):
            return Family(vendor, True)
    first = re.split(r"[^a-z]", asked.lower(), maxsplit=1)[0]
    return Family(asked.split("/", 1)[0].lower() if "/" in asked else first or asked.lower(), False)


def judges_apart(reward: Collection[str], held_out: Collection[str], *, same_family: bool = False) -> tuple[str, ...]:
    """What has to be said of two judges, by their signatures. Raises `InputError` where they are not apart.

    >>> judges_apart(["openai:gpt-audio-1.5|overall.1#ab"], ["gemini:gemini-3.5-flash|mine.1#cd"])
    ()
    """
    if not (reward and held_out):
        raise InputError("got no signature of the reward's judge or of the held-out one, expected at least one of each")
    shared = {_prompt_hash(one) for one in reward} & {_prompt_hash(one) for one in held_out}
    if shared:
        raise InputError(
            f"got one judge prompt for the reward and the held-out judge ({', '.join(sorted(shared))}), expected two: "
            "what a policy learns about a prompt holds for every judge that reads it",
            todo="rate with another prompt set (--prompt-set joint) or prompts of your own (--prompts FOLDER)",
        )
    ours, theirs = ([family(one) for one in sorted(side)] for side in (reward, held_out))
    same = sorted({one.name for one in ours} & {one.name for one in theirs})
    if same and not same_family:
        raise InputError(f"got judges of one family ({', '.join(same)}), expected a held-out judge of another: it "
                         "shares what the reward's judge is wrong about",
                         todo="choose another judge, or allow it: --same-family (the output then says so)")  # fmt: skip
    said = [f"same family: the held-out judge is of {name}, like the reward's judge" for name in same]
    guessed = sorted({one.name for one in (*ours, *theirs) if not one.known})
    said += [f"the vendor of a judge is not known and was read off its name: {name}" for name in guessed]
    return tuple(said)


def _prompt_hash(signature: str) -> str:
    fields = signature.split("|")
    if len(fields) <= _PROMPT or "#" not in fields[_PROMPT]:
        raise InputError(f"got the signature {signature!r}, expected one with a judge prompt and its hash (NAME.1#...)")
    return fields[_PROMPT].rsplit("#", 1)[1]


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What was asked, by hash: words without case, spaces and punctuation; recordings by their bytes. None: not there.

    Both are over the whole context, history and all turns: a "Why?" after another talk is another prompt.
    """

    words: str | None
    sound: str | None

    @classmethod
    def of(cls, said: Sequence[tuple[str | None, str | None]]) -> Fingerprint:
        """From the text and the sha256 of the recording of each utterance before the answer.

        >>> Fingerprint.of([("What is  rain?", None)]) == Fingerprint.of([("what is rain", None)])
        True
        """
        words = ["".join(sign for sign in plain(text or "").lower() if sign.isalnum()) for text, _ in said]
        sounds = [sha256 or "" for _, sha256 in said]
        return cls(*(_fingerprint(parts) if any(parts) else None for parts in (words, sounds)))

    @property
    def parts(self) -> tuple[str, ...]:
        return tuple(part for part in (self.words, self.sound) if part is not None)


def asked(item: Item) -> Fingerprint:
    """The fingerprint of an item of a run folder."""
    said: tuple[Utterance, ...] = (*item.history, *item.turns)
    return Fingerprint.of([(one.text, one.audio.sha256 if one.audio else None) for one in said])


def prompts_apart(training: Mapping[str, Fingerprint], monitored: Mapping[str, Fingerprint]) -> None:
    """Raise `InputError` where a monitored prompt is one of the training's, by its words or by its recording."""
    for whose, items in (("training", training), ("monitoring", monitored)):
        if not items:
            raise InputError(f"got no {whose} prompts, expected at least one")
        if blank := sorted(name for name, one in items.items() if not one.parts):
            raise InputError(f"got {whose} prompts without a text or a recording, which cannot be told apart: "
                             f"{_few(blank)}", todo="give the question of each")  # fmt: skip
    known = {part: name for name, one in training.items() for part in one.parts}
    both = [(name, known[part]) for name, one in sorted(monitored.items()) for part in one.parts if part in known]
    if both:
        pairs = list(dict.fromkeys(f"{ours} is {theirs} of the training" for ours, theirs in both))
        raise InputError(f"got monitored prompts that are trained on, {len(pairs)} in all: {_few(pairs)}",
                         todo="take them out of either set: what was trained on shows no overfitting")  # fmt: skip


def _fingerprint(parts: Sequence[str]) -> str:
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
