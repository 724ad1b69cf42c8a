"""Pairs: which answers are put against each other; each mistake of the reference's builder has a test it would fail."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.loopback.verdict import wav
from wavjudge.errors import InputError
from wavjudge.rewards.pairs.build import Built, Noise, Output, Prompt, Rules, build
from wavjudge.rewards.pairs.files import Scored, of_file, of_run, unplayable, write
from wavjudge.store.run_folder import RunFolder
from wavjudge.types import AudioRef, Call, Item, Rating, Response, RunManifest, Scale, Subject, Utterance


def output(key: str, semantic: Any = None, acoustic: Any = None, text: str | None = None) -> dict[str, Any]:
    scores = {"semantic_score": semantic, "paralinguistic_score": acoustic}
    words = f"Answer of {key}." if text is None else text
    return {"output-text": words, "output-audio": f"{key}.wav", "gemini_score": scores}


def record(*outputs: dict[str, Any], **more: Any) -> dict[str, Any]:
    keys = [one["output-audio"][0] for one in outputs]
    return {"id": "1", "messages": [{"role": "user", "content": "<|audio|>"}], "audios": ["q.wav"],
            "question_text": "Why?", "output": dict(zip(keys, outputs, strict=True))} | more  # fmt: skip


def scored(folder: Path, *records: Any, target: str | None = None, noise: float | None = None) -> Scored:
    path = folder / "scored.jsonl"
    path.write_text("".join((one if isinstance(one, str) else json.dumps(one)) + "\n" for one in records), "utf-8")
    return of_file(path, target=target, noise=noise)


def built(folder: Path, *records: Any, target: str | None = None, noise: float | None = None, **rules: Any) -> Built:
    found = scored(folder, *records, target=target, noise=noise)
    return build(found.prompts, Rules(**rules), noise=found.noise)


def keys(found: Built) -> list[tuple[str, str, float]]:
    return [(one.chosen.key, one.rejected.key, one.gap) for one in found.pairs]


@pytest.mark.parametrize(
    ("mode", "weights", "chosen"),
    [("semantic", (1, 1), ("a", "c", 4.0)), ("paralinguistic", (1, 1), ("c", "b", 3.0)),
     ("sum", (9, 1), ("a", "b", 4.0)),
     ("weighted", (0.5, 2), ("c", "b", 5.5)), ("weighted", (1, 0), ("a", "c", 4.0))],
)  # fmt: skip
def test_best_against_worst_in_each_mode(
    tmp_path: Path, mode: str, weights: tuple[float, float], chosen: tuple[str, str, float]
) -> None:
    """Sums 7, 3, 5; weighted by .5 and 2: 6.5, 3, 8.5. Only mode weighted looks at the weights."""
    outputs = output("a", 5, 2), output("b", 2, 1), output("c", 1, 4)
    assert keys(built(tmp_path, record(*outputs), mode=mode, weights=weights)) == [chosen]


# The mistakes of the reference's builder.


def test_a_gap_of_nan_does_not_pass(tmp_path: Path) -> None:
    """`NaN < 1.0` is false, so the reference keeps the pair."""
    found = scored(tmp_path, record(output("a", float("nan")), output("b", 2)))
    done = build(found.prompts, Rules())
    assert not done.pairs and done.left_out == {"what stands as a score is none (see the notes)": 1}
    assert "output 'a', semantic_score: got nan, expected a number from 1 to 5" in found.notes[0]
    assert f"{tmp_path / 'scored.jsonl'}, line 1" in found.notes[0]


@pytest.mark.parametrize("value", [True, "4", [4], 0, 6, float("inf")])
def test_what_is_no_score_is_none(tmp_path: Path, value: Any) -> None:
    """The reference takes True for 1: isinstance(True, int). A score off the scale is no high score either."""
    found = scored(tmp_path, record(output("a", value), output("b", 5), output("c", 3)))
    assert keys(build(found.prompts, Rules())) == [("b", "c", 2.0)] and len(found.notes) == 1


def test_mode_semantic_needs_no_other_score(tmp_path: Path) -> None:
    """The reference drops a candidate that lacks the acoustic score even where that is not looked at."""
    outputs = output("a", 5), output("b", 1, True)
    assert keys(built(tmp_path, record(*outputs))) == [("a", "b", 4.0)]
    assert built(tmp_path, record(*outputs), mode="sum").dropped == {"fewer than two answers that can be used": 1}


def test_equal_scores_are_no_pair_even_without_a_least_gap(tmp_path: Path) -> None:
    assert built(tmp_path, record(output("a", 3), output("b", 3)), min_gap=0).dropped == {"both have the same score": 1}


def test_among_equals_neither_the_order_nor_a_name_decides(tmp_path: Path) -> None:
    """The reference takes the first of the dict, so that one candidate wins every tie."""
    won = set()
    for number in range(40):
        one, other = output("a", 5), output("b", 5)
        low = output("c", 1)
        there = keys(built(tmp_path, record(one, other, low, id=str(number))))
        back = keys(built(tmp_path, record(low, other, one, id=str(number))))
        assert there == back
        won.add(there[0][0])
    assert won == {"a", "b"}


def test_empty_outputs_are_never_chosen_nor_rejected(tmp_path: Path) -> None:
    outputs = output("a", 5, text=" \n"), output("b", 4), output("c", 2), {**output("d", 1), "output-audio": None}
    found = built(
        tmp_path, record(*outputs[:3], output={"a": outputs[0], "b": outputs[1], "c": outputs[2], "d": outputs[3]})
    )
    assert keys(found) == [("b", "c", 2.0)] and found.left_out == {"no text": 1, "no recording": 1}


def test_the_same_words_are_no_pair(tmp_path: Path) -> None:
    found = built(tmp_path, record(output("a", 5, text="Yes, I do."), output("b", 1, text="yes,  I do.\n")))
    assert not found.pairs and found.dropped == {"the same words": 1}


def test_the_gap_is_that_of_the_demonstration_where_it_is_chosen(tmp_path: Path) -> None:
    """The reference filters by best minus worst output, of which neither need be the chosen one."""
    demo = {"sft_target_text": "Answer of t.", "sft_target_audio": "demo.wav"}
    asked: dict[str, Any] = {"chosen": "sft_target", "target": "t"}
    wide = record(output("a", 5), output("b", 2), output("t", 2.5), **demo)
    assert built(tmp_path, wide, **asked).dropped == {"a gap below 1": 1}
    narrow = record(output("a", 2.5), output("b", 2), output("t", 5), **demo)
    (pair,) = built(tmp_path, narrow, **asked).pairs
    assert (pair.chosen.key, pair.rejected.key, pair.gap) == ("sft_target", "b", 3.0)
    assert (pair.best_score, pair.worst_score) == (2.5, 2.0) and pair.chosen.audio == tmp_path / "demo.wav"
    worse = record(output("a", 5), output("b", 4), output("t", 1), **demo)
    assert built(tmp_path, worse, **asked).dropped == {"the demonstration scores below the worst answer": 1}
    unscored = record(output("a", 5), output("b", 4), output("t"), **demo)
    assert built(tmp_path, unscored, **asked).dropped == {"the demonstration has no score": 1}


def test_the_score_of_other_words_is_not_the_demonstrations(tmp_path: Path) -> None:
    one = record(output("a", 2), output("t", 5), sft_target_text="Quite another answer.")
    with pytest.raises(InputError, match="whose words are not sft_target_text"):
        scored(tmp_path, one, target="t")


# Gap, margin, top-k.


def test_the_least_gap_is_included_and_rounding_does_not_lose_it(tmp_path: Path) -> None:
    assert keys(built(tmp_path, record(output("a", 4.1), output("b", 3.1)))) == [("a", "b", 1.0)]
    assert 4.1 - 3.1 < 1


def test_the_margin_is_in_standard_errors_of_a_gap(tmp_path: Path) -> None:
    """sd .5, one repeat each: a gap has the standard error .5 sqrt 2 = .707; 2 of them are 1.41."""
    near, far = record(output("a", 4), output("b", 2.6)), record(output("a", 4), output("b", 2.5), id="2")
    found = built(tmp_path, near, far, noise=0.5, margin=2)
    assert [one.prompt.id for one in found.pairs] == ["2"]
    assert found.dropped == {"a gap below 2 standard errors of the judge's noise": 1}
    with pytest.raises(InputError, match="nothing is known of the judge's noise"):
        built(tmp_path, near, margin=2)


def test_the_largest_gaps_are_kept_and_the_others_counted(tmp_path: Path) -> None:
    records = [record(output("a", 1 + gap), output("b", 1), id=str(gap)) for gap in (1, 4, 2, 3)]
    found = built(tmp_path, *records, top_k=2)
    assert [one.prompt.id for one in found.pairs] == ["4", "3"]
    assert found.dropped == {"not among the 2 largest gaps": 2} and found.prompts == 4


@pytest.mark.parametrize(
    "rules",
    [{"mode": "holistic"}, {"chosen": "best"}, {"min_gap": float("nan")}, {"min_gap": True}, {"margin": -1},
     {"top_k": 0}, {"top_k": True}, {"weights": (0, 0)}, {"weights": (1, float("inf"))}],
)  # fmt: skip
def test_rules_that_cannot_be(rules: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="expected"):
        Rules(**rules)


# Files.


def test_a_pair_is_written_in_the_papers_schema_with_its_recordings_checked(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"{name}.wav").write_bytes(wav(0.1, seed=ord(name)))
    found = scored(tmp_path, record(output("a", 5, 3), output("b", 2, 4), signatures={"semantic_score": "j|1"}))
    rules = Rules()
    done = build(found.prompts, rules, unplayable=unplayable)
    out = tmp_path / "deep" / "pairs.jsonl"
    assert write(done.pairs, out, rules, found.signatures) == 1
    assert json.loads(out.read_text("utf-8")) == {
        "messages": [{"role": "user", "content": "<|audio|>"}], "audios": ["../q.wav"], "question_text": "Why?",
        "id": "1", "source_dataset": "", "task_type": "s2s",
        "sft_target_text": "Answer of a.", "sft_target_audio": "../a.wav",
        "rejected_text": "Answer of b.", "rejected_audio": "../b.wav", "chosen_key": "a", "rejected_key": "b",
        "chosen_score": 5.0, "rejected_score": 2.0, "score_gap": 3.0, "best_output_score": 5.0,
        "worst_output_score": 2.0, "output_score_gap": 3.0, "orig_sft_target_text": None,
        "orig_sft_target_audio": None, "pair_mode": "semantic", "pair_chosen": "best_output",
        "signatures": {"semantic": "j|1"},
    }  # fmt: skip
    (tmp_path / "a.wav").write_bytes(b"")
    assert build(found.prompts, rules, unplayable=unplayable).dropped == {
        "a recording that cannot be used: no_speech": 1
    }
    (tmp_path / "a.wav").unlink()
    assert build(found.prompts, rules, unplayable=unplayable).dropped == {"a recording that is not there": 1}


def test_bad_lines_are_set_aside_and_the_good_ones_stand(tmp_path: Path) -> None:
    good = record(output("a", 5), output("b", 2))
    found = scored(tmp_path, "{", "[]", {"id": "2"}, record({**output("a", 5)}, output={"a": 3}), "", good)
    assert len(found.prompts) == 1 and len(found.notes) == 4
    assert [note.split(": ")[0][-1] for note in found.notes] == ["1", "2", "3", "4"]
    with pytest.raises(InputError, match="got no scored candidates"):
        scored(tmp_path, "{", "[]")
    with pytest.raises(InputError, match="cannot be read"):
        of_file(tmp_path / "none.jsonl")
    with pytest.raises(InputError, match="expected a standard deviation"):
        of_file(tmp_path / "scored.jsonl", noise=-1)


def test_scores_of_two_judges_in_one_file_are_refused(tmp_path: Path) -> None:
    one, other = (record(output("a", 5), output("b", 2), signatures={"semantic_score": name}) for name in ("j", "k"))
    with pytest.raises(InputError, match="got semantic_score by k beside j"):
        scored(tmp_path, one, other)


# Run folders.


def run(folder: Path, scores: dict[tuple[str, str, int], tuple[float, float]], *, cached: bool = False,
        signature: str = "j|semantic", axes: tuple[str, str] = ("semantic", "acoustic")) -> Path:  # fmt: skip
    """A run with scores by (item, candidate, repeat)."""
    path, made = folder / "run", set()
    with RunFolder(path, write=True) as out:
        now = "2026-01-01T00:00:00Z"
        out.write_manifest(RunManifest.model_validate({"wavjudge_version": "0", "created": now, "updated": now}))
        for (item, candidate, repeat), (semantic, acoustic) in scores.items():
            if item not in made:
                out.log("items").append_now(Item(benchmark="b", id=item, turns=(Utterance(text="Why?"),)))
            if (item, candidate) not in made:
                data = wav(0.1, seed=hash((item, candidate)))
                sha = f"{len(made):064x}"
                ref = AudioRef(path=out.add_audio(data, sha, ".wav"), sha256=sha, seconds=0.1, sample_rate_hz=16_000)
                said = Utterance(text=f"Answer of {candidate}.", audio=ref)
                out.log("responses").append_now(
                    Response(benchmark="b", item_id=item, candidate=candidate, answers=(said,))
                )
            made |= {item, (item, candidate)}
            subject = Subject(benchmark="b", item_id=item, candidate=candidate)
            for axis, score in zip(axes, (semantic, acoustic), strict=True):
                out.log("ratings").append_now(Rating(
                    subject=subject, axis=axis, scale=Scale(low=1, high=5), rater="j", rater_kind="model", score=score,
                    status="ok", signature=signature if axis == "semantic" else "j|acoustic", repeat=repeat,
                    call=Call(id=f"{item}{candidate}{repeat}", cached=cached and repeat > 0),
                ))  # fmt: skip
    return path


SCORES = {("1", "a", 0): (5, 1), ("1", "a", 1): (4, 1), ("1", "b", 0): (2, 1), ("1", "b", 1): (1, 1),
          ("2", "a", 0): (3, 1), ("2", "a", 1): (3, 1), ("2", "b", 0): (1, 1), ("2", "b", 1): (1, 1)}  # fmt: skip


def test_a_run_gives_its_means_its_judges_and_their_noise(tmp_path: Path) -> None:
    """Repeats: (5,4), (2,1), (3,3), (1,1): squares .5 + .5 in 4 degrees of freedom, sd = .5."""
    found = of_run(run(tmp_path, SCORES), Rules())
    assert found.signatures == {"semantic": "j|semantic", "acoustic": "j|acoustic"} and not found.notes
    assert found.noise.sd == pytest.approx(0.5)
    done = build(found.prompts, Rules(margin=2), noise=found.noise, unplayable=unplayable)
    assert keys(done) == [("a/0", "b/0", 3.0), ("a/0", "b/0", 2.0)]
    assert found.noise.of_gap(done.pairs[0].prompt, done.pairs[0].chosen, done.pairs[0].rejected) == pytest.approx(0.5)
    assert all(one.chosen.audio is not None and one.chosen.audio.is_file() for one in done.pairs)


def test_one_score_of_the_whole_answer_orders_pairs_too(tmp_path: Path) -> None:
    """overall is the default axis of a reward, and the only one that its runs may have."""
    whole = run(tmp_path, SCORES, axes=("overall", "naturalness"))
    rules = Rules("overall", margin=2)
    found = of_run(whole, rules)
    assert found.signatures == {"overall": "j|acoustic"} and found.noise.sd == pytest.approx(0.5)
    done = build(found.prompts, rules, noise=found.noise)
    assert keys(done) == [("a/0", "b/0", 3.0), ("a/0", "b/0", 2.0)]
    write(done.pairs, tmp_path / "p.jsonl", rules, found.signatures)
    assert json.loads((tmp_path / "p.jsonl").read_text("utf-8").split("\n")[0])["pair_mode"] == "overall"


@pytest.mark.parametrize(
    ("axes", "mode", "todo"),
    [(("overall", "naturalness"), "semantic", "use --mode overall"),
     (("overall", "acoustic"), "semantic", "use --mode paralinguistic"),
     (("semantic", "acoustic"), "overall", "use --mode sum"), (("wer", "naturalness"), "overall", "score the run")],
)  # fmt: skip
def test_a_run_without_the_axis_of_the_mode_names_a_mode_that_it_has(
    tmp_path: Path, axes: tuple[str, str], mode: Any, todo: str
) -> None:
    with pytest.raises(
        InputError, match=rf"which mode {mode} orders by; scored are {', '.join(sorted(axes))}"
    ) as error:
        of_run(run(tmp_path, SCORES, axes=axes), Rules(mode))
    assert todo in error.value.todo


def test_repeats_from_the_cache_are_no_repeats(tmp_path: Path) -> None:
    assert of_run(run(tmp_path, SCORES, cached=True), Rules()).noise == Noise()


def test_a_run_of_mixed_signatures_is_refused(tmp_path: Path) -> None:
    path = run(tmp_path, SCORES)
    run(tmp_path, {("1", "a", 2): (3, 3)}, signature="j|another")
    with pytest.raises(InputError, match=r"got 2 signatures on semantic: j\|another; j\|semantic, expected one"):
        of_run(path, Rules())


def test_the_demonstrations_of_a_run_are_one_candidates_answers(tmp_path: Path) -> None:
    path = run(tmp_path, {**SCORES, ("1", "demo", 0): (5, 5), ("2", "demo", 0): (1, 1)})
    rules = Rules(chosen="sft_target")
    done = build(of_run(path, rules, target="demo").prompts, rules)
    assert keys(done) == [("demo/0", "b/0", 3.5)] and done.dropped == {"both have the same score": 1}
    alone = build(of_run(path, rules, target="demo", candidates=["a"]).prompts, rules)
    assert alone.answers == 2
    for wrong in ({"target": "nobody"}, {"candidates": ["a", "nobody"]}):
        with pytest.raises(InputError, match="got the candidate nobody, expected some of a, b, demo"):
            of_run(path, rules, **wrong)  # type: ignore[arg-type]


def test_prompts_made_by_hand() -> None:
    """Unequal lists cannot be: an answer carries its own scores."""
    outputs = tuple(Output(key, key, Path(key), {"semantic": score}) for key, score in (("a", 4.0), ("b", 2.0)))
    assert keys(build([Prompt("d", "1", {}, outputs)], Rules())) == [("a", "b", 2.0)]
