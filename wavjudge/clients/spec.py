"""The one grammar by which judges, candidates, writers and voices are named on a command line.

    KIND:NAME?key=value&key=value        openai:my-model?base_url=http://127.0.0.1:8000/v1&temperature=1
    KIND?key=value                       signals?asr=false
    @NAME?key=value  or  NAME?key=value  a model of a `wavjudge.toml` (named.py), with some options changed

KIND is lower case; NAME may hold `/` and `:`; values are URL-decoded (`%26` is `&`, a `+` stays a `+`). A key of an
account is never part of a SPEC: `api_key_env=NAME` says which environment variable holds it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Generic, TypeVar, overload
from urllib.parse import quote, unquote

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from wavjudge.errors import SpecError
from wavjudge.nearest import likely, nearest

GRAMMAR = "KIND:NAME?key=value&key=value"
NAMED_FILE = "wavjudge.toml"

_KIND = re.compile(r"[a-z][a-z0-9_-]*")
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")
_PHRASES = frozenset({"command"})  # kinds whose name may hold white space
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SECRET_KEY = re.compile(r"(.*[_-])?(api_?key|key|token|secret|password|passwd|authorization|bearer|credentials?)")
_SECRET_TEXT = re.compile(
    r"(?<![\w-])sk-[\w*-]{12,}|\bgsk_\w{16,}|\bAIza[\w-]{20,}|\bhf_\w{16,}|\bBearer\s+\S+|(?<=://)[^/@\s]*:[^/@\s]*@"
)
_USE_ENVIRONMENT = "put the key into an environment variable and name it: api_key_env=NAME"

A = TypeVar("A", bound=BaseModel)
B = TypeVar("B", bound=BaseModel)
C = TypeVar("C", bound=BaseModel)


def hide_secrets(text: str) -> str:
    """The text with whatever looks like an account's key replaced: for messages that quote others.

    >>> hide_secrets("Incorrect API key provided: sk-abcdefghijklmnop")
    'Incorrect API key provided: [hidden]'
    """
    return _SECRET_TEXT.sub("[hidden]", text)


@dataclass(frozen=True, slots=True)
class Spec:
    """A parsed SPEC. `str()` gives the canonical text: keys in order, values encoded where they must be.

    Raises SpecError for a kind, name or key outside the grammar, and for anything that looks like a secret.

    >>> str(Spec("openai", "m", {"top_p": "1", "base_url": "http://127.0.0.1:8000/v1"}))
    'openai:m?base_url=http://127.0.0.1:8000/v1&top_p=1'
    """

    kind: str
    name: str = ""
    options: Mapping[str, str] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        _refuse_secrets(self)
        if not _KIND.fullmatch(self.kind):
            raise SpecError(f"got the kind {self.kind!r}, expected lower-case letters first", todo=f"write {GRAMMAR}")
        if "?" in self.name or (self.kind not in _PHRASES and any(character.isspace() for character in self.name)):
            raise SpecError(f"got the name {self.name!r}, expected one without ? and white space")
        for key in self.options:
            if not _KEY.fullmatch(key):
                raise SpecError(f"got the option {key!r}, expected key=value", todo=f"write {GRAMMAR}")

    def __str__(self) -> str:
        head = f"{self.kind}:{self.name}" if self.name else self.kind
        tail = "&".join(f"{key}={quote(value, safe='/:@,?=+~')}" for key, value in sorted(self.options.items()))
        return f"{head}?{tail}" if tail else head

    def changed(self, options: Mapping[str, str]) -> Spec:
        """The same model with these options set on top of its own."""
        return replace(self, options={**self.options, **options})

    @overload
    def read(self, model: type[A], /) -> tuple[A]: ...
    @overload
    def read(self, model: type[A], second: type[B], /) -> tuple[A, B]: ...
    @overload
    def read(self, model: type[A], second: type[B], third: type[C], /) -> tuple[A, B, C]: ...
    def read(self, *models: type[BaseModel]) -> tuple[BaseModel, ...]:
        """The options as one instance of each model; a key that two models know goes to both.

        Raises SpecError for a key that no model knows (naming those they do), and for a value that its field refuses.

        >>> class Wire(BaseModel):
        ...     part: str = "input_audio"
        >>> class Draw(BaseModel):
        ...     temperature: float | None = None
        >>> parse_spec("openai:m?temperature=1").read(Wire, Draw)
        (Wire(part='input_audio'), Draw(temperature=1.0))
        """
        known = sorted({key for model in models for key in model.model_fields})
        for key in self.options:
            if key not in known:
                raise _unknown(key, known, f"SPEC {self}")
        return tuple(self._one(model) for model in models)

    def _one(self, model: type[A]) -> A:
        own = {key: value for key, value in self.options.items() if key in model.model_fields}
        try:
            return model.model_validate_strings(own)
        except ValidationError as error:
            raise _refused(error.errors(include_url=False)[0], f"SPEC {self}") from None


class FromFolder(str):
    """A SPEC that the working directory's `wavjudge.toml` defines. That file may have come with somebody's data, so:

    * it names no environment variable (`api_key_env`) at any depth, and what it defines is given none, unless the
      command line says the address (`base_url`) too: a key goes where its owner sends it;
    * it names no program (`command:`, `python:`) and no kind whose name is an address: both are for the command line.

    The user's own file, and the command line, may do both.
    """

    __slots__ = ()


_FOLDER_KINDS = frozenset({
    "openai", "gemini", "signals", "checks", "replay", "recorded", "cascade", "espeak", "moonshine",
})  # fmt: skip
_OWN_KINDS = frozenset({"command", "python", "azure"})
_INNER_KINDS = re.compile(r"(?:^|[=&?])@?(command|python|azure):")
_VARIABLES = re.compile(r"[a-z]_env\s*=", re.IGNORECASE)


def _refuse_trust(head: str, spec: Spec, options: Mapping[str, str]) -> None:
    told = f"{head!r} of the {NAMED_FILE} of this folder"
    todo = (
        "say it on the command line, or move the table to your own file (docs/spec.md says where it lies, and that "
        f"WAVJUDGE_CONFIG={NAMED_FILE} makes this one yours)"
    )
    kinds = [found[1] for text in _readings(str(spec)) for found in _INNER_KINDS.finditer(text)]
    if not kinds and spec.kind not in _FOLDER_KINDS | _OWN_KINDS:
        raise SpecError(f"{told} is of the kind {spec.kind!r}, expected one of {', '.join(sorted(_FOLDER_KINDS))}",
                        todo=likely(spec.kind, sorted(_FOLDER_KINDS)))  # fmt: skip
    if kinds or spec.kind not in _FOLDER_KINDS:
        kind = (kinds or [spec.kind])[0]
        raise SpecError(f"{told} is of the kind {kind!r}, which a file of a folder may not define: it would start a "
                        "program, or choose where a key goes", todo=todo)  # fmt: skip
    if any(map(_VARIABLES.search, _readings(str(spec)))):
        raise SpecError(f"{told} names an environment variable, which a file of a folder may not", todo=todo)
    if "base_url" in spec.options and "base_url" not in options and any(key.endswith("_env") for key in options):
        raise SpecError(f"got a key for {told}, which says the address that it would go to",
                        todo=f"say base_url={spec.options['base_url']} too, if it may go there")  # fmt: skip


def _readings(text: str) -> Iterator[str]:
    """The text as it stands and as it reads decoded, once and again: a SPEC may hold SPECs, which may hold others."""
    while True:
        yield text
        if (decoded := unquote(text)) == text:
            return
        text = decoded


def parse_spec(text: str, named: Mapping[str, str] | None = None) -> Spec:
    """Read a SPEC; `named` are the models of `wavjudge.toml` (see `clients.named`).

    Raises SpecError that says what was got, what was expected, and what to do.

    >>> parse_spec("openai:org/model:free?base_url=http://127.0.0.1:8000/v1&part=audio_url").name
    'org/model:free'
    >>> parse_spec("@fast?seed=7", {"fast": "gemini:some-model?temperature=1"})
    Spec(kind='gemini', name='some-model', options={'temperature': '1', 'seed': '7'})
    """
    named = named or {}
    head, mark, tail = text.strip().partition("?")
    options = _options(tail) if mark else {}
    if head.removeprefix("@") in named:
        defined = named[head.removeprefix("@")]
        spec = parse_spec(defined)
        if isinstance(defined, FromFolder):
            _refuse_trust(head, spec, options)
        return spec.changed(options)
    if head.startswith("@"):
        there = ", ".join(sorted(named)) or "none is defined"
        problem = f"got {hide_secrets(head)!r}, expected a model of {NAMED_FILE}: {there}"
        near = nearest(head.removeprefix("@"), named)
        like = f"did you mean @{near}? Or " if near else ""
        new = head.removeprefix("@") if re.fullmatch(r"@[\w.-]{1,40}", head) else "NAME"
        raise SpecError(problem, todo=f'{like}write [models.{hide_secrets(new)}] and spec = "KIND:NAME" into '
                        f"{NAMED_FILE}, in the folder where wavjudge is started or in your own")  # fmt: skip
    kind, colon, name = head.partition(":")
    if colon and not name:
        raise SpecError(f"got {hide_secrets(head)!r} without a name", todo=f"write {GRAMMAR}")
    return Spec(kind, name, options)


def _options(tail: str) -> dict[str, str]:
    options: dict[str, str] = {}
    for pair in tail.split("&"):
        key, equals, value = pair.partition("=")
        if not equals:
            raise SpecError(f"got the option {hide_secrets(pair)!r}, expected key=value", todo=f"write {GRAMMAR}")
        if key in options:
            raise SpecError(f"got the option {key!r} twice, expected it once", todo="remove one of them")
        options[key] = unquote(value)
    return options


def _refuse_secrets(spec: Spec) -> None:
    # No message here quotes a value: it would carry the secret into a log.
    for key, value in spec.options.items():
        if _SECRET_KEY.fullmatch(key.lower()) or _SECRET_TEXT.search(f"{key}={value}"):
            raise SpecError(f"the option {hide_secrets(key)!r} holds what looks like a secret", todo=_USE_ENVIRONMENT)
        if key.endswith("_env") and not _VARIABLE.fullmatch(value):
            raise SpecError(f"the option {key!r} is not the name of an environment variable", todo=_USE_ENVIRONMENT)
    if _SECRET_TEXT.search(f"{spec.kind}:{spec.name}"):
        raise SpecError("the SPEC holds what looks like a secret", todo=_USE_ENVIRONMENT)


def _unknown(key: str, known: list[str], where: str) -> SpecError:
    near = nearest(key, known)
    todo = f"did you mean {near}?" if near else "use one of them or leave it out"
    return SpecError(f"got the option {key!r}, known are: {', '.join(known)}", todo=todo, where=where)


_EXPECTED = {
    "int_parsing": "a whole number", "int_from_float": "a whole number", "float_parsing": "a number",
    "bool_parsing": "true or false",
}  # fmt: skip
"""In plain words."""


def _refused(error: ErrorDetails, where: str) -> SpecError:
    key = str(error["loc"][0]) if error["loc"] else ""
    if error["type"] == "missing":
        return SpecError(f"the option {key!r} is needed", todo=f"add {key}=VALUE", where=where)
    expected = _EXPECTED.get(error["type"], error["msg"].removeprefix("Input should be ").removeprefix("Value error, "))
    got = f"{key}={error['input']}" if key else "these options together"
    choices = re.findall(r"'([^']*)'", expected) if error["type"] == "literal_error" else []
    near = nearest(str(error["input"]), choices)
    return SpecError(f"got {got}, expected {expected}", todo=f"did you mean {key}={near}?" if near else "", where=where)


# What can stand before the colon of a SPEC: a kind of judge, of candidate, of voice.

T = TypeVar("T")

_MODEL = re.compile(r"(?=\w*[-./\d])[\w./-]{1,120}")
"""What is rather a model's name than a misspelt kind."""
_VENDORS = {"google": "gemini", "gemini": "gemini", "models": "gemini", "vertex_ai": "gemini", "openai": "openai"}
_INTERPRETERS = {".py": "python ", ".sh": "sh ", ".js": "node "}
_PROGRAMS = frozenset({*_INTERPRETERS, ".exe", ".bash"})


