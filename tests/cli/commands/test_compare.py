"""`wavjudge compare`, as typed: against scipy, with losses and refusals, and the page that shows it."""

from __future__ import annotations

import json
import random
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from tests.cli.typed import answers, spec, table, typed, write
from tests.loopback.server import Loopback

ROOT = Path(__file__).parents[3]
SOMOS = Path(__file__).parents[4] / "shared/data/audiojudge-somos"
HEARS = "openai:m|overall.1#3f9a02c4d1be|parse:1|t:0|qt,qa,own,aa|before|pcm16-16000-mono|v1|is:m-1"
READS = "openai:m|overall.1#77e10a5b6c2d|parse:1|t:0|qt,own|before|no-audio|v1|is:m-1"


def whole(score: float) -> int:
    return min(5, max(1, round(score)))


def simulated(folder: Path, errors: dict[str, float], *, prompts: int = 30, answers: str = "abcd") -> tuple[Path, Path]:
    """Judges by signature, each with its own error, and one person; whole scores from 1 to 5."""
    dice, judged, labelled = random.Random(11), [], []
    for item in range(prompts):
        for candidate in answers:
            true = dice.gauss(3, 1)
            key = {"item_id": f"q{item}", "candidate": candidate, "axis": "overall"}
            labelled.append(key | {"rater": "ann", "score": whole(true)})
            judged += [key | {"rater": "openai:m", "score": whole(true + dice.gauss(0, error)), "signature": signed}
                       for signed, error in errors.items()]  # fmt: skip
    return write(folder / "ratings.csv", judged), write(folder / "labels.csv", labelled)


def one_paragraph(text: str) -> str:
    return " ".join(text.split())


# judges


def test_the_better_judge_is_named_and_the_figures_are_those_of_numpy(tmp_path: Path) -> None:
    ratings, labels = simulated(tmp_path, {"m|good": 0.4, "m|poor": 1.6, "m|twin": 0.4})
    done = typed("compare", "judges", ratings, "--labels", labels, "--out", tmp_path / "found.csv")
    assert done.code == 0, done.err
    rows = table(tmp_path / "found.csv")
    primary = [row for row in rows if row["role"] == "primary"]
    assert [row["statistic"] for row in primary] == ["pearson"] * 3
    assert {row["statistic"] for row in rows if row["role"] == "exploratory"} == {
        "spearman", "intra_id_zero_filled", "mae", "within_one"}  # fmt: skip
    assert all(row["p_holm"] == "" for row in rows if row["role"] == "exploratory")
    people = [float(row["score"]) for row in table(labels)]
    by = {name: [float(row["score"]) for row in table(ratings) if row["signature"] == name]
          for name in ("m|good", "m|poor", "m|twin")}  # fmt: skip
    for row in primary:
        for side in ("first", "second"):
            expected = np.corrcoef(by[row[f"signature_{side}"]], people)[0, 1]
            assert float(row[f"value_{side}"]) == pytest.approx(expected, abs=1e-6)
    ps = sorted(float(row["p"]) for row in primary)
    assert min(float(row["p_holm"]) for row in primary) == pytest.approx(min(1.0, 3 * ps[0]), abs=1e-5)
    said = one_paragraph(done.out)
    assert "overall: J1 agrees better with people than J2." in said
    assert "it is not shown whether J1 or J3 agrees better with people" in said
    assert "williams" in said and "ignores prompts as clusters" in said
    assert max(map(len, done.out.splitlines())) <= 80
    assert all(row["result_signature"].startswith("judge:") for row in rows)


def test_where_smaller_is_better_the_smaller_one_wins_and_williams_stays_away(tmp_path: Path) -> None:
    ratings, labels = simulated(tmp_path, {"m|good": 0.4, "m|poor": 1.6})
    done = typed("compare", "judges", ratings, "--labels", labels, "--statistic", "mae")
    said = one_paragraph(done.out)
    assert "MAE, named beforehand" in said and "J1 agrees better with people than J2. MAE" in said
    assert "williams" not in said and "Pearson" in said


