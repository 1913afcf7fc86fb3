"""Starts a Ray cluster of several nodes on this machine, each node in processes of its own: ``make cluster-local``."""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from socket import socket
from typing import Final

from affectgpt.errors import JobError, RequestError
from affectgpt.exit_status import run_command
from cluster.local.running import LocalCluster, default_folder, end, marked, processes_of

_HOST: Final = "127.0.0.1"
_UP_S: Final = 180.0
_EVERY_S: Final = 0.5
_STORE_MIB: Final = 256


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    parser = argparse.ArgumentParser(prog="cluster-local", description=__doc__)
    parser.add_argument("--nodes", type=int, default=3, help="how many, the head among them (default: 3)")
    parser.add_argument("--cpus", type=int, default=1, help="of each node, as Ray counts them (default: 1)")
    parser.add_argument("--store-mib", type=int, default=_STORE_MIB, help="object store of each node, in MiB")
    parser.add_argument("--folder", type=Path, default=default_folder(), help="of sessions, logs and sockets")
    options = parser.parse_args(arguments)

    def action() -> None:
        _say(start(options.folder, options.nodes, options.cpus, options.store_mib))

    return run_command("cluster-local", action, "stopped; end what runs: make cluster-local-stop")


def start(folder: Path, nodes: int, cpus: int, store_mib: int = _STORE_MIB) -> LocalCluster:
    """Start a cluster and wait until it takes jobs.

    Args:
        folder: of its sessions, logs and sockets; it is made where it is not there.
        nodes: how many, the head among them.
        cpus: of each node, as Ray counts them.
        store_mib: size of each node's object store in MiB.

    Raises:
        RequestError: one runs in the folder already, or a number is below 1.
        JobError: it does not come up; what was started is ended.
    """
    if min(nodes, cpus) < 1:
        raise RequestError(f"{nodes} nodes of {cpus} CPUs: give at least 1 of each")
    if processes_of(folder):
        raise RequestError(f"a cluster runs in {folder} already; end it: make cluster-local-stop")
    folder.mkdir(parents=True, exist_ok=True)
    environment = marked(folder, {"RAY_AUTH_MODE": "token", **os.environ})
    port, dashboard, client, *agents = _free_ports(3 + nodes)
    cluster = LocalCluster(
        folder=str(folder),
        address=f"{_HOST}:{port}",
        dashboard=f"http://{_HOST}:{dashboard}",
        auth_mode=environment["RAY_AUTH_MODE"],
        nodes=nodes,
    )
    head = ["--head", f"--port={port}", f"--temp-dir={folder}", f"--ray-client-server-port={client}"]
    head += ["--include-dashboard=true", f"--dashboard-host={_HOST}", f"--dashboard-port={dashboard}"]
    # Several nodes share the machine's ports: the system chooses those of the workers.
    shared = ["--disable-usage-stats", f"--node-ip-address={_HOST}", "--min-worker-port=0", "--max-worker-port=0"]
    shared += [f"--num-cpus={cpus}", "--num-gpus=0", f"--object-store-memory={store_mib << 20}"]
    try:
        if environment["RAY_AUTH_MODE"] == "token":
            _ray(["get-auth-token", "--generate"], environment)
        for number, agent in enumerate(agents):
            own = head if number == 0 else [f"--address={cluster.address}"]
            names = [f"--node-name=node-{number}", f"--dashboard-agent-listen-port={agent}"]
            _ray(["start", *own, *shared, *names], environment)
        cluster.save()
        _wait_for_jobs(cluster, environment)
    except BaseException:
        end(folder)
        raise
    return cluster


def _free_ports(count: int) -> list[int]:
    """Find ports that nobody listens on."""
    held = [socket() for _ in range(count)]
    for one in held:
        one.bind((_HOST, 0))
    ports = [int(one.getsockname()[1]) for one in held]
    for one in held:
        one.close()
    return ports


def _ray(arguments: Sequence[str], environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "ray.scripts.scripts", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise JobError(f"`ray {' '.join(arguments)}` failed:\n{(done.stderr or done.stdout)[-4000:]}")


def _wait_for_jobs(cluster: LocalCluster, environment: dict[str, str]) -> None:
    """Wait until the cluster takes jobs, some seconds after its processes are up."""
    submit = ["job", "submit", f"--address={cluster.dashboard}", "--no-wait", "--", "true"]
    deadline = time.monotonic() + _UP_S
    while True:
        try:
            _ray(submit, environment)
            return
        except JobError as error:
            if time.monotonic() > deadline:
                raise JobError(f"the cluster takes no jobs after {_UP_S:g} s; {error}") from error
        time.sleep(_EVERY_S)


def _say(cluster: LocalCluster) -> None:
    environment = " ".join(f"{name}={value}" for name, value in cluster.client_environment().items())
    print(f"{cluster.nodes} nodes run; logs are below {cluster.folder}")
    print(f"address:    export {environment}")
    print(f"dashboard:  {cluster.dashboard}" + ("  (its token: ray get-auth-token)" * (cluster.auth_mode == "token")))
    print('a job:      make submit-build-dataset ARGS="--input ~/videos --output ~/emer-coarse"')
    print("its end:    make cluster-local-stop")


if __name__ == "__main__":
    sys.exit(main())
