"""`wavjudge rewards rollouts`, as typed: a table, a run folder, other weights, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.cli.commands.test_calibrate import write
from tests.cli.typed import typed
from wavjudge.store.run_folder import RunFolder
from wavjudge.types import Item, Rating, Response, RunManifest, Scale, Subject, Utterance


def flat(folder: Path, scores: dict[str, list[int | None]], axis: str = "overall") -> Path:
    return write(folder / f"{axis}.csv", [
        {"item_id": item, "candidate": "policy", "attempt": n, "axis": axis, "rater": "m", "score": score,
         "status": "ok" if score is not None else "refused"}
        for item, given in scores.items() for n, score in enumerate(given)
    ])  # fmt: skip


def rolled(*words: object) -> Any:
    done = typed("rewards", "rollouts", *words, "--json")
    assert done.code == 0, done.err
    return done.json


def test_a_table_gives_figures_and_a_sentence_in_80_columns(tmp_path: Path) -> None:
    path = flat(tmp_path, {"q1": [1, 1, 5, 5], "q2": [3, 3, 3, 3], "q3": [2, 4, None, 4]})
    found = rolled(path)
    assert found["lambda"]["value"] == pytest.approx((0.8 + 0 + 0.8 * 0.993307 * 8 / 36) / 3, abs=1e-4)
    assert (found["without_signal"], found["statuses"]) == (1, {"ok": 11, "refused": 1})
    assert found["data_sha256"] and found["wavjudge_version"] and found["signatures"] == {"overall": "m"}
    done = typed("rewards", "rollouts", path)
    said = " ".join(done.out.split())
    assert done.code == 0 and found["sentence"] in said and "1 of 3 prompts (33%) would teach nothing" in said
    assert max(map(len, done.out.splitlines())) <= 80


def test_a_long_signature_is_broken_between_its_fields(tmp_path: Path) -> None:
    name = "gemini:gemini-3.5-flash|score-paralinguistic.1#aaaaaaaaaaaa|parse:1|qt,qa,own,aa|v1"
    rows = [{"item_id": "q1", "candidate": "policy", "attempt": n, "axis": "overall", "rater": "m", "score": n + 1,
             "signature": name} for n in range(3)]  # fmt: skip
    lines = typed("rewards", "rollouts", write(tmp_path / "t.csv", rows)).out.splitlines()
    assert max(map(len, lines)) <= 80
    first = next(number for number, line in enumerate(lines) if line.startswith("  judge"))
    said = [line[17:] for line in lines[first : first + 2]]
    assert "".join(said) == f"overall: {name}" and said[0].endswith("|") and lines[first + 1][:17].isspace()


def test_other_weights_and_other_scales(tmp_path: Path) -> None:
    one = flat(tmp_path, {"q1": [1, 5]}, "semantic")
    two = flat(tmp_path, {"q1": [5, 1]}, "acoustic")
    even = rolled(one, two, "--weights", "semantic=0.5, acoustic=0.5")
    assert even["weights"] == {"semantic": 0.5, "acoustic": 0.5} and even["without_signal"] == 1
    assert rolled(one, "--weights", "semantic")["lambda"]["value"] == pytest.approx(0.8, abs=1e-4)
    ten = flat(tmp_path, {"q1": [0, 10]}, "helpfulness")
    words = ("--axis", "helpfulness=0..10", "--weights", "helpfulness")
    assert rolled(ten, *words)["lambda"]["value"] == pytest.approx(0.8, abs=1e-4)


@pytest.mark.parametrize(
    ("words", "says"),
    [(("--weights", "overall=x"), "expected NAME=WEIGHT"), (("--weights", "overall=0.5,overall=0.5"), "each axis once"),
     (("--weights", "overall=0.7,semantic=0.7"), "sum 1.4"), (("--preset", "paper"), "got the preset 'paper'"),
     (("--preset", "semantic_acoustic"), "the data holds overall"), (("--signature", "z"), "got the signature z")],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_in_words(tmp_path: Path, words: tuple[str, ...], says: str) -> None:
    done = typed("rewards", "rollouts", flat(tmp_path, {"q1": [1, 5]}), *words)
    assert done.code == 2 and says in done.err and "Traceback" not in done.err


def stored(path: Path) -> Path:
    """A run of four attempts at two items; one answer never came, and one rating failed."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    with RunFolder(path, write=True) as run:
        run.write_manifest(RunManifest(wavjudge_version="1", created=now, updated=now, attempts=4))
        for item, scores in (("q1", [1, 5, 5, None]), ("q2", [2, 2, "late", 4])):
            run.log("items").append_now(Item(benchmark="b", id=item, turns=(Utterance(text="why"),)))
            for attempt, score in enumerate(scores):
                late = {"status": "timed_out", "reason": "60 s"} if score == "late" else {}
                run.log("responses").append_now(Response(benchmark="b", item_id=item, candidate="c", attempt=attempt,
                                                         answers=(Utterance(text="so"),), **late))  # fmt: skip
                if score == "late":
                    continue
                told = {"score": score, "status": "ok"} if score else {"status": "failed", "reason": "429"}
                subject = Subject(benchmark="b", item_id=item, candidate="c", attempt=attempt)
                run.log("ratings").append_now(Rating(
                    subject=subject, axis="overall", scale=Scale(low=1, high=5), rater="m", rater_kind="model",
                    signature="m|v1", **told,
                ))  # fmt: skip
    return path


def test_a_run_folder_knows_the_candidates_failures(tmp_path: Path) -> None:
    found = rolled(stored(tmp_path / "run"))
    assert found["statuses"] == {"ok": 6, "failed": 1, "timed_out": 1} and found["sizes"] == {"4": 2}
    assert found["reward"]["variance"] == pytest.approx((32 / 9 + 8 / 9) / 2) and found["notes"] == []
    assert found["signatures"] == {"overall": "m|v1"} and "training would stop" in found["sentence"]
