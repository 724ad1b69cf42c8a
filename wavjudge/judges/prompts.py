"""Prompts: one Markdown file each, a TOML head between +++ lines, then the instructions in plain words.

The head declares what the words rely on: axes with tag and scale, what the judge is given, in which order, and where
the justification stands. The parser reads tags and scales from the same head, so that the words that ask and the rule
that reads cannot drift apart. Every choice of the head can be overridden by a judge's options; the hash of a prompt is
taken after that, over head, words and the version of the rendering code.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import tomllib
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from wavjudge import resources
from wavjudge.errors import InputError
from wavjudge.files.safe import refuse_special
from wavjudge.nearest import likely, of_path
from wavjudge.types import Axis, AxisName, Scale

RENDER_VERSION = 2
"""Raised when the text around the words (data blocks, reply format) changes: it is part of every prompt hash."""

Block = Literal["history", "question", "answer", "reference"]
Transcript = Literal["none", "own", "recognised"]
Justification = Literal["before", "after", "none"]

PROMPT_SETS: dict[str, tuple[str, ...]] = {"separate": ("semantic", "acoustic", "overall"), "joint": ("joint",)}


class _Head(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PromptAxis(_Head):
    """An axis of a prompt: the tag its score stands in, and its scale."""

    name: AxisName
    tag: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
    low: float = 1
    high: float = 5
    unit: str = "points"

    @model_validator(mode="after")
    def _a_scale(self) -> PromptAxis:
        if not -math.inf < self.low < self.high < math.inf:
            raise ValueError(
                f"axis {self.name!r} needs numbers with low below high, got {self.low:g} and {self.high:g}"
            )
        return self

    @property
    def axis(self) -> Axis:
        return Axis(name=self.name, scale=Scale(low=self.low, high=self.high, unit=self.unit))


class Inputs(_Head):
    """What the judge is given. `answer_audio = false` makes the transcript-only judge."""

    question_text: bool = True
    question_audio: bool = True
    answer_audio: bool = True
    transcript: Transcript = "own"
    reference: bool = False
    history: bool = True

    @property
    def audio(self) -> bool:
        """Whether recordings are among what is given, where there are any."""
        return self.answer_audio or self.question_audio

    @model_validator(mode="after")
    def _something_to_judge(self) -> Inputs:
        if not self.answer_audio and self.transcript == "none":
            raise ValueError("a judge that gets neither the answer's audio nor a transcript has nothing to judge")
        return self


class Layout(_Head):
    """How it is put: where the instructions go, the order of the parts, where the justification stands."""

    instructions: Literal["system", "user"] = "system"
    order: tuple[Block, ...] = ("history", "question", "answer", "reference")
    justification: Justification = "before"

    @model_validator(mode="after")
    def _each_once(self) -> Layout:
        if sorted(self.order) != sorted({"history", "question", "answer", "reference"}):
            raise ValueError(f"order must name history, question, answer, reference once each, got {list(self.order)}")
        return self


class Prompt(_Head):
    """A prompt as it will be used: head after overrides, and words."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")]
    version: int
    source: str
    needs: tuple[Literal["question", "reference"], ...] = ()
    axes: Annotated[tuple[PromptAxis, ...], Field(min_length=1)]
    inputs: Inputs = Inputs()
    layout: Layout = Layout()
    words: Annotated[str, Field(min_length=1)]

    @model_validator(mode="after")
    def _tags_differ(self) -> Prompt:
        tags = [axis.tag for axis in self.axes]
        if (
            len(set(tags)) < len(tags)
            or {"justification", "heard"} & set(tags)
            or len({a.name for a in self.axes}) < len(tags)
        ):
            raise ValueError(f"each axis needs a name and a tag of its own, not <justification> or <heard>, got {tags}")
        return self

    @property
    def digest(self) -> str:
        """Twelve hex digits over everything that reaches the judge or the parser, except where it came from."""
        content = self.model_dump(mode="json", exclude={"source"}) | {"render": RENDER_VERSION}
        text = json.dumps(content, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(f"wavjudge.prompt.1\n{text}".encode()).hexdigest()[:12]

    @property
    def label(self) -> str:
        """Name, version and hash, as in signatures: ``semantic.2#3f9a...``."""
        return f"{self.name}.{self.version}#{self.digest}"

    def changed(self, **choices: Any) -> Prompt:
        """This prompt with other choices of inputs and layout; None leaves what the head says."""
        given = {key: value for key, value in choices.items() if value is not None}
        content = self.model_dump()
        for part in ("inputs", "layout"):
            content[part] |= {key: given.pop(key) for key in list(given) if key in content[part]}
        if given:
            raise InputError(f"got {sorted(given)}, which no prompt head knows")
        return _validated(content, f"prompt {self.name} with {choices}")

    def text(self) -> str:
        """The file that would give this very prompt: what a run folder keeps."""
        head = self.model_dump(mode="json", exclude={"words"})
        tables = {"inputs": head.pop("inputs"), "layout": head.pop("layout")}
        axes = "".join(f"\n[[axes]]\n{_toml(axis)}" for axis in head.pop("axes"))
        rest = "".join(f"\n[{name}]\n{_toml(table)}" for name, table in tables.items())
        return f"+++\n# hash {self.digest}\n{_toml(head)}{axes}{rest}+++\n{self.words}\n"


def load(path: Path) -> Prompt:
    """The prompt in a file; `InputError` names the file and field of what does not fit."""
    refuse_special(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"got no readable prompt file ({error})", where=str(path)) from error
    parts = text.split("+++\n", 2)
    if len(parts) != 3 or parts[0].strip():
        raise InputError("got a file without a TOML head between two +++ lines", where=str(path),
                         todo="copy one of the shipped prompts and change it")  # fmt: skip
    try:
        head = tomllib.loads(parts[1])
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"got a head that is not TOML ({error})", where=str(path)) from error
    return _validated(head | {"words": parts[2].strip()}, str(path))


