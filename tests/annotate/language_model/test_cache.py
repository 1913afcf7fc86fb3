import dataclasses
import json
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from affectgpt.annotate.language_model import cache
from affectgpt.annotate.language_model.cache import CachedEngine, request_key
from affectgpt.annotate.language_model.engine import TextRequest
from affectgpt.annotate.language_model.openai import OpenAIEngine
from affectgpt.errors import JobError, RequestError
from tests.annotate.language_model.chat_server import Answer, ChatServer, echo, fails, says, serve, user_of

PROJECT = Path(__file__).resolve().parents[3]
SCHEMA = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with serve() as running:
        yield running


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "replies.sqlite"


def ask(text: str, schema: dict[str, Any] | None = None) -> TextRequest:
    return TextRequest("be brief", text, schema, 50)


def engine(server: ChatServer, **options: Any) -> OpenAIEngine:
    return OpenAIEngine(server.base_url, "tiny", **{"max_retries": 0, "concurrency": 1, **options})


def test_what_was_answered_is_not_asked_again(file: Path) -> None:
    requests = [ask("one"), ask("two"), ask("三")]
    with serve() as server:
        first = CachedEngine(engine(server), file).generate(requests)
        assert server.users() == ["one", "two", "三"]
    assert CachedEngine(engine(server), file).generate(requests) == first
    assert [reply.text for reply in first] == ["you said one", "you said two", "you said 三"]


def test_equal_requests_are_asked_once_and_answered_each(server: ChatServer, file: Path) -> None:
    cached = CachedEngine(engine(server), file)
    cached.generate([ask("two")])
    came: list[tuple[int, str]] = []
    requests = [ask("one"), ask("two"), ask("one"), ask("two"), ask("three")]
    replies = cached.generate(requests, lambda index, reply: came.append((index, reply.text)))
    assert [reply.text for reply in replies] == [f"you said {request.user}" for request in requests]
    assert sorted(came) == list(enumerate(reply.text for reply in replies))
    assert server.users() == ["two", "one", "three"]


def test_progress_counts_requests_from_those_that_are_known(server: ChatServer, file: Path) -> None:
    CachedEngine(engine(server), file).generate([ask("one")])
    seen: list[tuple[int, int]] = []
    cached = CachedEngine(engine(server), file, lambda done, total: seen.append((done, total)))
    cached.generate([ask("one"), ask("two"), ask("two"), ask("three")])
    assert seen == [(1, 4), (3, 4), (4, 4)]


def test_a_run_that_failed_goes_on_where_it_was(server: ChatServer, file: Path) -> None:
    server.chat = lambda body: echo(body) if user_of(body) < "3" else fails(500, "out of memory")
    requests = [ask(str(n)) for n in range(6)]
    with pytest.raises(JobError, match="out of memory"):
        CachedEngine(engine(server), file).generate(requests)
    server.chat = echo
    server.asked.clear()
    replies = CachedEngine(engine(server), file).generate(requests)
    assert [reply.text for reply in replies] == [f"you said {n}" for n in range(6)]
    assert server.users() == ["3", "4", "5"]


def test_each_reply_is_in_the_file_before_the_next_is_asked(server: ChatServer, file: Path) -> None:
    kept: list[int] = []

    def count_rows(body: dict[str, Any]) -> Answer:
        with sqlite3.connect(file) as replies:
            kept.append(replies.execute("SELECT count(*) FROM replies").fetchone()[0])
        return echo(body)

    server.chat = count_rows
    CachedEngine(engine(server), file).generate([ask(str(n)) for n in range(4)])
    assert kept == [0, 1, 2, 3]


@pytest.mark.parametrize(
    "answer", [says("on and on", "length"), says("no JSON"), says('{"groupz": []}'), says("[" * 100_000)]
)
def test_replies_that_are_not_complete_are_handed_on_but_not_kept(
    server: ChatServer, file: Path, answer: Answer
) -> None:
    server.chat = lambda body: answer
    cached = CachedEngine(engine(server), file)
    [reply] = cached.generate([ask("one", SCHEMA)])
    assert reply.text == json.loads(answer.body)["choices"][0]["message"]["content"]
    server.chat = lambda body: says("{}")
    assert [reply.text for reply in cached.generate([ask("one", SCHEMA)])] == ["{}"]
    assert len(server.asked) == 2


