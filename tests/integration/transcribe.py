"""Writes down what is said in tones, by a model that vLLM runs in this process, and prints the transcripts as JSON.

usage: python transcribe.py MODEL < TONES (in the virtual environment of vLLM)

TONES are JSON: a list of [frequency in Hz, seconds, language or null, temperature].
"""

import json
import sys
from dataclasses import asdict

import numpy as np

from affectgpt.annotate.speech_to_text.engine import Speech
from affectgpt.annotate.speech_to_text.vllm import VLLMSpeech
from affectgpt.errors import RequestError

RATE = 16_000


def tone(hertz: float, seconds: float) -> np.ndarray:
    return np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE).astype(np.float32)


def main() -> None:
    speeches = [
        Speech(tone(hertz, seconds), language, heat, 1) for hertz, seconds, language, heat in json.load(sys.stdin)
    ]
    try:
        engine = VLLMSpeech(sys.argv[1], dtype="float32")
    except RequestError as error:
        print(json.dumps(str(error)))
        return
    print(json.dumps([asdict(transcript) for transcript in engine.transcribe(speeches)]))


if __name__ == "__main__":
    main()
