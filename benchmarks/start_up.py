"""Seconds from the command to the first annotated clip, and to the end of a job of four clips.

python -m benchmarks.start_up
"""

import sys
import tempfile
import time
from pathlib import Path

from benchmarks.figures import show
from benchmarks.many_clips import PROJECT, write_copies
from benchmarks.process_tree import measure


def main() -> None:
    """Run a small job and print both times."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        write_copies(work / "clips", 4)
        done = work / "out" / "ledger" / "outcomes-done"
        first: list[float] = []
        began = time.perf_counter()

        def watch() -> None:
            if (
                not first
                and done.is_dir()
                and any(not path.name.endswith(".pending.parquet") for path in done.iterdir())
            ):
                first.append(time.perf_counter() - began)

        job = [sys.executable, str(PROJECT / "jobs" / "build_dataset.py"), "--input", str(work / "clips")]
        cost = measure([*job, "--output", str(work / "out")], watch=watch)
    show("start-up: from the command to the first annotated clip", first[0], "s", at_most=15)
    show("start-up: a job of four clips", cost.wall_s, "s", at_most=20)


if __name__ == "__main__":
    main()
