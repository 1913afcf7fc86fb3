"""What tests of whole jobs share: commands in processes of their own, real clusters, a real S3 server."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration import s3_server
from tests.integration.shared_cluster import SHARED_CLUSTER

PROJECT = Path(__file__).resolve().parents[2]

# Jobs start clusters of their own, or join that of these tests, and never one that happens to run on this machine.
os.environ.setdefault("RAY_ADDRESS", "local")
# Ray counts by an actor of its own what each job uses.
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")


@pytest.fixture(scope="session", autouse=True)
def no_cluster_is_left() -> Iterator[None]:
    """End the shared cluster behind the last test."""
    yield
    SHARED_CLUSTER.end()


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[s3_server.S3Server]:
    """A running S3 server; tests are skipped where its programs are not installed."""
    missing = s3_server.missing_programs()
    if missing:
        pytest.skip(f"no S3 server: {', '.join(missing)} missing; run cluster/install/test-packages.sh")
    folder = tmp_path_factory.mktemp("s3")
    try:
        yield s3_server.start(folder)
    finally:
        s3_server.stop(folder)


def run_job(*arguments: object, env: dict[str, str] | None = None, **options) -> subprocess.CompletedProcess[str]:
    """Run ``python jobs/build_dataset.py`` in a process of its own and wait for its end.

    With an environment it has a cluster of its own, whose workers have the same; else it joins the shared one.
    """
    return subprocess.run(
        [sys.executable, str(PROJECT / "jobs" / "build_dataset.py"), *map(str, arguments)],
        env={**os.environ, **(SHARED_CLUSTER.environment() if env is None else env)},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
        **options,
    )
