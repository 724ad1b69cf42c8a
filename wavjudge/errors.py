"""What can go wrong on the way, drawn as one tree.

    WavjudgeError
    ├── InputError        a file, row or field that cannot be used          exit 2
    │   └── MissingRecordingError  a recording that a row names             exit 9
    ├── SpecError         a SPEC such as `openai:NAME?key=value`            exit 2
    ├── MissingPartError  an extra that is not installed                    exit 2
    ├── StoreError        a run folder that cannot be read or written       exit 2
    │   └── RunLockedError    another process holds the run folder          exit 6
    └── StopRun           nothing more can be had from this run now; what was done is kept
        ├── AuthError         the provider does not accept the key          exit 3
        ├── QuotaError        the account has no money or quota left        exit 4
        ├── BudgetError       `--max-cost` is reached, or a price unknown   exit 5
        ├── NeverAcceptedError every request is refused as it is            exit 2
        ├── ProviderDownError retries are used up for the whole run         exit 75
        ├── CandidateDownError a candidate that only ever crashed           exit 7
        ├── NoRewardError     too many answers of a training without reward exit 8
        ├── ModelChangedError another model answers under a judge's name    exit 10
        └── DivergedError     a training's loss or gradient is no number    exit 11

A failure of one rating is *not* an exception: it is a status on the record (`types.Status`).
"""

from __future__ import annotations

import sys


class WavjudgeError(Exception):
    """Says what was got, what was expected, and what to do.

    Parameters
    ----------
    problem: what was got and what was expected, in one sentence.
    todo: what the reader can do about it; may be empty.
    where: file, row and field, such as ``answers.jsonl, line 7, field "audio"``.

    >>> print(InputError("got no audio", todo="name a wav file", where="a.jsonl, line 7"))
    a.jsonl, line 7: got no audio
    What to do: name a wav file
    """

    exit_code = 1

    def __init__(self, problem: str, *, todo: str = "", where: str = "") -> None:
        super().__init__(problem)
        self.problem, self.todo, self.where = problem, todo, where

    def __str__(self) -> str:
        head = f"{self.where}: {self.problem}" if self.where else self.problem
        return f"{head}\nWhat to do: {self.todo}" if self.todo else head

    def __reduce__(self) -> tuple[object, ...]:
        # Keyword-only arguments do not survive the default pickling, and stages cross process pools.
        return _rebuild, (type(self), self.problem, self.todo, self.where)


def _rebuild(kind: type[WavjudgeError], problem: str, todo: str, where: str) -> WavjudgeError:
    return kind(problem, todo=todo, where=where)


class InputError(WavjudgeError):
    """A file, row or field that cannot be used."""

    exit_code = 2


class MissingRecordingError(InputError):
    """A recording that a row names and that is not there: a fault of the input, looked at again by the same command."""

    exit_code = 9


class SpecError(WavjudgeError):
    """A SPEC that does not follow the grammar, or names what does not exist."""

    exit_code = 2


class MissingPartError(WavjudgeError):
    """An optional part (extra) that is not installed, or does not exist for this platform."""

    exit_code = 2


def pip_install(requirement: str) -> str:
    """The command that installs an optional part where it will be found: with the interpreter that runs now.

    >>> import sys
    >>> pip_install("wavjudge[tts]") == f'{sys.executable} -m pip install "wavjudge[tts]"'
    True
    """
    return f'{sys.executable} -m pip install "{requirement}"'


class StoreError(WavjudgeError):
    """A run folder that cannot be read or written."""

    exit_code = 2


class RunLockedError(StoreError):
    """Another process writes to this run folder."""

    exit_code = 6


class StopRun(WavjudgeError):
    """The run cannot go on; what was done is stored and the same command resumes it."""


class AuthError(StopRun):
    """The provider does not accept the key."""

    exit_code = 3


class QuotaError(StopRun):
    """The account behind the key has no money or quota left; waiting does not help."""

    exit_code = 4


class BudgetError(StopRun):
    """The run's own money limit is reached, or cannot be kept because a price is unknown."""

    exit_code = 5


class NeverAcceptedError(StopRun):
    """A server refuses every request as it is: a wrong model, or an option that it does not know."""

    exit_code = 2


class ProviderDownError(StopRun):
    """So many calls failed that retrying on would only burn time and money."""

    exit_code = 75


class CandidateDownError(StopRun):
    """A candidate crashed on each of its first answers: a wrong command, not a bad model."""

    exit_code = 7


class NoRewardError(StopRun):
    """A training's answers cannot be given rewards: going on would teach it whatever fails."""

    exit_code = 8


class ModelChangedError(StopRun):
    """Another model answers under a judge's name than the one before it, or than the one that was calibrated."""

    exit_code = 10


class DivergedError(StopRun):
    """The loss or the gradient of a training is no number: its weights are lost, an earlier checkpoint is not."""

    exit_code = 11