def load_all(folder: Path | None = None) -> dict[str, Prompt]:
    """The prompts by name: the user's `folder` (every .md in it), or the shipped ones in the order of their INDEX."""
    shipped = resources.folder("prompts")
    if folder is not None and not folder.is_dir():
        got = "a file" if folder.exists() else "no such folder"
        raise InputError(f"got {got}, expected a folder of prompts (.md)", where=str(folder),
                         todo=f"name its folder: {folder.parent}" if folder.exists() else of_path(folder))  # fmt: skip
    paths: Sequence[Path] = (
        sorted(folder.glob("*.md")) if folder else [shipped / f"{name}.md" for name in resources.index("prompts")]
    )
    if not paths:
        raise InputError(
            "got a folder without .md files", where=str(folder), todo="put prompts there, or leave out --prompts"
        )
    prompts = [load(path) for path in paths]
    names = [prompt.name for prompt in prompts]
    if len(set(names)) < len(names):
        raise InputError(f"got two prompts of one name among {names}", where=str(folder))
    return dict(zip(names, prompts, strict=True))


def select(prompts: dict[str, Prompt], *, prompt_set: str, axes: Sequence[str] | None) -> tuple[Prompt, ...]:
    """The prompts of a set; with `axes`, only those that rate one of them."""
    names = PROMPT_SETS.get(prompt_set, (prompt_set,))
    missing = [name for name in names if name not in prompts]
    if missing and prompt_set in PROMPT_SETS and not set(names) & set(prompts):
        names, missing = tuple(prompts), []  # a folder of the user's own prompts has its own names
    if missing:
        known = sorted({*PROMPT_SETS, *prompts})
        if prompt_set in PROMPT_SETS:
            raise InputError(f"got the prompt set {prompt_set!r} without {', '.join(missing)}, expected each of its "
                             "prompts", todo=f"add them, or use one of {', '.join(sorted(prompts))}")  # fmt: skip
        raise InputError(f"got the prompt set {prompt_set!r}, expected one of {', '.join(known)}",
                         todo=likely(prompt_set, known))  # fmt: skip
    chosen = [prompts[name] for name in names]
    if axes is None:
        return tuple(chosen)
    known_axes = {axis.name for prompt in chosen for axis in prompt.axes}
    if unknown := sorted(set(axes) - known_axes):
        raise InputError(
            f"got the {'axis' if len(unknown) == 1 else 'axes'} {', '.join(map(repr, unknown))}, expected some of "
            f"{', '.join(sorted(known_axes))}, which this prompt set declares",
            todo=f"{_meant(unknown, known_axes)} Another axis needs a prompt that declares it (--prompts)".lstrip(),
        )  # fmt: skip
    return tuple(prompt for prompt in chosen if {axis.name for axis in prompt.axes} & set(axes))


def _meant(unknown: Sequence[str], known: Collection[str]) -> str:
    """The axes that were meant by unknown ones; or how several are separated."""
    parts = [part for part in re.split(r"[\s;+/|]+", " ".join(unknown)) if part]
    if len(parts) > len(unknown) and set(parts) <= set(known):
        return f"did you mean {','.join(parts)}? Several axes are separated by commas."
    told = {name: said for name in unknown if (said := likely(name, known))}
    return " ".join(f"{name}: {said}" if len(unknown) > 1 else said for name, said in told.items())


def _validated(content: dict[str, Any], where: str) -> Prompt:
    try:
        return Prompt.model_validate(content)
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in detail["loc"])
        raise InputError(f'field "{field}": {detail["msg"]}', where=where, todo="see docs/prompts.md") from error


def _toml(table: dict[str, Any]) -> str:
    """Lines of plain TOML: text, numbers, true and false and lists of text are written as in JSON."""
    lines = (f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in table.items())
    return "".join(lines).replace("\x7f", "\\u007f")