@dataclass(frozen=True, slots=True)
class Kind(Generic[T]):
    """One kind, as its list shows it. build: from a SPEC and what the run shares (`judge.build.JudgeContext`)."""

    example: str
    about: str
    options: tuple[type[BaseModel], ...]
    build: Callable[[Spec, Any], T]
    keys: tuple[str, ...] = ()


def choose(text: str, kinds: Mapping[str, Kind[T]], what: str, named: Mapping[str, str]) -> tuple[Spec, Kind[T]]:
    """The SPEC and its kind. `what` is the word for messages and for the command that lists them: "judge".

    >>> choose("clam:x", {"calm": Kind("calm:x", "", (), str)}, "voice", {})
    Traceback (most recent call last):
    ...
    wavjudge.errors.SpecError: got the voice kind 'clam', expected one of calm
    What to do: did you mean calm:x? `wavjudge voices` lists them with their options
    """
    spec = read(text, kinds, what, named)
    kind = kinds[spec.kind]
    if bool(spec.name) != (":" in kind.example):
        raise SpecError(f"got {str(spec)!r}, expected something like {kind.example}",
                        todo=f"`wavjudge {what}s {spec.kind}` lists the options")  # fmt: skip
    return spec, kind


def read(text: str, kinds: Mapping[str, Kind[T]], what: str, named: Mapping[str, str]) -> Spec:
    """The SPEC, whose kind is one of these: what stands before its colon is looked at first."""
    head = text.strip().partition("?")[0]
    if not head.startswith("@") and head not in named and head.partition(":")[0] not in kinds:
        raise _unknown_kind(head, kinds, what, named)
    spec = parse_spec(text, named)
    if spec.kind not in kinds:
        raise _unknown_kind(str(spec).partition("?")[0], kinds, what, {})
    return spec


