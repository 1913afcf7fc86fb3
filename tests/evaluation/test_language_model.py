import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from affectgpt.annotate.language_model.openai import OpenAIEngine
from affectgpt.errors import JobError, RequestError
from affectgpt.evaluation import language_model
from affectgpt.evaluation.command import main
from affectgpt.evaluation.language_model import PROMPTS, extract_labels, group_labels, prompt_sha256
from tests.annotate.language_model.chat_server import Answer, ChatServer, says, serve, user_of
from tests.annotate.language_model.tiny_models import tiny_chat


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with serve() as running:
        yield running


@pytest.fixture
def engine(server: ChatServer) -> OpenAIEngine:
    return OpenAIEngine(server.base_url, "tiny", concurrency=1, max_retries=0)


def groups(*found: list[str]) -> Answer:
    return says(json.dumps({"groups": found}))


def schema(body: dict[str, Any]) -> dict[str, Any]:
    """What the reply to a chat request is constrained to: the schema of the only property."""
    [(_, found)] = body["response_format"]["json_schema"]["schema"]["properties"].items()
    return found


def test_labels_are_asked_about_per_clip_cleaned_sorted_and_once(server: ChatServer, engine: OpenAIEngine) -> None:
    server.chat = lambda body: groups(["happy", "joyful"], ["sad"])
    found = group_labels(engine, [["Sad", "happy", "HAPPY ", "joyful", ""], ["担心", "sad"]])
    assert found[0] == [["happy", "joyful"], ["sad"]]
    first, second = server.asked
    assert user_of(first) == 'Labels: ["happy", "joyful", "sad"]'
    assert schema(first)["items"]["items"]["enum"] == ["happy", "joyful", "sad"]
    assert user_of(second) == 'Labels: ["sad", "担心"]'


def test_each_label_ends_in_exactly_one_group(server: ChatServer, engine: OpenAIEngine) -> None:
    server.chat = lambda body: groups(["glad", "Happy", "glad", "merry"], [], ["happy", "sad"], ["merry"])
    [found] = group_labels(engine, [["angry", "glad", "happy", "sad", "upset"]])
    assert found == [["glad", "happy"], ["sad"], ["angry"], ["upset"]]


def test_clips_with_nothing_to_group_are_not_asked_about(server: ChatServer, engine: OpenAIEngine) -> None:
    assert group_labels(engine, [[], ["Sad"], ["sad", "SAD"], [" "]]) == [[], [["sad"]], [["sad"]], []]
    assert server.asked == []


def test_replies_belong_to_their_clips(server: ChatServer, engine: OpenAIEngine) -> None:
    server.chat = lambda body: groups(schema(body)["items"]["items"]["enum"])
    sets = [["a"], ["b", "c"], [], ["d", "e", "f"]]
    assert group_labels(engine, sets) == [[["a"]], [["b", "c"]], [], [["d", "e", "f"]]]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (says('{"groups": [["happy"', "length"), "did not finish its reply"),
        (
            says("I would say that they are alike."),
            "not the JSON that was asked for: 'I would say that they are alike.'",
        ),
        (says('{"groups": ["happy", "sad"]}'), "not the JSON"),
        (says('{"labels": []}'), "not the JSON"),
        (says(""), "not the JSON"),
    ],
)
def test_a_reply_that_is_no_grouping_fails_the_job(
    server: ChatServer, engine: OpenAIEngine, answer: Answer, said: str
) -> None:
    server.chat = lambda body: answer
    with pytest.raises(JobError, match="the labels happy, sad") as raised:
        group_labels(engine, [["sad", "happy"]])
    assert said in str(raised.value)


def test_labels_are_extracted_in_the_order_of_the_model(server: ChatServer, engine: OpenAIEngine) -> None:
    server.chat = lambda body: says('{"labels": ["worried", "Sad ", "worried", ""]}')
    assert extract_labels(engine, ["She frowns, {so} $she is sad.", " \n", "x"], "en") == [
        ["worried", "sad"],
        [],
        ["worried", "sad"],
    ]
    assert [user_of(body) for body in server.asked] == ["Description: She frowns, {so} $she is sad.", "Description: x"]


@pytest.mark.parametrize(
    ("language", "fitting", "unfitting"),
    [
        ("en", ["sad", "ill at ease", "self-conscious"], ["Sad", "悲伤", "sad!"]),
        ("zh", ["悲伤", "不耐烦"], ["sad", ""]),
    ],
)
def test_each_language_has_a_prompt_and_a_form_of_labels(
    server: ChatServer, engine: OpenAIEngine, language: str, fitting: list[str], unfitting: list[str]
) -> None:
    server.chat = lambda body: says('{"labels": []}')
    assert extract_labels(engine, ["..."], language) == [[]]
    [body] = server.asked
    form = re.compile(schema(body)["items"]["pattern"])
    assert all(form.search(label) for label in fitting)
    assert not any(form.search(label) for label in unfitting)
    system = body["messages"][0]["content"]
    assert ("描述" in system) == (language == "zh")
    assert '{"labels": [' in system and "# " not in system


def test_a_language_without_prompt(engine: OpenAIEngine) -> None:
    with pytest.raises(RequestError, match=r"'fr'.*en, zh"):
        extract_labels(engine, ["..."], "fr")


def test_an_extraction_that_fails_names_its_description(server: ChatServer, engine: OpenAIEngine) -> None:
    server.chat = lambda body: says('{"labels": [', "length")
    with pytest.raises(JobError, match=r"the description 'She frowns\.'"):
        extract_labels(engine, ["She frowns."], "en")


def test_prompts_are_known_by_their_hashes() -> None:
    folder = Path(language_model.__file__).parent / "prompts"
    assert sorted(PROMPTS) == sorted(file.stem for file in folder.glob("*.md"))
    for name in PROMPTS:
        assert prompt_sha256(name) == hashlib.sha256((folder / f"{name}.md").read_bytes()).hexdigest()


def test_the_client_is_loaded_only_where_an_engine_is_made() -> None:
    script = "import sys, affectgpt.evaluation.language_model; print([m for m in sys.modules if m == 'openai'])"
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_a_model_in_transformers_groups_labels(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What random weights say is no sense, but it keeps to the form, and is kept for the next time."""
    for name, label in (("truth", "happy"), ("guess", "joyful")):
        (tmp_path / f"{name}.csv").write_text(f"clip_id,labels\none,{label}\n")
    model = tiny_chat(tmp_path / "model", context=4096)
    settings = {"engine": "transformers", "model": model, "cache": tmp_path / "replies.sqlite"}
    words = [word for key, value in settings.items() for word in ("--set", f"language_model.{key}={value}")]
    tables = ["--references", str(tmp_path / "truth.csv"), "--predictions", str(tmp_path / "guess.csv")]
    figures = []
    for _ in range(2):
        assert main([*tables, "--grouping", "llm", *words]) == 0
        figures.append(capsys.readouterr().out.splitlines()[-3:])
    assert figures[0][0] == "a language model's groups" and figures[0] == figures[1]
    assert (tmp_path / "replies.sqlite").exists()
