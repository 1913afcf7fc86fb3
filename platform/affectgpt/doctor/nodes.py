"""The nodes of the cluster, and how they are asked: each by a task of its own, none waited for longer than a limit."""

import os
import socket
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import ray
from ray.exceptions import GetTimeoutError, RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from affectgpt.dataset.connection import connect
from affectgpt.doctor.check import Node
from affectgpt.doctor.clocks import Offset
from affectgpt.doctor.gpus import driver_gpus

_CLOCK_ROUNDS: Final = 3
_CLOCK_S: Final = 5.0
_STORE_SHARE: Final = 0.3
"""Of the memory, what Ray gives its object store unless told otherwise."""


def find_nodes() -> list[Node]:
    """Join the cluster of RAY_ADDRESS and return its nodes; where there is none, or ``local``, this machine alone.

    Raises:
        JobError: the cluster does not answer.
    """
    address = os.environ.get("RAY_ADDRESS", "")
    if address in ("", "local"):
        return [_this_machine()]
    connect(show_workers=False)
    return [_node(entry) for entry in ray.nodes() if entry["Alive"]]


def _this_machine() -> Node:
    """This machine with what Ray would count on it."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    has = {"CPU": float(len(os.sched_getaffinity(0))), "GPU": float(len(driver_gpus()[0]))}
    return Node("this machine", None, socket.gethostname(), {**has, "object_store_memory": _STORE_SHARE * memory})


def _node(entry: dict[str, Any]) -> Node:
    name, host = str(entry["NodeName"]), str(entry["NodeManagerHostname"])
    shown = host if name == entry["NodeManagerAddress"] else name
    return Node(f"{shown} ({entry['NodeID'][:6]})", entry["NodeID"], host, entry["Resources"])


def ask(nodes: Sequence[Node], limit_s: float, question: Callable[..., Any], *arguments: Any) -> dict[Node, Any]:
    """Ask nodes at once, and return the answers; where there is none in time, or the task fails, it is an exception.

    Args:
        nodes: of the cluster, or this machine.
        limit_s: how long to wait for all of them.
        question: a function that a task on the node, or this process, calls.
        arguments: of the function.
    """
    if not ray.is_initialized():
        return {nodes[0]: question(*arguments)}
    task = ray.remote(num_cpus=0, max_retries=0)(question)
    asked = {
        node: task.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node.node_id, soft=False)).remote(
            *arguments
        )
        for node in nodes
    }
    deadline = time.monotonic() + limit_s
    answers: dict[Node, Any] = {}
    for node, answer in asked.items():
        try:
            answers[node] = ray.get(answer, timeout=max(deadline - time.monotonic(), 0.0))
        except GetTimeoutError:
            ray.cancel(answer, force=True)
            answers[node] = TimeoutError(f"no answer within {limit_s:g} s")
        except RayError as error:
            answers[node] = error
    return answers


def clock_offsets(nodes: Sequence[Node]) -> dict[Node, Offset]:
    """Compare the clocks of nodes that answer with that of this machine, several times each, and keep the surest."""
    offsets: dict[Node, Offset] = {}
    for node in [*nodes] * _CLOCK_ROUNDS:
        sent = time.time()
        there = ask([node], _CLOCK_S, _now)[node]
        received = time.time()
        if isinstance(there, float):
            offset = Offset.measured(sent, there, received)
            best = offsets.get(node)
            if best is None or offset.uncertainty_s < best.uncertainty_s:
                offsets[node] = offset
    return offsets


def _now() -> float:
    return time.time()
