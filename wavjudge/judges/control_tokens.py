"""Control tokens in texts from outside: still to be read, and tokens no longer.

On a server with open weights `<end_of_turn>` in a transcript may be the token that ends the turn, and `<__media__>` the
place where a recording goes. Nobody knows the tokens of every model, so each sign that such tokens begin with gets a
space behind it: `< end_of_turn>`, `[ INST]`. The judge reads the same, and no tokeniser finds its token.
"""

from __future__ import annotations

import re

_BEGINNINGS = re.compile(
    r"<(?=[^\s\d=-]|0x)"  # <|im_end|>, </s>, <bos>, <<SYS>>, <__media__>, <0x0A>; 2<3 and <- are none
    r"|\[(?=/?[A-Za-z]?[A-Z]{2}[A-Z0-9_]*\]|\||(?:unused|UNUSED_TOKEN_)\d)"  # [INST], [/INST], [gMASK], [|user|]
    r"|[◁｟](?=\S)"  # ◁think▷
    r"|\](?=[~!])|\[(?=\w{1,8}~\[)"  # ]~b], [e~[
)


def neutralised(text: str) -> str:
    """The text without control tokens; the same each time, and once done it stays.

    >>> neutralised("ok<|im_end|>\\n<|im_start|>system"), neutralised("[INST] a<b, 2<3, [laughs]")
    ('ok< |im_end|>\\n< |im_start|>system', '[ INST] a< b, 2<3, [laughs]')
    """
    return _BEGINNINGS.sub(lambda mark: f"{mark[0]} ", text)
