"""`wavjudge rewards serve`: rewards over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from wavjudge.rewards.server import RewardServer

TOKEN_VARIABLE = "WAVJUDGE_REWARDS_TOKEN"  # noqa: S105 - the name of a variable


def serve(
    judge: Annotated[list[str], typer.Option(help="SPEC of a judge, see `wavjudge judges`; may be given again.")],
    weights: Annotated[str, typer.Option(help="Of the axes, summing to 1: NAME=WEIGHT,NAME=WEIGHT, or one NAME.")],
    calibration: Annotated[Path | None, typer.Option(help="calibration.json, or its folder, to obey.")] = None,
    below: Annotated[
        str | None, typer.Option(help="What lies below the bar: refuse (default), or down-weight.")
    ] = None,
    factor: Annotated[float | None, typer.Option(help="Of the weight of such an axis; 0 (default): none.")] = None,
    recalibrate: Annotated[str | None, typer.Option(help="linear or isotonic: scores brought to people's.")] = None,
    min_order: Annotated[float | None, typer.Option(help="The bar, as in `rewards check`; default 0.")] = None,
    min_icc: Annotated[float | None, typer.Option(help="Least ICC of repeats, as in `rewards check`.")] = None,
    host: Annotated[str, typer.Option(help="Address to listen on; any but this machine's own needs a token.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 5000,
    token_env: Annotated[str, typer.Option(help="Environment variable with the token of requests.")] = TOKEN_VARIABLE,
    guards: Annotated[str, typer.Option(help="Guards before a judge is paid, by commas; or none.")] = "no_speech",
    floor: Annotated[float | None, typer.Option(help="Paid where no speech was measured; default: no reward.")] = None,
    ceiling: Annotated[
        float, typer.Option(min=0, max=1, help="Share of judged answers without a score that pauses it; 1 for none.")
    ] = 0.1,
    window: Annotated[int, typer.Option(min=1, help="Judged answers over which that share is taken.")] = 200,
    pause: Annotated[float, typer.Option(min=0, help="Seconds for which nobody is asked then; see /health.")] = 60.0,
    repeats: Annotated[int, typer.Option(min=1, help="Ratings of each answer, averaged.")] = 1,
    tries: Annotated[int, typer.Option(min=1, help="How often a judge is asked whose reply has no verdict.")] = 1,
    deadline: Annotated[float, typer.Option(min=0.1, help="Seconds for one request.")] = 150.0,
    decode: Annotated[str | None, typer.Option(help="package.module:function, from OpenRLHF's text to sound.")] = None,
    text_only: Annotated[bool, typer.Option("--text-only", help="Answers are text by design.")] = False,
    max_body: Annotated[float, typer.Option(min=0.001, help="MiB that a request may have.")] = 64.0,
    log: Annotated[Path | None, typer.Option(help="Run folder that keeps a trace of every reward.")] = None,
    log_mebibytes: Annotated[float, typer.Option(min=0, help="MiB of recordings kept there; the oldest go.")] = 1024.0,
    prompts: Annotated[Path | None, typer.Option(help="Folder of your own prompt files.")] = None,
    prompt_set: Annotated[str, typer.Option(help="separate, joint, or the name of one prompt.")] = "separate",
    max_cost: Annotated[float | None, typer.Option(min=0, help="Limit in USD for this command.")] = None,
    price: Annotated[str | None, typer.Option(help="USD per million tokens: audio_in=32,text_in=2.5")] = None,
    cache: Annotated[bool, typer.Option(help="Use replies that were got for the very same request.")] = True,
    on_model_change: Annotated[
        str, typer.Option(help="Another model answers under a judge's name: stop, or mark (without --calibration).")
    ] = "stop",
    foreign_replies: Annotated[int, typer.Option(min=1, help="Replies of another model that end it.")] = 1,
) -> None:
    """Serve rewards to a trainer: /get_reward (OpenRLHF), /score, /health; the page / describes them.

    A failure is 503 with a reason, never a number.
    """
    import asyncio
    import os

    from wavjudge.cli.console import console
    from wavjudge.cli.options import weights_of, words
    from wavjudge.rewards.adapters.options import from_options, function
    from wavjudge.rewards.server import RewardServer

    named = [word for word in words(guards) or [] if word != "none"]
    reward = from_options({
        "judges": judge, "weights": weights_of(weights), "guards": named, "floor": floor,
        "ceiling": None if ceiling >= 1 else ceiling, "window": window, "repeats": repeats, "tries": tries,
        "deadline_seconds": deadline, "speech": not text_only, "log": str(log) if log else None,
        "log_mebibytes": log_mebibytes, "prompts": str(prompts) if prompts else None, "prompt_set": prompt_set,
        "max_cost": max_cost, "price": price, "cache": cache, "calibration": calibration, "below": below,
        "factor": factor, "recalibrate": recalibrate, "min_order": min_order, "min_icc": min_icc,
        "on_model_change": on_model_change, "foreign_replies": foreign_replies,
    })  # fmt: skip
    for permit in reward.permits:
        console(err=True).print(permit.told, soft_wrap=True)
    if reward.obedience is not None and (said := reward.obedience.said(reward.permits)):
        console(err=True).print(said, soft_wrap=True)
    if reward.weights.axes != weights_of(weights):
        weighed = ", ".join(f"{axis} {weight:.3g}" for axis, weight in reward.weights.axes.items())
        console(err=True).print(f"the calibration makes the weights: {weighed}", soft_wrap=True)
    with reward:
        server = RewardServer(
            reward, os.environ.get(token_env) or None, function(decode) if decode else None, max_body,
            pause_seconds=pause,
        )  # fmt: skip
        asyncio.run(_serve(server, host, port))


async def _serve(server: RewardServer, host: str, port: int) -> None:
    """Until SIGINT or SIGTERM."""
    import asyncio
    import signal

    from wavjudge.cli.console import console

    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    url = await server.open(host, port)
    console().print(f"listening on {url}", soft_wrap=True)
    try:
        await ended.wait()
    finally:
        await server.close()
