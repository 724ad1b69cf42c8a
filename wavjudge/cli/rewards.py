"""`wavjudge rewards`: a judge as a training reward, looked at before the training starts."""

from __future__ import annotations

import typer

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None,
    help="A calibrated judge as a training reward: what it is worth, and whether it is being gamed.",
)  # fmt: skip


# One file a command, cli/rewards_<command>.py, registered here as in cli/app.py: app.command("x")(rewards_x.x)
@app.callback()
def _rewards() -> None: ...
