"""`wavjudge rewards serve`: rewards over HTTP, for OpenRLHF and everything else.

A failure is 503 with a reason, never a number. Requests under way share the judge's limits, so that one request with a
hundred answers and a hundred with one take the same time. Without a token it listens to this machine alone, and answers
to its own names and to JSON only: a page in a browser can make it neither judge nor pay.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import math
import time
import zlib
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import cache
from ipaddress import ip_address
from typing import Any, TypeVar

import pybase64
from aiohttp import BasicAuth, web
from aiohttp.http_exceptions import HttpProcessingError
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.json_schema import models_json_schema
from pydantic_core import from_json
from yarl import URL

from wavjudge.errors import InputError, MissingPartError, NoRewardError, StopRun, WavjudgeError
from wavjudge.rewards.adapters.nemo_gym import VerifyIn, verified
from wavjudge.rewards.adapters.openrlhf import DecodeText, answer, items_of
from wavjudge.rewards.adapters.verl_omni import AudioScoreIn, reply
from wavjudge.rewards.ceiling import Ceiling
from wavjudge.rewards.item import RewardItem, sound
from wavjudge.rewards.judge_reward import Judged, JudgeReward
from wavjudge.store.run_folder import first_problem
from wavjudge.types import OUTCOMES
from wavjudge.version import __version__

# What the reward server takes and gives: models of the bodies, and the OpenAPI document.

MOST_ITEMS = 1024


class Body(BaseModel):
    """Base of the bodies: an unknown field is an error."""

    model_config = ConfigDict(extra="forbid")


class ItemIn(Body):
    """One answer. Recordings are base64 of an audio file (WAV, FLAC, OGG, MP3): it states its own sample rate."""

    answer_audio: str | None = Field(None, description="base64 of an audio file; null if nothing was spoken")
    answer_text: str | None = None
    question_text: str | None = None
    question_audio: str | None = Field(None, description="base64 of an audio file")
    id: str = Field("", max_length=200, description="of the prompt; default: a hash of what was asked")
    language: str | None = None
    reference: str | None = None

    def item(self, number: int) -> RewardItem:
        """The item; `InputError` for what is not base64. Bytes that are no sound are found out when it is judged."""
        told = self.model_dump()
        for name in ("answer_audio", "question_audio"):
            where = f'items[{number}], field "{name}"'
            told[name] = sound(_decoded(told[name], where), where=where)
        return RewardItem(**told)


class ScoreIn(Body):
    """Answers to be rewarded."""

    items: list[ItemIn] = Field(min_length=1, max_length=MOST_ITEMS)


class ResultOut(Body):
    """One reward. `reward` is null where there is none, and `status` and `reason` say why. axes: what the judge said of
    each, the mean of its repeats, before weights and maps."""

    reward: float | None
    status: str
    reason: str | None
    axes: dict[str, float | None]

    @classmethod
    def of(cls, judged: Judged) -> ResultOut:
        return cls(reward=judged.score, status=judged.reward.status, reason=judged.reward.reason, axes=judged.axes)


class ScoreOut(Body):
    """One result per item, in their order."""

    results: list[ResultOut]


class GetRewardIn(BaseModel):
    """The body that OpenRLHF posts: decoded sequences, their prompts, their labels."""

    query: list[str] = Field(min_length=1, max_length=MOST_ITEMS)
    prompts: list[str]
    labels: list[Any]


class GetRewardOut(Body):
    """The reply that OpenRLHF reads; one number per query."""

    rewards: list[float]
    scores: list[float]
    extra_logs: dict[str, list[float]]


class ErrorOut(Body):
    """Why there is no answer."""

    error: str
    message: str


class AudioScoreOut(BaseModel):
    """The reply of the audio scorer protocol: a finite score, and beside it figures of single axes (axis_NAME)."""

    model_config = ConfigDict(extra="allow")

    score: float
    status: str


class VerifyOut(BaseModel):
    """What was sent, with its reward. Where mask_sample is true there is none, and reward is a placeholder."""

    model_config = ConfigDict(extra="allow")

    reward: float
    mask_sample: bool
    instance_config: dict[str, Any]
    status: str
    failure_reason: str | None


class HealthOut(Body):
    """What the server is, and what it has done. trouble: why the last request got nothing, if so. paused: why requests
    are refused just now without asking anybody, and for how many seconds more; null and 0 where they are taken.

    identity: by axis, who answers, as far as that is known. other_models: replies of other models; no rewards."""

    signature: str
    answers: dict[str, int]
    calls: int
    cached: int
    trouble: str | None
    paused: str | None
    paused_seconds: float
    identity: dict[str, str] = {}
    other_models: dict[str, int] = {}


Bodies = tuple[type[BaseModel], ...]
_ROUTES: tuple[tuple[str, str, Bodies, Bodies, str], ...] = (
    (
        "post",
        "/score",
        (ScoreIn, AudioScoreIn),
        (ScoreOut, AudioScoreOut),
        "Rewards of answers; null with a reason where there is none. With protocol_version as verl-omni asks",
    ),
    ("post", "/get_reward", (GetRewardIn,), (GetRewardOut,), "The same for OpenRLHF; 503 where any has none"),
    ("post", "/verify", (VerifyIn,), (VerifyOut,), "The same for NeMo Gym; mask_sample where there is none"),
    ("get", "/health", (), (HealthOut,), "Who judges, and what was done so far"),
)
_ABOUT = ("JSON in, JSON out; a failure never becomes a number. Where the server has a token, every request shows it: "
          "Authorization: Bearer TOKEN.")  # fmt: skip
_ERRORS = {
    "400": "a body that cannot be used", "401": "no token, or another one", "403": "a Host that is not this machine",
    "413": "a body over the limit", "415": "a body that is not JSON", "503": "no reward: message says why",
}  # fmt: skip
_WITHOUT_BODY = ("401", "403", "503")
"""What a request that posts nothing may be answered."""


def routes_table() -> str:
    """The routes as a Markdown table, for people (docs/rewards.md)."""
    lines = ["| route | takes | gives | what for |", "|---|---|---|---|"]
    for method, path, takes, gives, summary in _ROUTES:
        bodies = (" or ".join(f"`{model.__name__}`" for model in models) or "nothing" for models in (takes, gives))
        lines.append(f"| `{method.upper()} {path}` | {' | '.join(bodies)} | {summary} |")
    return "\n".join(lines)


@cache
def document() -> dict[str, Any]:
    """The OpenAPI 3.1 description."""
    models = {model for route in _ROUTES for model in (*route[2], *route[3])} | {ErrorOut}
    ordered = sorted(models, key=lambda model: model.__name__)
    _, found = models_json_schema([(m, "validation") for m in ordered], ref_template="#/components/schemas/{model}")
    paths = {
        path: {method: _operation(*rest)} for (method, path), rest in [(route[:2], route[2:]) for route in _ROUTES]
    }
    return {
        "openapi": "3.1.0", "paths": paths,
        "info": {"title": "wavjudge rewards", "version": __version__, "description": _ABOUT},
        "components": {"schemas": found["$defs"], "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
        "security": [{}, {"token": []}],
    }  # fmt: skip


def _operation(takes: Bodies, gives: Bodies, summary: str) -> dict[str, Any]:
    errors = {code: ((ErrorOut,), why) for code, why in _ERRORS.items() if takes or code in _WITHOUT_BODY}
    replies: dict[str, tuple[Bodies, str]] = {"200": (gives, "what was asked for"), **errors}
    found: dict[str, Any] = {
        "summary": summary,
        "responses": {code: {"description": why, "content": _content(m)} for code, (m, why) in replies.items()},
    }
    return {**found, "requestBody": {"required": True, "content": _content(takes)}} if takes else found


def _content(models: Bodies) -> dict[str, Any]:
    named = [{"$ref": f"#/components/schemas/{model.__name__}"} for model in models]
    return {"application/json": {"schema": named[0] if len(named) == 1 else {"anyOf": named}}}


def _decoded(text: str | None, where: str) -> bytes | None:
    if text is None:
        return None
    try:
        return pybase64.b64decode(text, validate=True)
    except ValueError as error:  # binascii.Error is one
        raise InputError(
            f"got text that is not base64 ({error}), expected that of an audio file", where=where
        ) from None


# A pause of a reward server: it asks no judge while the judge gives no scores, and begins again by itself.
#
# A trainer in the same process is stopped by the ceiling. A server cannot stop its trainers: it answers each item for
# itself, and when the judge's failures are over the ceiling, or a `StopRun` says that nothing more can be had, it
# refuses what comes next before anybody is asked or paid. After `seconds` it takes requests again, with an empty
# window.


@dataclass(slots=True)
class Pause:
    """ceiling: of the judge's failures, None for none. seconds: how long nothing is asked once it is over.

    What a candidate failed to give is no failure of the judge: it costs nothing, and pauses nothing.
    """

    ceiling: Ceiling | None
    seconds: float = 60.0
    clock: Callable[[], float] = time.monotonic
    reason: str | None = None
    _until: float = -math.inf

    @property
    def left(self) -> float:
        """Seconds until requests are taken again; 0 while they are."""
        left = max(self._until - self.clock(), 0.0)
        if not left:
            self.reason = None
        return left

    def count(self, found: Iterable[Judged], stop: StopRun | None = None) -> None:
        """Count what came of the items of one request, and begin a pause where that is too much."""
        error = stop or (None if self.ceiling is None else _over(self.ceiling, found))
        if error is not None:
            self.reason, self._until = error.problem, self.clock() + self.seconds


def _over(ceiling: Ceiling, found: Iterable[Judged]) -> StopRun | None:
    for one in found:
        ceiling.count(one.reward, one.own)
    if (error := ceiling.over) is not None:
        ceiling.forget()
    return error


MEBIBYTE = 2**20
READ_SECONDS = 60.0
"""How long the body of a request may take to arrive."""
SMALL_BYTES = MEBIBYTE
LARGE_AT_ONCE = 2
"""Bodies larger than that are read and parsed so many at once: a large one takes several times its size."""

B = TypeVar("B", bound=BaseModel)
R = TypeVar("R")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_log = logging.getLogger(__name__)


class Refused(Exception):
    """A request that gets no answer, with its HTTP status. again: seconds after which to send it again."""

    def __init__(self, status: int, message: str, again: float | None = None, kind: str = "refused") -> None:
        super().__init__(message)
        self.status, self.again, self.kind = status, again, kind


@dataclass(slots=True)
class RewardServer:
    """One judge behind HTTP.

    token: which every request must show, as ``Authorization: Bearer TOKEN`` or as the password of an URL; None only on
    a loopback address. decode: makes the sound of what OpenRLHF sends. max_mebibytes: of a body. most_requests: under
    way at once; one more is 503. pause_seconds: how long nobody is asked once the judge's failures are over the
    reward's ceiling, or a `StopRun` came; see `Pause`.
    """

    reward: JudgeReward
    token: str | None = None
    decode: DecodeText | None = None
    max_mebibytes: float = 64.0
    most_requests: int = 1024
    pause_seconds: float = 60.0
    answers: Counter[str] = field(default_factory=Counter)
    trouble: str | None = None
    _under_way: int = 0
    _large: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(LARGE_AT_ONCE))
    _runner: web.AppRunner | None = None
    _pause: Pause = field(init=False)
    _decoder: ThreadPoolExecutor | None = None

    def __post_init__(self) -> None:
        self._pause = Pause(self.reward.ceiling, self.pause_seconds)
        if self.token is not None and (not self.token.strip() or not self.token.isprintable() or " " in self.token):
            raise InputError("got a token that is empty or holds white space, expected one that a header can carry",
                             todo="make one: python -c 'import secrets; print(secrets.token_urlsafe())'")  # fmt: skip

    async def open(self, host: str = "127.0.0.1", port: int = 5000) -> str:
        """Listen; gives the URL. `InputError` for an address that others can reach, without a token."""
        if self.token is None and not is_loopback(host):
            raise InputError(f"got the host {host}, which others can reach, and no token",
                             todo="set the token's environment variable, or listen on 127.0.0.1")  # fmt: skip
        self._runner = web.AppRunner(self.app(), access_log=None, handler_cancellation=True, shutdown_timeout=5.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port, backlog=1024).start()
        name = f"[{host}]" if ":" in host else host
        return f"http://{name}:{self._runner.addresses[0][1]}"

    async def close(self) -> None:
        """Stop listening; the judge stays open."""
        if self._runner is not None:
            await self._runner.cleanup()
        if self._decoder is not None:
            self._decoder.shutdown(wait=False, cancel_futures=True)
            self._decoder = None

    def app(self) -> web.Application:
        """The routes, for a server of one's own; `open` checks the token there, not this."""
        app = web.Application(client_max_size=int(self.max_mebibytes * MEBIBYTE), middlewares=[self._guarded])
        app.router.add_post("/score", self._score)
        app.router.add_post("/get_reward", self._get_reward)
        app.router.add_post("/verify", self._verify)
        app.router.add_post("/seed_session", self._seed_session)
        app.router.add_get("/health", self._health)
        app.router.add_get("/openapi.json", self._openapi)
        app.router.add_get("/", self._openapi)
        return app

    @web.middleware
    async def _guarded(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Who may ask, and what becomes of whatever goes wrong."""
        try:
            self._admit(request)
            return await handler(request)
        except Refused as refused:
            return _error(refused.status, refused.kind, str(refused), refused.again)
        except web.HTTPRequestEntityTooLarge:
            return _error(413, "refused", f"got a body over the limit of {self.max_mebibytes:g} MiB")
        except web.HTTPException as plain:
            return _error(plain.status, "refused", plain.reason)
        except (InputError, MissingPartError) as error:
            return _error(400, type(error).__name__, str(error))
        except WavjudgeError as error:
            return self._unable(type(error).__name__, str(error))
        except Exception as error:
            _log.exception("a request failed")
            return self._unable(type(error).__name__, "got an error of the server's own; its log has it")

    def _admit(self, request: web.Request) -> None:
        if self.token is not None:
            if not hmac.compare_digest(_bytes(_shown(request)), _bytes(self.token)):
                raise Refused(401, "got no token or another one, expected Authorization: Bearer TOKEN")
        elif not is_loopback(_host(request)):
            raise Refused(403, f"got the Host {request.host!r}, expected a name of this machine")

    def _unable(self, kind: str, message: str) -> web.Response:
        self.trouble = message
        return _error(503, kind, message)

    async def _score(self, request: web.Request) -> web.Response:
        data = await self._data(request)
        if isinstance(data, dict) and "protocol_version" in data:
            return await self._audio_score(data)
        items = await asyncio.to_thread(lambda: _items(_as(ScoreIn, data)))
        return _json(ScoreOut(results=list(map(ResultOut.of, await self._judged(items)))))

    async def _audio_score(self, data: Any) -> web.Response:
        """verl-omni: one waveform, one number."""
        item = await asyncio.to_thread(lambda: _as(AudioScoreIn, data).item())
        (found,) = await self._judged([item])
        return web.json_response(_rewarded(lambda: reply(self.reward, found)))

    async def _get_reward(self, request: web.Request) -> web.Response:
        data = await self._data(request)
        body = _as(GetRewardIn, data)
        items = await self._decoded(lambda: items_of(self.reward, body.query, body.prompts, body.labels, self.decode))
        found = await self._judged(items)
        return _json(GetRewardOut(**_rewarded(lambda: answer(found))))

    async def _decoded(self, made: Callable[[], R]) -> R:
        """In a thread that is this server's own: a model's code need not bear several, and the others go on."""
        self._open_for_more()
        self._decoder = self._decoder or ThreadPoolExecutor(1, "wavjudge-decode")
        return await asyncio.get_running_loop().run_in_executor(self._decoder, made)

    async def _verify(self, request: web.Request) -> web.Response:
        data = await self._data(request)
        body = _as(VerifyIn, data)
        (found,) = await self._judged([await asyncio.to_thread(body.item)])
        return web.json_response(verified(body, found))

    async def _seed_session(self, request: web.Request) -> web.Response:
        """NeMo Gym asks for one before each rollout; there is nothing to keep."""
        return web.json_response({})

    async def _judged(self, items: list[RewardItem]) -> list[Judged]:
        self._open_for_more()
        self._under_way += 1
        try:
            found = await self.reward.answered(items)
        finally:
            self._under_way -= 1
        self._pause.count(found.judged, found.stop)
        self.answers.update(one.reward.status for one in found.judged)
        self.trouble = _trouble(found.judged)
        if found.stop is not None and all(one.score is None for one in found.judged):
            raise found.stop
        return found.judged

    def _open_for_more(self) -> None:
        if self._under_way >= self.most_requests:
            raise Refused(503, f"{self._under_way} requests are under way; send it again later")
        if left := self._pause.left:
            raise Refused(503, f"nobody is asked for another {left:.0f} s, since {self._pause.reason}", left)

    async def _data(self, request: web.Request) -> Any:
        """The JSON of a body, read in a thread: it may have 64 MiB."""
        if request.content_type != "application/json":
            raise Refused(415, f"got {request.content_type}, expected Content-Type: application/json")
        self._open_for_more()  # before the body: one too many costs no memory
        size = request.content_length
        async with self._large if size is None or size > SMALL_BYTES else nullcontext():
            return await self._read(request)

    async def _read(self, request: web.Request) -> Any:
        try:
            async with asyncio.timeout(READ_SECONDS):
                data = await request.read()
            return await asyncio.to_thread(from_json, data)
        except TimeoutError:
            raise Refused(400, f"got no whole body within {READ_SECONDS:g} s") from None
        except (zlib.error, HttpProcessingError, web.RequestPayloadError) as error:
            raise Refused(400, f"got a body that does not unpack ({type(error).__name__})") from None
        except ValueError as error:
            raise Refused(400, f"Invalid JSON: {error}") from None

    async def _health(self, request: web.Request) -> web.Response:
        meter, left = self.reward.meter, self._pause.left  # `left` lets go of the reason of a pause that is over
        return _json(HealthOut(
            signature=self.reward.signature, answers=dict(self.answers), calls=meter.calls, cached=meter.cached,
            trouble=self.trouble, paused=self._pause.reason, paused_seconds=left, identity=self.reward.who.told,
            other_models=self.reward.who.others,
        ))  # fmt: skip

    async def _openapi(self, request: web.Request) -> web.Response:
        return web.json_response(document())


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a host of this name or address.

    >>> is_loopback("localhost"), is_loopback("127.0.0.1"), is_loopback("0.0.0.0"), is_loopback("example.org")
    (True, True, False, False)
    """
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _as(model: type[B], data: Any) -> B:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise Refused(400, first_problem(error)) from None


def _items(body: ScoreIn) -> list[RewardItem]:
    return [item.item(number) for number, item in enumerate(body.items)]


def _rewarded(made: Callable[[], R]) -> R:
    """The reply of a protocol that has no word for "no reward": then it is 503."""
    try:
        return made()
    except NoRewardError as error:
        raise Refused(503, str(error), kind=type(error).__name__) from None


def _trouble(found: list[Judged]) -> str | None:
    """Why the judge scored none of what it was asked for; what a candidate failed to give is no trouble of its own."""
    failed = [one.reward for one in found if one.reward.status not in OUTCOMES]
    scored = any(one.score is not None for one in found)
    return f"{failed[-1].status}: {failed[-1].reason}" if failed and not scored else None


def _shown(request: web.Request) -> str:
    """The token of a request. OpenRLHF can send headers only by a URL such as http://any:TOKEN@host:5000/get_reward."""
    header = request.headers.get("Authorization", "")
    if header.startswith("Basic "):
        try:
            return str(BasicAuth.decode(header, encoding="utf-8").password)
        except ValueError:
            return ""
    return header.removeprefix("Bearer ")


def _bytes(shown: str) -> bytes:
    """Of a header as it came: aiohttp keeps bytes that are no UTF-8 as surrogates."""
    return shown.encode("utf-8", "surrogateescape")


def _host(request: web.Request) -> str:
    try:
        return URL(f"http://{request.host}").host or ""
    except ValueError:
        return ""


def _json(body: BaseModel) -> web.Response:
    return web.Response(text=body.model_dump_json(), content_type="application/json")


def _error(status: int, kind: str, message: str, again: float | None = None) -> web.Response:
    body = ErrorOut(error=kind, message=message)
    headers = {} if again is None else {"Retry-After": str(math.ceil(again))}
    return web.Response(text=body.model_dump_json(), content_type="application/json", status=status, headers=headers)
