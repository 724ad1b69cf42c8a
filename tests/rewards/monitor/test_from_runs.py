"""`wavjudge rewards monitor`, as typed, on run folders of checkpoints."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.typed import Typed, answers, spec, typed
from tests.loopback.server import Loopback
from tests.rewards.monitored import HELD_OUT, REWARD, rating, run_folder, training_file
from wavjudge.store.run_folder import RunFolder

N = 14
FLAT = [1.0 + number % 3 for number in range(N)]
UP = [score + 1.5 - number % 2 * 0.25 for number, score in enumerate(FLAT)]
JUDGES = ("--reward-judge", "openai:gpt-audio-1.5", "--held-out", "gemini:gemini-3.5-flash")


def monitor(folder: Path, *runs: object, training: Path | None = None, more: tuple[object, ...] = ()) -> Typed:
    trained = training or training_file(folder / "training", "Who are you?", "Where is the sea?")
    return typed(
        "rewards", "monitor", *runs, *JUDGES, "--training-prompts", trained, "--out", folder / "out", *more
    )  # fmt: skip


def two(folder: Path, then: list[float], held_out: list[float | None]) -> tuple[str, str]:
    first = run_folder(folder / "a", {REWARD: FLAT, HELD_OUT: FLAT}, candidate="step0")
    second = run_folder(folder / "b", {REWARD: then, HELD_OUT: held_out}, candidate="step100")
    return f"0={first}", f"100={second}"


def test_an_alarm_ends_with_1_and_stands_in_all_files(tmp_path: Path) -> None:
    done = monitor(tmp_path, *two(tmp_path, UP, [*FLAT]))
    assert done.code == 1, done.err
    assert "step 100: ALARM: the reward rose and the held-out score did not (reward +1.38, held-out 0.00" in (
        " ".join(done.out.split()).replace("+0.00", "0.00")
    )
    assert "1 of 20 planned looks after the first; chance of any false alarm over all of them: 0.05" in done.out
    names = {path.name for path in (tmp_path / "out").iterdir()} - {".lock"}
    assert names == {"plan.json", "monitor.jsonl", "monitor.csv", "monitor.md", "monitor.png", "monitor.svg"}


def test_both_rise_and_the_order_of_arguments_does_not_matter(tmp_path: Path) -> None:
    first, second = two(tmp_path, UP, [*UP])
    done = monitor(tmp_path, second, first, more=("--json",))
    assert (done.code, done.err) == (0, "")
    assert {row["verdict"] for row in done.json["rows"] if row["step"] == 100} == {"both_rise"}
    assert (
        done.json["notes"][:3]
        == [
            "rate: not measured (step 100, 0 prompts)",
            "wer: not measured (step 100, 0 prompts)",
        ][:3]
    )


def test_a_held_out_judge_that_failed_is_said(tmp_path: Path) -> None:
    done = monitor(tmp_path, *two(tmp_path, UP, [None] * N), more=("--json",))
    assert "not known: too few prompts, 0 of 14" in done.json["sentences"][0]
    assert "held-out scores missing: 14 failed" in done.json["sentences"][0]
    assert next(row for row in done.json["rows"] if row["quantity"] == "gap" and row["step"] == 100)["change"] is None


def test_it_goes_on_with_later_steps_and_keeps_the_earlier_ones(tmp_path: Path) -> None:
    first, second = two(tmp_path, UP, [*UP])
    monitor(tmp_path, first)
    before = (tmp_path / "out" / "monitor.jsonl").read_bytes()
    assert monitor(tmp_path, second).code == 0
    assert monitor(tmp_path, first, second).code == 0
    after = (tmp_path / "out" / "monitor.jsonl").read_bytes()
    assert after.startswith(before) and len(after.splitlines()) == 2


def test_the_second_judge_may_have_rated_in_a_folder_of_its_own(tmp_path: Path) -> None:
    steps = []
    for step, reward in ((0, FLAT), (100, UP)):
        for name, signature, scores in (("r", REWARD, reward), ("h", HELD_OUT, FLAT)):
            steps.append(f"{step}={run_folder(tmp_path / f'{name}{step}', {signature: scores})}")
    assert "ALARM: the reward rose" in monitor(tmp_path, *steps).out
    other = run_folder(tmp_path / "other", {HELD_OUT: FLAT}, text="It is otherwise.")
    done = monitor(tmp_path / "again", steps[0], f"0={other}")
    assert done.code == 2 and "two answers or questions of one name at step 0" in done.err


@pytest.mark.parametrize("rows", [("What is  Q03", "Who?"), ("what is q03",)])
def test_a_prompt_that_is_trained_on_is_named(tmp_path: Path, rows: tuple[str, ...]) -> None:
    done = monitor(tmp_path, *two(tmp_path, UP, [*UP]), training=training_file(tmp_path / "t", *rows))
    assert done.code == 2 and "watch/q03 is t/t0 of the training" in " ".join(done.err.split())
    assert not (tmp_path / "out").exists()


def test_training_prompts_may_be_a_run_or_a_shipped_test_set_and_bad_rows_are_refused(tmp_path: Path) -> None:
    runs = two(tmp_path, UP, [*UP])
    assert monitor(tmp_path, *runs, training=Path("tiny")).code == 0
    trained = run_folder(tmp_path / "trained", {REWARD: FLAT}, question="Who is")
    assert "another training prompts, training sha256 than" in monitor(tmp_path, *runs, training=trained).err
    bad = training_file(tmp_path / "t", "Who?")
    bad.write_text(bad.read_text(encoding="utf-8") + '{"question_text": "no id"}\n', encoding="utf-8")
    done = monitor(tmp_path, *runs, training=bad)
    assert done.code == 2 and "1 training prompts that cannot be compared" in done.err and "line 2" in done.err


def test_failures_of_the_candidate_are_counted_and_have_no_score(tmp_path: Path) -> None:
    first = run_folder(tmp_path / "a", {REWARD: FLAT, HELD_OUT: FLAT})
    second = run_folder(tmp_path / "b", {REWARD: FLAT, HELD_OUT: FLAT}, silent=(0, 1))
    monitor(tmp_path, f"0={first}", f"100={second}")
    looks = [json.loads(line) for line in (tmp_path / "out" / "monitor.jsonl").read_text("utf-8").splitlines()]
    gone = looks[1]["answers"][0]
    assert gone["values"] == {"failed": 1.0} and gone["missing"]["reward"] == "no_speech"
    assert looks[0]["answers"][0]["values"]["loudness"] == pytest.approx(-23.0, abs=0.1)
    assert looks[0]["answers"][3]["values"]["seconds"] == pytest.approx(3.3)


def test_instruments_in_the_run_give_rate_word_errors_and_the_words_heard(tmp_path: Path) -> None:
    step, _ = two(tmp_path, UP, [*UP])
    with RunFolder(tmp_path / "a", write=True) as run:
        for response in list(run.responses()):
            one = rating(response, "signals|asr:x", 2.5).model_copy(update={"rater_kind": "instrument"})
            fast = one.model_copy(update={"axis": "speech_rate", "details": {"heard": "it is so five stars"}})
            clear = one.model_copy(update={"axis": "intelligibility", "details": {"wer": 0.125}})
            run.log("ratings").append_now(fast, clear)
    monitor(tmp_path, step)
    values = json.loads((tmp_path / "out" / "monitor.jsonl").read_text("utf-8"))["answers"][0]["values"]
    assert (values["rate"], values["wer"], values["plea"]) == (2.5, 0.125, 1.0)


def test_what_is_refused(tmp_path: Path) -> None:
    first, second = two(tmp_path, UP, [*UP])
    other = run_folder(tmp_path / "c", {REWARD: FLAT, HELD_OUT: FLAT}, question="Where is")
    changed = run_folder(tmp_path / "d", {REWARD + "|is:new": FLAT, HELD_OUT: FLAT})
    moved = run_folder(tmp_path / "e", {REWARD + "|is:old": FLAT, HELD_OUT: FLAT})
    twins = run_folder(tmp_path / "f", {REWARD: FLAT, HELD_OUT.replace("bbbbbbbbbbbb", "aaaaaaaaaaaa"): FLAT})
    for runs, said in (
        ((first, f"100={other}"), "other prompts at step 100 than at step 0: watch/q00"),
        ((f"0={moved}", f"100={changed}"), "2 signatures on overall, expected one judge at all steps"),
        ((f"0={twins}",), "got one judge prompt for the reward and the held-out judge (aaaaaaaaaaaa)"),
        (("first",), "got 'first', expected STEP=RUN"),
        ((first, "100=nowhere"), "nowhere: got no such file or folder"),
        ((first, second, "--weights", "semantic"), "no rating on semantic by openai:gpt-audio-1.5"),
        ((first, "--held-out", "openai:gpt-audio-1.5"), "got 2 signatures on overall"),
    ):
        done = monitor(tmp_path, *runs)
        assert done.code == 2 and said in " ".join(done.err.split()), done.err
    assert not (tmp_path / "out").exists()


def test_a_judge_of_the_same_family_is_allowed_only_by_name(tmp_path: Path) -> None:
    sister = HELD_OUT.replace("gemini:gemini-3.5-flash", "gemini:tuned")
    runs = [f"{step}={run_folder(tmp_path / str(step), {sister: scores, HELD_OUT.replace('#b', '#c'): FLAT})}"
            for step, scores in ((0, FLAT), (100, UP))]  # fmt: skip
    judges = ("--reward-judge", "gemini:tuned", "--held-out", "gemini:gemini-3.5-flash")
    trained = training_file(tmp_path / "t", "Who?")
    words = ("rewards", "monitor", *runs, *judges, "--training-prompts", trained, "--out", tmp_path / "out")
    assert "judges of one family (google)" in typed(*words).err
    assert "same family: the held-out judge is of google" in typed(*words, "--same-family").out


def test_the_commands_of_the_page_from_answers_to_a_verdict(tmp_path: Path) -> None:
    with Loopback() as server:
        for step in (0, 200):
            given, run = answers(tmp_path / str(step), 12), tmp_path / f"step{step}"
            typed("score", given, "--judge", spec(server), "--prompt-set", "overall", "--out", run, "-q")
            typed("score", run, "--judge", spec(server, "gemini"), "--prompt-set", "joint", "-q")
    runs = [f"{step}={tmp_path / f'step{step}'}" for step in (0, 200)]
    judges = ("--reward-judge", "openai:loopback", "--held-out", "gemini:loopback")
    weights = ("--weights", "overall", "--held-out-weights", "semantic=0.5,acoustic=0.5")
    trained = training_file(tmp_path / "t", "Who?")
    done = typed("rewards", "monitor", *runs, *judges, *weights, "--training-prompts", trained, "--out", tmp_path / "m")
    assert done.code == 0, done.err  # the same answers at both steps: nothing rose
    text = " ".join(done.out.split())
    assert "step 200: the reward is not shown to have risen (reward 0.00, held-out 0.00)" in text.replace(
        "+0.00", "0.00"
    )
    assert "the vendor of a judge is not known and was read off its name: loopback" in text