def _unknown_kind(head: str, kinds: Mapping[str, Kind[T]], what: str, named: Mapping[str, str]) -> SpecError:
    """Of a kind that is misspelt, or of what stands without one (a model, a command, a file): the nearest SPEC."""
    known, listed = ", ".join(sorted(kinds)), f"`wavjudge {what}s` lists them with their options"
    own = f"; models of {NAMED_FILE}: {', '.join(sorted(named))}" if named else ""
    kind, colon, _ = head.partition(":")
    whole = [hide_secrets(one) for one in _meant(head, kinds, named)]
    todo = f"did you mean {' or '.join(whole)}? {listed}" if whole else f"write KIND:NAME; {listed}"
    if colon or not whole or nearest(head, [*kinds, *named], 0.7):
        problem = f"got the {what} kind {hide_secrets(kind if colon else head)!r}, expected one of {known}{own}"
    else:
        problem = f"got the {what} {hide_secrets(head)!r} without a kind, expected KIND:NAME with one of {known}{own}"
    return SpecError(problem, todo=todo)


def _meant(head: str, kinds: Mapping[str, Kind[T]], named: Mapping[str, str]) -> list[str]:
    """Whole SPECs that somebody may have meant by a text whose kind is none of these."""
    kind, colon, name = head.partition(":")
    if colon:
        if "python" in kinds and Path(f"{kind.replace('.', '/')}.py").is_file():
            return [f"python:{head}"]
        return [f"{near}:{name}"] if (near := nearest(kind, kinds)) else _on_disk(head, kinds)
    if near := nearest(head, [*kinds, *named], 0.7):
        return [kinds[near].example if near in kinds else near]
    return _on_disk(head, kinds) or _models(head, kinds)


