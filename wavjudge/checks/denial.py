"""Whether what an answer names is what it says: denied, somebody else's choice, or a question."""

from __future__ import annotations

import re

_REACH = 80  # characters
_NO_BREAK = r"(?!but\b|so\b|because\b|which\b|since\b|therefore\b|it's\b|is\b)"
_GAP = rf"(?:\s+{_NO_BREAK}[\w']+)"
_THINK = r"(?:think|believe|feel|suppose|expect|agree|say|guess)"
_OTHERS_SAY = (
    r"(?:people|some|others|many|they|students)"
    r"(?:\s+(?:would|might|may|could|often|sometimes|usually|will|also|tend\s+to))*"
)
_CHOOSE = r"(?:choose|pick|select|say|think|guess|answer|go\s+(?:with|for))"
_BEFORE = re.compile(
    rf"(?:\b(?:not|never|cannot|neither|nor){_GAP}{{0,2}}|n't{_GAP}{{0,2}}"
    rf"|(?:\bnot|n't)\s+{_THINK}{_GAP}{{0,5}}(?:\s+is)?"
    r"|\b(?:no|unlike|as for|instead of|rather than|(?<!none )other than|except(?: for)?)"
    r"|\b(?:anything|everything|all) but"
    r"|\b(?:eliminate|exclude|discard|reject|dismiss|rul(?:e|es|ed|ing) out|avoid)"
    r"|\b(?:wrong|incorrect|a mistake) to(?: \w+)?|\bif(?: the| it's| it is)?(?: (?:correct|right))?"
    r"|\b(?:hardly|barely)|\bdoubt(?: that)?(?: it's| it is)?"
    rf"|\b{_OTHERS_SAY}\s+{_CHOOSE}"
    r"|(?:不(?!好意思|过|用说|错|仅|但)|(?<![特区分个类])别|非(?!常)|没(?!问题|错|有疑问|有问题)|排除|除了|除去)[^\s,.;:!?。、A-Za-z]{0,4})"
    r"(?:\s+(?:option|choice|answer|letter))?[\s\"'(]*$",
    re.IGNORECASE,
)
"""A denial shortly before, or somebody else who would choose it."""
_OTHERS = re.compile(rf"\b{_OTHERS_SAY}\s+$", re.IGNORECASE)
_CHOOSES = re.compile(_CHOOSE, re.IGNORECASE)
"""The piece begins with the verb, and what stands before it is its subject."""
_NO_DENIAL = re.compile(
    r"\b(?:(?:no|without(?: a)?|beyond) (?:doubt|question)|not only|why not)\b[\s\w']*$", re.IGNORECASE
)
_WRONG = (
    r"(?:wrong|incorrect|false|out|not|n't|never|neither|tempting|attractive|close|popular|plausible"
    r"|a (?:common )?(?:mistake|trap|distractor)|the wrong|ruled out|impossible)"
)
_AFTER = re.compile(
    r"[)\]*\"']*(?:\s*,[^,.;!?]{1,30},)?(?:\s*\?\s*no\b|"
    r"\s+(?:is|was|are|were|seems|looks|sounds|would be|might be|may be|could be|'s)"
    r"(?:\s+(?:also|clearly|obviously|simply|just|definitely|probably|very))?"
    rf"\s+{_WRONG}\b(?! only| just)"
    r"|\s+(?:isn't|wasn't|can't|cannot|can not|couldn't|could not|won't|doesn't|does not|wouldn't|would not)\b"
    r"|\s*(?:选项|项)?\s*(?:是|就是|显然|肯定|也|都)?\s*(?:不对|不是|不正确|不行|不可能|不会|不合适|不符合|错)"
    r")",
    re.IGNORECASE,
)
"""A denial right after."""
_ASKS = re.compile(
    r"(?:^|[.!?\n]\s*)(?:(?:so|hmm|well|and|or),?\s+)?(?:is|are|was|could|would|might|can|should|do|does)\s[^.!?\n]*$",
    re.IGNORECASE,
)
_ASKED = re.compile(r"[^.!\n]*\?")


def denied(text: str, start: int, end: int) -> bool:
    """Whether the piece from `start` to `end` is denied, asked, or called the choice of others.

    >>> [denied(text, text.index("B"), text.index("B") + 1)
    ...  for text in ("Not B.", "B is wrong.", "Is it B?", "People often say B.", "There's no doubt it's B.")]
    [True, True, True, True, False]
    """
    before = text[max(start - _REACH, 0) : start]
    if _BEFORE.search(before) and not _NO_DENIAL.search(before):
        return True
    if _OTHERS.search(before) and _CHOOSES.match(text, start):
        return True
    if _AFTER.match(text, end):
        return True
    return _ASKS.search(before) is not None and _ASKED.match(text, end) is not None
