"""Requests that a server will never take: what to do about them, and when to stop sending them.

A wrong model name, a server that does not hear, an option that the model does not know: every answer would be sent, and
every one refused alike. A few of them and no success end it, with what helps. One success says that the way is open;
after it a refusal is that request's own.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from wavjudge.clients.base import Attempt, Failure, FailureKind, Reply, Request
from wavjudge.errors import NeverAcceptedError

FAULTS_AT_START = 4
"""So many refusals of one cause, and no reply before, end it."""

_DEAF = re.compile(
    r"audio input is not supported|(?:does not|doesn't|not) support (?:audio|input_audio|multimodal|multi-modal)"
    r"|audio (?:input )?(?:is|are) not (?:supported|enabled|allowed)|mmproj|not a multimodal model"
    r"|no endpoints found that support (?:input )?audio|unsupported (?:content|input) (?:part )?type.{0,20}audio"
    r"|invalid content type", re.I)  # fmt: skip
_ONE_AUDIO = re.compile(
    r"at most (?:1|one) audio|(?:only|maximum of|up to) (?:1|one|a single) audio|more than (?:1|one) audio"
    r"|one audio (?:input|file|clip)? ?(?:per|a) (?:request|prompt|message)|(?:multiple|too many) audio",
    re.I)  # fmt: skip
_STREAM_ONLY = re.compile(
    r"only supports? (?:the )?stream|stream(?:ing)? (?:mode )?(?:is )?(?:required|only)|must be (?:a )?stream"
    r"|(?:requires?|set|enable(?: the)?) `?\"?stream(?:ing)?\b", re.I)  # fmt: skip

_NO_REPLY = re.compile(
    r"^(?:malformed: )?got "
    r"(?:.* with HTTP 2\d\d$|a reply without (?:choices|candidates)|a body that does not unpack)"
)
"""What is no reply at all, though it came with HTTP 200: a web page, `{}`, nothing. An empty text is another matter."""

_HINTS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"HTTP 407\b|proxy authentication", re.I),
     "the proxy of the environment wants a user and a password: HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT (HTTP_PROXY "
     "for a server without TLS), or NO_PROXY=HOST where none is needed"),
    (_ONE_AUDIO, "this server takes one recording a request: add question_audio=false to the SPEC, or let it take two "
                 "(vLLM: --limit-mm-per-prompt '{\"audio\": 2}')"),
    (_STREAM_ONLY, "this model answers as a stream alone, and wavjudge reads replies whole: name another model or "
                   "server"),
    (re.compile(r"unknown (?:variant|type|content)\b.{0,40}(?:input_audio|audio_url)"
                r"|(?:input_audio|audio_url)\b.{0,60}(?:not (?:supported|allowed)|unknown|unrecogni[sz]ed|unexpected)"
                r"|input should be '(?:text|audio_url|input_audio)", re.I),
     "this server wants recordings in another form: try part=audio_url, or part=input_audio_uri, in the SPEC"),
    (_DEAF, "this server or model takes no audio: name a model that hears, or start the server with its audio part "
            "(llama.cpp: --mmproj FILE)"),
    (re.compile(r"max_completion_tokens", re.I), "add max_tokens_field=max_tokens to the SPEC"),
    (re.compile(r"'?max_tokens'?.{0,60}(?:not supported|unsupported)", re.I),
     "leave max_tokens_field out of the SPEC, or set it to max_completion_tokens"),
    (re.compile(r"\b(?:temperature|top_p|topp|seed)\b", re.I),
     "the model takes no such temperature, top_p or seed: leave that option out of the SPEC"),
    (re.compile(r"system (?:role|message|prompt|instruction).{0,40}(?:not|un)|developer instruction is not", re.I),
     "the model takes no system message: add instructions=user to the SPEC"),
    (re.compile(r"thinking|reasoning_effort", re.I),
     "the model takes no such thinking_budget or thinking_level: leave it out of the SPEC"),
    (re.compile(r"model_not_found|model\b.{0,120}(?:does not exist|not found|not exist|unknown|is not available)"
                r"|(?:no such|unknown|invalid) model|is not a valid model|models/\S+ is not found"
                r"|no endpoints found for", re.I),
     "check the model's name: this server does not have it, or not for this key"),
    (re.compile(r"HTTP 413\b", re.I),
     "the server, or a proxy before it, takes no body of this size: raise its limit (nginx: client_max_body_size), or "
     "send less: rate=8000, or question_audio=false, in a judge's SPEC"),
    (re.compile(r"HTTP (?:404|405)\b", re.I), "check base_url: nothing is served there (it often ends in /v1)"),
    (_NO_REPLY, "check base_url: what answers there does not speak this protocol (the address of an API often ends in "
                "/v1; that of a web page is another one)"),
)  # fmt: skip
"""What helps, by the words with which servers refuse, in the order of asking."""

_ITS_OWN = re.compile(
    r"too (?:long|large|big|short|many tokens)|exceed|context.{0,10}(?:length|window)"
    r"|maximum (?:context|length|size|duration)|payload", re.I)  # fmt: skip
"""What a single request is refused for: the next one may be shorter."""

NEVER_SERVED = frozenset({501, 505, 506, 510, 511})
"""Of the statuses that are a server's own fault, those that do not pass by waiting: what it does not do at all."""
_TOO_LARGE = 413
_FOR_GOOD: frozenset[FailureKind] = frozenset({"bad_request", "moved"})
_NAMES = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`|\b\S*\d\S*")


def hint(reason: str) -> str:
    """What helps against a refusal, by its words; empty where nobody knows.

    >>> hint("got HTTP 400: At most 1 audio(s) may be provided in one prompt.").partition(":")[0]
    'this server takes one recording a request'
    """
    return next((todo for pattern, todo in _HINTS if pattern.search(reason)), "")


def is_of_setup(outcome: Failure) -> bool:
    """Whether a refusal may be that of every request (a model that is not there, an option nobody takes), and not one
    that this request alone has earned."""
    if outcome.kind == "malformed":
        return _NO_REPLY.search(outcome.reason) is not None
    return outcome.kind in _FOR_GOOD and (outcome.http_status == _TOO_LARGE or not _ITS_OWN.search(outcome.reason))


def is_for_good(said: str) -> bool:
    """Whether a server's own fault (HTTP 500 and above) is none that passes: it will never take such a request.

    >>> is_for_good("audio input is not supported - hint: you may need the mmproj"), is_for_good("overloaded")
    (True, False)
    """
    return any(pattern.search(said) for pattern in (_DEAF, _ONE_AUDIO, _STREAM_ONLY))


@dataclass(slots=True)
class Accepted:
    """Whether a server takes the requests of one judge or candidate. who: its name in messages.

    stop: why nothing more is sent.

    >>> accepted = Accepted("openai:m")
    >>> for _ in range(4): accepted.saw(Failure("bad_request", "got HTTP 404, model_not_found: no", http_status=404))
    >>> accepted.stop is not None, "check the model's name" in str(accepted.stop)
    (True, True)
    """

    who: str
    most: int = FAULTS_AT_START
    stop: NeverAcceptedError | None = None
    _is_open: bool = False
    _faults: Counter[tuple[int | None, str]] = field(default_factory=Counter)
    _of: dict[tuple[int | None, str], set[str]] = field(default_factory=lambda: defaultdict(set))

    def admit(self) -> None:
        """Raise `NeverAcceptedError` where nothing more is to be sent."""
        if self.stop is not None:
            raise self.stop

    def saw(self, outcome: Reply | Failure, of: str | None = None) -> None:
        """Take note of what became of a request. of: which one; what is no reply may be that of one request alone,
        which is sent more than once, so two of them have to meet it."""
        if isinstance(outcome, Reply) or outcome.kind in ("refused", "cut_off", "broken_audio"):
            self._is_open = True
        elif is_of_setup(outcome) and not self._is_open:
            cause = outcome.http_status, hint(outcome.reason) or _NAMES.sub("#", outcome.reason)
            self._faults[cause] += 1
            self._of[cause].add(of or f"{self._faults[cause]}")
            if self._faults[cause] >= self.most and self.stop is None and len(self._of[cause]) > 1:
                self.stop = self._never(outcome)

    def _never(self, failure: Failure) -> NeverAcceptedError:
        todo = hint(failure.reason) or "check base_url, the model's name and the options of the SPEC"
        became = "got what is no reply" if failure.kind == "malformed" else "were refused alike"
        return NeverAcceptedError(
            f"{self.who}: {self.most} requests {became} and none was answered, the last time with: "
            f"{failure.reason}", todo=f"{todo}; then the same command goes on",
        )  # fmt: skip


def accepting(attempt: Attempt, accepted: Accepted) -> Attempt:
    """The attempt, sent only as long as there is a prospect that the server takes it."""

    async def while_it_may_help(request: Request) -> Reply | Failure:
        accepted.admit()
        outcome = await attempt(request)
        accepted.saw(outcome, request.digest)
        return outcome

    return while_it_may_help