def _on_disk(head: str, kinds: Mapping[str, Kind[T]]) -> list[str]:
    """A command that stands there without its kind, or the path of stored answers or of a run."""
    first, _, more = head.partition(" ")
    program = Path(first)
    is_program = bool(more) or program.suffix in _PROGRAMS or ("/" in first and _runs(program))
    if "command" in kinds and is_program:
        return [f"command:{_INTERPRETERS.get(program.suffix, '')}{head}"]
    stored = next((one for one in ("recorded", "replay") if one in kinds), None)
    return [f"{stored}:{head}"] if stored and Path(head).exists() else []


def _runs(program: Path) -> bool:
    return program.is_file() and os.access(program, os.X_OK)


def _models(head: str, kinds: Mapping[str, Kind[T]]) -> list[str]:
    """The SPECs of a model's name that stands alone, perhaps behind its vendor's as routers write it."""
    there = [one for one in ("gemini", "openai") if one in kinds]
    if not there or not _MODEL.fullmatch(head):
        return []
    vendor, slash, rest = head.partition("/")
    own = _VENDORS.get(vendor.lower()) if slash else "gemini" if head.lower().startswith("gemini") else "openai"
    if own in there:
        return [f"{own}:{rest or head}"]
    return [f"{one}:{head}" for one in (there if slash else there[-1:])]
