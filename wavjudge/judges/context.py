"""From the options of a run to what its judges share: prompts, cache, money."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from wavjudge.clients.cache import ReplyCache
from wavjudge.clients.money.budget import Budget
from wavjudge.clients.money.prices import parse_price
from wavjudge.clients.named import load_named
from wavjudge.clients.spec import read
from wavjudge.errors import InputError
from wavjudge.judges.build import KINDS, JudgeContext
from wavjudge.judges.instruments import AXES
from wavjudge.judges.prompts import Prompt, load_all, select
from wavjudge.types import BenchmarkEntry

_log = logging.getLogger(__name__)


def workshop(
    judges: Sequence[str], *, axes: Sequence[str] | None, prompts: str | Path | None, prompt_set: str | None,
    price: str | None, max_cost: float | None, cache: bool, test_set: BenchmarkEntry | None = None, told: str = "",
) -> JudgeContext:  # fmt: skip
    """What the judges of a run share, from the options of `api.score`.

    test_set: what it says of its judging holds where the options do not say it: its axes where there are no `axes`,
    and all of it only where neither `prompts` nor `prompt_set` is given. told: the file that says it.
    """
    named = load_named()
    for told in named.told:
        _log.warning("%s", told)
    kinds = {read(judge, KINDS, "judge", named).kind for judge in judges}
    if test_set is not None and prompts is None and prompt_set is None:
        own = of_test_set(test_set, kinds, where=told)
        available, prompt_set, axes = own.available, own.prompt_set, own.axes if axes is None else axes
    else:
        available = load_all(Path(prompts) if prompts is not None else None)
    instruments, listening = kinds & set(AXES), bool(kinds - set(AXES))
    asked = _asked_of_prompts(axes, available, instruments) if instruments and listening else axes
    chosen = select(available, prompt_set=prompt_set or "separate", axes=asked) if listening else ()
    return JudgeContext(
        prompts=chosen, axes=axes, named=named, cache=ReplyCache() if cache and listening else None,
        budget=Budget(max_cost) if max_cost is not None else None, price=parse_price(price) if price else None,
    )  # fmt: skip


def _asked_of_prompts(
    axes: Sequence[str] | None, prompts: Mapping[str, Prompt], instruments: Collection[str]
) -> Sequence[str] | None:
    """The axes that some prompt has to declare: all that were asked for, but those that the instruments measure."""
    if axes is None:
        return None
    declared = {axis.name for prompt in prompts.values() for axis in prompt.axes}
    measured = {axis.name for kind in instruments for axis in AXES[kind]} - declared
    asked = [name for name in axes if name not in measured]
    if not asked:
        only = " or ".join(f"`{name}`" for name in sorted(instruments))
        raise InputError(f"got axes {list(axes)}, which only {only} has, and another judge beside it",
                         todo="name an axis of the other judge too, or leave that judge out")  # fmt: skip
    return asked


# What a test set says of its own judging: which axes, by which prompts. A run's options come before it.


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
