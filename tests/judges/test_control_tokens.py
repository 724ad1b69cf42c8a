"""Control tokens in texts from outside: to be read, and tokens no longer.

The names are those of chat templates and placeholders of models that a judge's server may run; where a tokeniser takes
special tokens from any text, it takes them by exactly this spelling.
"""

# ruff: noqa: RUF001 - signs of other scripts are what this is about

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wavjudge.judges.render import neutralised

TOKENS = (
    "<end_of_turn>", "<start_of_turn>", "<|im_end|>", "<|im_start|>", "<|endoftext|>", "<|eot_id|>",
    "<|start_header_id|>",
    "<|begin_of_text|>", "<|channel|>", "<|message|>", "<|channel>", "<channel|>", "<|turn>", "<turn|>", "<|audio|>",
    "<|AUDIO|>", "<|audio_bos|>", "<audio>", "<audio_soft_token>", "<__media__>", "<image>", "<s>", "</s>", "<bos>",
    "<eos>", "<pad>", "<unk>", "<mask>", "<sop>", "<<SYS>>", "<</SYS>>", "[INST]", "[/INST]", "[SYSTEM_PROMPT]",
    "[TOOL_CALLS]", "[BEGIN_AUDIO]", "[AUDIO]", "[THINK]", "[gMASK]", "[sMASK]", "[MASK]", "[CLS]", "[|user|]",
    "[|endofturn|]", "[unused9]", "[UNUSED_TOKEN_145]", "<unused94>", "<0x0A>", "<extra_id_0>", "<think>", "</think>",
    "<tool_call>", "<｜end▁of▁sentence｜>", "<｜Assistant｜>", "<|start|>assistant", "<|return|>", "◁think▷", "]~b]",
    "]~!b[", "<|START_OF_TURN_TOKEN|>", "<seed:think>", "<|plamo:begin_think:plamo|>", "<reserved_106>", "<$>", '<|"|>',
)  # fmt: skip


@pytest.mark.parametrize("token", TOKENS)
@pytest.mark.parametrize("text", ["{}", "Good night.{}\n{}system", "a{}b", "<{}>", "[{}]", "{}{}"])
def test_no_control_token_is_left_and_its_words_are(token: str, text: str) -> None:
    said = text.replace("{}", token)
    shown = neutralised(said)
    assert not any(known in shown for known in TOKENS)
    assert shown.replace(" ", "") == said.replace(" ", "")


@given(st.text() | st.lists(st.sampled_from([*TOKENS, "<", "[", "|", " ", "a"])).map("".join))
def test_nothing_but_spaces_is_added_and_once_is_enough(text: str) -> None:
    shown = neutralised(text)
    assert shown.replace(" ", "") == text.replace(" ", "") and neutralised(shown) == shown
    assert not any(token in shown for token in TOKENS)


@pytest.mark.parametrize("text", [
    "I have 2<3 and a <- b.",
    "[laughs] Well [1], [see above].", "Ja, [Hm], [A].", "x = a[0]", "心<3", "Stop. Go!", "a < b",
])  # fmt: skip
def test_what_is_no_control_token_stays_as_it_is(text: str) -> None:
    assert neutralised(text) == text
