"""`wavjudge`: the list of commands."""

from __future__ import annotations

import sys

import typer

from wavjudge import __version__
from wavjudge.cli.commands import (
    calibrate,
    compare,
    demo,
    export,
    import_,
    leaderboard,
    lists,
    pairs,
    plan,
    rewards,
    run,
    score,
    show,
    train,
)
from wavjudge.cli.console import explained
from wavjudge.cli.parameters import CheckedParameters

app = typer.Typer(
    name="wavjudge", cls=CheckedParameters, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    rich_markup_mode=None, context_settings={"help_option_names": ["-h", "--help"]},
    help="Judge spoken-dialogue models (speech in, speech out), and know whether the score may be believed.",
)  # fmt: skip

app.command("run", short_help="Ask candidates the items of a test set, and rate the answers.")(run.run)
app.command("score", short_help="Rate stored answers with one or more judges.")(score.score)
app.command("calibrate", short_help="How well judges agree with people, per axis.")(calibrate.calibrate)
app.command("leaderboard", short_help="Rank candidates, with intervals and failures counted.")(leaderboard.leaderboard)
app.add_typer(compare.app, name="compare", short_help="Do two judges, two candidates or two runs differ?")
app.add_typer(plan.app, name="plan", short_help="How many labels a goal needs.")
app.add_typer(rewards.app, name="rewards", short_help="A calibrated judge as a training reward.")
app.add_typer(train.app, name="train", short_help="Train a model by a judge's word.")
app.command("pairs", short_help="Best and worst answers to a prompt, as training pairs.")(pairs.pairs)
app.command("demo", short_help="Measure the shipped tiny test set, offline.")(demo.demo)
app.command("prompts", short_help="List the prompts, or print one.")(lists.prompts)
app.command("judges", short_help="List the kinds of judges and their options.")(lists.judges)
app.command("candidates", short_help="List the kinds of candidates and their options.")(lists.candidates)
app.command("voices", short_help="List the voices that can say what a candidate writes.")(lists.voices)
app.command("ears", short_help="List the ears that can hear for a cascade.")(lists.ears)
app.command("show", short_help="One rating with everything that led to it; or an item's.")(show.show)
app.command("export", short_help="A run's ratings as one flat table.")(export.export)
app.command("import", short_help="Turn another project's files into a folder to run or score.")(import_.import_)
app.add_typer(lists.app, name="cache", short_help="Look at the reply cache, or empty it.")


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
