"""A run as scored candidates: what the paper's pair builder reads, and nothing that nobody judged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from wavjudge.errors import InputError
from wavjudge.reporting.wavalign import Written, write
from wavjudge.types import AudioRef, Item, Message, Rating, Response, Scale, Subject, Utterance

RUN = Path("runs/first")


def audio(name: str) -> AudioRef:
    return AudioRef(path=name, sha256="0" * 64, seconds=1, sample_rate_hz=16_000)


def item(**changes: Any) -> Item:
    turns = (Utterance(text="Why?", audio=audio("audio/q.wav")),)
    return Item(**{"benchmark": "b", "id": "1", "turns": turns} | changes)


def response(candidate: str = "a", attempt: int = 0, **changes: Any) -> Response:
    answers = (Utterance(text="So.", audio=audio(f"audio/{candidate}{attempt}.wav")),)
    facts = {"benchmark": "b", "item_id": "1", "candidate": candidate, "attempt": attempt, "answers": answers}
    return Response(**facts | changes)


def rating(axis: str, score: float | None, candidate: str = "a", attempt: int = 0, **changes: Any) -> Rating:
    facts: dict[str, Any] = {
        "subject": Subject(benchmark="b", item_id="1", candidate=candidate, attempt=attempt), "axis": axis,
        "scale": Scale(low=1, high=5), "rater": "j", "rater_kind": "model", "score": score, "signature": f"j|{axis}",
        "status": "ok" if score is not None else "refused", "reason": None if score is not None else "no",
    }  # fmt: skip
    return Rating(**facts | changes)


def both(semantic: float, acoustic: float, **changes: Any) -> list[Rating]:
    return [rating("semantic", semantic, **changes), rating("acoustic", acoustic, **changes)]


def written(
    tmp_path: Path, items: list[Item], responses: list[Response], ratings: list[Rating], rater: str | None = None
) -> tuple[list[dict[str, Any]], Written]:
    out = tmp_path / "pairs" / "scored.jsonl"
    done = write(items, responses, ratings, out, run=tmp_path / RUN, rater=rater)
    return [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()], done


def test_a_prompt_becomes_a_line_of_the_schema(tmp_path: Path) -> None:
    ratings = both(4, 3) + both(2, 5, candidate="b") + [rating("overall", 1)]
    lines, done = written(tmp_path, [item()], [response(), response("b")], ratings)
    assert lines == [{
        "id": "1", "messages": [{"role": "user", "content": "<|audio|>"}], "audios": ["../runs/first/audio/q.wav"],
        "question_text": "Why?",
        "output": {
            "a/0": {"output-text": "So.", "output-audio": "../runs/first/audio/a0.wav",
                    "gemini_score": {"semantic_score": 4.0, "paralinguistic_score": 3.0, "overall_score": 1.0}},
            "b/0": {"output-text": "So.", "output-audio": "../runs/first/audio/b0.wav",
                    "gemini_score": {"semantic_score": 2.0, "paralinguistic_score": 5.0, "overall_score": None}},
        },
        "original_sample": {"source_dataset": "b"},
        "signatures": {"semantic_score": "j|semantic", "paralinguistic_score": "j|acoustic",
                       "overall_score": "j|overall"},
    }]  # fmt: skip
    assert done == Written(prompts=1, candidates=2)


def test_attempts_are_candidates_and_repeats_a_mean(tmp_path: Path) -> None:
    ratings = [*both(4, 3), rating("semantic", 5, repeat=1), rating("acoustic", None, repeat=1), *both(1, 1, attempt=1)]
    lines, _ = written(tmp_path, [item()], [response(), response(attempt=1)], ratings)
    assert {key: one["gemini_score"] for key, one in lines[0]["output"].items()} == {
        "a/0": {"semantic_score": 4.5, "paralinguistic_score": 3.0},
        "a/1": {"semantic_score": 1.0, "paralinguistic_score": 1.0},
    }


def test_what_was_not_scored_is_null_and_counted(tmp_path: Path) -> None:
    silent = response("c", answers=(Utterance(),), status="no_speech", reason="none")
    ratings = [*both(4, 3), rating("semantic", 2, "b"), rating("acoustic", None, "b")]
    lines, done = written(tmp_path, [item()], [response(), response("b"), silent], ratings)
    output = lines[0]["output"]
    assert output["b/0"]["gemini_score"] == {"semantic_score": 2.0, "paralinguistic_score": None}
    assert output["c/0"] == {"output-text": "", "output-audio": None,
                             "gemini_score": {"semantic_score": None, "paralinguistic_score": None}}  # fmt: skip
    assert (done.candidates, done.unscored) == (3, 2)


def test_the_history_stands_before_the_question_and_recordings_in_its_order(tmp_path: Path) -> None:
    history = (Message(role="system", text="Be kind."), Message(role="user", audio=audio("audio/h.wav")))
    lines, _ = written(tmp_path, [item(history=history, turns=(Utterance(text="Why?"),))], [response()], both(4, 3))
    assert [(message["role"], message["content"]) for message in lines[0]["messages"]] == [
        ("system", "Be kind."), ("user", "<|audio|>"), ("user", "Why?"),
    ]  # fmt: skip
    assert lines[0]["audios"] == ["../runs/first/audio/h.wav"]


def test_recordings_that_were_left_where_they_are_keep_their_path(tmp_path: Path) -> None:
    lines, _ = written(tmp_path, [item(turns=(Utterance(audio=audio("/far/q.wav")),))], [response()], both(4, 3))
    assert lines[0]["audios"] == ["/far/q.wav"]


def test_several_turns_unknown_questions_and_unanswered_items_are_passed_over(tmp_path: Path) -> None:
    two = item(id="2", turns=(Utterance(text="Why?"), Utterance(text="How?")))
    items = [two, item(id="3", turns=(Utterance(),)), item(id="4"), item()]
    responses = [response(), response(item_id="2"), response(item_id="3")]
    lines, done = written(tmp_path, items, responses, both(4, 3))
    assert [line["id"] for line in lines] == ["1"]
    assert (done.prompts, done.several_turns, done.unasked) == (1, 1, 1)


def test_several_raters_need_a_name(tmp_path: Path) -> None:
    ratings = both(4, 3) + both(1, 2, rater="ann", rater_kind="person", signature="ann")
    with pytest.raises(InputError, match="got the raters ann, j, expected one"):
        written(tmp_path, [item()], [response()], ratings)
    with pytest.raises(InputError, match="got --rater 'bob', expected one of ann, j"):
        written(tmp_path, [item()], [response()], ratings, rater="bob")
    assert not (tmp_path / "pairs").exists()
    lines, _ = written(tmp_path, [item()], [response()], ratings, rater="ann")
    assert lines[0]["output"]["a/0"]["gemini_score"] == {"semantic_score": 1.0, "paralinguistic_score": 2.0}


@pytest.mark.parametrize(
    "ratings, said",
    [
        ([], "got no rating on semantic or acoustic or overall"),
        ([rating("naturalness", 3)], "got no rating on semantic or acoustic or overall"),
        ([rating("semantic", 3, scale=Scale(low=0, high=10))], "got semantic on 0.0..10.0, expected 1..5"),
        ([rating("semantic", 3), rating("semantic", 4, signature="j|other")], "got 2 signatures on semantic"),
    ],
)
def test_scores_that_cannot_stand_together_are_refused(tmp_path: Path, ratings: list[Rating], said: str) -> None:
    with pytest.raises(InputError) as error:
        written(tmp_path, [item()], [response()], ratings)
    assert said in str(error.value)


def test_what_gave_no_score_is_no_other_judge(tmp_path: Path) -> None:
    ratings = [*both(4, 3, signature="j|v1|is:m"), rating("semantic", None, signature="j|v1", repeat=1)]
    lines, _ = written(tmp_path, [item()], [response()], ratings)
    assert lines[0]["signatures"]["semantic_score"] == "j|v1|is:m"


def test_only_jsonl_is_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"got \.csv, expected \.jsonl"):
        write([], [], [], tmp_path / "a.csv", run=tmp_path)


def reference_pair(sample: dict[str, Any]) -> tuple[str, str, float] | None:
    """What the paper's builder takes of a line in its default mode: best and worst by the sum of two numbers."""
    numbers = {key: (one["gemini_score"]["semantic_score"], one["gemini_score"]["paralinguistic_score"])
               for key, one in sample["output"].items()}  # fmt: skip
    scored = {key: sum(two) for key, two in numbers.items() if all(isinstance(one, int | float) for one in two)}
    if len(scored) < 2:
        return None
    best, worst = max(scored, key=scored.__getitem__), min(scored, key=scored.__getitem__)
    return best, worst, scored[best] - scored[worst]


def test_pairs_are_made_of_scored_candidates_alone(tmp_path: Path) -> None:
    ratings = both(5, 4) + both(2, 1, candidate="b") + [rating("semantic", 1, "c")]
    lines, _ = written(tmp_path, [item()], [response(), response("b"), response("c")], ratings)
    assert reference_pair(lines[0]) == ("a/0", "b/0", 6.0)


@pytest.mark.parametrize("more", [{"signature": "j|other"}, {"scale": Scale(low=0, high=10)}, {"rater": "k"}])
def test_scores_of_the_whole_that_cannot_stand_keep_nobody_from_the_others(
    tmp_path: Path, more: dict[str, Any]
) -> None:
    lines, _ = written(
        tmp_path, [item()], [response()], [*both(4, 3), rating("overall", 4), rating("overall", 4, **more)]
    )
    assert lines[0]["output"]["a/0"]["gemini_score"] == {"semantic_score": 4.0, "paralinguistic_score": 3.0}