def test_what_audio_adds_is_said_of_a_judge_and_the_same_one_without_sound(tmp_path: Path) -> None:
    ratings, labels = simulated(tmp_path, {READS: 1.6, HEARS: 0.4})
    done = typed("compare", "judges", ratings, "--labels", labels, "--out", tmp_path / "found.json")
    assert "what audio adds (J2 is J1 without the sound): it agrees better with the sound." in one_paragraph(done.out)
    found = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))
    assert found["rows"][0]["what_audio_adds"] is True and found["rows"][0]["signature_first"] == HEARS
    assert found["textbook"][0]["tests"][0]["name"] == "williams"
    equal, labels = simulated(tmp_path, {READS: 0.5, HEARS: 0.5})
    said = one_paragraph(typed("compare", "judges", equal, "--labels", labels).out)
    assert "it is not shown that the sound changes how well this judge agrees" in said


def test_answers_that_one_judge_lost_are_counted_and_named_with_the_reason(tmp_path: Path) -> None:
    ratings, labels = simulated(tmp_path, {"m|one": 0.5, "m|two": 0.5})
    rows = table(ratings)
    rows[0] |= {"score": "", "status": "refused"}  # m|one, q0/a
    rows = [row | {"status": row.get("status", "ok")} for row in rows]
    del rows[3]  # m|two, q0/b
    done = typed("compare", "judges", write(ratings, rows), "--labels", labels, "--out", tmp_path / "found.csv")
    row = table(tmp_path / "found.csv")[0]
    assert (row["n"], row["only_second"], row["only_first"]) == ("118", "q0/a (refused)", "q0/b (not asked)")
    said = one_paragraph(done.out)
    assert "1 answer left out that J1 scored and J2 did not: q0/b (not asked)" in said
    assert "1 answer left out that J2 scored and J1 did not: q0/a (refused)" in said


def test_a_judge_that_never_varies_is_undefined_and_a_single_prompt_says_nothing(tmp_path: Path) -> None:
    ratings, labels = simulated(tmp_path, {"m|one": 0.5, "m|two": 0.5})
    flat = [row | ({"score": "3"} if row["signature"] == "m|two" else {}) for row in table(ratings)]
    done = typed("compare", "judges", write(ratings, flat), "--labels", labels, "--out", tmp_path / "found.csv")
    assert done.code == 0 and "J2: its scores are all the same" in one_paragraph(done.out)
    assert "nan" not in (tmp_path / "found.csv").read_text(encoding="utf-8").lower()
    single, labels = simulated(tmp_path, {"m|one": 0.5, "m|two": 0.5}, prompts=1)
    said = one_paragraph(typed("compare", "judges", single, "--labels", labels).out)
    assert "nothing can be said of J1 and J2: 4 answers to 1 prompt (no interval under 3 prompts)" in said


def test_what_cannot_be_compared_is_refused_with_its_reason(tmp_path: Path) -> None:
    ratings, labels = simulated(tmp_path, {"m|one": 0.5})
    alone = typed("compare", "judges", ratings, "--labels", labels)
    assert alone.code == 2 and "got one judge (overall: openai:m, m|one), expected two judges or more" in alone.err
    ratings, labels = simulated(tmp_path, {"m|one": 0.5, "m|two": 0.5})
    command = ("compare", "judges", ratings, "--labels")
    assert "expected one of pearson" in typed(*command, labels, "--statistic", "bias").err
    assert "expected one that has ratings and labels: overall" in typed(*command, labels, "--axis", "acoustic").err
    assert "expected one of .csv, .json, .md" in typed(*command, labels, "--out", tmp_path / "x.xlsx").err
    others = write(tmp_path / "others.csv", [row | {"item_id": "z" + row["item_id"]} for row in table(labels)])
    assert "no answer that is both rated and labelled; the first: item_id 'q0' by" in typed(*command, others).err
    apart = [row | {"item_id": "z" + row["item_id"]} if row["signature"] == "m|two" else row for row in table(ratings)]
    split = write(tmp_path / "split.csv", apart)
    said = typed("compare", "judges", split, "--labels", labels).err
    assert "no labelled answer that two judges scored" in said
    made = write(tmp_path / "made.csv", [row | {"rater_kind": "constructed"} for row in table(labels)])
    assert "rater_kind 'person'" in typed(*command, made).err
    told = typed(*command, made, "--label-kind", "constructed", "--out", tmp_path / "found.md")
    assert "the constructed labels" in one_paragraph(told.out)
    assert "a self-test, no calibration" in (tmp_path / "found.md").read_text(encoding="utf-8")


# candidates


