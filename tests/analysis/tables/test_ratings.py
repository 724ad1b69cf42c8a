"""Flat tables in: nothing is dropped in silence, nothing clamped, and a million rows fit."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wavjudge.analysis.tables import flat, read
from wavjudge.analysis.tables.ratings import SUBJECT, Ratings, paired, prompt_numbers, read_table
from wavjudge.errors import InputError
from wavjudge.types import Axis, Rating, Scale, Subject

OVERALL = Axis(name="overall")
ROOT = Path(__file__).parents[3]


def table(*rows: dict[str, Any], **common: Any) -> pd.DataFrame:
    standard = {"item_id": "1", "candidate": "c", "axis": "overall", "rater": "ann", "score": 4}
    return pd.DataFrame([standard | common | row for row in rows])


def found(ratings: Ratings) -> dict[str, int]:
    return {problem.kind: problem.count for problem in ratings.problems}


def checked(*rows: dict[str, Any], **common: Any) -> Ratings:
    return Ratings.of(table(*rows, **common), [OVERALL])


def text(path: Path, content: str) -> Path:
    path.write_text(content, encoding="utf-8", newline="")
    return path


# --- reading


def test_the_columns_are_those_of_the_export() -> None:
    assert read.COLUMNS == flat.COLUMNS


def test_four_columns_are_enough_and_identifiers_stay_as_written(tmp_path: Path) -> None:
    path = text(tmp_path / "a.csv", "\ufeffitem_id,axis,rater,score\n007,overall,NA, 4 \nnull,overall,ann,\n")
    first, second = read_table(path, rater_kind="person").to_dict("records")
    assert (first["item_id"], first["rater"], first["status"], first["rater_kind"]) == ("007", "NA", "ok", "person")
    assert (second["item_id"], second["status"], second["signature"], second["repeat"]) == ("null", "skipped", "ann", 0)
    assert (second["benchmark"], second["candidate"], second["attempt"], second["turn"]) == ("", "", 0, 0)


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".ndjson", ".parquet"])
def test_every_format_says_the_same(tmp_path: Path, suffix: str) -> None:
    rows = [{"item_id": "7", "axis": "overall", "rater": "ann", "score": 4, "turn": 1},
            {"item_id": "8", "axis": "overall", "rater": "ann", "score": None, "turn": 0}]  # fmt: skip
    path = tmp_path / f"a{suffix}"
    if suffix == ".csv":
        pd.DataFrame(rows).to_csv(path, index=False)
    elif suffix == ".parquet":
        pd.DataFrame(rows).to_parquet(path)
    else:
        text(path, "\n\n".join(json.dumps(row) for row in rows))
    ratings = Ratings.of(read_table(path), [OVERALL])
    assert ratings.frame[["item_id", "turn", "status"]].values.tolist() == [["7", 1, "ok"], ["8", 0, "skipped"]]
    assert ratings.frame["score"].tolist()[0] == 4.0
    assert not ratings.problems


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", "item_id,axis,rater\n1,o,a\n", r"a\.csv: got the columns item_id, axis, rater, expected also score"),
        ("a.csv", "", "got an empty file, expected a table with the columns item_id, axis"),
        ("a.csv", "item_id,axis,rater,score\n1,o,a,3,9\n", "line 2: got 5 cells, and a header of 4 columns"),
        ("a.csv", "item_id,axis,rater,score,repeat\n1,o,a,3,0\n1,o,a,3,x\n", "row 2, column repeat: got 'x'"),
        ("a.csv", "item_id,axis,rater,score,turn\n1,o,a,3,-1\n", "row 1, column turn: got '-1'"),
        ("a.csv", "item_id,axis,rater,score,scale_low\n1,o,a,3,low\n", "column scale_low: got 'low'"),
        ("a.jsonl", '{"item_id": 1}\n{\n', r"a\.jsonl, line 2: got no JSON"),
        ("a.jsonl", "[1]\n", "line 1: got list"),
        ("a.parquet", "junk", "cannot be read"),
        ("a.xlsx", "", "got .xlsx, expected one of .csv"),
    ],
)
def test_bad_files_say_what_and_where(tmp_path: Path, name: str, content: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_table(text(tmp_path / name, content))


def test_a_missing_file_and_bytes_that_are_no_text(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        read_table(tmp_path / "none.csv")
    (tmp_path / "a.csv").write_bytes(b"item_id,axis,rater,score\n\xff,o,a,3\n")
    with pytest.raises(InputError, match="line 2: expected UTF-8 text, got the byte 0xff"):
        read_table(tmp_path / "a.csv")


def test_reading_jsonl_in_pieces_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        {"item_id": i if i % 2 else f"q{i}", "axis": "overall", "rater": "ann", "score": i % 5 + 1} for i in range(9)
    ]
    path = text(tmp_path / "a.jsonl", "\n".join(map(json.dumps, rows)))
    whole = read_table(path)
    monkeypatch.setattr(read, "_BATCH", 2)
    pd.testing.assert_frame_equal(read_table(path).astype(whole.dtypes), whole)


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
NAME = TEXT.filter(lambda name: name.strip())
RATINGS = st.builds(
    lambda subject, score, **rest: Rating(
        subject=subject, axis="overall", scale=Scale(low=1, high=5), rater_kind="model", score=score,
        status="ok" if score else "refused", reason=None if score else "no", **rest,
    ),
    st.builds(Subject, benchmark=TEXT, item_id=NAME, candidate=TEXT, attempt=st.integers(0, 9), turn=st.integers(0, 9)),
    st.none() | st.floats(1, 5), rater=NAME, signature=NAME, justification=st.none() | TEXT,
    repeat=st.integers(0, 3),
)  # fmt: skip


@settings(max_examples=60)
@given(st.lists(RATINGS, max_size=6, unique_by=lambda rating: rating.key), st.sampled_from(["csv", "parquet", "jsonl"]))
def test_what_was_exported_comes_back(
    tmp_path_factory: pytest.TempPathFactory, given_: list[Rating], kind: str
) -> None:
    path, rows = tmp_path_factory.mktemp("t") / f"a.{kind}", [flat.flat(rating) for rating in given_]
    if kind == "jsonl":
        text(path, "".join(json.dumps(row) + "\n" for row in [*rows]) or "\n")
    else:
        flat.write(rows, path)
    if not rows and kind == "jsonl":
        return
    ratings = Ratings.of(read_table(path), [OVERALL])
    assert all(one.kind.endswith("that look the same") for one in ratings.problems)
    assert list(ratings.axes.values()) == [OVERALL]
    back = ratings.frame.assign(score=ratings.frame["score"].astype(object).where(ratings.frame["score"].notna(), None))
    assert [
        (tuple(row[name] for name in SUBJECT), row["axis"], row["rater"], row["signature"], row["repeat"], row["score"])
        for row in back.to_dict("records")
    ] == [(*rating.key, rating.score) for rating in given_]


# --- checking


def test_nothing_wrong_is_no_problem() -> None:
    assert (
        found(checked({}, {"item_id": "2"}, {"rater": "bob"}, {"candidate": "d"}, {"axis": "overall", "turn": 1})) == {}
    )


@pytest.mark.parametrize(
    ("row", "kind", "status"),
    [
        ({"score": "good"}, "score that is no number", "unparseable"),
        ({"score": True}, "score that is no number", "unparseable"),
        ({"score": float("inf")}, "score that is no number", "unparseable"),
        ({"score": 6}, "score off the scale", "unparseable"),
        ({"score": 0.999}, "score off the scale", "unparseable"),
        ({"score": 4, "status": "refused"}, "score without status ok", "refused"),
        ({"score": None, "status": "ok"}, "status ok without score", "unparseable"),
    ],
)
def test_a_score_that_cannot_stand_is_counted_named_and_unscored(row: dict[str, Any], kind: str, status: str) -> None:
    ratings = checked({"item_id": "fine"}, {"item_id": "odd", "rater": "bob"} | row)
    assert found(ratings) == {kind: 1}
    assert "row 2, odd/c/overall/bob" in str(ratings.problems[0])
    odd = ratings.frame[ratings.frame["item_id"] == "odd"].iloc[0]
    assert np.isnan(odd["score"])
    assert odd["status"] == status
    assert ratings.per_subject()["n_unscored"].sum() == 1


def test_axes_are_declared_or_carry_their_scale() -> None:
    ratings = checked(
        {}, {"axis": "wer", "scale_low": 0, "score": 7}, {"axis": "charm"}, {"axis": "Not a name", "scale_low": 1}
    )
    assert ratings.axes == {"overall": OVERALL, "wer": Axis(name="wer", scale=Scale(low=0))}
    assert found(ratings) == {"undeclared axis": 2}
    assert set(ratings.frame["axis"]) == {"overall", "wer"}


def test_scales_are_never_mixed() -> None:
    ratings = checked(
        {}, {"item_id": "2", "scale_low": 0, "scale_high": 100, "score": 80},
        {"item_id": "3", "scale_low": 1, "scale_high": 5},
    )  # fmt: skip
    assert found(ratings) == {"other scale than declared": 1}
    assert ratings.frame["item_id"].tolist() == ["1", "3"]
    two = table({"scale_low": 0, "scale_high": 1}, {"scale_low": 1, "scale_high": 5})
    with pytest.raises(InputError, match=r"the axis overall on 2 scales \(0\.\.1, 1\.\.5\)"):
        Ratings.of(two)


def test_equal_duplicates_count_once_and_contradicting_ones_not_at_all() -> None:
    ratings = checked({}, {}, {"item_id": "2", "score": 3}, {"item_id": "2", "score": 5}, {"item_id": "2", "score": 3})
    assert found(ratings) == {"equal duplicate": 2, "contradicting duplicate": 2}
    assert ratings.per_subject()[["item_id", "n_ok", "n_unparseable"]].values.tolist() == [["1", 1, 0], ["2", 0, 1]]


@pytest.mark.parametrize("said", [(True, False), (False, True), (True, None), ("TRUE", "0")])
def test_of_equal_duplicates_the_fresh_reply_stays_whatever_their_order(said: tuple[object, object]) -> None:
    ratings = checked(*({"cached": one} for one in said))
    assert ratings.frame["cached"].tolist() == [False] and found(ratings) == {"equal duplicate": 1}
    assert checked({"cached": "true"}).frame["cached"].tolist() == [True]
    assert checked({"cached": True}).data_sha256 == ratings.data_sha256


def test_the_order_of_rows_changes_nothing() -> None:
    rows = table(
        *({"item_id": str(i % 7), "repeat": i % 2, "score": i % 6, "rater": "ab"[i % 3 == 0]} for i in range(40))
    )
    one, two = Ratings.of(rows, [OVERALL]), Ratings.of(rows.sample(frac=1, random_state=3), [OVERALL])
    pd.testing.assert_frame_equal(one.per_subject(), two.per_subject())
    assert one.data_sha256 == two.data_sha256
    assert found(one) == found(two)


def test_rows_without_a_place_and_columns_without_a_use_are_named() -> None:
    ratings = checked({"canditate": "x"}, {"item_id": " "}, {"rater": None})
    assert found(ratings) == {"unknown column": 1, "no item_id": 1, "no rater": 1}
    assert "canditate" in str(ratings.problems[0])
    assert len(ratings.frame) == 1


@pytest.mark.parametrize(("column", "value"), [("rater_kind", "human"), ("status", "done")])
def test_unknown_words_are_an_error_that_lists_the_known_ones(column: str, value: str) -> None:
    with pytest.raises(InputError, match=rf"got {column} '{value}', expected one of "):
        checked({column: value})


def test_an_empty_table_is_a_table() -> None:
    empty = Ratings.of(table({}).iloc[:0], [OVERALL])
    assert len(empty.per_subject()) == len(empty.people()) == 0
    assert paired(empty.per_subject(), empty.people())[0].n == 0


# --- subjects and pairs


def test_repeats_are_averaged_and_a_judge_is_its_signature() -> None:
    ratings = checked(
        {"score": 2, "repeat": 0}, {"score": 5, "repeat": 1}, {"repeat": 2, "score": None, "status": "refused"},
        {"score": 1, "signature": "ann, tired"},
    )  # fmt: skip
    rows = ratings.per_subject().set_index("signature")
    assert rows.loc["ann", ["score", "n_ok", "n_unscored", "n_refused"]].tolist() == [3.5, 2, 1, 1]
    assert rows.loc["ann, tired", "score"] == 1
    assert ratings.judges()["size"].tolist() == [3, 1]
    assert len(ratings.only(signature="ann").frame) == 3


def test_people_count_the_same_however_often_they_said_it() -> None:
    """ann (2 + 4) / 2 = 3 over two label pages, bob 5, cy skipped: the mean of people is 4, of two."""
    ratings = checked(
        {"score": 2}, {"score": 4, "signature": "page 2"}, {"rater": "bob", "score": 5},
        {"rater": "cy", "score": None}, {"rater": "m", "rater_kind": "model", "score": 1}, rater_kind="person",
    )  # fmt: skip
    [row] = ratings.people().to_dict("records")
    assert (row["score"], row["n_raters"], row["n_unscored"]) == (4.0, 2, 1)
    assert len(ratings.people("constructed")) == 0


def test_pairs_and_what_only_one_side_has() -> None:
    judge = checked(
        *({"item_id": i, "score": s} for i, s in zip("12345", [1, 2, None, 4, 5], strict=True))
    ).per_subject()
    people = checked(
        *({"item_id": i, "score": s} for i, s in zip("23467", [3, 3, None, 5, 1], strict=True))
    ).per_subject()
    both, left = paired(judge, people)
    assert (both.judge.tolist(), both.people.tolist(), both.prompt.tolist()) == ([2.0], [3.0], [0])
    assert (left.judge_only, left.people_only, left.judge_unscored, left.people_unscored) == (2, 2, 1, 1)
    with pytest.raises(InputError, match="two rows of one subject in the table of the people"):
        paired(judge, pd.concat([people, people]))


def test_a_prompt_is_benchmark_item_and_turn() -> None:
    rows = table({}, {"candidate": "d"}, {"turn": 1}, {"benchmark": "other"}, {"item_id": "0"})
    assert prompt_numbers(Ratings.of(rows, [OVERALL]).frame).tolist() == [1, 1, 2, 3, 0]


def test_the_shipped_labels_pass() -> None:
    ratings = Ratings.of(read_table(ROOT / "benchmarks" / "tiny" / "labels.csv"))
    assert not ratings.problems
    assert set(ratings.frame["rater_kind"]) == {"constructed"}


# --- size


@pytest.mark.heavy
@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_a_million_rows(tmp_path: Path, suffix: str) -> None:
    """In a process of its own, whose peak of memory Linux tells in /proc: under 2 GB and 30 s of CPU."""
    _million(tmp_path / f"big{suffix}")
    script = (
        "import re, sys, time; from pathlib import Path\n"
        "from wavjudge.analysis.tables.ratings import Ratings, paired, read_table\n"
        "rows = Ratings.of(read_table(sys.argv[1])).per_subject()\n"
        "assert len(rows) == 500_000 and paired(rows, rows)[0].prompts == 125_000\n"
        "status = Path('/proc/self/status')\n"
        "peak = re.search(r'VmHWM:\\s+(\\d+)', status.read_text())[1] if status.exists() else 0\n"
        "print(time.process_time(), peak)"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path / f"big{suffix}")], check=True, text=True,
                          capture_output=True)  # fmt: skip
    seconds, kilobytes = (float(part) for part in done.stdout.split())
    print(f"{suffix}: {seconds:.1f} s of CPU, peak {kilobytes / 2**20:.2f} GiB")
    assert seconds < 30
    assert kilobytes < 2 * 2**20


def _million(path: Path) -> None:
    random, n = np.random.default_rng(0), 1_000_000
    row = np.arange(n)
    frame = pd.DataFrame({
        "benchmark": "big", "item_id": pd.Series(row // 8).astype("str").radd("item-"),
        "candidate": pd.Series(row // 2 % 4).astype("str").radd("candidate-"), "attempt": 0, "turn": 0,
        "axis": "overall", "scale_low": 1.0, "scale_high": 5.0, "rater": "judge", "rater_kind": "model",
        "repeat": row % 2, "score": random.integers(1, 6, n), "status": "ok", "reason": "",
        "justification": "The answer names the right city, and says so plainly in one short sentence.",
        "signature": "openai:some-model|overall.1#3f9a02c4d1be|parse:1|t:default|qt,qa,own,aa|before|pcm16|v1",
        "tags": "kind=fact",
    })  # fmt: skip
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    elif path.suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_json(path, orient="records", lines=True)


def test_a_panel_of_several_benchmarks_has_a_row_a_subject_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"benchmark": b, "item_id": f"{b}{i}", "axis": "overall", "rater": r, "rater_kind": "person", "score": 3}
            for b in "uvw" for i in range(4) for r in ("ann", "bob")]  # fmt: skip
    made: list[int] = []
    plain = pd.DataFrame.dropna
    monkeypatch.setattr(pd.DataFrame, "dropna", lambda self, **how: made.append(len(self)) or plain(self, **how))
    panel, subjects = Ratings.of(pd.DataFrame(rows), [Axis(name="overall")]).panel("overall")
    assert made == [12] and len(subjects) == 12 and panel.raters == ("ann", "bob") and panel.prompts == 12


def test_failed_calls_of_one_of_several_models_are_no_judge_of_their_own() -> None:
    def rows(signature: str, status: str, count: int) -> list[dict[str, Any]]:
        score = 4.0 if status == "ok" else None
        return [{"item_id": f"{signature[-1]}{status[0]}{n}", "candidate": "a", "axis": "overall", "rater": "m",
                 "signature": signature, "status": status, "score": score} for n in range(count)]  # fmt: skip

    both = rows("m|v1|is:a", "ok", 3) + rows("m|v1|is:b", "ok", 2)
    found = Ratings.of(pd.DataFrame([*both, *rows("m|v1", "failed", 2)]), [Axis(name="overall")])
    assert dict(found.frame["signature"].value_counts()) == {"m|v1|is:a": 3, "m|v1|is:b": 2}
    assert [(one.kind, one.count) for one in found.problems] == [("failed call of one of several models", 2)]
    found = Ratings.of(pd.DataFrame([*rows("m|v1|is:a", "ok", 3), *rows("m|v1", "failed", 2)]), [Axis(name="overall")])
    assert dict(found.frame["signature"].value_counts()) == {"m|v1|is:a": 5} and not found.problems


def test_replies_that_name_nobody_are_not_pooled_with_those_of_a_named_model() -> None:
    rows = [{"item_id": f"{n}", "candidate": "a", "axis": "overall", "rater": "m", "score": 4,
             "signature": "m|v1|is:a" if n < 3 else "m|v1"} for n in range(5)]  # fmt: skip
    found = Ratings.of(pd.DataFrame(rows), [Axis(name="overall")])
    assert dict(found.frame["signature"].value_counts()) == {"m|v1|is:a": 3, "m|v1": 2}


def test_scores_that_nothing_shows_to_be_heard_are_a_note_and_stay() -> None:
    ratings = checked(
        {"item_id": "1", "score": 4, "hearing": "not verified"},
        {"item_id": "2", "score": 4, "hearing": "judge says it heard"},
        {"item_id": "3", "score": 4, "hearing": "audio tokens counted"},
        {"item_id": "4", "score": 4, "hearing": ""},
        {"item_id": "5", "score": None, "status": "refused", "hearing": "not verified"},
    )
    assert found(ratings) == {"hearing not verified": 1, "hearing on the judge's own word": 1}
    assert int(ratings.frame["score"].notna().sum()) == 4


def test_what_is_said_of_hearing_does_not_change_the_data_hash() -> None:
    plain, told = ({"item_id": "1", "score": 4} | more for more in ({}, {"hearing": "not verified"}))
    assert checked(plain).data_sha256 == checked(told).data_sha256
