"""The peer: the openai SDK as its documentation shows it, with the care that a good script takes.

64 calls at once by a semaphore, the body built inside it, a regular expression for the score, results in a list. It
writes nothing to disk, keeps no prompt, hash or reason, and has no limits but the semaphore.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
from pathlib import Path
from typing import Any

from openai import AsyncOpenAI, DefaultAioHttpClient

from studies.speed.child import Watch

AT_ONCE = 64
WARM_UP = 16


def measure(task: dict[str, Any]) -> dict[str, float]:
    return asyncio.run(_measure(task))


async def _measure(task: dict[str, Any]) -> dict[str, float]:
    client = AsyncOpenAI(
        base_url=f"{task['url']}/v1", api_key="none", http_client=DefaultAioHttpClient() if task["aiohttp"] else None
    )
    async with client:
        await _judge(client, task, WARM_UP)
        watch = Watch()
        scores = await _judge(client, task, None)
        return {**watch.figures(len(scores)), "score_sum": sum(scores)}


async def _judge(client: AsyncOpenAI, task: dict[str, Any], count: int | None) -> list[float]:
    path, semaphore = Path(task["answers"]), asyncio.Semaphore(AT_ONCE)
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()[:count]]

    async def one(row: dict[str, str]) -> float:
        async with semaphore:
            data = base64.b64encode((path.parent / row["audio"]).read_bytes()).decode()
            return await _ask(client, task, row, data)

    return list(await asyncio.gather(*(one(row) for row in rows)))


async def _ask(client: AsyncOpenAI, task: dict[str, Any], row: dict[str, str], data: str) -> float:
    completion = await client.chat.completions.create(
        model=task["model"],
        messages=[
            {"role": "system", "content": task["instructions"]},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": f"Question: {row['question_text']}\nAnswer: {row['text']}"},
                    {"type": "input_audio", "input_audio": {"data": data, "format": "wav"}},
                ],
            },
        ],
    )
    found = re.search(r"<score>\s*([\d.]+)\s*</score>", completion.choices[0].message.content or "")
    assert found is not None
    return float(found[1])