def test_two_candidates_are_the_paired_t_test_of_their_prompts(tmp_path: Path) -> None:
    ratings, _ = simulated(tmp_path, {"m|one": 0.3}, answers="ab")
    rows = [row | ({"score": str(max(1, int(row["score"]) - 1))} if row["candidate"] == "b" else {})
            for row in table(ratings)]  # fmt: skip
    done = typed("compare", "candidates", write(ratings, rows), "--out", tmp_path / "found.csv")
    assert done.code == 0, done.err
    (row,) = table(tmp_path / "found.csv")
    a, b = (np.array([float(r["score"]) for r in rows if r["candidate"] == name]) for name in "ab")
    oracle = stats.ttest_rel(a, b)
    assert float(row["p"]) == pytest.approx(oracle.pvalue, abs=1e-6)
    assert float(row["effect"]) == pytest.approx((a - b).mean() / (a - b).std(ddof=1), abs=1e-6)
    assert "overall: a scores higher than b" in done.out
    assert "candidates' failures are not known" in done.err and "failures counted" not in done.out


def test_all_pairs_or_those_of_one_candidate_with_holm_over_all(tmp_path: Path) -> None:
    ratings, _ = simulated(tmp_path, {"m|one": 0.3}, answers="abc")
    typed("compare", "candidates", ratings, "--out", tmp_path / "all.csv")
    rows = table(tmp_path / "all.csv")
    assert [(row["first"], row["second"]) for row in rows] == [("a", "b"), ("a", "c"), ("b", "c")]
    smallest = min(float(row["p"]) for row in rows)
    assert min(float(row["p_holm"]) for row in rows) == pytest.approx(min(1, 3 * smallest), abs=1e-5)
    typed("compare", "candidates", ratings, "--first", "b", "--out", tmp_path / "some.csv")
    assert [(row["first"], row["second"]) for row in table(tmp_path / "some.csv")] == [("b", "a"), ("b", "c")]
    said = typed("compare", "candidates", ratings).out
    short = said.split("In short")[1].splitlines()
    higher = {line.split()[0] + line.split()[2]: line for line in short if line.startswith("   ") and " - " in line}
    assert list(higher) == ["ab", "ac", "bc"] and max(map(len, said.splitlines())) <= 80
    shown = [row for row in rows if float(row["p_holm"]) <= 0.05]
    assert f"Shown: {len(shown)} of 3 differences." in said
    for row in rows:
        best = row["first"] if float(row["all_difference"]) > 0 else row["second"]
        assert higher[row["first"] + row["second"]].split()[-1] == (best if row in shown else "shown")
    assert "In short" not in typed("compare", "candidates", ratings, "--first", "a", "--second", "b").out
    assert "expected one of a, b, c" in typed("compare", "candidates", ratings, "--first", "z").err
    assert "expected two" in typed("compare", "candidates", ratings, "--first", "a", "--second", "a").err


def test_two_judges_a_lone_candidate_and_no_common_prompt_are_refused(tmp_path: Path) -> None:
    two, _ = simulated(tmp_path, {"m|one": 0.5, "m|two": 0.5}, answers="ab")
    refused = typed("compare", "candidates", two)
    assert refused.code == 2 and "under 2 signatures" in refused.err and "m|one" in refused.err
    assert typed("compare", "candidates", two, "--signature", "m|one").code == 0
    rows = [row for row in table(two) if row["signature"] == "m|one"]
    lone = write(tmp_path / "lone.csv", [row for row in rows if row["candidate"] == "a"])
    assert "got one candidate (a), expected two" in typed("compare", "candidates", lone).err
    apart = write(tmp_path / "apart.csv", [row | {"item_id": row["item_id"] + row["candidate"]} for row in rows])
    assert "no prompt that two candidates have in common" in typed("compare", "candidates", apart).err
    single = write(tmp_path / "single.csv", rows[:2])
    said = one_paragraph(typed("compare", "candidates", single).out)
    assert "nothing can be said of a and b on 1 prompt: no interval under 3 prompts" in said


def test_failures_and_unscored_answers_of_a_run_are_counted_apart(tmp_path: Path) -> None:
    file = answers(tmp_path, 8, candidates=("a", "b"))
    for number in range(3):
        (file.parent / f"a-{number}.wav").write_bytes(b"no sound")
    with Loopback([None, None, None, "bad_request"]) as server:  # one at a time: q0/b, q1/b, q2/b, then q3/a
        judge = spec(server, options="&max_in_flight=1")
        typed("score", file, "--judge", judge, "--out", tmp_path / "run", "--prompt-set", "overall")
    done = typed("compare", "candidates", tmp_path / "run", "--out", tmp_path / "found.csv")
    (row,) = table(tmp_path / "found.csv")
    assert done.code == 0 and row["failures_known"] == "yes"
    assert (row["lost_first_failed"], row["lost_first_unscored"], row["lost_second"]) == ("3", "1", "0")
    assert row["lost_first_words"] == "broken_audio 3; failed 1"
    assert (row["all_prompts"], row["answered_prompts"]) == ("7", "4")
    words = "3 by its own failure, 1 left unscored by the judge (broken_audio 3, failed 1)"
    assert f"Prompts that only b has a score for; a: {words}" in one_paragraph(done.out)


