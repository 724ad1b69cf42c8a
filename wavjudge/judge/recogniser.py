"""The offline recogniser, for judges that are shown what was heard instead of what the candidate says that it said."""

from __future__ import annotations

from pathlib import Path

from wavjudge import audio, signals
from wavjudge.judge.base import Case
from wavjudge.signals.words import is_english


class Recogniser:
    """Raises `MissingPartError` when it is made, not at the first answer.

    name: the recogniser's weights; another recogniser shows the judge other texts, so it stands in the signature.
    """

    def __init__(self) -> None:
        signals.require(["intelligibility"])
        self.name = next(field for field in signals.signature().split("|") if field.startswith("asr:"))

    def cannot(self, case: Case) -> str | None:
        """Why the answer's speech cannot be recognised, if so."""
        if not is_english(case.item.language):
            return f"the recogniser knows English only; the language is {case.item.language}"
        if case.answer.audio and case.answer.audio.seconds > signals.MAX_SECONDS:
            return (
                f"the recogniser takes {signals.MAX_SECONDS:g} s; the answer is {case.answer.audio.seconds:.1f} s long"
            )
        return None

    def text(self, path: Path) -> str:
        """What is heard; `InputError` where the recording cannot be read."""
        return signals.transcribe(audio.read(path))
