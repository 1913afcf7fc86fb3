"""What a model worker that is killed under load costs, and how soon requests are answered again.

Two model workers share the load, and one is killed. At most the requests that it held may fail, each with a 503 that
says when to come again.
"""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

from affectgpt.serving.application import BATCHES_HELD
from benchmarks.figures import show
from benchmarks.serving.asking import Reply, Upload, ask_all, upload
from benchmarks.serving.service import Service, served

WORKERS = 2
BATCH_SIZE = 8
HELD = BATCHES_HELD * BATCH_SIZE
CONCURRENCY = 32
REQUESTS = 256
TOKENS = 64
AGAIN_WITHIN_S = 10.0
SUBTITLE = "The cake is delicious, thank you so much!"


def run(model: Path, clips: list[Path], requests: int | None) -> bool:
    """Kill one and see what it costs; whether that is little enough."""
    settings = {
        "generation.max_tokens": TOKENS,
        "model_workers.batch_size": BATCH_SIZE,
        "model_workers.replicas.least": WORKERS,
        "model_workers.replicas.most": WORKERS,
    }
    wanted = [upload(clips[number % len(clips)], subtitle=SUBTITLE) for number in range(requests or REQUESTS)]
    with served(model, settings) as service:
        asyncio.run(ask_all(service.url, wanted[:CONCURRENCY], CONCURRENCY))
        killed_at, replies = asyncio.run(_scene(service, wanted))
    return _judge(killed_at, replies)


async def _scene(service: Service, wanted: Sequence[Upload]) -> tuple[float, list[Reply]]:
    """Kill a model worker when a third of the requests have been answered."""
    replies: list[Reply] = []
    asked = asyncio.create_task(ask_all(service.url, wanted, CONCURRENCY, replies))
    while len(replies) < len(wanted) // 3:
        await asyncio.sleep(0.01)
    victim: psutil.Process = service.processes()["model worker"][0]
    victim.kill()
    killed_at = time.perf_counter()
    await asked
    return killed_at, replies


def _judge(killed_at: float, replies: Sequence[Reply]) -> bool:
    failed = [reply for reply in replies if reply.status != 200]
    well_told = [reply for reply in failed if reply.status == 503 and "retry-after" in reply.headers]
    held = sum(reply.began < killed_at < reply.ended for reply in replies)
    again_s = min(
        (reply.ended - killed_at for reply in replies if reply.status == 200 and reply.began > killed_at),
        default=float("inf"),
    )
    slowest_s = max(reply.seconds for reply in replies)
    print(f"{len(replies)} requests, {held} of them waiting when it was killed, {len(failed)} failed")
    print(f"the slowest answer took {slowest_s:.1f} s")
    show("serving, a lost model worker: requests that failed", len(failed), "", at_most=HELD)
    show(
        "serving, a lost model worker: failures that are no 503 with Retry-After",
        len(failed) - len(well_told),
        "",
        at_most=0,
    )
    show("serving, a lost model worker: until a new request is answered", again_s, "s", at_most=AGAIN_WITHIN_S)
    return len(failed) <= HELD and len(failed) == len(well_told) and again_s <= AGAIN_WITHIN_S
