"""The offline recogniser, for judges that are shown what was heard instead of what the candidate says that it said."""

from __future__ import annotations

from collections import OrderedDict
from concurrent.futures import Future
from threading import Lock

from wavjudge import audio, signals
from wavjudge.judges.base import Case
from wavjudge.signals.words import not_english

KEPT = 256
"""Texts of the last recordings: the prompts and axes of a run ask about one answer several times in a row."""


class Recogniser:
    """Raises `MissingPartError` when it is made, not at the first answer. Used from several threads at once.

    name: the recogniser's weights; another recogniser shows the judge other texts, so it stands in the signature.
    """

    def __init__(self) -> None:
        signals.require(["intelligibility"])
        self.name = next(field for field in signals.signature().split("|") if field.startswith("asr:"))
        self._heard: OrderedDict[str, Future[str]] = OrderedDict()
        self._lock = Lock()

    def cannot(self, case: Case) -> str | None:
        """Why the answer's speech cannot be recognised, if so."""
        asked = case.item.turns[case.turn].text if case.item.turns else None
        if reason := not_english(case.item.language, case.answer.text, case.item.reference, asked):
            return reason
        if case.answer.audio and case.answer.audio.seconds > signals.MAX_SECONDS:
            return (
                f"the recogniser takes {signals.MAX_SECONDS:g} s; the answer is {case.answer.audio.seconds:.1f} s long"
            )
        return None

    def text(self, case: Case) -> str:
        """What is heard in the answer, empty if nothing is; `InputError` where the recording cannot be read."""
        said = case.answer.audio
        assert said is not None
        heard, is_new = self._place(said.sha256)
        if is_new:  # whoever asks for the same recording meanwhile waits for this thread
            try:
                heard.set_result(signals.transcribe(audio.read_known(case.path(said), sha256=said.sha256)))
            except BaseException as error:
                self._heard.pop(said.sha256, None)
                heard.set_exception(error)
        return heard.result()

    def _place(self, sha256: str) -> tuple[Future[str], bool]:
        with self._lock:
            if sha256 in self._heard:
                self._heard.move_to_end(sha256)
                return self._heard[sha256], False
            heard = self._heard[sha256] = Future()
            if len(self._heard) > KEPT:
                self._heard.popitem(last=False)
            return heard, True
