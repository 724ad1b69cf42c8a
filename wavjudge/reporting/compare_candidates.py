"""Candidates in pairs, on screen and as rows: who scores higher, on how many prompts, and what each of them lost."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console

from wavjudge.analysis.compare.candidates import CandidatePair, CandidatePairs
from wavjudge.analysis.stats.candidates import Lost, PairedMeans
from wavjudge.analysis.stats.intervals import Estimate
from wavjudge.reporting.table import (
    MOST_DETAILED,
    SURE,
    Report,
    Row,
    counted,
    ends,
    interval,
    number,
    p_phrase,
    p_value,
    sure,
    surest,
    table,
)
from wavjudge.reporting.text import one_line, say
from wavjudge.result_signature import result_signature

ESTIMATORS = ("paired-means.1", "jackknife-t.1", "sign-flip.1", "holm.1")


def report(found: CandidatePairs) -> Report:
    """A row a pair, axis and benchmark; a sentence each."""
    return Report(
        "Candidates compared, paired by prompt", tuple(_row(found, pair) for pair in found.pairs),
        ("axis", "first", "second", "all_prompts", "all_difference", "all_difference_lo", "all_difference_hi", "p",
         "p_permutation", "p_holm", "answered_prompts", "answered_difference", "lost_first", "lost_second",
         "result_signature"),
        tuple(sentence(found, pair) for pair in found.pairs), found.notes,
    )  # fmt: skip


def show(screen: Console, found: CandidatePairs) -> None:
    """Two lines a pair (all items, answered by both), what was lost, a sentence, and who judged."""
    several = len({pair.benchmark for pair in found.pairs}) > 1
    for pair in found.pairs if len(found.pairs) <= MOST_DETAILED else ():
        place = f"{pair.benchmark}, {pair.axis}" if several else pair.axis
        head = ("", "prompts", "first", "second", "diff.", "from", "to", "effect", "p", "flips", "Holm")
        made = table(*head, title=f"{place}: {pair.first} - {pair.second}")
        for name, means in _lines(pair):
            corrected = p_value(pair.p_holm) if means is pair.primary else ""
            made.add_row(name, str(means.prompts), *_figures(means), number(means.effect, 2, "-"), p_value(means.p),
                         p_value(means.p_permutation), corrected,
                         style="bold" if means is pair.primary else "")  # fmt: skip
        screen.print(made)
        screen.print(one_line(sentence(found, pair)))
        for line in _losses(pair):
            screen.print(one_line(line))
        screen.print()
    if len(found.pairs) > 1:
        _show_summary(screen, found.pairs, several=several)
    if len(found.pairs) <= MOST_DETAILED:
        screen.print("Bold is the primary line. Effect: mean of the differences over their spread. p: t test over "
                     "prompts; flips: p of sign flips; Holm: p corrected for all pairs and axes.")  # fmt: skip
    else:
        screen.print("Holm: p of the t test over prompts, corrected for all pairs and axes.")
    for line in dict.fromkeys(f"{p.axis} by {p.rater}, {p.signature}" for p in found.pairs):
        say(screen, line)


def _show_summary(screen: Console, pairs: tuple[CandidatePair, ...], *, several: bool) -> None:
    """All pairs under each other, with who is shown to score higher."""
    made, under = table("first - second", "prompts", "diff.", "from", "to", "Holm", "higher", title="In short"), ""
    made.columns[-1].justify, made.columns[-1].no_wrap = "left", False
    kept, left_out = surest(pairs, lambda pair: pair.p_holm)
    for pair in kept:
        place = f"{pair.benchmark}, {pair.axis}" if several else pair.axis
        if place != under:
            made.add_row(one_line(place), style="bold")
        one, under = pair.primary.difference, place
        figures = (number(value, 2, "-") for value in (one.value, one.low, one.high))
        higher = (pair.first if (one.value or 0) > 0 else pair.second) if _shown(pair) else "not shown"
        made.add_row(one_line(f"  {pair.first} - {pair.second}"), str(pair.primary.prompts), *figures,
                     p_value(pair.p_holm), f" {one_line(higher)}")  # fmt: skip
    screen.print(made)
    if left_out:
        say(screen, left_out)
    screen.print(f"Shown: {sum(map(_shown, pairs))} of {len(pairs)} differences.\n")


def sentence(found: CandidatePairs, pair: CandidatePair) -> str:
    """The verdict on one pair in plain words."""
    means = pair.primary
    if means.difference.low is None or means.difference.high is None or means.difference.value is None:
        why = means.difference.note or "no spread between prompts"
        return (f"{pair.axis}: nothing can be said of {pair.first} and {pair.second} on "
                f"{counted(means.prompts, 'prompt')}: {why}.")  # fmt: skip
    second_leads = means.difference.value < 0
    up, down = (pair.second, pair.first) if second_leads else (pair.first, pair.second)
    size, span = number(abs(means.difference.value), 2), interval(means.difference, 2, turned=second_leads)
    counting = ", failures counted at the scale's minimum" if _counts_failures(found, pair) else ""
    figures = f"over {counted(means.prompts, 'prompt')}{counting} (95 % interval {span}, {sure(pair.p, pair.p_holm)})"
    if not _shown(pair):
        lead = "their averages are equal" if size == number(0.0, 2) else f"{up} is ahead by {size} points on average"
        return (f"{pair.axis}: it is not shown which of {pair.first} and {pair.second} scores higher: {lead} "
                f"{figures}.{_otherwise(pair)}")  # fmt: skip
    return f"{pair.axis}: {up} scores higher than {down}, by {size} points on average {figures}.{_otherwise(pair)}"


def _otherwise(pair: CandidatePair) -> str:
    """What a reader would miss: a permutation test that disagrees, and another picture among answered prompts alone."""
    means, answered = pair.primary, pair.found.answered
    said = ""
    if means.p is not None and means.p_permutation is not None and means.p <= SURE < means.p_permutation:
        said += f" Flips of sign do not confirm it ({p_phrase(means.p_permutation)})."
    if means is not answered and answered.difference.value is not None and means.difference.value is not None:
        turned = answered.difference.value * means.difference.value < 0
        if turned or (answered.p is not None and (answered.p <= SURE) != ((means.p or 1.0) <= SURE)):
            said += (f" On the {counted(answered.prompts, 'prompt')} both answered alone it looks otherwise: "
                     f"{pair.first} minus {pair.second} is {number(answered.difference.value, 2)}, "
                    f"{p_phrase(answered.p)}.")  # fmt: skip
    return said


def _shown(pair: CandidatePair) -> bool:
    return pair.p_holm is not None and pair.p_holm <= SURE


def _counts_failures(found: CandidatePairs, pair: CandidatePair) -> bool:
    return found.failures_known and pair.found.all_items is not None


def _lines(pair: CandidatePair) -> Iterator[tuple[str, PairedMeans]]:
    if pair.found.all_items is not None:
        yield "all items", pair.found.all_items
    yield "both answered", pair.found.answered


def _figures(means: PairedMeans) -> list[str]:
    found = means.difference
    return [number(one, 2, "-") for one in (means.mean_first, means.mean_second, found.value, found.low, found.high)]


def _losses(pair: CandidatePair) -> Iterator[str]:
    sides = ((pair.first, pair.second, pair.found.lost_first), (pair.second, pair.first, pair.found.lost_second))
    for name, other, lost in sides:
        if lost.failed + lost.unscored + lost.not_asked:
            yield f"Prompts that only {other} has a score for; {name}: {lost_in_words(lost)}."
    if pair.found.lost_both:
        yield f"Scored on neither side: {counted(pair.found.lost_both, 'prompt')}."


def lost_in_words(lost: Lost) -> str:
    """By whose fault, with the words for it.

    >>> lost_in_words(Lost(failed=2, unscored=1, not_asked=0, words={"no_speech": 2, "refused": 1}))
    '2 by its own failure, 1 left unscored by the judge (no_speech 2, refused 1)'
    """
    parts = ((lost.failed, "by its own failure"), (lost.unscored, "left unscored by the judge"),
             (lost.not_asked, "never asked"))  # fmt: skip
    words = ", ".join(f"{word} {count}" for word, count in lost.words.items())
    return ", ".join(f"{count} {what}" for count, what in parts if count) + (f" ({words})" if words else "")


def _row(found: CandidatePairs, pair: CandidatePair) -> Row:
    means, lost = pair.primary, (("first", pair.found.lost_first), ("second", pair.found.lost_second))
    row: Row = {
        "benchmark": pair.benchmark, "axis": pair.axis, "first": pair.first, "second": pair.second, "judge": pair.rater,
        "primary": "answered" if pair.found.all_items is None else "all",
        **_means("all", pair.found.all_items), **_means("answered", pair.found.answered),
        "p": means.p, "p_permutation": means.p_permutation, "p_holm": pair.p_holm, "effect": means.effect,
        "flips": means.flips, "note": means.difference.note,
    }  # fmt: skip
    for side, one in lost:
        row[f"lost_{side}"] = one.failed + one.unscored + one.not_asked
        row |= {f"lost_{side}_{name}": getattr(one, name) for name in ("failed", "unscored", "not_asked")}
        row[f"lost_{side}_words"] = [f"{word} {count}" for word, count in one.words.items()]
    return row | {
        "lost_both": pair.found.lost_both, "failures_known": found.failures_known, "judge_signature": pair.signature,
        "result_signature": result_signature([pair.signature], [found.data_sha256], ESTIMATORS, seed=found.seed,
                                             resamples=10_000),
    }  # fmt: skip


def _means(name: str, means: PairedMeans | None) -> Row:
    nothing = PairedMeans(0, None, None, Estimate(None), None, None, "", None)
    one = means or nothing
    return {
        f"{name}_prompts": one.prompts if means else None, f"{name}_first": one.mean_first,
        f"{name}_second": one.mean_second, **ends(f"{name}_difference", one.difference), f"{name}_p": one.p,
        f"{name}_p_permutation": one.p_permutation, f"{name}_effect": one.effect,
    }  # fmt: skip
