"""What the reward server says of itself: its description, for machines and for people, and the bodies of results."""

from __future__ import annotations

import json

from tests.loopback import Loopback
from tests.rewards.sounds import item
from tests.rewards.test_server import asked, judge, reward
from tests.test_docs import page
from wavjudge.rewards.combine import Reward
from wavjudge.rewards.judge_reward import Judged
from wavjudge.rewards.server import ResultOut, RewardServer, routes_table

__all__ = ["judge"]


def test_the_description_names_every_route_and_every_body(judge: Loopback) -> None:
    with reward(judge) as core:
        server = RewardServer(core)
        _, told = asked(server, "/openapi.json")
        assert asked(server, "/")[1] == told
        assert asked(server, "/nowhere")[0] == 404
    assert set(told["paths"]) == {"/score", "/get_reward", "/verify", "/health"}
    named = set(told["components"]["schemas"])
    used = {part.split('"')[0] for part in json.dumps(told).split("#/components/schemas/")[1:]}
    assert used <= named and {"ScoreIn", "ItemIn", "ErrorOut"} <= used
    health = told["paths"]["/health"]["get"]["responses"]
    assert "401" in health and "413" not in health, "it has no body"
    assert told["components"]["schemas"]["ItemIn"]["properties"]["answer_audio"]["description"].startswith("base64 of")


def test_the_table_of_routes_is_that_of_the_code() -> None:
    assert routes_table() in page("rewards.md"), "print wavjudge.rewards.server.routes_table() and paste it"


def test_the_axes_of_a_result_are_means_of_repeats(judge: Loopback) -> None:
    """Of three repeats the last fails: the reward is the mean of two, and so is its axis."""
    judge.plan = lambda number: None if number == 0 else "bad_request"
    with reward(judge) as core:
        (rating,), (failed,) = (core.score_now([item(n)])[0].ratings for n in (1, 2))
    ratings = (*(rating.model_copy(update={"score": score}) for score in (4.0, 5.0)), failed)
    assert ResultOut.of(Judged(Reward(4.5), ratings)).axes == {"overall": 4.5}
    assert ResultOut.of(Judged(Reward(None, "failed", "no"), (failed,))).axes == {"overall": None}