# runs


def shifted(folder: Path, by: int) -> tuple[Path, Path]:
    old, _ = simulated(folder, {"m|old": 0.5}, answers="ab")
    rows = [row | {"tags": "long" if row["item_id"] < "q2" else ""} for row in table(old)]
    moved = [row | {"signature": "m|new", "score": str(min(5, int(row["score"]) + by))} for row in rows
             ]  # fmt: skip
    return write(old, rows), write(folder / "new.csv", moved)


def test_drift_is_the_paired_t_test_of_prompts_per_axis_and_tag(tmp_path: Path) -> None:
    old, new = shifted(tmp_path, 1)
    done = typed("compare", "runs", old, new, "--out", tmp_path / "found.json")
    assert done.code == 0, done.err
    found = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))
    whole, tag = found["rows"]
    scores = [np.array([float(row["score"]) for row in table(path)]).reshape(30, 2).mean(1) for path in (old, new)]
    assert whole["p"] == pytest.approx(stats.ttest_rel(scores[1], scores[0]).pvalue)
    assert whole["drift"] == pytest.approx((scores[1] - scores[0]).mean())
    assert (tag["by"], tag["value"], tag["role"], whole["role"]) == ("tag", "long", "exploratory", "primary")
    assert [rank["candidate"] for rank in found["ranks"]] and "points higher on average" in one_paragraph(done.out)
    assert "is a table: whether its ratings came from the reply cache" in done.err


def test_nothing_moved_and_different_data_are_said(tmp_path: Path) -> None:
    old, new = shifted(tmp_path, 0)
    assert "nothing moved: all 60 scores are the same" in one_paragraph(typed("compare", "runs", old, new).out)
    write(new, table(new)[4:])
    said = one_paragraph(typed("compare", "runs", old, new).out)
    assert "4 answers rated in the old ratings alone, left out: q0/a, q0/b, q1/a, q1/b" in said
    write(new, [row | {"item_id": "z" + row["item_id"]} for row in table(new)])
    assert "no answer that both judges scored" in typed("compare", "runs", old, new).err
    write(new, [row | {"axis": "acoustic"} for row in table(new)])
    assert "expected an axis in both" in typed("compare", "runs", old, new).err
    assert "got the same ratings twice" in typed("compare", "runs", old, old).err


def test_one_table_with_two_judges_needs_their_names(tmp_path: Path) -> None:
    both, _ = simulated(tmp_path, {"m|one": 0.3, "m|two": 1.5})
    refused = typed("compare", "runs", both, both, "--new-judge", "m|two")
    assert refused.code == 2 and "--old-judge" in refused.err and "under 2 signatures" in refused.err
    assert typed("compare", "runs", both, both, "--old-judge", "m|one", "--new-judge", "m|two").code == 0
    unknown = typed("compare", "runs", both, both, "--old-judge", "m|one", "--new-judge", "nobody")
    assert unknown.code == 2 and "nobody" in unknown.err


