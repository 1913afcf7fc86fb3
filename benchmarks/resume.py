"""What a kill at half-way costs: how many clips the second run annotates, and whether the data set is the same.

python -m benchmarks.resume [--clips 2000]
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq

from benchmarks.figures import show
from benchmarks.many_clips import PROJECT, write_copies


def main() -> None:
    """Run once undisturbed and once with a kill -9 of the driver at half-way, and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=2000)
    count = parser.parse_args().clips
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        write_copies(work / "clips", count)
        _finish(work, "undisturbed")
        killed = _start(work, "killed")
        while _committed(work / "killed") < count / 2:
            if killed.poll() is not None:
                raise RuntimeError(f"the run ended before it could be killed:\n{killed.communicate()[1]}")
            time.sleep(0.05)
        killed.kill()
        killed.communicate()
        kept = _committed(work / "killed")
        _finish(work, "killed")
        again = _committed(work / "killed") - kept
        before, after = _content(work / "undisturbed"), _content(work / "killed")
    print(f"killed with {kept} of {count} clips done: the second run annotated {again}")
    differing = ((before - after) + (after - before)).total()
    show("resume: clips that the run after a kill at half-way annotates", 100 * again / count, "%", at_most=60)
    show("resume: rows in which the data sets with and without a kill differ", differing, "rows", at_most=0)


def _finish(work: Path, name: str) -> None:
    run = _start(work, name)
    _, errors = run.communicate()
    if run.returncode != 0:
        raise RuntimeError(f"build-dataset ended with {run.returncode}:\n{errors[-4000:]}")


def _start(work: Path, name: str) -> subprocess.Popen[str]:
    job = [sys.executable, str(PROJECT / "jobs" / "build_dataset.py"), "--input", str(work / "clips")]
    command = [*job, "--output", str(work / name)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def _committed(output: Path) -> int:
    parts = (output / "ledger" / "outcomes-done").glob("*.parquet")
    return sum(pq.read_metadata(part).num_rows for part in parts if not part.name.endswith(".pending.parquet"))


def _content(output: Path) -> Counter[str]:
    return Counter(repr(row) for row in pq.read_table(output / "data").to_pylist())


if __name__ == "__main__":
    main()
