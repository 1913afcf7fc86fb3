"""The steps of the image, with recorders in the place of what installs: on exactly the files that it copies."""

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.integration.conftest import PROJECT

FILE = PROJECT / "cluster" / "image" / "Containerfile"
RECORDER = """#!/bin/sh
case "$1 $2" in
    "-m venv") mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
esac
echo "$(basename "$0") $*" >>"$RECORD"
"""
INSTALLED = '#!/bin/sh\necho "dpkg-query $*" >>"$RECORD"\necho "install ok installed"\n'


def instructions() -> list[tuple[str, str]]:
    """Give the instructions with their arguments, each on one line."""
    text = re.sub(r"\\\n\s*", "", FILE.read_text(encoding="utf-8"))
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in lines]


def stage(name: str) -> dict[str, str]:
    """Give the environment that a stage of the image sets."""
    start = next(place for place, (word, rest) in enumerate(instructions()) if (word, rest[-3:]) == ("FROM", name))
    word, settings = instructions()[start + 1]
    assert word == "ENV"
    return dict(setting.split("=", 1) for setting in settings.split())


def copied() -> list[tuple[list[str], str]]:
    pairs = [rest.split() for word, rest in instructions() if word == "COPY"]
    return [(sources, target) for *sources, target in pairs]


@pytest.fixture
def context(tmp_path: Path) -> Path:
    """The folder of the image that the platform is copied to."""
    folder = tmp_path / "affectgpt"
    folder.mkdir()
    for sources, target in copied():
        for source in sources:
            place = folder / target / Path(source).name if target.endswith("/") else folder / target
            if (PROJECT / source).is_dir():
                shutil.copytree(PROJECT / source, place, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(PROJECT / source, place)
    return folder


@pytest.mark.parametrize("device", ["cpu", "gpu"])
def test_its_steps_install_the_platform(context: Path, tmp_path: Path, device: str) -> None:
    record, programs = tmp_path / "record", tmp_path / "bin"
    programs.mkdir()
    for name in ("python3", "useradd", "install", "dpkg-query"):
        (programs / name).write_text(INSTALLED if name == "dpkg-query" else RECORDER, encoding="utf-8")
        (programs / name).chmod(0o755)
    environment = {"PATH": f"{programs}:{os.defpath}", "DEVICE": device, "RECORD": str(record), **stage(device)}
    steps = [rest.replace("/opt/venv", str(tmp_path / "venv")) for word, rest in instructions() if word == "RUN"]
    for step in steps:
        done = subprocess.run(
            ["sh", "-euc", step], cwd=context, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    said = record.read_text(encoding="utf-8").splitlines()
    [pip] = [line for line in said if line.startswith("python -m pip install")]
    constraint = re.search(r"--constraint (\S+)", pip)
    target = re.search(r"--editable (.+)\[(.+)\]$", pip)
    assert constraint is not None and target is not None
    assert Path(constraint[1]).read_text(encoding="utf-8").startswith("# Versions that work together")
    assert Path(constraint[1]).stem == device
    project = tomllib.loads((Path(target[1]) / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert set(target[2].split(",")) <= set(project["optional-dependencies"])
    assert ("vllm" in target[2].split(",")) == (device == "gpu")
    assert all((context / file).exists() for file in (project["readme"], *project["license-files"]))
    assert (context / "jobs" / "recipes" / "build_dataset" / "laptop.yaml").exists()
    assert any(line.startswith("dpkg-query") and line.endswith(" wget") for line in said), "KubeRay's probes call it"
    assert "useradd --uid 1000 --create-home affectgpt" in said


def test_no_more_than_what_it_copies_is_sent_to_the_builder() -> None:
    lines = (PROJECT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if not line.startswith("#")]
    assert rules[0] == "*"
    let_in = {rule.removeprefix("!") for rule in rules if rule.startswith("!")}
    assert let_in == {source for sources, _ in copied() for source in sources}


def test_it_ends_without_root_and_its_command_exists() -> None:
    words = dict(instructions())
    assert words["USER"] == "1000"
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert words["CMD"].split('"')[1] in project["scripts"]


def test_its_debian_packages_exist() -> None:
    if shutil.which("apt-cache") is None:
        pytest.skip("no apt-cache: not a Debian machine")
    [step] = [rest for word, rest in instructions() if word == "RUN" and rest.startswith("cluster/install/apt.sh")]
    for package in step.split()[1:]:
        shown = subprocess.run(["apt-cache", "policy", package], capture_output=True, text=True, check=True)
        assert f"{package}:" in shown.stdout
