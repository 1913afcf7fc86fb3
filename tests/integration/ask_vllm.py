"""Asks a model that vLLM runs in this process, and prints the replies as JSON.

usage: python ask_vllm.py MODEL < QUESTIONS (in the virtual environment of vLLM)

QUESTIONS are JSON: a list of lists, each of which is asked at once. A question gives arguments of ``TextRequest``;
its ``sound`` is a frequency in Hz, and its ``frames`` a number of grey frames.
"""

import json
import sys
from dataclasses import asdict
from typing import Any

import numpy as np

from affectgpt.annotate.language_model.engine import TextRequest
from affectgpt.annotate.language_model.vllm import VLLMEngine
from affectgpt.errors import RequestError


def request(question: dict[str, Any]) -> TextRequest:
    given = {"system": "Be brief.", "schema": None, "max_tokens": 8} | question
    if "sound" in given:
        given["sound"] = np.sin(2 * np.pi * given["sound"] * np.arange(16_000) / 16_000).astype(np.float32)
    if "frames" in given:
        given["frames"] = (np.full((32, 48, 3), 128, np.uint8),) * given["frames"]
    return TextRequest(**given)


def answers(engine: VLLMEngine, questions: list[dict[str, Any]]) -> object:
    try:
        return [asdict(reply) for reply in engine.generate([request(one) for one in questions])]
    except RequestError as error:
        return str(error)


def main() -> None:
    try:
        engine = VLLMEngine(sys.argv[1], dtype="float32", context=512)
    except RequestError as error:
        print(json.dumps(str(error)))
        return
    print(json.dumps([answers(engine, questions) for questions in json.load(sys.stdin)]))


if __name__ == "__main__":
    main()
