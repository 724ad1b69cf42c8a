"""The judge signature: short, citable, and enough to know whether two ratings may be compared.

    openai:gpt-audio-1.5|semantic.2#3f9a02c4d1be|parse:2|t:default,max:4096|qt,qa,own,aa|before|pcm16-16000-mono2|v1|is:gpt-audio-1.5

Fields in order: judge kind and model as asked for; prompt name, version and hash; parser version; sampling; inputs
shown (qt question text, qa question audio, own/rec transcript, aa answer audio, ref reference); place of the
justification; audio transform; schema version; and, once a reply has told it, the model that really answered. The
package version is not in it: an upgrade alone never changes a signature.
"""

from __future__ import annotations

from wavjudge.clients.base import Sampling
from wavjudge.judges.prompts import Prompt
from wavjudge.judges.reading.parse import PARSER_VERSION
from wavjudge.signature import joined
from wavjudge.types import SCHEMA_VERSION


def plan(
    model: str, prompt: Prompt, sampling: Sampling, transform: str, *, extra: str = "", recogniser: str = ""
) -> str:
    """The signature before the call, without the resolved model. `extra` joins the sampling: `think:0`. recogniser: of
    a prompt that shows a recognised transcript."""
    drawn = f"{_sampling(sampling)},{extra}" if extra else _sampling(sampling)
    fields = (
        model, prompt.label, f"parse:{PARSER_VERSION}", drawn, _inputs(prompt, recogniser),
        prompt.layout.justification, transform if _audio(prompt) else "no-audio", f"v{SCHEMA_VERSION}",
    )  # fmt: skip
    return joined(fields)


def _sampling(sampling: Sampling) -> str:
    temperature = "t:default" if sampling.temperature is None else f"t:{sampling.temperature:g}"
    given = {"p": sampling.top_p, "seed": sampling.seed, "max": sampling.max_tokens}
    return ",".join([temperature, *(f"{name}:{value:g}" for name, value in given.items() if value is not None)])


def _inputs(prompt: Prompt, recogniser: str) -> str:
    inputs = prompt.inputs
    shown = (
        ("qt", inputs.question_text), ("qa", inputs.question_audio), ("own", inputs.transcript == "own"),
        (f"rec:{recogniser}", inputs.transcript == "recognised"),
        ("aa", inputs.answer_audio), ("ref", inputs.reference),
    )  # fmt: skip
    return ",".join(name for name, is_shown in shown if is_shown)


def _audio(prompt: Prompt) -> bool:
    return prompt.inputs.audio
