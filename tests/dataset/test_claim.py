import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from affectgpt.dataset import claim as claims
from affectgpt.dataset.claim import Claim, claimed
from affectgpt.dataset.holder import Holder
from affectgpt.dataset.ledger import Folder
from affectgpt.errors import RequestError, StoppedError

HOLD = """
import sys
from affectgpt.dataset.claim import claimed
from affectgpt.dataset.ledger import Folder
from affectgpt.errors import RequestError
try:
    with claimed(sys.argv[1], Folder.at(sys.argv[1])) as claim:
        print("held", claim.number, flush=True)
        input()
except RequestError:
    print("refused", flush=True)
"""


def hold(output: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", HOLD, str(output)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def said(holder: subprocess.Popen[str]) -> str:
    assert holder.stdout is not None
    return holder.stdout.readline().strip()


@contextmanager
def hold_elsewhere(output: Path) -> Iterator[Claim]:
    """A claim of a machine of which nothing is known but what lies in the output."""
    folder = Folder.at(str(output))
    holder = replace(Holder.this_process(), machine="another", host="far-away")
    (folder / ".claims").write_text("000000007.json", holder.to_json())
    yield Claim(str(output), folder, 7, holder)


def test_a_claim_leaves_nothing_behind(tmp_path: Path) -> None:
    output = tmp_path / "out"
    output.mkdir()
    for _ in range(2):
        with claimed(str(output), Folder.at(str(output))) as claim:
            assert claim is not None and claim.number == 1
            claim.check()
            assert Folder.at(str(output)).is_empty(), "a claim is no data"
        assert list(output.iterdir()) == []


def test_an_output_that_a_claim_made_goes_with_it_if_it_is_empty(tmp_path: Path) -> None:
    output = tmp_path / "out"
    with claimed(str(output), Folder.at(str(output))):
        assert output.exists()
    assert not output.exists()
    with claimed(str(output), Folder.at(str(output))):
        (output / "data").touch()
    assert [path.name for path in output.iterdir()] == ["data"]


def test_a_second_run_is_refused_and_told_who_holds_it(tmp_path: Path) -> None:
    first = hold(tmp_path)
    assert said(first) == "held 1"
    with (
        pytest.raises(RequestError, match=rf"another run holds it \(process {first.pid} of .* since 20"),
        claimed(str(tmp_path), Folder.at(str(tmp_path))),
    ):
        pass
    first.communicate("\n")
    with claimed(str(tmp_path), Folder.at(str(tmp_path))) as claim:
        assert claim is not None


def test_of_runs_that_begin_at_once_one_wins(tmp_path: Path) -> None:
    runs = [hold(tmp_path) for _ in range(6)]
    answers = sorted(said(run).partition(" ")[0] for run in runs)
    assert answers == ["held"] + ["refused"] * 5
    for run in runs:
        run.communicate("\n")


def test_a_killed_run_holds_nothing(tmp_path: Path) -> None:
    first = hold(tmp_path)
    assert said(first) == "held 1"
    first.kill()
    with claimed(str(tmp_path), Folder.at(str(tmp_path))) as claim:
        assert claim is not None and claim.number == 2
        assert [path.name for path in (tmp_path / ".claims").iterdir()] == ["000000002.json"]
    first.wait()


def test_a_run_elsewhere_that_shows_no_life_is_succeeded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "LEASE_S", 0.5)
    monkeypatch.setattr(claims, "_LOOK_S", 0.05)
    with hold_elsewhere(tmp_path) as lost, claimed(str(tmp_path), Folder.at(str(tmp_path))) as claim:
        assert claim is not None and claim.number == 8
        with pytest.raises(StoppedError, match=r"another run .* has taken it over"):
            lost.check()
        claim.check()


def test_a_run_elsewhere_that_lives_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "_LOOK_S", 0.05)
    ended = threading.Event()
    with hold_elsewhere(tmp_path) as other:

        def live() -> None:
            beats = 0
            while not ended.wait(0.1):
                other.renew(beats := beats + 1)

        living = threading.Thread(target=live)
        living.start()
        try:
            with (
                pytest.raises(RequestError, match=r"another run holds it .* on far-away"),
                claimed(str(tmp_path), Folder.at(str(tmp_path))),
            ):
                pass
        finally:
            ended.set()
            living.join()
        other.check()


def test_a_run_that_was_taken_for_dead_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "RENEW_S", 0.05)
    stopped = threading.Event()
    before = signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    try:
        with claimed(str(tmp_path), Folder.at(str(tmp_path))):
            (Folder.at(str(tmp_path)) / ".claims").write_text("000000002.json", Holder.this_process().to_json())
            while not stopped.is_set():
                signal.sigtimedwait([], 0.01)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert [path.name for path in (tmp_path / ".claims").iterdir()] == ["000000002.json"]


def test_stores_that_cannot_keep_runs_apart_say_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with claimed("gs://bucket/out", Folder.at(str(tmp_path))) as claim:
        assert claim is None
    assert "gs://bucket/out: this store cannot keep runs apart" in capsys.readouterr().err
