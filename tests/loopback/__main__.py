"""The server in a process of its own: prints its URL and serves until it is ended. See `--help`."""

from __future__ import annotations

import argparse
import asyncio
import signal
import textwrap

from tests.loopback.faults import DELIVERIES, Plan, chances, known_cases, sequence
from tests.loopback.server import Server


def _plan(options: argparse.Namespace) -> Plan:
    if options.plan:
        return sequence(name or None for name in options.plan.split(","))
    shares = dict(fault.split("=") for fault in options.fault)
    return chances({name: float(share) for name, share in shares.items()}, options.seed)


async def _serve(options: argparse.Namespace) -> None:
    key = options.key or None
    server = Server(_plan(options), seed=options.seed, latency_seconds=options.latency, keep=0, key=key)
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    print(await server.open(options.port), flush=True)
    await ended.wait()
    await server.close()


def main() -> None:
    faults = sorted({*DELIVERIES, *known_cases("openai"), *known_cases("gemini")})
    names = textwrap.fill("faults: " + ", ".join(faults), 78, break_on_hyphens=False)
    parser = argparse.ArgumentParser(
        prog="python -m tests.loopback", description=__doc__, epilog=names,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--seed", type=int, default=0, help="of the scores and the faults")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before every reply")
    parser.add_argument("--fault", action="append", default=[], metavar="NAME=SHARE", help="such as rate_limited=0.3")
    parser.add_argument("--plan", default="", metavar="NAME,NAME,,NAME", help="faults in order; empty is a good reply")
    parser.add_argument("--key", default="", help="the only API key accepted; any if not given")
    options = parser.parse_args()
    named = {fault.split("=")[0] for fault in options.fault} | {*options.plan.split(",")} - {""}
    if unknown := named - {*faults}:
        parser.error(f"no such fault: {', '.join(sorted(unknown))}; --help lists them")
    asyncio.run(_serve(options))


if __name__ == "__main__":
    main()
