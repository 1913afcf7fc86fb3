"""A real language model behind a real server: what it is asked, what it answers, and what is kept of it."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from affectgpt.annotate.language_model.cache import CachedEngine
from affectgpt.annotate.language_model.engine import TextReply, TextRequest
from affectgpt.annotate.language_model.openai import OpenAIEngine
from affectgpt.errors import RequestError
from affectgpt.evaluation.command import main as evaluate
from affectgpt.evaluation.language_model import LABEL_PATTERNS, MOST_LABELS, extract_labels, group_labels
from affectgpt.evaluation.set_metrics import FIGURES
from tests.integration.conftest import PROJECT
from tests.integration.vllm_server import KEY, MODEL, PYTHON, SETTINGS, VLLMServer, missing

WORDS = (
    "angry",
    "anxious",
    "calm",
    "excited",
    "happy",
    "joyful",
    "sad",
    "scared",
    "surprised",
    "tired",
    "担心",
    "悲伤",
)
PAIRS = (("happy", "joyful"), ("sad", "tired"), ("angry", "calm"), ("anxious", "scared"))


@pytest.fixture(scope="module")
def server_on_demand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VLLMServer]:
    reason = missing()
    if reason is not None:
        pytest.skip(reason)
    server = VLLMServer(tmp_path_factory.mktemp("vllm"))
    yield server
    server.stop()


@pytest.fixture
def server(server_on_demand: VLLMServer) -> VLLMServer:
    server_on_demand.start()
    return server_on_demand


@pytest.fixture
def engine(server: VLLMServer) -> OpenAIEngine:
    return OpenAIEngine(server.base_url, MODEL, KEY)


def label_sets(count: int) -> list[list[str]]:
    """Sets of two to six labels that all differ."""
    return [[f"{WORDS[(n + k) % len(WORDS)]} {n}" for k in range(2 + n % 5)] for n in range(count)]


def test_replies_keep_to_their_own_schema_and_order(engine: OpenAIEngine) -> None:
    """Each request allows one reply alone, so that a reply in another place cannot go unseen."""
    requests = [
        TextRequest(
            "Answer in JSON.",
            f"question {number}",
            {
                "type": "object",
                "properties": {"number": {"type": "integer", "enum": [number]}},
                "required": ["number"],
                "additionalProperties": False,
            },
            60,
        )
        for number in range(40)
    ]
    came: dict[int, TextReply] = {}
    replies = engine.generate(requests, came.__setitem__)
    assert [json.loads(reply.text) for reply in replies] == [{"number": number} for number in range(40)]
    assert [came[index] for index in range(40)] == replies
    assert all(reply.finish_reason == "stop" and reply.prompt_tokens and reply.completion_tokens for reply in replies)


def test_free_text_is_cut_off_where_it_was_to_be(engine: OpenAIEngine) -> None:
    [reply] = engine.generate([TextRequest("You talk a lot.", "Go on.", None, 12)])
    assert (reply.finish_reason, reply.completion_tokens) == ("length", 12)


def test_groups_share_out_the_labels_of_each_clip(engine: OpenAIEngine) -> None:
    sets = label_sets(24)
    found = group_labels(engine, sets)
    assert [sorted(label for group in groups for label in group) for groups in found] == [sorted(one) for one in sets]
    assert any(len(group) > 1 for groups in found for group in groups)


@pytest.mark.parametrize("language", LABEL_PATTERNS)
def test_extraction_gives_labels_in_the_form_of_the_language(engine: OpenAIEngine, language: str) -> None:
    found = extract_labels(engine, [f"{word}. {word}!" for word in WORDS] + [""], language)
    assert len(found) == len(WORDS) + 1 and found[-1] == []
    assert any(found)
    for labels in found:
        assert len(labels) == len(set(labels)) <= MOST_LABELS
        assert all(("一" <= label[0] <= "鿿") == (language == "zh") for label in labels)


def test_the_only_model_is_found(server: VLLMServer) -> None:
    assert OpenAIEngine(server.base_url, None, KEY).identity["model"] == MODEL


def test_what_a_healthy_server_refuses(server: VLLMServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    request = TextRequest("s", "u", None, 5)
    too_long = TextRequest("s", "u" * 5000, None, 5)
    no_schema = TextRequest("s", "u", {"type": "objects"}, 5)
    for engine, asked, said in (
        (OpenAIEngine(server.base_url, "huge", KEY), request, "has no model 'huge'; it has: tiny"),
        (OpenAIEngine(server.base_url, MODEL, "wrong"), request, "refused the API key from the argument"),
        (OpenAIEngine(server.base_url, MODEL), request, "wants an API key"),
        (OpenAIEngine(server.base_url.removesuffix("/v1"), MODEL, KEY), request, "usually ends in /v1"),
        (OpenAIEngine(server.base_url, MODEL, KEY), too_long, "maximum context length is 4096"),
        (OpenAIEngine(server.base_url, MODEL, KEY), no_schema, "cannot keep to a JSON schema"),
    ):
        with pytest.raises(RequestError, match=said):
            engine.generate([asked])


def test_the_command_evaluate_with_a_language_model(
    server: VLLMServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Grouping and extraction by the model; again, and by the groups that were stored, the figures are the same."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    truth, guess, told = (tmp_path / f"{name}.csv" for name in ("truth", "guess", "told"))
    truth.write_text("name,openset\n" + "".join(f"clip/{n},\"['{a}', '{b}']\"\n" for n, (a, b) in enumerate(PAIRS)))
    guess.write_text("name,openset\n" + "".join(f"clip/{n},['{WORDS[n]}']\n" for n in range(len(PAIRS))))
    told.write_text("name,description\n" + "".join(f"clip/{n},She is {b}.\n" for n, (_, b) in enumerate(PAIRS)))
    model = {"base_url": server.base_url, "model": MODEL, "max_retries": 0, "cache": f"{tmp_path}/kept/replies.sqlite"}
    settings = [word for key, value in model.items() for word in ("--set", f"language_model.{key}={value}")]

    def run(name: str, predictions: Path, *options: str) -> dict[str, Any]:
        job = ["--references", str(truth), "--predictions", str(predictions), "--output", str(tmp_path / name)]
        assert evaluate([*job, *settings, *options]) == 0, capsys.readouterr()
        report: dict[str, Any] = json.loads((tmp_path / name / "report.json").read_text())
        return report

    extraction = ["--grouping", "exact", "--set", "extraction.engine=llm"]
    grouped, extracted = run("grouped", guess, "--grouping", "llm"), run("extracted", told, *extraction)
    assert (
        grouped["headline"] == "llm"
        and grouped["n"] == len(PAIRS)
        and set(grouped["prompts_sha256"]) == {"group_labels"}
    )
    assert extracted["extractor"] == "llm" and set(extracted["prompts_sha256"]) == {"extract_labels"}
    # vLLM in a process of its own, without the server, says what the server says.
    told_to = ["engine=vllm", f"model={server.model}", "vllm.dtype=float32", "vllm.context=4096"]
    job = [PYTHON, str(PROJECT / "jobs" / "evaluate.py"), "--references", str(truth), "--predictions", str(guess)]
    job += ["--grouping", "llm", "--output", str(tmp_path / "without"), "--set", f"language_model.cache={tmp_path}/new"]
    job += [word for setting in told_to for word in ("--set", f"language_model.{setting}")]
    environment = os.environ | SETTINGS
    done = subprocess.run(job, env=environment, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    without = json.loads((tmp_path / "without" / "report.json").read_text())
    assert without["predictions"] == grouped["predictions"]
    server.stop()
    assert run("again", guess, "--grouping", "llm")["predictions"] == grouped["predictions"]
    assert run("once more", told, *extraction)["predictions"] == extracted["predictions"]
    stored = run("stored", guess, "--grouping", str(tmp_path / "grouped" / "groupings-1.zip"))
    assert {key: stored[key] for key in FIGURES} == {key: grouped[key] for key in FIGURES}


def test_what_was_answered_needs_no_server(server: VLLMServer, tmp_path: Path) -> None:
    file = tmp_path / "replies.sqlite"
    sets, descriptions = label_sets(12), ["She frowns.", "He laughs.", "She frowns."]

    def run() -> tuple[list[list[list[str]]], list[list[str]]]:
        cached = CachedEngine(OpenAIEngine(server.base_url, MODEL, KEY, max_retries=0), file)
        return group_labels(cached, sets), extract_labels(cached, descriptions, "en")

    first = run()
    server.stop()
    assert run() == first
    with pytest.raises(RequestError, match="cannot be reached"):
        group_labels(CachedEngine(OpenAIEngine(server.base_url, MODEL, KEY, max_retries=0), file), [["a", "b"]])
