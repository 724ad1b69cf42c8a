"""A limit in USD does not slow a run down whose calls cost far less than they might."""

from __future__ import annotations

from pathlib import Path

from tests.cli.typed import typed
from tests.loopback import Loopback

FLASH = "audio_in=1.5,text_in=1.5,text_out=9,audio_tokens_per_second=32"
"""What gemini-3.5-flash costs; behind another address a price is not looked up."""


def test_the_bundled_test_set_is_rated_at_full_width_within_half_a_dollar(tmp_path: Path) -> None:
    with Loopback(latency_seconds=0.4) as server:
        judge = f"gemini:gemini-3.5-flash?base_url={server.gemini_url}"
        done = typed("score", "tiny", "--judge", judge, "--price", FLASH, "--max-cost", 0.5, "--out", tmp_path / "run",
                     "--json")  # fmt: skip
        assert server.requests == 273 and server.most_in_flight > 16  # the full bounds would let 11 in
    assert done.code == 0 and done.json["this_pass"]["done"] == 273
    assert 0.3 < done.json["this_pass"]["usd"] < 0.4
