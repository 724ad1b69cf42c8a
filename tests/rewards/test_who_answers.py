"""A reward is paid for verdicts of the calibrated model and for no other's, on every way to a trainer."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.cli.typed import typed
from tests.loopback import Loopback, swapped
from tests.rewards.adapters import tiny
from tests.rewards.monitor.test_watch import theirs, watching
from tests.rewards.sounds import item
from tests.rewards.test_gate import DEAF, HEARS, made
from tests.rewards.test_server import serving
from wavjudge.errors import InputError, ModelChangedError
from wavjudge.reporting.calibration_files import CalibrationFile
from wavjudge.rewards.adapters import verl
from wavjudge.rewards.adapters.openrlhf import reward_func
from wavjudge.rewards.adapters.options import built
from wavjudge.rewards.adapters.swift import orm
from wavjudge.rewards.adapters.trl import TRLReward
from wavjudge.rewards.combine import Policy
from wavjudge.rewards.gate import CalibrationGate
from wavjudge.rewards.judge_reward import JudgeReward
from wavjudge.rewards.server import RewardServer
from wavjudge.signature import resolved, resolved_model
from wavjudge.store.run_folder import RunFolder

AT = 2
ONE = {"semantic": 1.0}
TWO = {"semantic": 0.7, "acoustic": 0.3}


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback(model=swapped("m-1", "m-2", AT)) as running:
        yield running


@pytest.fixture(scope="module")
def made_file() -> CalibrationFile:
    return made(axes=("semantic", "acoustic"))


def spec(server: Loopback) -> str:
    return f"openai:m?base_url={server.openai_url}&attempts=1&max_in_flight=1"


def reward(server: Loopback, weights: Any = ONE, **more: Any) -> JudgeReward:
    return JudgeReward(spec(server), weights, **{"guards": None, "cache": False, **more})


def of(server: Loopback, made_file: CalibrationFile, **models: str | None) -> CalibrationFile:
    """The calibration of the judge behind the server, as answered by this model on each axis."""
    with reward(server, TWO) as judge:
        signed = judge.signatures
    text = made_file.model_dump_json()
    for axis, old in (("semantic", HEARS), ("acoustic", DEAF)):
        text = text.replace(old, resolved(signed[axis], models.get(axis, "m-1")))
    return CalibrationFile.model_validate_json(text)


@pytest.fixture
def path(server: Loopback, made_file: CalibrationFile, tmp_path: Path) -> Path:
    found = tmp_path / "calibration.json"
    found.write_text(of(server, made_file).model_dump_json(), encoding="utf-8")
    return found


def one_by_one(judge: JudgeReward, count: int) -> list[str]:
    """What becomes of rollouts that are asked for one after the other."""
    found = []
    for number in range(count):
        try:
            (one,) = judge.score_now([item(number)])
            found.append(one.reward.status if one.score is None else "paid")
        except ModelChangedError:
            found.append("stopped")
    return found


def test_the_first_foreign_reply_is_no_reward_and_the_last_that_is_paid(
    server: Loopback, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with reward(server, calibration=path) as judge:
        assert one_by_one(judge, 6) == ["paid"] * AT + ["stopped"] * 4
        assert judge.who.others == {"openai:m: 'm-2'": 1}
    assert server.requests == AT + 1
    assert "openai:m: a reply came from 'm-2', and the calibration is of verdicts from 'm-1'" in caplog.text


def test_a_stated_number_of_them_has_a_status_of_its_own(server: Loopback, path: Path, tmp_path: Path) -> None:
    with reward(server, calibration=path, foreign_replies=3, log=tmp_path / "log") as judge:
        assert one_by_one(judge, 6) == ["paid"] * AT + ["other_model"] * 2 + ["stopped"] * 2
    assert server.requests == AT + 3
    with RunFolder(tmp_path / "log") as log:
        told = [response.details["reward_status"] for response in log.responses()]
        models = [resolved_model(rating.signature) for rating in log.ratings()]
    assert told == ["ok"] * AT + ["other_model"] * 3 and models == ["m-1"] * AT + ["m-2"] * 3


def test_in_one_batch_what_waits_is_not_sent_and_what_came_is_kept(
    server: Loopback, path: Path, tmp_path: Path
) -> None:
    said = "another model answers under the name openai:m"
    with reward(server, calibration=path, log=tmp_path / "log") as judge, pytest.raises(ModelChangedError, match=said):
        judge.score_now([item(number) for number in range(8)])
    assert server.requests == AT + 1
    with RunFolder(tmp_path / "log") as log:
        scored = [resolved_model(one.signature) for one in log.ratings() if one.status == "ok"]
        assert sorted(map(str, scored)) == ["m-1"] * AT + ["m-2"]


def test_a_calibration_of_another_model_pays_nothing_from_the_first_reply_on(server: Loopback, path: Path) -> None:
    server.model = "m-2"
    with reward(server, calibration=path) as judge:
        assert one_by_one(judge, 3) == ["stopped"] * 3
    assert server.requests == 1


@pytest.mark.parametrize(
    ("calibrated", "answers", "is_paid"),
    [("m", "m", True), (None, None, True), ("m-1", "M-1", True), ("models/m-1", "m-1", True), ("m", "m-1", False),
     ("m-1", "m", False), ("m-1", None, False), (None, "m", False), (None, "m-1", False), ("m", None, False),
     ("m-1", "", False), ("m-1", "acme/m-1", False), ("m-2026-05-01", "m-2026-06-01", False)],
)  # fmt: skip
def test_what_says_less_is_never_taken_for_what_says_more(
    server: Loopback, made_file: CalibrationFile, calibrated: str | None, answers: str | None, is_paid: bool
) -> None:
    server.model = answers
    with reward(server, calibration=CalibrationGate(of(server, made_file, semantic=calibrated))) as judge:
        assert one_by_one(judge, 1) == ["paid" if is_paid else "stopped"]


def test_a_foreign_verdict_never_becomes_the_constant_of_a_policy(server: Loopback, path: Path) -> None:
    with reward(server, calibration=path, foreign_replies=9, policy=Policy("constant", 2.5)) as judge:
        assert one_by_one(judge, 4) == ["paid"] * AT + ["other_model"] * 2


def test_repeats_by_two_models_make_no_mean(server: Loopback, path: Path) -> None:
    server.model = swapped("m-1", "m-2", 1)
    for more in ({"calibration": path}, {}, {"on_model_change": "mark"}):
        server.model = swapped("m-1", "m-2", server.requests + 1)
        with reward(server, repeats=2, foreign_replies=9, **more) as judge:
            (found,) = judge.score_now([item(1)])
        assert (found.score, found.reward.status) == (None, "other_model")
        assert "semantic: repeats by m-1 and m-2 are no mean" in (found.reward.reason or "")


def test_the_axis_that_is_down_weighted_is_held_to_its_model_too(server: Loopback, made_file: CalibrationFile) -> None:
    server.model = swapped("m-1", "m-2", 1)  # of two calls for one answer the second is another model's
    obeyed = CalibrationGate(of(server, made_file), below="down-weight", factor=0.5)
    with reward(server, TWO, calibration=obeyed, foreign_replies=9) as judge:
        (found,) = judge.score_now([item(1)])
    assert (found.score, found.reward.status) == (None, "other_model") and server.requests == 2
    server.model = swapped("m-1", "m-2", server.requests + 1)
    with reward(server, TWO, calibration=CalibrationGate(of(server, made_file), below="down-weight")) as judge:
        assert one_by_one(judge, 2) == ["paid", "stopped"], "an axis that is left out is asked of nobody"


def test_a_calibration_of_two_models_for_one_plan_names_both(server: Loopback, made_file: CalibrationFile) -> None:
    first, second = (of(server, made_file, semantic=model) for model in ("m-1", "m-2"))
    both = first.model_copy(update={"rows": (*first.rows, *second.rows), "maps": (*first.maps, *second.maps)})
    with pytest.raises(InputError, match=r"got a calibration of 2 models .*is:m-1; .*is:m-2"):
        reward(server, calibration=CalibrationGate(both))
    assert server.requests == 0


def test_axes_that_were_calibrated_by_two_models_cannot_make_one_reward(
    server: Loopback, made_file: CalibrationFile, tmp_path: Path
) -> None:
    file = of(server, made_file, acoustic="m-2")
    for _ in range(2):  # the folder of the trace is let go of
        with pytest.raises(InputError, match="by m-1 on one axis and by m-2 on another"):
            reward(
                server, TWO, calibration=CalibrationGate(file, below="down-weight", factor=0.5), log=tmp_path / "log"
            )


def test_a_calibration_cannot_only_be_marked(server: Loopback, path: Path) -> None:
    with pytest.raises(InputError, match="which is of one model alone"):
        reward(server, calibration=path, on_model_change="mark")
    with pytest.raises(InputError, match="got on_model_change='go'"):
        reward(server, on_model_change="go")


def test_without_a_calibration_the_first_reply_decides(server: Loopback, tmp_path: Path) -> None:
    with reward(server, log=tmp_path / "log") as judge:
        assert judge.who.told == {"semantic": "not known before the first reply"}
        assert one_by_one(judge, 4) == ["paid"] * AT + ["stopped"] * 2
        assert judge.who.told == {"semantic": "verified: m-1"}
    with reward(server, log=tmp_path / "log") as judge:  # a training that goes on with its trace
        assert one_by_one(judge, 1) == ["stopped"]
    with reward(server, on_model_change="mark") as judge:
        assert one_by_one(judge, 2) == ["paid"] * 2


def test_cached_replies_are_held_to_it_too(server: Loopback, path: Path) -> None:
    server.model = "m-2"
    with reward(server, cache=True) as judge:
        assert one_by_one(judge, 2) == ["paid"] * 2
    with reward(server, cache=True, calibration=path) as judge:
        assert one_by_one(judge, 2) == ["stopped"] * 2
    assert server.requests == 2


def test_over_http(server: Loopback, path: Path) -> None:
    async def asked(most: int) -> list[Any]:
        with reward(server, calibration=path, foreign_replies=most) as judge:
            found = []
            async with serving(RewardServer(judge)) as ask:
                for number in range(AT + 2):
                    found.append(await ask("/score", {"items": [tiny_item(number)]}))
                found.append(await ask("/health"))
            return found

    *paid, first, second, health = asyncio.run(asked(1))
    assert [code for code, _ in paid] == [200] * AT and server.requests == AT + 1
    assert (first[0], first[1]["error"]) == (503, "ModelChangedError")
    assert second[0] == 503 and "another model answers under the name openai:m" in second[1]["message"]
    assert health[1]["other_models"] == {"openai:m: 'm-2'": 1} and health[1]["identity"] == {
        "semantic": "verified: m-1"
    }
    server.model = swapped("m-1", "m-2", server.requests + AT)
    *paid, first, second, health = asyncio.run(asked(9))
    assert [reply["results"][0]["status"] for _, reply in (*paid, first)] == ["ok"] * AT + ["other_model"]
    assert first[1]["results"][0]["reward"] is None and health[1]["answers"] == {"ok": AT, "other_model": 2}


def test_over_http_what_the_calibrated_model_rated_of_a_batch_is_paid(server: Loopback, path: Path) -> None:
    async def asked() -> tuple[int, Any]:
        with reward(server, calibration=path, policy=Policy("constant", 2.5)) as judge:
            async with serving(RewardServer(judge)) as ask:
                return await ask("/score", {"items": [tiny_item(number) for number in range(6)]})

    code, body = asyncio.run(asked())
    found = [one["status"] for one in body["results"]]
    assert code == 200 and server.requests == AT + 1
    assert sorted(found) == sorted(["ok"] * AT + ["other_model"] + ["failed"] * 3)
    assert all((one["reward"] is not None) == (one["status"] == "ok") for one in body["results"])


def tiny_item(number: int) -> dict[str, Any]:
    import base64

    from wavjudge.rewards.item import as_file

    sound = item(number).answer_audio
    assert sound is not None
    data = base64.b64encode(as_file(sound, where="x")).decode()
    return {"answer_audio": data, "answer_text": "So.", "question_text": "Why?"}


def test_the_command_says_who_is_calibrated_and_whether_that_is_verified(
    server: Loopback, made_file: CalibrationFile, path: Path
) -> None:
    found = typed("rewards", "check", path)
    assert "not verified" not in found.out
    path.write_text(of(server, made_file, semantic="m", acoustic="m").model_dump_json(), encoding="utf-8")
    found = typed("rewards", "check", path)
    assert "identity not verified: the server repeats the name" in " ".join(found.out.split())
    assert all(
        one["identity"].startswith("identity not verified") for one in typed("rewards", "check", path, "--json").json
    )


ADAPTED = ("trl", "swift", "openrlhf", "verl")


@pytest.mark.parametrize("trainer", ADAPTED)
def test_no_trainer_is_given_a_foreign_reward(
    server: Loopback, path: Path, trainer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"judges": [spec(server)], "weights": ONE, "guards": [], "cache": False, "calibration": str(path)}
    judge = built(options)
    ask = _asking(trainer, judge, options, monkeypatch)
    try:
        for number in range(AT):
            assert 1 <= ask(number) <= 5
        for number in range(AT, AT + 3):
            with pytest.raises(ModelChangedError):
                ask(number)
        assert server.requests == AT + 1
    finally:
        judge.close()


def _asking(trainer: str, judge: JudgeReward, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Any:
    """One answer, asked for as this trainer does."""
    ids = lambda number: [tiny.FIRST_SOUND + number]  # noqa: E731
    if trainer == "trl":
        given = TRLReward(judge, tiny_columns())
        return lambda n: asyncio.run(given(["Why?"], ["So."], completion_ids=[ids(n)]))[0]
    if trainer == "swift":
        scored, asked = _orm(judge, monkeypatch)(), [[{"role": "user", "content": "Why?"}]]
        return lambda n: asyncio.run(scored(["So."], prompt_id="p", messages=asked, response_token_ids=[ids(n)]))[0]
    if trainer == "openrlhf":
        func = reward_func(judge, lambda text: tiny.speech(ids(int(text.split()[-1]))))
        return lambda n: func([f"Why? {n}"], ["Why? "], [""])["rewards"][0]
    return lambda n: asyncio.run(verl.compute_score("set", "So.", "", _info(ids(n)), **options))["score"]


def tiny_columns() -> Any:
    from wavjudge.rewards.adapters.columns import Columns

    return Columns(decode=tiny.speech)


def _info(ids: list[int]) -> dict[str, Any]:
    sound, rate = tiny.speech(ids)  # type: ignore[misc]
    return {"answer_audio": sound, "sample_rate_hz": rate, "question_text": "Why?"}


def _orm(judge: JudgeReward, monkeypatch: pytest.MonkeyPatch) -> Any:
    package, rewards = ModuleType("swift"), ModuleType("swift.rewards")
    rewards.AsyncORM = type("AsyncORM", (), {})  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "swift", package)
    monkeypatch.setitem(sys.modules, "swift.rewards", rewards)
    return orm(judge, tiny_columns())


def test_a_monitor_keeps_no_look_of_another_model(server: Loopback, path: Path, tmp_path: Path) -> None:
    server.model = "m-1"
    with reward(server, calibration=path) as ours, theirs(server) as held_out:
        watch = watching(tmp_path / "out", {"reward": ours, "held_out": held_out})
        watch.look(0, 1)
        server.model = swapped("m-1", "m-2", server.requests + 3)
        with pytest.raises(ModelChangedError):
            watch.look(10, 2)
        assert watch.monitor.steps == (0,)


def test_the_warning_comes_with_the_first_reply(server: Loopback, path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING), reward(server, calibration=path, foreign_replies=9) as judge:
        one_by_one(judge, AT)
        assert not caplog.records
        one_by_one(judge, 1)
        assert len(caplog.records) == 1
        one_by_one(judge, 2)
        assert len(caplog.records) == 1
