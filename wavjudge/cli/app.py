"""`wavjudge`: the list of commands."""

from __future__ import annotations

import sys

import typer

from wavjudge import __version__
from wavjudge.cli import (
    cache,
    calibrate,
    compare,
    demo,
    exporting,
    importing,
    kinds,
    leaderboard,
    pairs,
    plan,
    prompts,
    rewards,
    run,
    score,
    show,
    train,
)
from wavjudge.cli.console import explained

app = typer.Typer(
    name="wavjudge", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    rich_markup_mode=None, context_settings={"help_option_names": ["-h", "--help"]},
    help="Judge spoken-dialogue models (speech in, speech out), and know whether the score may be believed.",
)  # fmt: skip

app.command("run")(run.run)
app.command("score")(score.score)
app.command("calibrate")(calibrate.calibrate)
app.command("leaderboard")(leaderboard.leaderboard)
app.add_typer(compare.app, name="compare")
app.add_typer(plan.app, name="plan")
app.add_typer(rewards.app, name="rewards")
app.add_typer(train.app, name="train")
app.command("pairs")(pairs.pairs)
app.command("demo")(demo.demo)
app.command("prompts")(prompts.prompts)
app.command("judges")(kinds.judges)
app.command("candidates")(kinds.candidates)
app.command("voices")(kinds.voices)
app.command("ears")(kinds.ears)
app.command("show")(show.show)
app.command("export")(exporting.export)
app.command("import")(importing.import_)
app.add_typer(cache.app, name="cache")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"wavjudge {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None: ...


def main() -> None:
    """The console script: our own errors become a message and an exit code, never a traceback."""
    with explained():
        sys.exit(app())


if __name__ == "__main__":
    main()
