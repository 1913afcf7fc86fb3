"""Serves a model by the engine vllm in this process, asks it, prints what it says as JSON, and is killed at the end.

usage: python describe_with_vllm.py MODEL UNSUPPORTED (in the virtual environment of vLLM)

MODEL is a trained model, UNSUPPORTED one whose language model vLLM does not have.
"""

import asyncio
import json
import os
import signal
import sys
import time
from dataclasses import asdict
from typing import Any

import psutil

from affectgpt.errors import RequestError
from affectgpt.inference.asking import Answer, Query
from affectgpt.serving.engines.choosing import load_engine
from affectgpt.serving.engines.engine import Outcome
from affectgpt.serving.engines.vllm import VLLMEngine
from affectgpt.serving.settings import read_settings
from tests.integration.asked_of_engines import BATCH_SIZE, QUERIES, TOKENS

SLOW_S = 0.5


def loaded(model: str) -> VLLMEngine:
    engine = load_engine(read_settings({"model": model, "model_workers": {"engine": "vllm", "batch_size": BATCH_SIZE}}))
    assert isinstance(engine, VLLMEngine)
    return engine


def told(done: Outcome) -> dict[str, Any]:
    outcome = asdict(done.result) if isinstance(done.result, Answer) else done.result.reason
    return {"outcome": outcome, "batch": done.batch}


async def told_slowly(engine: VLLMEngine) -> list[str]:
    """Let a text be told to who takes so long that several tokens come at once, the last one among them."""
    texts: list[str] = []

    def take(text: str) -> None:
        texts.append(text)
        time.sleep(SLOW_S)

    await engine.answer(QUERIES[0], take)
    return texts


async def left_in_the_middle(engine: VLLMEngine) -> dict[str, int]:
    """Leave when the first of a text is there; say how often it was told, and how many texts are still written."""
    begun, texts = asyncio.Event(), list[str]()

    def wrote(text: str) -> None:
        texts.append(text)
        begun.set()

    task = asyncio.create_task(engine.answer(QUERIES[0], wrote))
    await begun.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return {"told": len(texts), "written_for": engine._vllm.get_num_unfinished_requests()}


async def refusal(engine: VLLMEngine, query: Query) -> str:
    try:
        engine.check(query)
    except RequestError as error:
        return str(error)
    return ""


async def main(model: str, unsupported: str) -> None:
    said: dict[str, Any] = {}
    try:
        loaded(unsupported)
    except RequestError as error:
        said["unsupported"] = str(error)
    engine = loaded(model)
    await engine.check_health()
    texts: list[str] = []
    said["answers"] = [told(await engine.answer(QUERIES[0], texts.append))]
    said["texts"] = texts
    said["texts_told_slowly"] = await told_slowly(engine)
    said["answers"] += map(told, await asyncio.gather(*map(engine.answer, QUERIES[1:])))
    said["left"] = await left_in_the_middle(engine)
    said["after"] = told(await engine.answer(QUERIES[0]))
    said["hot"] = await refusal(engine, Query(QUERIES[0].read, max_new_tokens=TOKENS, temperature=3.0))
    said["processes"] = [
        process.pid for process in psutil.Process().children(recursive=True) if "EngineCore" in process.name()
    ]
    print(json.dumps(said), flush=True)
    # As if the machine had run out of memory: nothing is tidied up.
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
