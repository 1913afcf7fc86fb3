"""What a check is: something that is looked at on each node, and a judgement of what was seen there."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Final, Generic, Literal, TypeVar

from affectgpt.doctor.needs import Needs

Facts = TypeVar("Facts")
State = Literal["ok", "warning", "failed"]
ALL: Final = "all"
"""The nodes of a finding that concerns each of them."""


@dataclass(frozen=True)
class Node:
    """A node of the cluster, or this machine where there is none.

    Attributes:
        name: what a person calls it.
        node_id: Ray's id, or None for this machine without a cluster.
        host: name of the machine, which several nodes may share.
        resources: what Ray counts there: ``CPU``, ``GPU``, ``object_store_memory`` in bytes and others.
    """

    name: str
    node_id: str | None
    host: str
    resources: Mapping[str, float] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check says of one node, or of all of them.

    Attributes:
        check: name of the check.
        node: name of the node, or what they are together.
        state: whether a job can run; a warning may cost time, not the job.
        found: what there is, in a line.
        remedy: what to do, where something is to be done.
    """

    check: str
    node: str
    state: State
    found: str
    remedy: str = ""


class Check(ABC, Generic[Facts]):
    """One check.

    Attributes:
        name: in one or two words.
    """

    name: ClassVar[str]

    @abstractmethod
    def look(self, needs: Needs) -> Facts:
        """See what there is, on the node itself."""

    @abstractmethod
    def judge(self, needs: Needs, seen: Mapping[Node, Facts]) -> list[Finding]:
        """Say what that means for the job, for the nodes that answered."""

    def ok(self, found: str) -> Finding:
        """A finding that all is well, on all nodes."""
        return Finding(self.name, ALL, "ok", found)

    def warning(self, node: str, found: str, remedy: str) -> Finding:
        """A finding that costs time at most."""
        return Finding(self.name, node, "warning", found, remedy)

    def failed(self, node: str, found: str, remedy: str) -> Finding:
        """A finding with which the job will not run."""
        return Finding(self.name, node, "failed", found, remedy)
