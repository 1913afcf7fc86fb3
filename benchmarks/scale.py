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

from benchmarks.figures import show
from benchmarks.many_clips import PROJECT
from benchmarks.noop import OVERRIDES
from benchmarks.process_tree import Cost, measure

FEW = 10_000


def main() -> None:
    """Run a tenth and the whole, and print what they cost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        film = quiet_film(work / "film.wav", seconds=rows // 100 + 2)
        few, few_store = _run(work, film, FEW)
        many, many_store = _run(work, film, rows)
        parts = sorted((work / f"{rows}" / "data").glob("*.parquet"))
        sizes = [part.stat().st_size / 1e6 for part in parts]
    for count, cost, store in ((FEW, few, few_store), (rows, many, many_store)):
        print(f"{count:,} rows: {cost.wall_s:.0f} s wall, {cost.cpu_s:.0f} s CPU, ", end="")
        print(f"driver up to {cost.driver_mb:.0f} MB, object store up to {store:.0f} MB")
    print(f"output: {', '.join(f'{size:.1f} MB' for size in sizes)}")
    growth_mb = many.driver_mb - few.driver_mb
    show(f"scale: {rows:,} rows through the pipeline, nothing decoded", many.wall_s, "s", at_most=240)
    show(f"scale: growth of the driver's memory from {FEW:,} rows to {rows:,}", growth_mb, "MB", at_most=300)
    show("scale: object store", many_store, "MB", at_most=500)
    if len(parts) == 1:
        show("scale: output parts", 1, "part", at_most=1)
    else:
        show("scale: smallest output part but the last", min(sizes[:-1]), "MB", at_least=64, at_most=512)


def quiet_film(path: Path, seconds: int) -> Path:
    """Write a film of so many seconds without a picture and with a sound of next to no bytes."""
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
        used[0] = max(used[0], (shutil.disk_usage(store).used - at_rest) / 1e6)

    at_rest = shutil.disk_usage("/dev/shm").used
    cost = measure([*command, "--output", str(work / str(rows)), *OVERRIDES], {"PYTHONPATH": str(PROJECT)}, watch)
    print(cost.output[-600:])
    return cost, used[0]


if __name__ == "__main__":
    main()