def test_cached_ratings_of_the_same_judge_are_refused_and_those_of_another_stay(tmp_path: Path) -> None:
    file, choice = answers(tmp_path, 4, candidates=("a", "b")), ("--prompt-set", "overall")
    with Loopback() as server:
        for name, options in (("old", ""), ("again", ""), ("other", "&temperature=0"), ("other2", "&temperature=0")):
            run = typed("score", file, "--judge", spec(server, options=options), "--out", tmp_path / name, *choice)
            assert run.code == 0, run.err
    refused = typed("compare", "runs", tmp_path / "old", tmp_path / "again")
    assert refused.code == 2 and "all came from the reply cache" in refused.err and "--no-cache" in refused.err
    for name in ("old", "again"):
        assert typed("export", tmp_path / name, "--out", tmp_path / f"{name}.csv").code == 0
    exported = typed("compare", "runs", tmp_path / "old.csv", tmp_path / "again.csv")
    assert exported.code == 2 and "all came from the reply cache" in exported.err
    (tmp_path / "same.csv").write_bytes((tmp_path / "old.csv").read_bytes())
    fresh = typed("compare", "runs", tmp_path / "old.csv", tmp_path / "same.csv")
    assert fresh.code == 0 and "whether its answers are those" in " ".join(fresh.err.split())
    assert "reply cache" not in fresh.err
    kept = typed("compare", "runs", tmp_path / "old", tmp_path / "other2")
    assert kept.code == 0 and "8 ratings from the reply cache, kept" in kept.err
    with Loopback(seed=5) as server:
        first = answers(tmp_path / "more", 4, candidates=("a", "b"))
        (first.parent / "a-0.wav").write_bytes((first.parent / "a-1.wav").read_bytes())
        typed("score", first, "--judge", spec(server), "--out", tmp_path / "changed", *choice)
    done = typed("compare", "runs", tmp_path / "old", tmp_path / "changed", "--out", tmp_path / "found.csv")
    assert "different data: 1 answer with another recording, text or question" in done.err and "q0/a" in done.err
    rows = {row["by"]: row for row in table(tmp_path / "found.csv")}
    assert (rows["all"]["n"], rows["language"]["value"]) == ("7", "en")


def test_the_same_tables_give_the_same_bytes(tmp_path: Path) -> None:
    ratings, labels = simulated(tmp_path, {"m|one": 0.5, "m|two": 0.9}, answers="ab")
    for form in ("csv", "json", "md"):
        for name in ("one", "two"):
            typed("compare", "judges", ratings, "--labels", labels, "--out", tmp_path / f"{name}.{form}")
        assert (tmp_path / f"one.{form}").read_bytes() == (tmp_path / f"two.{form}").read_bytes()


# the page


def shown_on_the_page() -> list[tuple[str, list[str]]]:
    """The commands of the section with real files, each with the blocks that follow it."""
    page = ROOT / "docs/calibration.md"
    if not page.is_file():
        pytest.skip("the pages are not beside the package: this is no checkout")
    section = page.read_text(encoding="utf-8").split("## Two judges, two candidates, two runs\n")[1].split("\n## ")[0]
    found: list[tuple[str, list[str]]] = []
    for block in re.findall(r"(?:^    .+\n)+", section, re.MULTILINE):
        if block.count("\n") == 1 and block.startswith("    wavjudge compare"):
            found.append((block.strip(), []))
        elif found:
            found[-1][1].append(block)
    return found


def test_the_page_shows_what_the_commands_print(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = shown_on_the_page()
    assert len(shown) == 3 and all(blocks for _, blocks in shown)
    (tmp_path / "benchmarks").symlink_to(ROOT / "benchmarks")
    monkeypatch.chdir(tmp_path)
    if SOMOS.is_dir():
        assert typed("import", "audiojudge", SOMOS, "--out", tmp_path / "aj").code == 0
    for command, blocks in shown:
        if "aj/" in command and not SOMOS.is_dir():
            continue  # the real ratings of AudioJudge are not beside this checkout
        done = typed(*shlex.split(command)[1:])
        assert done.code == 0, done.err
        for line in (line for block in blocks for line in block.splitlines()):
            assert one_paragraph(line) in one_paragraph(done.out), line


@pytest.mark.parametrize("kind", ["candidates", "judges"])
def test_many_pairs_are_summarised_on_screen_and_whole_in_the_file(tmp_path: Path, kind: str) -> None:
    names = [f"n{number:02}" for number in range(12)]
    rows = [
        {"item_id": f"q{item}", "candidate": name if kind == "candidates" else "a", "axis": "overall",
         "rater": name if kind == "judges" else "m", "score": 1 + (item * 7 + place * 3 + item * place) % 5}
        for item in range(12) for place, name in enumerate(names)
    ]  # fmt: skip
    ratings = write(tmp_path / "ratings.csv", rows)
    people = [{"item_id": f"q{item}", "candidate": "a", "axis": "overall", "rater": "ann", "score": 1 + item * 3 % 5}
              for item in range(12)]  # fmt: skip
    more = ("--labels", write(tmp_path / "labels.csv", people)) if kind == "judges" else ()
    done = typed("compare", kind, ratings, *more, "--out", tmp_path / "all.csv")
    assert done.code == 0 and len(done.out.splitlines()) < 120 and "The 40 surest of 66 differences" in done.out
    rows = [row for row in table(tmp_path / "all.csv") if row.get("role", "primary") == "primary"]
    assert len(rows) == 66
