"""What a data set of a hundred million clips costs beside its annotation: ledger, resume, memory of the driver.

It is built in shards, so that one shard shows it: its ledger is made up as if all but a hundredth of its clips were
annotated, and the real job goes on from there.

python -m benchmarks.long_data_set [--rows 250000] [--shards 400]
"""

import argparse
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from affectgpt.clips.manifest import read_manifest
from affectgpt.dataset.ledger import Folder, Ledger
from affectgpt.dataset.recipe import load_recipe
from affectgpt.dataset.schema import OUTCOMES
from affectgpt.dataset.shards import Shard
from benchmarks.figures import show
from benchmarks.made_ledger import write_ledger
from benchmarks.many_clips import PROJECT, write_copies
from benchmarks.noop import SETTINGS
from benchmarks.process_tree import Cost, measure
from benchmarks.scale import quiet_film

REAL_CLIPS = 11


@dataclass(frozen=True)
class _Resume:
    """What going on cost, and how large the ledger was."""

    cost: Cost
    ledger_bytes: int


def main() -> None:
    """Resume a quarter of a shard and a whole one, and say what all shards cost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=250_000, help="clips of a shard")
    parser.add_argument("--shards", type=int, default=400)
    options = parser.parse_args()
    rows, shards = options.rows, options.shards
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        real = _real_outcomes(work)
        film = quiet_film(work / "film.wav", seconds=rows // 100 + 2)
        quarter = _resume(work / "quarter", film, rows // 4, real)
        whole = _resume(work / "whole", film, rows, real)
        listed_per_s = _listing_rate(work / "whole.parquet", rows, Shard(1, shards))
    for count, found in ((rows // 4, quarter), (rows, whole)):
        print(
            f"{count:,} rows, a hundredth of them left: {found.cost.wall_s:.0f} s wall, {found.cost.cpu_s:.0f} s CPU, "
            f"driver up to {found.cost.driver_mb:.0f} MB, ledger {found.ledger_bytes / 1e6:.0f} MB"
        )
    per_clip = whole.ledger_bytes / rows
    print(f"{rows * shards:,} clips in {shards} shards: ledgers of {per_clip * rows * shards / 1e9:.0f} GB in all")
    print(f"to resume one shard after the other: {whole.cost.wall_s * shards / 3600:.1f} h")
    print(f"to list one manifest of all clips, for each shard: {rows * shards / listed_per_s / 60:.0f} min")
    show("long data set: ledger", per_clip / 1e3, "kB per clip", at_most=10)
    show(f"long data set: resume of a shard of {rows:,} clips", whole.cost.wall_s, "s", at_most=300)
    show("long data set: memory of that driver", whole.cost.driver_mb, "MB", at_most=2000)


def _real_outcomes(work: Path) -> pa.Table:
    """Annotate a few real clips by the laptop's recipe and return the outcomes in the ledger."""
    what = write_copies(work / "clips", REAL_CLIPS)
    job = [sys.executable, str(PROJECT / "jobs" / "build_dataset.py"), "--input", str(work / "clips")]
    measure([*job, "--output", str(work / "real")])
    ledger = Ledger(Folder.at(str(work / "real")))
    print(f"texts are those of {REAL_CLIPS} {what}", flush=True)
    return pa.Table.from_batches(ledger.outcomes.read_batches(OUTCOMES.names, OUTCOMES), OUTCOMES)


def _resume(output: Path, film: Path, rows: int, real: pa.Table) -> _Resume:
    manifest = output.with_suffix(".parquet")
    starts = [number / 100 for number in range(rows)]
    ids = [f"scene/{number:09d}" for number in range(rows)]
    columns = {"uri": [str(film)] * rows, "clip_id": ids, "start_s": starts, "end_s": [start + 1 for start in starts]}
    pq.write_table(pa.table(columns), manifest)
    settings = [*SETTINGS, "run.clips_per_block=256"]
    began = time.monotonic()
    write_ledger(output, manifest, load_recipe("laptop", settings), real, unfinished=rows // 100)
    print(f"made a ledger of {rows:,} clips in {time.monotonic() - began:.0f} s", flush=True)
    size = sum(file.stat().st_size for file in (output / "ledger").rglob("*") if file.is_file())
    job = [sys.executable, str(PROJECT / "jobs" / "build_dataset.py"), "--manifest", str(manifest)]
    overrides = [word for setting in settings for word in ("--set", setting)]
    cost = measure([*job, "--output", str(output), *overrides], {"PYTHONPATH": str(PROJECT)})
    published = sum(pq.read_metadata(part).num_rows for part in (output / "data").glob("*.parquet"))
    if published != rows:
        raise RuntimeError(f"{published} of {rows} clips are in the data set:\n{cost.output[-2000:]}")
    return _Resume(cost, size)


def _listing_rate(manifest: Path, rows: int, shard: Shard) -> float:
    began = time.perf_counter()
    held = sum(1 for _ in read_manifest(str(manifest), shard.holds))
    seconds = time.perf_counter() - began
    print(f"listing {rows:,} rows for the {held} of shard {shard}: {rows / seconds:,.0f} rows/s")
    return rows / seconds


if __name__ == "__main__":
    main()
