import pytest

from affectgpt.dataset.connection import connect
from affectgpt.errors import JobError
from tests.ports import free_port


@pytest.mark.parametrize("scheme", ["", "ray://"])
def test_a_cluster_that_is_not_there_is_said_at_once(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    address = f"{scheme}127.0.0.1:{free_port()}"
    monkeypatch.setenv("RAY_ADDRESS", address)
    with pytest.raises(JobError, match=rf"nobody listens at RAY_ADDRESS={address} .*; RAY_ADDRESS=local starts"):
        connect()


def test_a_port_that_is_none_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:six")
    with pytest.raises(JobError, match=r"nobody listens at RAY_ADDRESS=127.0.0.1:six \(Port could not be cast"):
        connect()


def test_a_cluster_that_ray_does_not_know_is_said_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "nonsense")
    with pytest.raises(JobError, match=r"the Ray cluster at RAY_ADDRESS=nonsense does not take this job"):
        connect()
