"""`wavjudge show`: one rating, with everything that led to it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wavjudge.cli.console import complain, console
from wavjudge.nearest import did_you_mean

if TYPE_CHECKING:
    from rich.table import Table

    from wavjudge.store.run_folder import RunFolder
    from wavjudge.types import Item, Rating, Response

_UNREAD = "passed over an unreadable line"


def show(
    run: Annotated[Path, typer.Argument(help="Run folder.")],
    id_: Annotated[str | None, typer.Argument(metavar="ID", help="Rating id, or item id to list its ratings.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print the record as JSON.")] = False,
) -> None:
    """Print one rating with everything; with an item id, its ratings; without an id, the run."""
    from wavjudge.errors import InputError
    from wavjudge.store.run_folder import RunFolder

    with RunFolder(run) as folder:
        if id_ is None:
            # ASCII: JSON says the rest as \\u..., and nothing in it moves the cursor.
            found_ = folder.manifest.model_dump(mode="json") if folder.manifest else {}
            typer.echo(json.dumps(found_, indent=2))
            return
        found = [rating for rating in folder.ratings(superseded=True) if id_ in (rating.id, rating.subject.item_id)]
        if not found:
            answers = [r for r in folder.responses() if r.item_id == id_]
            if not answers:
                complain(folder.bad_lines, _UNREAD, "")
                items = list(dict.fromkeys(response.item_id for response in folder.responses()))
                raise InputError(f"got {id_!r}, which is no rating id and no item id of this run", where=str(run),
                                 todo=f"{did_you_mean(id_, items)}; `wavjudge show {run} ITEM` lists the ratings of an "
                                      "item")  # fmt: skip
        complain(folder.bad_lines, _UNREAD, "")
        if json_:
            typer.echo(json.dumps([{"id": rating.id, **rating.model_dump(mode="json")} for rating in found]))
        elif len(found) == 1 and found[0].id == id_:
            _one(folder, found[0])
        else:
            _many(folder, id_, found)


def _many(folder: RunFolder, item_id: str, ratings: Sequence[Rating]) -> None:
    from wavjudge.reporting.text import one_line

    screen = console()
    if ratings:
        screen.print(_table(ratings))
    rated = {rating.subject.candidate for rating in ratings}
    for response in (one for one in folder.responses() if one.item_id == item_id):
        if response.status != "ok":
            screen.print(one_line(f"{response.candidate}: {response.status} ({response.reason}); not rated"))
        elif response.candidate not in rated:
            lost = any("ratings.jsonl" in line for line in folder.bad_lines)
            what = "no rating that can be read" if lost else "not rated"
            screen.print(one_line(f"{response.candidate}: answered, {what}"), style="bold")
            for number, answer in enumerate(response.answers):
                for title, text in _said(f"turn {number}", folder, answer):
                    screen.print(f"  {one_line(title)}  {one_line(text)}", soft_wrap=True)
    if ratings:
        screen.print(f"wavjudge show {folder.path} RATING_ID prints one with everything.", soft_wrap=True)


def _table(ratings: Sequence[Rating]) -> Table:
    from rich import box
    from rich.table import Table

    from wavjudge.reporting.text import one_line

    last = "", ""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("rating id", "axis", "score"):
        table.add_column(column, no_wrap=column != "score", overflow="fold")
    for rating in sorted(ratings, key=lambda r: (r.subject.candidate, r.rater, r.axis, r.repeat)):
        candidate, rater = rating.subject.candidate, rating.rater
        if candidate != last[0]:
            table.add_section()
            table.add_row("candidate", "", one_line(candidate), style="bold")
        if (candidate, rater) != last:
            table.add_row("rated by", "", one_line(rater), style="bold")
        last = candidate, rater
        table.add_row(rating.id, rating.axis, one_line(_score(rating)))
    return table


def _one(folder: RunFolder, rating: Rating) -> None:
    item = next(
        (i for i in folder.items() if (i.benchmark, i.id) == (rating.subject.benchmark, rating.subject.item_id)), None
    )
    key = rating.subject.model_dump(exclude={"turn"})
    response = next((r for r in folder.responses() if r.model_dump(include=set(key)) == key), None)
    from wavjudge.reporting.text import one_line, printable

    screen = console()
    for title, text in _facts(folder, rating, item, response):
        screen.print(one_line(title), style="bold", end="  ")
        screen.print(printable(text), soft_wrap=True)


def _facts(
    folder: RunFolder, rating: Rating, item: Item | None, response: Response | None
) -> list[tuple[str, str]]:  # fmt: skip
    from wavjudge.reporting.text import one_line

    subject, call = rating.subject, rating.call
    facts = [
        ("rating", f"{rating.id}  ({rating.time:%Y-%m-%d %H:%M:%S} UTC)" if rating.time else rating.id),
        ("subject", one_line(f"{subject.benchmark} / {subject.item_id} / {subject.candidate}, "
                             f"attempt {subject.attempt}, turn {subject.turn}")),
        (rating.axis, _score(rating)),
        ("rater", f"{rating.rater} ({rating.rater_kind}), repeat {rating.repeat}"),
        ("signature", rating.signature),
    ]  # fmt: skip
    if item is not None:
        facts += _said("question", folder, item.turns[min(subject.turn, len(item.turns) - 1)])
        facts += [("reference", item.reference)] if item.reference else []
    if response is not None and response.answers:
        facts += _said("answer", folder, response.answers[min(subject.turn, len(response.answers) - 1)])
        facts += [("tags", one_line(", ".join(response.tags)))] if response.tags else []
    facts += [("justification", rating.justification)] if rating.justification else []
    facts += [(f"  {name}", str(value)) for name, value in rating.details.items()]
    if call is not None:
        source = ", from the cache" if call.cached else ""
        usage = call.usage.model_dump(exclude_none=True)
        facts += [("call", f"{call.id}, {call.attempts} attempts, {call.seconds} s{source}"),
                  ("model", f"{call.resolved_model or 'not said'} (provider id {call.provider_id or 'not said'})"),
                  ("usage", json.dumps(usage) if usage else "not said")]  # fmt: skip
        facts += [("prompt", str(folder.path / "prompts" / f"{call.prompt_hash}.md"))] if call.prompt_hash else []
    facts += [("raw reply", f"\n{rating.raw}")] if rating.raw else []
    return facts + ([("supersedes", rating.supersedes)] if rating.supersedes else [])


def _said(name: str, folder: RunFolder, utterance: object) -> list[tuple[str, str]]:
    from wavjudge.types import Utterance

    assert isinstance(utterance, Utterance)
    facts = [(name, utterance.text)] if utterance.text else []
    if (audio := utterance.audio) is not None:
        facts.append((f"{name} audio", f"{folder.path / audio.path}  {audio.seconds:.2f} s, {audio.sample_rate_hz} Hz, "
                                       f"sha256 {audio.sha256[:16]}..."))  # fmt: skip
    return facts


def _score(rating: Rating) -> str:
    if rating.score is None:
        return f"{rating.status}: {rating.reason}"
    scale = rating.scale
    ends = f"{scale.low:g}..{scale.high:g}" if scale.low is not None and scale.high is not None else ""
    return f"{rating.score:.4g}  ({' '.join(part for part in (scale.unit, ends) if part)})"
