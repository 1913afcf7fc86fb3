"""What nodes, an object store and a cluster that is up already are worth: real clusters on this machine.

python -m benchmarks.nodes [--clips 1200]

Each node has one CPU and processes of its own. A machine with two cores has none left for a driver, a store or a
client beside two nodes, so that the first figure says the least.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.figures import show
from benchmarks.many_clips import PROJECT, write_copies
from cluster.local.running import LocalCluster, end
from cluster.local.start import start
from tests.integration import s3_server

JOB = PROJECT / "jobs" / "build_dataset.py"
FEW = 8


def main() -> None:
    """Run the same job on one node, on two, from a store, and submitted, and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=1200)
    count = parser.parse_args().clips
    with tempfile.TemporaryDirectory(prefix="n") as folder:
        work = Path(folder)
        print(f"{count} clips, copies of {write_copies(work / 'clips', count)}", flush=True)
        write_copies(work / "few", FEW)
        rates = {}
        for nodes in (1, 2):
            with _cluster(work / f"c{nodes}", nodes) as cluster:
                rates[nodes] = _clips_per_s(cluster, str(work / "clips"), work / f"out-{nodes}", f"{nodes} nodes")
        from_store = _from_store(work)
        with _cluster(work / "c3", 2) as cluster:
            first_s = min(_submitted(cluster, work / "few", work / f"submitted-{number}") for number in range(2))
    show("nodes: clips per second of two nodes of one CPU, beside one", rates[2] / rates[1], "", at_least=1.8)
    show("nodes: clips per second from S3 (Ceph on this machine), beside local files", from_store, "", at_least=0.85)
    show("nodes: from the submission on a cluster that is up to the first annotated clip", first_s, "s", at_most=20)


@contextmanager
def _cluster(folder: Path, nodes: int) -> Iterator[LocalCluster]:
    cluster = start(folder, nodes, cpus=1)
    try:
        yield cluster
    finally:
        end(folder)


def _clips_per_s(cluster: LocalCluster, source: str, output: Path, what: str) -> float:
    """Build a data set on a cluster and say how many clips were annotated a second."""
    command = [sys.executable, str(JOB), "--input", source, "--output", str(output)]
    environment = {**os.environ, **cluster.client_environment()}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"build-dataset ended with {done.returncode}:\n{done.stderr[-4000:]}")
    report = json.loads((output / "report.json").read_text(encoding="utf-8"))
    rate = float(report["annotated"] / report["annotate_s"])
    print(f"{what}: {report['annotated']} clips in {report['annotate_s']:.1f} s, {rate:.1f}/s", flush=True)
    return rate


def _from_store(work: Path) -> float:
    """Say what one node makes of clips in a bucket, beside what it makes of the same as files."""
    (work / "s3").mkdir()
    server = s3_server.start(work / "s3")
    before = dict(os.environ)
    try:
        server.upload({f"clips/{clip.name}": clip for clip in (work / "clips").iterdir()})
        # The nodes take their credentials from the environment that they are started in.
        os.environ.update(server.environment())
        with _cluster(work / "c", 1) as cluster:
            local = _clips_per_s(cluster, str(work / "clips"), work / "from-files", "files")
            remote = _clips_per_s(cluster, f"s3://{server.bucket}/clips", work / "from-store", "S3")
    finally:
        os.environ.clear()
        os.environ.update(before)
        s3_server.stop(work / "s3")
    return remote / local


def _submitted(cluster: LocalCluster, clips: Path, output: Path) -> float:
    """Submit a job and return the seconds until a clip is annotated."""
    began = time.perf_counter()
    first: list[float] = []
    job = [sys.executable, "-m", "cluster.local.submit", "--folder", cluster.folder, "build-dataset"]
    run = subprocess.Popen(
        [*job, "--input", str(clips), "--output", str(output)],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    said: list[str] = []
    reader = threading.Thread(target=lambda: said.extend(run.stdout or ()), daemon=True)
    reader.start()
    done = output / "ledger" / "outcomes-done"
    while run.poll() is None:
        if not first and any(not part.name.endswith(".pending.parquet") for part in done.glob("*.parquet")):
            first.append(time.perf_counter() - began)
        time.sleep(0.05)
    reader.join()
    if run.returncode != 0 or not first:
        raise RuntimeError(f"the submitted job ended with {run.returncode}:\n{''.join(said)[-4000:]}")
    print(
        f"submitted: the first clip after {first[0]:.1f} s, the end after {time.perf_counter() - began:.1f} s",
        flush=True,
    )
    return first[0]


if __name__ == "__main__":
    main()
