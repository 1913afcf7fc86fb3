"""GPUs: what the driver of each node sees, what Ray counts there, and a torch that can use them."""

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata

from affectgpt.doctor.check import Check, Finding, Node
from affectgpt.doctor.needs import Needs

_DRIVER_S = 10.0


@dataclass(frozen=True)
class Gpus:
    """What a node has.

    Attributes:
        names: of the GPUs that the driver sees, each with its memory.
        trouble: what the driver's tool says where it fails.
        torch: version of torch, or None.
    """

    names: tuple[str, ...]
    trouble: str
    torch: str | None


class GpusCheck(Check[Gpus]):
    """Whether Ray and the driver see the same GPUs, where the recipe reserves some."""

    name = "GPUs"

    def look(self, needs: Needs) -> Gpus:
        """Ask the driver."""
        names, trouble = driver_gpus()
        try:
            torch = metadata.version("torch")
        except metadata.PackageNotFoundError:
            torch = None
        return Gpus(names, trouble, torch)

    def judge(self, needs: Needs, seen: Mapping[Node, Gpus]) -> list[Finding]:
        """Compare; whether there are enough is what the check of room says."""
        findings = [finding for node, has in seen.items() if (finding := self._of(needs, node, has)) is not None]
        if not findings:
            total = sum(len(has.names) for has in seen.values())
            found = f"{total} in all, as Ray counts them; the recipe reserves {needs.gpus:g}"
            return [self.ok(found)]
        return findings

    def _of(self, needs: Needs, node: Node, has: Gpus) -> Finding | None:
        counted = node.resources.get("GPU", 0.0)
        if has.trouble:
            remedy = "repair the driver, or restart the node"
            failing = self.failed if counted or needs.gpus else self.warning
            return failing(node.name, f"nvidia-smi fails: {has.trouble}", remedy)
        if counted > len(has.names):
            remedy = "start its raylet without --num-gpus, so that Ray counts what there is, or install the driver"
            return self.failed(node.name, f"Ray counts {counted:g}, the driver sees {len(has.names)}", remedy)
        if counted < len(has.names):
            remedy = "unset CUDA_VISIBLE_DEVICES or --num-gpus where its raylet is started, if all are to be used"
            return self.warning(node.name, f"Ray counts {counted:g}, the driver sees {len(has.names)}", remedy)
        if needs.gpus and counted and has.torch is not None and has.torch.endswith("+cpu"):
            remedy = "install torch for CUDA there"
            return self.failed(node.name, f"torch {has.torch} is built for CPUs alone", remedy)
        return None


def driver_gpus() -> tuple[tuple[str, ...], str]:
    """Return the GPUs that the driver sees, and what it says where it fails."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return (), ""
    command = [program, "--query-gpu=name,memory.total", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_DRIVER_S, check=False)
    except subprocess.TimeoutExpired:
        return (), f"no answer within {_DRIVER_S:g} s"
    if done.returncode:
        said = (done.stdout + done.stderr).strip().splitlines()
        return (), said[-1] if said else f"status {done.returncode}"
    return tuple(line.strip() for line in done.stdout.splitlines() if line.strip()), ""
