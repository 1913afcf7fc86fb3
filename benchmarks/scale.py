"""What 100,000 rows cost where decoding and engines do nothing: time, memory of the driver, object store, parts.

python -m benchmarks.scale [--rows 100000]
"""

import argparse
import shutil
import sys
import tempfile
import wave
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.noop import OVERRIDES
from benchmarks.process_tree import Cost, measure

PROJECT = Path(__file__).resolve().parents[1]
FEW = 10_000


def main() -> None:
    """Run a tenth and the whole, and print what they cost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        film = _quiet_film(work / "film.wav", seconds=rows // 100 + 2)
        few, few_store = _run(work, film, FEW)
        many, many_store = _run(work, film, rows)
        parts = list((work / f"{rows}" / "data").glob("*.parquet"))
        print(f"{rows:,} rows: {many.wall_s:.0f} s wall, {many.cpu_s:.0f} s CPU          (target: 240 s)")
        print(f"{FEW:,} rows: {few.wall_s:.0f} s wall, {few.cpu_s:.0f} s CPU")
        print(f"driver: {few.driver_mib:.0f} -> {many.driver_mib:.0f} MiB, "
              f"{many.driver_mib - few.driver_mib:+.0f} MiB   (target: +300 MB)")  # fmt: skip
        print(f"object store, most used: {few_store:.0f} -> {many_store:.0f} MiB   (target: 500 MB)")
        print(f"parts: {len(parts)}, {sum(part.stat().st_size for part in parts) / 2**20:.1f} MiB")


def _quiet_film(path: Path, seconds: int) -> Path:
    with wave.open(str(path), "wb") as sound:
        sound.setparams((1, 1, 100, 0, "NONE", ""))
        sound.writeframes(b"\x80" * 100 * seconds)
    return path


def _run(work: Path, film: Path, rows: int) -> tuple[Cost, float]:
    starts = [number / 100 for number in range(rows)]
    ids = [f"scene/{number:09d}" for number in range(rows)]
    columns = {"uri": [str(film)] * rows, "clip_id": ids, "start_s": starts, "end_s": [start + 1 for start in starts]}
    pq.write_table(pa.table(columns), work / f"{rows}.parquet")
    command = [sys.executable, str(PROJECT / "jobs" / "build_dataset.py"), "--manifest", str(work / f"{rows}.parquet")]
    used = [0.0]

    def watch() -> None:
        store = Path("/dev/shm")
        used[0] = max(used[0], (shutil.disk_usage(store).used - at_rest) / 2**20)

    at_rest = shutil.disk_usage("/dev/shm").used
    cost = measure([*command, "--output", str(work / str(rows)), *OVERRIDES], {"PYTHONPATH": str(PROJECT)}, watch)
    print(cost.output[-600:])
    return cost, used[0]


if __name__ == "__main__":
    main()
