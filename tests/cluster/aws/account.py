"""An AWS account that is not there: botocore checks and serialises each call as always, and these answers come back."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.awsrequest import AWSResponse

SUBNETS = [
    {"SubnetId": f"subnet-{zone}", "VpcId": "vpc-1", "State": "available", "MapPublicIpOnLaunch": True}
    | {"AvailabilityZone": f"eu-central-1{zone}"}
    for zone in "abc"
]


class Account:
    """Keeps what was asked, and the instances that were started.

    Attributes:
        calls: each call as ``service:Operation`` with its parameters.
    """

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self._groups: list[dict[str, Any]] = []
        self._instances: list[dict[str, Any]] = []

    def actions(self) -> set[str]:
        """Say which rights were needed."""
        return {action for action, _ in self.calls}

    def started(self) -> list[dict[str, Any]]:
        """Give the parameters of each start of an instance."""
        return [given for action, given in self.calls if action == "ec2:RunInstances"]

    def answer(self, model: Any, context: dict[str, Any], **_: Any) -> tuple[AWSResponse, dict[str, Any]]:
        """Answer a call in the place of the network."""
        given = context["given"]
        self.calls.append((f"{model.service_model.service_name}:{model.name}", given))
        said = getattr(self, f"_{model.name}")(given)
        return AWSResponse("https://aws", 200, {}, None), {"ResponseMetadata": {"HTTPStatusCode": 200}, **said}

    def _DescribeSubnets(self, given: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        wanted = [value for one in given.get("Filters", []) if one["Name"] == "subnet-id" for value in one["Values"]]
        return {"Subnets": [subnet for subnet in SUBNETS if not wanted or subnet["SubnetId"] in wanted]}

    def _DescribeSecurityGroups(self, given: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        return {"SecurityGroups": self._groups}

    def _CreateSecurityGroup(self, given: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        self._groups.append({"GroupId": "sg-1", "IpPermissions": [], **given})
        return {"GroupId": "sg-1"}

    def _AuthorizeSecurityGroupIngress(self, given: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        self._groups[0]["IpPermissions"] += given["IpPermissions"]
        return {}

    def _DescribeKeyPairs(self, given: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        return {"KeyPairs": []}

    def _CreateKeyPair(self, given: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        return {"KeyName": given["KeyName"], "KeyMaterial": "private"}

    def _RunInstances(self, given: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        [tags] = [one["Tags"] for one in given["TagSpecifications"] if one["ResourceType"] == "instance"]
        instance = {"InstanceId": f"i-{len(self._instances)}", "Tags": tags, "State": {"Name": "running"}}
        self._instances.append(instance | {"StateReason": {"Code": "", "Message": "pending"}})
        return {"Instances": [self._instances[-1]]}

    def _DescribeInstances(self, given: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        return {"Reservations": [{"Instances": self._instances}]}

    def _CreateTags(self, given: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        return {}

    def _TerminateInstances(self, given: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        return {"TerminatingInstances": []}


@contextmanager
def account() -> Iterator[Account]:
    """Let all clients of boto3 that are made meanwhile speak to an account that is not there."""
    here, before = Account(), boto3.DEFAULT_SESSION
    boto3.setup_default_session(aws_access_key_id="none", aws_secret_access_key="none")
    events = boto3.DEFAULT_SESSION.events
    events.register("provide-client-params.*", lambda params, context, **_: context.update(given=params))
    events.register("before-call.*", here.answer)
    try:
        yield here
    finally:
        boto3.DEFAULT_SESSION = before