def test_all_that_decides_a_reply_is_in_its_key() -> None:
    identity = {"engine": "openai", "endpoint": "http://localhost/v1", "model": "tiny"}
    request = ask("one", SCHEMA)
    frame, sound = np.zeros((2, 3, 3), np.uint8), np.zeros(18, np.float32)
    changed = [dataclasses.replace(request, **{name: None}) for name in ("system", "user", "schema", "max_tokens")]
    changed += [dataclasses.replace(request, frames=frames) for frames in ((frame,), (frame, frame), (frame + 1,))]
    changed += [dataclasses.replace(request, sound=heard) for heard in (sound, sound[:9], sound + 1)]
    changed.append(dataclasses.replace(request, frames=(frame.reshape(3, 2, 3),)))
    changed += [
        dataclasses.replace(request, temperature=warm, seed=seed) for warm, seed in ((0.5, 1), (0.7, 1), (0.7, 2))
    ]
    keys = [request_key(identity, one) for one in [request, *changed]]
    keys += [request_key({**identity, name: "another"}, request) for name in identity]
    assert len(set(keys)) == len(keys) == 18
    turned = dict(reversed(list(SCHEMA.items())))
    assert request_key(dict(reversed(list(identity.items()))), ask("one", turned)) == keys[0]


RUN = """
import sys
from affectgpt.annotate.language_model.cache import CachedEngine
from affectgpt.annotate.language_model.engine import TextRequest
from affectgpt.annotate.language_model.openai import OpenAIEngine

url, file = sys.argv[1:]
requests = [TextRequest("be brief", str(number), None, 50) for number in range(40)]
for reply in CachedEngine(OpenAIEngine(url, "tiny"), file).generate(requests):
    print(reply.text)
"""


def test_processes_share_a_file(server: ChatServer, file: Path) -> None:
    """Both ask before either knows, and the server never says the same twice: the replies are those of one of them."""
    both_there = threading.Barrier(2)
    lock = threading.Lock()
    count = 0

    def never_the_same(body: dict[str, Any]) -> Answer:
        nonlocal count
        if user_of(body) == "0":
            both_there.wait(60)
        with lock:
            count += 1
            return says(f"{user_of(body)}, in reply {count}")

    server.chat = never_the_same
    command = [sys.executable, "-c", RUN, server.base_url, str(file)]
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=PROJECT) for _ in range(2)]
    one, two = [run.communicate(timeout=120)[0] for run in runs]
    assert one == two
    assert [line.split(",")[0] for line in one.splitlines()] == [str(number) for number in range(40)]
    asked = len(server.asked)
    again = subprocess.run(command, capture_output=True, text=True, cwd=PROJECT, timeout=120, check=True)
    assert again.stdout == one
    assert len(server.asked) == asked


def damage_in_the_middle(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    file.write_bytes(content)


def overwrite_with_text(file: Path) -> None:
    file.write_text("these are no replies, but they are longer than a header of SQLite would be" * 10)


def make_another_table(file: Path) -> None:
    file.unlink()
    with sqlite3.connect(file) as other:
        other.execute("CREATE TABLE replies (question TEXT)")


def write_what_is_no_text(file: Path) -> None:
    with sqlite3.connect(file) as replies:
        replies.execute("UPDATE replies SET text = CAST(x'ff' AS TEXT)")


@pytest.mark.parametrize(
    "damage", [damage_in_the_middle, overwrite_with_text, make_another_table, write_what_is_no_text]
)
def test_a_damaged_file_is_to_be_deleted(server: ChatServer, file: Path, damage: Any) -> None:
    cached = CachedEngine(engine(server), file)
    cached.generate([ask(str(n)) for n in range(50)])
    damage(file)
    with pytest.raises(RequestError, match=rf"{file} is damaged or holds no replies.*delete it"):
        cached.generate([ask(str(n)) for n in range(50)])
    file.unlink()
    assert cached.generate([ask("one")])[0].text == "you said one"


def test_a_file_that_cannot_be(server: ChatServer, tmp_path: Path) -> None:
    for file in (tmp_path / "missing" / "replies.sqlite", tmp_path):
        with pytest.raises(RequestError, match=rf"{file}.*cannot be kept there.*folder that exists"):
            CachedEngine(engine(server), file).generate([ask("one")])
    assert server.asked == []


def test_a_file_that_stays_locked(server: ChatServer, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "LOCK_WAIT_S", 0.05)
    cached = CachedEngine(engine(server), file)
    cached.generate([ask("one")])
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(JobError, match=r"locked.*other processes"):
        cached.generate([ask("two")])
    other.close()
