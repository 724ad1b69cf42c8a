"""What a test set says of its own judging: which axes, by which prompts. A run's options come before it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from wavjudge.errors import InputError
from wavjudge.judges.instruments import AXES
from wavjudge.judges.prompts import Prompt, load_all, select
from wavjudge.types import BenchmarkEntry


@dataclass(frozen=True, slots=True)
class Questions:
    """What judges are asked. axes: None for all that they have."""

    available: dict[str, Prompt]
    prompt_set: str
    axes: list[str] | None


def of_test_set(entry: BenchmarkEntry, kinds: Collection[str], *, where: str) -> Questions:
    """The questions that a test set names, for judges of these kinds.

    A judge that has some of the named axes is asked those, one that has none of them is asked all of its own: the
    instruments that rate beside a listening judge need not be named. where: the file that names them. Raises
    `InputError` with file and field for a name that nothing here has.
    """
    prompt_set = entry.prompt_set or "separate"
    with _about("prompts", where):
        available = load_all(Path(entry.prompts) if entry.prompts else None)
    with _about("prompt_set", where):
        chosen = select(available, prompt_set=prompt_set, axes=None)
    declared = [axis.name for prompt in chosen for axis in prompt.axes]
    _refuse_unknown(entry.axes, declared, where)
    listening = [declared] if set(kinds) - set(AXES) else []
    groups = [*listening, *([axis.name for axis in AXES[kind]] for kind in AXES if kind in kinds)]
    return Questions(available, prompt_set, _narrowed(groups, entry.axes))


def _narrowed(groups: Iterable[Collection[str]], axes: Collection[str]) -> list[str] | None:
    """Of each group the axes that are named, or all where none is; None where nothing is narrowed."""
    found = [[name for name in group if name in axes] for group in groups]
    if not any(found):
        return None
    return [name for mine, group in zip(found, groups, strict=True) for name in mine or group]


def _refuse_unknown(axes: Collection[str], declared: Collection[str], where: str) -> None:
    measured = [axis.name for known in AXES.values() for axis in known]
    if unknown := [name for name in axes if name not in {*declared, *measured}]:
        raise InputError(
            f'field "axes": got {unknown}, expected some of {sorted(declared)}, which its prompts declare, or of '
            f"{sorted(measured)}, which instruments measure", where=where,
            todo="mend it there, or say --axes")  # fmt: skip


@contextmanager
def _about(field: str, where: str) -> Iterator[None]:
    try:
        yield
    except InputError as error:
        place = f"{error.where}: " if error.where and error.where != where else ""
        raise InputError(f'field "{field}": {place}{error.problem}', where=where,
                         todo="mend it there, or say --prompts or --prompt-set") from error  # fmt: skip
