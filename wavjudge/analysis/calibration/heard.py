"""Which judge is another one without the answer's sound: the transcript-only null row (statistics.md, ruling 2)."""

from __future__ import annotations

_SOUNDS = frozenset({"qa", "aa"})
"""What `judge/signing.py` calls the question's and the answer's audio among the inputs of a signature."""

_PROMPT, _INPUTS, _TRANSFORM, _PLANNED = 1, 4, 6, 8


def transcript_only(reading: str, hearing: str) -> bool:
    """Is `reading` the judge `hearing` without the answer's audio, and otherwise the same?

    Model, prompt name and version, parser, sampling, all other inputs and the place of the justification are equal;
    the question's audio may be missing too. The prompt's hash is not compared, since the inputs are in it: words
    changed without a new version are not seen here. The model that really answered is equal where both signatures
    name it.

    >>> heard = "openai:m|semantic.2#3f9a02c4d1be|parse:2|t:0|qt,qa,own,aa|before|pcm16-16000-mono2|v1|is:m-1"
    >>> read = "openai:m|semantic.2#77e10a5b6c2d|parse:2|t:0|qt,own|before|no-audio|v1|is:m-1"
    >>> transcript_only(read, heard), transcript_only(heard, read), transcript_only(read, read)
    (True, False, False)
    >>> transcript_only(read.replace("t:0", "t:1"), heard), transcript_only("ann", heard)
    (False, False)
    """
    ours, theirs = reading.split("|"), hearing.split("|")
    if min(len(ours), len(theirs)) < _PLANNED:
        return False  # no judge's signature: an instrument, or a rater's name
    sounds, all_sounds = (set(one[_INPUTS].split(",")) & _SOUNDS for one in (ours, theirs))
    if "aa" in sounds or "aa" not in all_sounds or not sounds <= all_sounds:
        return False
    named = min(len(ours), len(theirs))  # the resolved model is the last field, where there is one
    return _without_sound(ours[:named]) == _without_sound(theirs[:named])


def _without_sound(fields: list[str]) -> list[str]:
    kept = [name for name in fields[_INPUTS].split(",") if name not in _SOUNDS]
    changed = {_PROMPT: fields[_PROMPT].split("#")[0], _INPUTS: ",".join(kept), _TRANSFORM: ""}
    return [changed.get(place, field) for place, field in enumerate(fields)]
