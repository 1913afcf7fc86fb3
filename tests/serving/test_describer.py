import asyncio
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from affectgpt.clips.clip import Clip
from affectgpt.clips.decoding import DecodeSettings
from affectgpt.errors import ClipError, RequestError
from affectgpt.inference.asking import Answer, Query
from affectgpt.inference.reading import Asked, ClipReader, Read
from affectgpt.serving.describer import Describer
from affectgpt.serving.exchange import Told
from affectgpt.serving.settings import read_settings
from tests.inference.trained import answer
from tests.serving.conftest import TOKENS
from tests.serving.engines.test_transformers import Recording


@pytest.fixture
def describer(model: Path) -> Describer:
    return Describer(read_settings({"model": str(model)}))


@pytest.fixture(scope="module")
def reads(clips: Path) -> list[Read]:
    with ClipReader() as reader:
        asked = [Asked(clips / name) for name in ("both.mp4", "voice.wav")]
        return [one for one in reader.read(asked, DecodeSettings(frames=4)) if isinstance(one, Read)]


def test_clips_of_many_callers_are_described_together(model: Path, reads: list[Read]) -> None:
    worker = Describer(read_settings({"model": str(model), "model_workers.batch_wait_s": 0.2}))

    async def scene() -> list[Told]:
        queries = [Query(reads[0], max_new_tokens=TOKENS), Query(reads[1], "zh", max_new_tokens=TOKENS)]
        queries.append(Query(replace(reads[0], clip=Clip("long", "long", subtitle="word " * 2000))))
        return await asyncio.gather(*(worker.describe(query) for query in queries))

    both, voice, long = asyncio.run(scene())
    assert isinstance(both.outcome, Answer) and isinstance(voice.outcome, Answer)
    assert both.outcome.description.text == answer(True, True)
    assert voice.outcome.description.text == answer(False, True, "zh")
    assert isinstance(long.outcome, ClipError) and long.outcome.reason == "subtitle-too-long"
    assert both.model_s == voice.model_s == long.model_s
    assert both.facts == asyncio.run(worker.facts())


def test_a_text_is_told_as_it_grows(describer: Describer, reads: list[Read]) -> None:
    async def scene() -> list[str | Told]:
        return [piece async for piece in describer.stream(Query(reads[0], max_new_tokens=TOKENS))]

    *texts, told = asyncio.run(scene())
    assert isinstance(told, Told) and isinstance(told.outcome, Answer)
    whole = told.outcome.description.text
    assert texts and all(isinstance(text, str) and whole.startswith(text) for text in texts)


def test_the_model_stops_when_a_reader_leaves(model: Path, reads: list[Read], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("affectgpt.serving.describer.load_engine", Recording)
    describer: Any = Describer(read_settings({"model": str(model)}))
    torch.manual_seed(0)

    async def scene() -> Told:
        pieces = describer.stream(Query(reads[0], max_new_tokens=400, temperature=50.0))
        async with aclosing(pieces):
            await anext(pieces)
        return await describer.describe(Query(reads[0], max_new_tokens=TOKENS))

    told = asyncio.run(scene())
    [left], [stayed] = describer._engine.batches
    assert isinstance(left, Answer) and not left.complete and left.new_tokens < 100
    assert told.outcome == stayed


def test_what_the_model_cannot_do_is_refused_before_it_joins_a_batch(describer: Describer, reads: list[Read]) -> None:
    with pytest.raises(RequestError, match="max_new_tokens 1000000"):
        asyncio.run(describer.describe(Query(reads[0], max_new_tokens=1_000_000)))


def test_a_worker_that_only_fails_says_so(describer: Describer, reads: list[Read]) -> None:
    spoilt: Any = replace(reads[0], media=None)

    async def scene() -> None:
        for _ in range(5):
            await describer.check_health()
            with pytest.raises(AttributeError):
                await describer.describe(Query(spoilt, max_new_tokens=TOKENS))
        with pytest.raises(RuntimeError, match="the last 5 requests have failed"):
            await describer.check_health()
        await describer.describe(Query(reads[0], max_new_tokens=TOKENS))
        await describer.check_health()

    asyncio.run(scene())


def test_a_service_does_not_start_that_would_refuse_every_request(model: Path) -> None:
    with pytest.raises(RequestError, match="max_new_tokens 8000"):
        Describer(read_settings({"model": str(model), "generation.max_tokens": 8000}))
