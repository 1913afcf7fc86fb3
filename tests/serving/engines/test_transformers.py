import asyncio
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
import torch

from affectgpt.errors import ClipError, RequestError
from affectgpt.inference.asking import Answer, Query
from affectgpt.serving.engines.engine import made_up_clip
from affectgpt.serving.engines.transformers import TransformersEngine
from affectgpt.serving.settings import Settings, read_settings
from tests.inference.trained import answer
from tests.serving.conftest import TOKENS


class Recording(TransformersEngine):
    """Remembers what the model was asked and what it answered, also to those who have left."""

    def __init__(self, settings: Settings) -> None:
        self.batches: list[list[Answer | ClipError]] = []
        super().__init__(settings)
        self.batches.clear()

    def _answer(self, queries: Sequence[Query]) -> list[Answer | ClipError]:
        self.batches.append(super()._answer(queries))
        return self.batches[-1]


@pytest.fixture
def engine(model: Path) -> Recording:
    return Recording(read_settings({"model": str(model)}))


@pytest.fixture
def query(engine: Recording) -> Query:
    return Query(made_up_clip(engine.facts.decoding), max_new_tokens=TOKENS)


@pytest.fixture
def endless(query: Query) -> Query:
    torch.manual_seed(0)
    return Query(query.read, max_new_tokens=400, temperature=50.0)


def test_a_text_is_told_as_it_grows(engine: Recording, query: Query) -> None:
    texts: list[str] = []
    done = asyncio.run(engine.answer(query, texts.append))
    assert isinstance(done.result, Answer) and done.result.description.text == answer(True, True)
    assert texts and all(later.startswith(earlier) for earlier, later in pairwise(texts))
    assert done.batch == 1


def test_the_model_stops_writing_for_a_caller_who_is_gone(engine: Recording, query: Query, endless: Query) -> None:
    async def scene() -> None:
        begun = asyncio.Event()
        leaving = asyncio.create_task(engine.answer(endless, lambda _: begun.set()))
        await begun.wait()
        leaving.cancel()
        await engine.answer(query)

    asyncio.run(scene())
    [left], [stayed] = engine.batches
    assert isinstance(left, Answer) and not left.complete and left.new_tokens < 100
    assert isinstance(stayed, Answer) and stayed.complete


def test_a_caller_who_is_gone_before_the_batch_begins_is_left_out(
    engine: Recording, query: Query, endless: Query
) -> None:
    async def scene() -> None:
        begun = asyncio.Event()
        first = asyncio.create_task(engine.answer(endless, lambda _: begun.set()))
        await begun.wait()
        waiting = asyncio.create_task(engine.answer(query))
        await asyncio.sleep(0)
        waiting.cancel()
        staying = asyncio.create_task(engine.answer(query))
        await asyncio.sleep(0)
        first.cancel()
        await staying

    asyncio.run(scene())
    assert [len(batch) for batch in engine.batches] == [1, 1]


def test_what_the_model_cannot_do_is_refused(engine: Recording, query: Query) -> None:
    engine.check(query)
    with pytest.raises(RequestError, match="temperature -1"):
        engine.check(Query(query.read, temperature=-1.0))
