"""Judges in pairs, on screen and as rows: who agrees better with people, by how much, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table

from wavjudge.analysis.compare.judges import Judge, JudgePair, JudgePairs
from wavjudge.reporting.table import (
    MOST_DETAILED,
    SURE,
    Report,
    Row,
    counted,
    ends,
    interval,
    named,
    number,
    p_value,
    sure,
    surest,
    table,
)
from wavjudge.reporting.text import one_line, say
from wavjudge.result_signature import result_signature

NAMES = {
    "pearson": "Pearson", "spearman": "Spearman", "kendall_tau_b": "Kendall tau-b", "intra_id_spearman": "Intra-ID",
    "intra_id_zero_filled": "zero-filled Intra-ID", "within_prompt_accuracy": "accuracy within prompts", "mae": "MAE",
    "rmse": "RMSE", "within_one": "share within one", "kappa_quadratic": "quadratic kappa",
}  # fmt: skip
"""Statistics in words for people."""

_SMALLER_IS_BETTER = ("mae", "rmse")


def report(found: JudgePairs) -> Report:
    """Every pair and statistic as a row; a sentence a primary pair."""
    whose = "people" if found.label_kind == "human" else "constructed labels (a self-test, no calibration)"
    return Report(
        f"Judges compared by {NAMES[found.statistic]} with {whose}", tuple(_row(found, pair) for pair in found.pairs),
        ("axis", "role", "statistic", "first", "second", "n", "value_first", "value_second", "difference",
         "difference_lo", "difference_hi", "p", "p_holm", "result_signature"),
        tuple(sentence(found, pair) for pair in found.pairs if pair.primary),
        (*(f"{one.name} is {one.rater}, {one.signature}" for one in found.judges), *_lost(found), *found.notes),
        {"textbook": [_textbook(pair) for pair in found.pairs if pair.found.extras]},
    )  # fmt: skip


def show(screen: Console, found: JudgePairs) -> None:
    """The judges by their short names, the primary table, the textbook tests, the exploratory table, the sentences."""
    for judge in found.judges:
        screen.print(f"{judge.name}  {one_line(judge.rater)}", style="bold")
        say(screen, judge.signature, indent=4)
    screen.print()
    primary = [pair for pair in found.pairs if pair.primary]
    kept, left_out = surest(primary, lambda pair: pair.found.p_holm)
    screen.print(_table(f"{NAMES[found.statistic]}, named beforehand", list(kept), holm=True))
    if len(primary) > MOST_DETAILED:
        say(screen, left_out or "Sentences, exploratory statistics and textbook tests are in a file: --out FILE.csv")
        screen.print(f"Shown: {sum(map(_shown, primary))} of {len(primary)} differences.")
        return
    for pair in primary:
        screen.print(one_line(sentence(found, pair)))
    for line in _lost(found):
        screen.print(one_line(line))
    screen.print()
    if any(pair.found.extras for pair in primary):
        _show_textbook(screen, primary)
    others = [pair for pair in found.pairs if not pair.primary]
    screen.print(_table("Exploratory: not named beforehand, p not corrected", others, holm=False))


def sentence(found: JudgePairs, pair: JudgePair) -> str:
    """The verdict on one pair in plain words, with the figures it rests on."""
    row, first, second = pair.found, pair.first.name, pair.second.name
    if row.difference.low is None or row.difference.high is None:
        return f"{row.axis}: nothing can be said of {first} and {second}: {_why_not(pair)}."
    turned = _shown(pair) and not pair.what_audio_adds and not _first_is_better(pair)  # who is named first, leads
    ahead, behind = (row.value_second, row.value_first) if turned else (row.value_first, row.value_second)
    values = f"{number(ahead, 3)} against {number(behind, 3)}"
    difference = (row.difference.value or 0.0) * (-1 if turned else 1)
    span = interval(row.difference, 3, turned=turned)
    by = f"difference {number(difference, 3)}, 95 % interval {span}, {sure(row.p, row.p_holm)}"
    figures = f"{NAMES[row.statistic]} {values} on the same {counted(row.n, 'answer')}; {by}."
    return f"{row.axis}: {_verdict(found, pair)}. {figures}"


def _verdict(found: JudgePairs, pair: JudgePair) -> str:
    first, second = pair.first.name, pair.second.name
    if pair.what_audio_adds:
        return f"what audio adds ({second} is {first} without the sound): {_audio(pair)}"
    if _shown(pair):
        better, worse = (first, second) if _first_is_better(pair) else (second, first)
        return f"{better} agrees better with {_whose(found)} than {worse}"
    return f"it is not shown whether {first} or {second} agrees better with {_whose(found)}"


def _audio(pair: JudgePair) -> str:
    if not _shown(pair):
        return "it is not shown that the sound changes how well this judge agrees"
    return "it agrees better with the sound" if _first_is_better(pair) else "it agrees worse with the sound"


def _shown(pair: JudgePair) -> bool:
    return pair.found.p_holm is not None and pair.found.p_holm <= SURE


def _first_is_better(pair: JudgePair) -> bool:
    above = (pair.found.difference.value or 0) > 0
    return above != (pair.found.statistic in _SMALLER_IS_BETTER)


def _why_not(pair: JudgePair) -> str:
    row = pair.found
    if not row.n:
        return "there is no labelled answer that both scored"
    if row.value_first is None or row.value_second is None:
        why = (row.difference.note or "").removeprefix("undefined: ")
        return f"{NAMES[row.statistic]} is undefined on the {counted(row.n, 'answer')} both scored ({why})"
    return f"{counted(row.n, 'answer')} to {counted(row.prompts, 'prompt')} ({row.difference.note})"


def _lost(found: JudgePairs) -> Iterator[str]:
    """Which labelled answers only one of two judges scored; the same for every statistic."""
    for pair in (pair for pair in found.pairs if pair.primary):
        sides = ((pair.first, pair.second, pair.only_first), (pair.second, pair.first, pair.only_second))
        for here, there, names in sides:
            if names:
                yield (f"{pair.found.axis}: {counted(len(names), 'answer')} left out that {here.name} scored and "
                       f"{there.name} did not: {named(names)}")  # fmt: skip


def _table(title: str, pairs: list[JudgePair], *, holm: bool) -> Table:
    """The primary table says how many answers there were; there it stands once for all statistics."""
    counts, last = (["answers", "prompts"], ["p Holm"]) if holm else ([], [])
    made, under = table("", *counts, "first", "second", "diff.", "from", "to", "p", *last, title=title), ""
    for pair in pairs:
        row = pair.found
        if under != (under := row.axis if holm else f"{row.axis}, {NAMES[row.statistic]}"):
            made.add_row(one_line(under), style="bold")
        n = [str(row.n), str(row.prompts)] if holm else []
        corrected = [p_value(row.p_holm)] if holm else []
        made.add_row(f"  {pair.first.name} - {pair.second.name}", *n, *_cells(pair), p_value(row.p), *corrected)
    return made


def _cells(pair: JudgePair) -> list[str]:
    row = pair.found
    values = [number(one, 3, "undef.") for one in (row.value_first, row.value_second)]
    return values + [number(one, 3, "-") for one in (row.difference.value, row.difference.low, row.difference.high)]


def _show_textbook(screen: Console, pairs: list[JudgePair]) -> None:
    made = table("", "t or z", "p", "from", "to", title="Textbook tests, for comparison only")
    for pair in pairs:
        made.add_row(f"{pair.found.axis}, {pair.first.name} - {pair.second.name}", style="bold")
        for test in pair.found.extras:
            low, high = (number(end, 3, "") for end in (test.low, test.high))
            made.add_row(
                f"  {test.name}", number(test.statistic, 2, ""), "" if test.p is None else p_value(test.p), low, high
            )
    screen.print(made)
    warning = next(test.warning for pair in pairs for test in pair.found.extras)
    screen.print(f"Each of these {warning}.\n")


def _row(found: JudgePairs, pair: JudgePair) -> Row:
    row = pair.found
    estimators = (f"{row.statistic}.1", f"{found.method}.1", *(["holm.1"] if pair.primary else []))
    judges, drawn = (pair.first.signature, pair.second.signature), 10_000 * (found.method == "cluster-bootstrap")
    return {
        "axis": row.axis, "role": "primary" if pair.primary else "exploratory", "statistic": row.statistic,
        "first": _judge(pair.first), "second": _judge(pair.second), "what_audio_adds": pair.what_audio_adds,
        "label_kind": found.label_kind, "n": row.n, "n_prompts": row.prompts, "value_first": row.value_first,
        "value_second": row.value_second, **ends("difference", row.difference), "p": row.p, "p_holm": row.p_holm,
        "only_first": pair.only_first, "only_second": pair.only_second, "interval": row.difference.method,
        "note": row.difference.note, "signature_first": pair.first.signature, "signature_second": pair.second.signature,
        "result_signature": result_signature(judges, found.data_sha256, estimators, seed=found.seed, resamples=drawn),
    }  # fmt: skip


def _textbook(pair: JudgePair) -> Row:
    return {
        "axis": pair.found.axis, "first": pair.first.name, "second": pair.second.name,
        "warning": pair.found.extras[0].warning,
        "tests": [{"name": t.name, "statistic": t.statistic, "p": t.p, "low": t.low, "high": t.high}
                  for t in pair.found.extras],
    }  # fmt: skip


def _judge(judge: Judge) -> str:
    return f"{judge.name} {judge.rater}"


def _whose(found: JudgePairs) -> str:
    return "people" if found.label_kind == "human" else "the constructed labels"
