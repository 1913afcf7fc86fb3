import hashlib
from contextlib import ExitStack
from pathlib import Path

import pytest

from affectgpt.errors import RequestError
from affectgpt.serving.keys import Keyring, read_keys
from affectgpt.serving.refusals import RefusedError
from affectgpt.serving.settings import KeysSection

RARELY = KeysSection(requests_per_minute=0.001, concurrency=2)
OFTEN = KeysSection(requests_per_minute=6000, concurrency=2)


def line(key: str, name: str = "somebody") -> str:
    return f"{hashlib.sha256(key.encode()).hexdigest()}  {name}"


def test_keys_come_from_a_file_and_from_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"# who may ask\n\n{line('one', 'ann')}\n")
    section = KeysSection(file=str(file), environment="KEYS")
    keys = read_keys(section, {"KEYS": line("two", "bob").upper().replace("BOB", "bob")})
    assert keys is not None and sorted(keys.values()) == ["ann", "bob"]
    assert read_keys(KeysSection()) is None


@pytest.mark.parametrize(
    ("section", "content", "message"),
    [
        (KeysSection(file="keys"), None, "keys: it cannot be read"),
        (KeysSection(file="keys"), "# none yet\n", "it holds no key"),
        (KeysSection(file="keys"), "secret ann\n", "line 1: it is no SHA-256"),
        (KeysSection(environment="KEYS"), None, "there is no such variable"),
    ],
)
def test_a_service_without_usable_keys_does_not_start(
    section: KeysSection, content: str | None, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if content is not None:
        Path("keys").write_text(content)
    with pytest.raises(RequestError, match=message):
        read_keys(section, {})


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer  ", "Basic one", "one", "Bearer two", "Bearer One"])
def test_without_a_known_key_nobody_is_let_in(header: str | None) -> None:
    ring = Keyring({line("one").split()[0]: "ann"}, OFTEN)
    with pytest.raises(RefusedError) as caught, ring.admitted(header):
        pass
    assert caught.value.status == 401
    with pytest.raises(RefusedError):
        ring.check(header)


def test_with_a_known_key_one_is() -> None:
    ring = Keyring({line("one").split()[0]: "ann"}, OFTEN)
    with ring.admitted("bearer one"):
        ring.check("Bearer one")
    with Keyring(None, OFTEN).admitted(None):
        pass


def test_a_key_is_used_by_so_many_requests_at_a_time() -> None:
    ring = Keyring({line("one").split()[0]: "ann", line("two").split()[0]: "bob"}, OFTEN)
    with ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(ring.admitted("Bearer one"))
        stack.enter_context(ring.admitted("Bearer two"))
        with pytest.raises(RefusedError, match="concurrency-limit") as caught, ring.admitted("Bearer one"):
            pass
        assert caught.value.retry_after_s is not None
    with ring.admitted("Bearer one"):
        pass


def test_a_key_that_is_used_too_often_is_told_when_to_come_again() -> None:
    ring = Keyring({line("one").split()[0]: "ann"}, RARELY)
    with ring.admitted("Bearer one"):
        pass
    with pytest.raises(RefusedError, match="rate-limit") as caught, ring.admitted("Bearer one"):
        pass
    assert caught.value.status == 429
    assert caught.value.retry_after_s == pytest.approx(60_000, rel=0.01)
