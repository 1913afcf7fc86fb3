"""Clips per second of the service under load, beside its model called in process with the same clips.

The decoding counts in both: clients send files to the service, and the model in process gets paths. It has a decoder
in a process of its own too, which reads the next batch while the model describes this one, so that neither waits for
the other; it is what a program without a service can have. On a machine with two cores both have the same two, and the
service shares them with HTTP and with its clients. Each describes on one core.
"""

import asyncio
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from statistics import median

from affectgpt.errors import ClipError
from affectgpt.inference.affectgpt import AffectGPT
from affectgpt.inference.asking import Query
from affectgpt.inference.reading import Asked, ClipReader, Read
from benchmarks.figures import show
from benchmarks.serving.asking import Upload, ask_all, clips_per_s, upload
from benchmarks.serving.service import Service, load_model, served

CONCURRENCY = 32
BATCH_SIZE = 8
TOKENS = 64
ROUNDS = 3
REQUESTS = 96
"""Of each round; one by one a quarter of them is sent."""
SUBTITLE = "The cake is delicious, thank you so much!"


def run(model: Path, clips: list[Path], requests: int | None) -> bool:
    """Measure it; whether it is enough."""
    settings = {"generation.max_tokens": TOKENS, "model_workers.batch_size": BATCH_SIZE}
    with served(model, settings) as service:
        return _measure(service, clips, requests or REQUESTS)


def _measure(service: Service, clips: list[Path], count: int) -> bool:
    alone = load_model(service.model)
    chosen = [clips[number % len(clips)] for number in range(count)]
    wanted = [upload(clip, subtitle=SUBTITLE) for clip in chosen]
    _in_service(service, wanted[:CONCURRENCY], CONCURRENCY)
    with ClipReader() as reader:
        _in_process(alone, reader, chosen[:BATCH_SIZE])
        to_bare, to_single = [], []
        for _ in range(ROUNDS):
            bare = _in_process(alone, reader, chosen)
            many = _in_service(service, wanted, CONCURRENCY)
            single = _in_service(service, wanted[: count // 4], 1)
            print(
                f"{bare:.1f} clips/s in process, {many:.1f} with {CONCURRENCY} clients, {single:.1f} with one",
                flush=True,
            )
            to_bare.append(many / bare)
            to_single.append(many / single)
    show("serving: clips per second with 32 clients, times the model in process", median(to_bare), "", at_least=0.9)
    show("serving: clips per second with 32 clients, times those with one", median(to_single), "", at_least=1.0)
    return median(to_bare) >= 0.9 and median(to_single) >= 1.0


def _in_service(service: Service, wanted: Sequence[Upload], concurrency: int) -> float:
    replies = asyncio.run(ask_all(service.url, wanted, concurrency))
    assert all(reply.status == 200 for reply in replies), {reply.status for reply in replies}
    assert all(reply.answer["tokens"]["description"] == TOKENS for reply in replies)
    return clips_per_s(replies)


def _in_process(model: AffectGPT, reader: ClipReader, clips: Sequence[Path]) -> float:
    """Describe clips batch by batch, the next one being decoded meanwhile, and say how many a second."""
    began = time.perf_counter()
    for batch in _read_ahead(model, reader, clips):
        for answer in model.answer([Query(read, max_new_tokens=TOKENS) for read in batch]):
            assert not isinstance(answer, ClipError) and answer.new_tokens == TOKENS
    return len(clips) / (time.perf_counter() - began)


def _read_ahead(model: AffectGPT, reader: ClipReader, clips: Sequence[Path]) -> Iterator[list[Read]]:
    settings = model.perception.decoding
    batches = [clips[first : first + BATCH_SIZE] for first in range(0, len(clips), BATCH_SIZE)]

    def read(batch: Sequence[Path]) -> list[Read | ClipError]:
        return reader.read([Asked(clip, SUBTITLE) for clip in batch], settings)

    with ThreadPoolExecutor(1) as thread:
        pending: Future[list[Read | ClipError]] | None = None
        for batch in [*batches, None]:
            following = None if batch is None else thread.submit(read, batch)
            if pending is not None:
                yield [one for one in pending.result() if isinstance(one, Read)]
            pending = following
