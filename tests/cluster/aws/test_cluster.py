"""Ray's own launcher takes the configuration, and the roles allow exactly what it then asks of AWS."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from ray.autoscaler._private.aws import utils
from ray.autoscaler._private.aws.config import bootstrap_aws
from ray.autoscaler._private.aws.node_provider import AWSNodeProvider
from ray.autoscaler._private.util import prepare_config, validate_config
from ray.autoscaler.tags import TAG_RAY_NODE_NAME
from ray.scripts.scripts import start

from tests.cluster.aws.account import Account, account
from tests.integration.conftest import PROJECT

FOLDER = PROJECT / "cluster" / "aws"


class _Template(yaml.SafeLoader):
    """Reads CloudFormation's short functions as what they are given."""


_Template.add_multi_constructor("!", lambda loader, name, node: f"{name} {loader.construct_scalar(node)}")


@pytest.fixture(scope="module")
def config() -> dict[str, Any]:
    given = yaml.safe_load((FOLDER / "cluster.yaml").read_text(encoding="utf-8"))
    prepared = prepare_config(given)
    validate_config(prepared)
    return prepared


@pytest.fixture(scope="module")
def roles() -> dict[str, Any]:
    text = (FOLDER / "roles.yaml").read_text(encoding="utf-8")
    # CloudFormation reads neither anchors nor aliases.
    assert not any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text))
    return yaml.load(text, _Template)["Resources"]


def actions(statement: dict[str, Any]) -> list[str]:
    return [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]


def allowed(roles: dict[str, Any], *names: str) -> set[str]:
    statements = (one for name in names for one in roles[name]["Properties"]["PolicyDocument"]["Statement"])
    return {action for statement in statements for action in actions(statement)}


@pytest.fixture
def aws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    monkeypatch.setenv("HOME", str(tmp_path))
    utils.resource_cache.cache_clear()
    utils.client_cache.cache_clear()
    with account() as here:
        yield here
    utils.resource_cache.cache_clear()
    utils.client_cache.cache_clear()


def start_node(config: dict[str, Any], kind: str) -> AWSNodeProvider:
    provider = AWSNodeProvider(config["provider"], config["cluster_name"])
    provider.create_node(config["available_node_types"][kind]["node_config"], {TAG_RAY_NODE_NAME: kind}, 1)
    return provider


def test_ray_up_asks_for_no_more_than_the_launcher_may(
    config: dict[str, Any], roles: dict[str, Any], aws: Account
) -> None:
    ready = bootstrap_aws(config)
    provider = start_node(ready, "head")
    provider.terminate_nodes(provider.non_terminated_nodes({}))
    own = {"iam:PassRole", "ssm:GetParameters"}  # EC2 looks for them itself, when an instance is started
    assert aws.actions() | own == allowed(roles, "Nodes", "Launcher") - {"ec2:CreateTags", "ec2:DescribeInstanceTypes"}


def test_the_head_asks_for_no_more_than_it_may(config: dict[str, Any], roles: dict[str, Any], aws: Account) -> None:
    ready = bootstrap_aws(config)
    aws.calls.clear()
    for kind in ("cpu", "gpu"):
        provider = start_node(ready, kind)
        [*_, node] = provider.non_terminated_nodes({})
        provider.set_node_tags(node, {TAG_RAY_NODE_NAME: "renamed"})
        provider.terminate_nodes([node])
    own = {"iam:PassRole", "ssm:GetParameters"}
    assert aws.actions() <= allowed(roles, "Nodes")
    assert allowed(roles, "Nodes") - aws.actions() - own == {"ec2:DescribeInstanceTypes"}


def test_the_head_is_on_demand_and_workers_are_on_spot(config: dict[str, Any], aws: Account) -> None:
    ready = bootstrap_aws(config)
    for kind in ("head", "cpu", "gpu"):
        start_node(ready, kind)
    head, *workers = aws.started()
    assert "InstanceMarketOptions" not in head
    assert {one["InstanceMarketOptions"]["MarketType"] for one in workers} == {"spot"}
    assert config["head_node_type"] == "head"
    assert config["available_node_types"]["head"]["resources"] == {"CPU": 0}
    for given in aws.started():
        assert given["MetadataOptions"] == {"HttpTokens": "required"}
        assert all(disk["Ebs"]["Encrypted"] for disk in given["BlockDeviceMappings"])


def test_profiles_are_those_of_the_roles(config: dict[str, Any], roles: dict[str, Any]) -> None:
    profiles = {
        one["Properties"]["InstanceProfileName"]: one["Properties"]["Roles"]
        for one in roles.values()
        if one["Type"] == "AWS::IAM::InstanceProfile"
    }
    used = {
        kind: one["node_config"]["IamInstanceProfile"]["Name"] for kind, one in config["available_node_types"].items()
    }
    assert used == {"head": "affectgpt-head", "cpu": "affectgpt-worker", "gpu": "affectgpt-worker"}
    assert profiles == {"affectgpt-head": ["Ref HeadRole"], "affectgpt-worker": ["Ref WorkerRole"]}
    assert roles["WorkerRole"]["Properties"]["ManagedPolicyArns"] == ["Ref Data"]
    assert "s3:PutObject" in allowed(roles, "Data")


def test_no_right_is_wider_than_it_has_to_be(roles: dict[str, Any]) -> None:
    operations = boto3.client("ec2", region_name="eu-central-1").meta.service_model.operation_names
    known = {f"ec2:{name}" for name in operations}
    for name in ("Data", "Nodes", "Launcher"):
        for statement in roles[name]["Properties"]["PolicyDocument"]["Statement"]:
            for action in actions(statement):
                assert "*" not in action
                assert not action.startswith("ec2:") or action in known, f"{action} is no action of EC2"
                assert statement["Resource"] != "*" or action.startswith("ec2:Describe")
                if action in {"ec2:TerminateInstances", "iam:PassRole"}:
                    assert "Condition" in statement


def test_nodes_are_set_up_by_the_script_of_the_makefile(config: dict[str, Any]) -> None:
    install = next(command for command in config["setup_commands"] if "environment.sh" in command)
    script, _, extras, device = shlex.split(install.split("&&")[1])
    assert (PROJECT / script).exists()
    assert extras == "train,annotate,serve,vllm" and device == "gpu"
    commands = [*config["setup_commands"], *config["head_start_ray_commands"], *config["worker_start_ray_commands"]]
    for command in commands:
        subprocess.run(["bash", "-n", "-c", command], check=True)
    for command in (*config["head_start_ray_commands"], *config["worker_start_ray_commands"]):
        if options := re.search(r"ray start (.+)", command):
            start.make_context("start", shlex.split(options[1]))
