"""A server on 127.0.0.1 that speaks chat completions, generateContent and OpenAI's speech endpoints, hears the audio,
answers aloud where that is wanted, and can fail in every way.

In a test:     with Loopback(plan=["rate_limited", None]) as server: OpenAIWire(base_url=server.openai_url)
In a process:  python -m tests.loopback --port 0 --seed 7 --fault rate_limited=0.3 --fault disconnect=0.05

A request that no fault meets is answered with the tags its prompt asks for; a score is a function of the audio's
sha256, the tag and the seed. Faults are named: the cases of tests/replies/{openai,gemini}*.jsonl, and
the deliveries of `faults.py`.
"""

from tests.loopback import spoken
from tests.loopback.faults import DELIVERIES, WORD, Case, cases, chances
from tests.loopback.server import Loopback, Received, Server, swapped
from tests.loopback.verdict import score, wav

__all__ = [
    "DELIVERIES", "WORD", "Case", "Loopback", "Received", "Server", "cases", "chances", "score", "spoken",
    "swapped", "wav",
]  # fmt: skip
