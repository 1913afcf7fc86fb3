"""What the driver's tool says, and how it is compared with what Ray counts."""

from pathlib import Path

import pytest

from affectgpt.doctor.check import Node
from affectgpt.doctor.gpus import Gpus, GpusCheck, driver_gpus
from affectgpt.doctor.needs import Needs, Phase

CARD = "NVIDIA H100 80GB HBM3, 81559 MiB"
WANTS_ONE = Needs((), (Phase("training", ({"CPU": 1.0, "GPU": 1.0},), ""),))


def judged(has: Gpus, counted: float, needs: Needs = WANTS_ONE) -> tuple[str, str]:
    [finding] = GpusCheck().judge(needs, {Node("one", "1", "a", {"GPU": counted}): has})
    return finding.state, finding.found


def test_ray_and_the_driver_see_the_same() -> None:
    assert judged(Gpus((CARD,), "", "2.13.0"), 1)[0] == "ok"


@pytest.mark.parametrize(
    ("has", "counted", "state", "said"),
    [
        (Gpus((), "", "2.13.0"), 1, "failed", "Ray counts 1, the driver sees 0"),
        (Gpus((CARD, CARD), "", "2.13.0"), 1, "warning", "Ray counts 1, the driver sees 2"),
        (Gpus((CARD,), "", "2.13.0+cpu"), 1, "failed", "built for CPUs alone"),
        (Gpus((), "Driver/library version mismatch", "2.13.0"), 1, "failed", "Driver/library version mismatch"),
    ],
)
def test_what_differs_is_said(has: Gpus, counted: float, state: str, said: str) -> None:
    found = judged(has, counted)
    assert found[0] == state and said in found[1]


def test_a_broken_driver_does_not_matter_where_no_gpu_is_wanted() -> None:
    assert judged(Gpus((), "mismatch", None), 0, Needs((), ()))[0] == "warning"


@pytest.mark.parametrize(
    ("script", "names", "trouble"),
    [
        (f"echo '{CARD}'; echo '{CARD}'", (CARD, CARD), ""),
        ("echo 'Failed to initialize NVML: Driver/library version mismatch'; exit 18", (), "Failed to initialize NVML"),
    ],
)
def test_the_drivers_tool_is_asked(
    script: str, names: tuple[str, ...], trouble: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\n{script}\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    found = driver_gpus()
    assert found[0] == names and found[1].startswith(trouble) and bool(found[1]) == bool(trouble)
