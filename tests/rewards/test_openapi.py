"""What the reward server says of itself: its description, for machines and for people, and the bodies of results."""

from __future__ import annotations

import json
import re

from tests.loopback import Loopback
from tests.rewards.sounds import item
from tests.rewards.test_server import asked, judge, reward
from wavjudge.rewards.combine import Reward
from wavjudge.rewards.judge_reward import Judged
from wavjudge.rewards.server import ResultOut, RewardServer

__all__ = ["judge"]


def test_the_description_names_every_route_and_the_page_escapes(judge: Loopback) -> None:
    with reward(judge) as core:
        server = RewardServer(core)
        _, told = asked(server, "/openapi.json")
        _, page = asked(server, "/")
        assert asked(server, "/nowhere")[0] == 404
    assert set(told["paths"]) == {"/score", "/get_reward", "/verify", "/health"}
    named = set(told["components"]["schemas"])
    used = {part.split('"')[0] for part in json.dumps(told).split("#/components/schemas/")[1:]}
    assert used <= named and {"ScoreIn", "ItemIn", "ErrorOut"} <= used
    assert "POST /get_reward" in page and "<script" not in page and "http" not in page.replace("openapi.json", "")


def test_the_page_says_what_each_route_takes_gives_and_refuses(judge: Loopback) -> None:
    with reward(judge) as core:
        _, page = asked(RewardServer(core), "/")
    score = page.split("POST /score")[1].split("<h2>")[0]
    assert (
        "takes <a href=#ScoreIn>ScoreIn</a> or <a href=#AudioScoreIn>AudioScoreIn</a>, gives <a href=#ScoreOut>"
        in score
    )
    assert "<td>503<td>no reward: message says why<td><a href=#ErrorOut>" in score
    health = page.split("GET /health")[1].split("<h2>")[0]
    assert "<td>401" in health and "<td>413" not in health, "it has no body"
    assert "Authorization: Bearer TOKEN" in page
    assert "<code>items</code><td>list of <a href=#ItemIn>ItemIn</a><td>needed" in page
    assert "<code>answer_audio</code><td>string or null<td><td>base64 of an audio file; null if nothing was" in page
    assert set(re.findall(r"<a href=#(\w+)>", page)) <= set(re.findall(r"<h3 id=(\w+)>", page))


def test_the_axes_of_a_result_are_means_of_repeats(judge: Loopback) -> None:
    """Of three repeats the last fails: the reward is the mean of two, and so is its axis."""
    judge.plan = lambda number: None if number == 0 else "bad_request"
    with reward(judge) as core:
        (rating,), (failed,) = (core.score_now([item(n)])[0].ratings for n in (1, 2))
    ratings = (*(rating.model_copy(update={"score": score}) for score in (4.0, 5.0)), failed)
    assert ResultOut.of(Judged(Reward(4.5), ratings)).axes == {"overall": 4.5}
    assert ResultOut.of(Judged(Reward(None, "failed", "no"), (failed,))).axes == {"overall": None}
