"""Real models in vLLM, in a process of the environment that has it: text, sound, schemas, and what cannot be asked."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.integration.conftest import PROJECT
from tests.integration.vllm_server import PYTHON, SETTINGS, TINY_MODEL, missing

ASK = Path(__file__).with_name("ask_vllm.py")
SCHEMA = {
    "type": "object",
    "properties": {"labels": {"type": "array", "items": {"type": "string", "pattern": "^[a-z]{1,10}$"}, "maxItems": 3}},
    "required": ["labels"],
    "additionalProperties": False,
}
HELLO = {"user": "hello"}


@pytest.fixture(autouse=True)
def vllm() -> None:
    reason = missing()
    if reason is not None:
        pytest.skip(reason)


def make_model(folder: Path, *kind: str) -> Path:
    command = [PYTHON, TINY_MODEL, folder, *kind]
    subprocess.run(command, env=os.environ | SETTINGS, check=True, capture_output=True, timeout=900)
    return folder


def ask(model: Path, *questions: list[dict[str, Any]]) -> Any:
    done = subprocess.run(
        [PYTHON, ASK, model],
        input=json.dumps(questions),
        env=os.environ | SETTINGS,
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_replies_of_a_language_model(tmp_path: Path) -> None:
    drawn = {**HELLO, "temperature": 1.0, "seed": 5}
    mixed = [HELLO, {"user": "u" * 2000}, {"user": "x", "schema": SCHEMA, "max_tokens": 200}, drawn]
    first, seen, again, broken, after = ask(
        make_model(tmp_path / "model"),
        mixed,
        [HELLO, {**HELLO, "frames": 2}],
        [drawn, HELLO],
        [{**HELLO, "schema": {"type": "objects"}}],
        [HELLO],
    )
    hello, too_long, labels, sampled = first
    assert (hello["finish_reason"], hello["completion_tokens"]) == ("length", 8) and hello["prompt_tokens"] > 5
    assert (too_long["text"], too_long["finish_reason"]) == ("", "length")
    assert labels["finish_reason"] == "stop" and len(json.loads(labels["text"])["labels"]) <= 3
    assert sampled["text"] != hello["text"]
    assert again == [sampled, hello], "the same seed draws the same, whatever else is asked"
    assert "cannot be asked this" in seen and "cannot be asked this" in broken
    assert after == [hello], "replies of requests before the one that failed do not come with the next"


def test_a_model_that_hears(tmp_path: Path) -> None:
    [[low, high, silent, low_again]] = ask(
        make_model(tmp_path / "model", "hearing"),
        [{**HELLO, "sound": 120}, {**HELLO, "sound": 3000}, HELLO, {**HELLO, "sound": 120}],
    )
    assert low == low_again
    assert low["prompt_tokens"] == high["prompt_tokens"] > silent["prompt_tokens"]
    assert len({low["text"], high["text"], silent["text"]}) >= 2


def test_a_model_that_sees_and_hears(tmp_path: Path) -> None:
    [[two, one_and_sound, nothing, two_again]] = ask(
        make_model(tmp_path / "model", "omni"),
        [{**HELLO, "frames": 2}, {**HELLO, "frames": 1, "sound": 150}, HELLO, {**HELLO, "frames": 2}],
    )
    assert two == two_again
    assert one_and_sound["prompt_tokens"] > two["prompt_tokens"] > nothing["prompt_tokens"]
    assert len({two["text"], one_and_sound["text"], nothing["text"]}) >= 2


def test_a_model_that_is_not_there_is_named_with_what_to_do(tmp_path: Path) -> None:
    said = ask(tmp_path / "nothing", [HELLO])
    assert f"model {tmp_path / 'nothing'}: vLLM cannot run it here" in said and "see that it is there" in said
