"""From the options of a run to what its judges share: prompts, cache, money."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from wavjudge.clients.cache import ReplyCache
from wavjudge.clients.money.budget import Budget
from wavjudge.clients.money.prices import parse_price
from wavjudge.clients.named import load_named
from wavjudge.clients.spec import read
from wavjudge.errors import InputError
from wavjudge.judges.build import KINDS, Workshop
from wavjudge.judges.defaults import of_test_set
from wavjudge.judges.instruments import AXES
from wavjudge.judges.prompts import Prompt, load_all, select
from wavjudge.types import BenchmarkEntry

_log = logging.getLogger(__name__)


def workshop(
    judges: Sequence[str], *, axes: Sequence[str] | None, prompts: str | Path | None, prompt_set: str | None,
    price: str | None, max_cost: float | None, cache: bool, test_set: BenchmarkEntry | None = None, told: str = "",
) -> Workshop:  # fmt: skip
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
    return Workshop(
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
