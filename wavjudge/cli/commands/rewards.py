"""`wavjudge rewards`: a judge as a training reward, looked at before the training starts."""

from __future__ import annotations

import typer

from wavjudge.cli.commands import rewards_check, rewards_monitor, rewards_rollouts, rewards_serve
from wavjudge.cli.groups import Commands

app = typer.Typer(
    cls=Commands, no_args_is_help=True, rich_markup_mode=None,
    help="A calibrated judge as a training reward: what it is worth, and whether it is being gamed.",
)  # fmt: skip


@app.callback()
def _rewards() -> None: ...


# One file a command: cli/rewards_<command>.py.
app.command("rollouts")(rewards_rollouts.rollouts)
app.command("check")(rewards_check.check)
app.command("serve")(rewards_serve.serve)
app.command("monitor")(rewards_monitor.monitor)
