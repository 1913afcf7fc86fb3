"""Runs a job on the cluster of this machine, follows its log, and ends with its exit status: ``make submit-...``.

``ray job submit`` makes 1 of every status but 0, and 0 of a job that was stopped; here 2 (refused) and 3 (stopped,
resumable) stay what they are.
"""

import argparse
import asyncio
import os
import shlex
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from affectgpt.dataset.progress import say
from affectgpt.errors import RequestError
from affectgpt.exit_status import FAILED, REFUSED, STOPPED
from cluster.local.running import LocalCluster, default_folder, find

if TYPE_CHECKING:
    from ray.job_submission import JobSubmissionClient

PROJECT: Final = Path(__file__).resolve().parents[2]
JOBS: Final = tuple(sorted(file.stem.replace("_", "-") for file in (PROJECT / "jobs").glob("*.py")))
_EVERY_S: Final = 0.2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return the job's exit status."""
    parser = argparse.ArgumentParser(prog="submit", description=__doc__)
    parser.add_argument("--folder", type=Path, default=default_folder(), help="the one of the cluster")
    parser.add_argument("job", choices=JOBS)
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="of the job; relative paths are those of here")
    options = parser.parse_args(arguments)
    try:
        cluster = find(options.folder)
    except RequestError as error:
        say(f"submit: {error}")
        return REFUSED
    script = PROJECT / "jobs" / f"{options.job.replace('-', '_')}.py"
    return submit(cluster, [sys.executable, str(script), *options.arguments])


def submit(cluster: LocalCluster, command: Sequence[str]) -> int:
    """Run a command as a job, in the folder of this process, and return its exit status; Ctrl-C stops the job.

    Args:
        cluster: where it runs.
        command: the program and its arguments.
    """
    os.environ.update(cluster.client_environment())
    # Ray reads the environment when it is imported.
    from ray.job_submission import JobSubmissionClient

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    client = JobSubmissionClient(cluster.dashboard)
    job = client.submit_job(entrypoint=f"cd {shlex.quote(str(Path.cwd()))} && exec {shlex.join(command)}")
    say(f"job {job} on {cluster.dashboard}")
    try:
        try:
            asyncio.run(_follow(client, job))
        except KeyboardInterrupt:
            client.stop_job(job)
            asyncio.run(_follow(client, job))
        return _exit_status(client, job)
    except (RuntimeError, OSError) as error:
        say(f"submit: the cluster is gone ({error}); start it and run the same command again, which continues")
        return STOPPED


async def _follow(client: "JobSubmissionClient", job: str) -> None:
    async for lines in client.tail_job_logs(job):
        print(lines, end="", flush=True)


def _exit_status(client: "JobSubmissionClient", job: str) -> int:
    """Wait for a job's end and return the status of its command, as a shell would."""
    while not (info := client.get_job_info(job)).status.is_terminal():
        time.sleep(_EVERY_S)
    if info.driver_exit_code is not None:
        return int(info.driver_exit_code) if info.driver_exit_code >= 0 else 128 - int(info.driver_exit_code)
    if info.status == "STOPPED":
        return STOPPED
    say(f"submit: the job did not start: {info.message}")
    return FAILED


if __name__ == "__main__":
    sys.exit(main())
