"""What Ray Data adds to the work itself: build-dataset against a bare process pool that calls the same functions.

    python -m benchmarks.pipeline [--clips 2000]

CPU seconds are those of the whole process tree, daemons included. Start-up is that of a run of two clips.
"""

import argparse
import sys
import tempfile
from multiprocessing import Pool
from pathlib import Path

import pyarrow as pa

from affectgpt.clips.sources import list_sources
from affectgpt.dataset.annotating import isolated_process, run_stage, stages_of
from affectgpt.dataset.attempts import Attempts
from affectgpt.dataset.inspecting import inspect_rows, source_batches
from affectgpt.dataset.recipe import load_recipe
from affectgpt.dataset.schema import SOURCES, WORK
from benchmarks.figures import show
from benchmarks.many_clips import PROJECT, write_copies
from benchmarks.process_tree import Cost, measure

CLIPS_PER_TASK = 32
RECIPE = load_recipe("laptop")


def main() -> None:
    """Measure both, on a few clips and on many, and print the cost of a clip without start-up."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=2000)
    parser.add_argument("--pool", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.pool:
        print(annotate_with_a_pool(options.pool), "annotated")
        return
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        print(f"{options.clips} clips, copies of {write_copies(work / 'many', options.clips)}")
        write_copies(work / "few", 2)
        costs = {}
        for name in ("few", "many"):
            job = [sys.executable, str(PROJECT / "jobs" / "build_dataset.py"), "--input", str(work / name)]
            pool = [sys.executable, "-m", "benchmarks.pipeline", "--pool", str(work / name)]
            costs["ray", name] = measure([*job, "--output", str(work / "out" / name)])
            costs["pool", name] = measure(pool, {"PYTHONPATH": str(PROJECT)})
    ray_cpu, ray_wall = _without_start_up(costs["ray", "few"], costs["ray", "many"])
    pool_cpu, pool_wall = _without_start_up(costs["pool", "few"], costs["pool", "many"])
    for name, cpu_s, wall_s in (("ray", ray_cpu, ray_wall), ("pool", pool_cpu, pool_wall)):
        few = costs[name, "few"]
        each = f"{1000 * cpu_s / options.clips:.1f} ms CPU and {1000 * wall_s / options.clips:.1f} ms wall a clip"
        print(f"{name:5}{each}, after a start-up of {few.cpu_s:.1f} s CPU and {few.wall_s:.1f} s wall")
    show("pipeline: CPU per clip, times a bare process pool", ray_cpu / pool_cpu, "", at_most=1.15)
    show("pipeline: wall per clip, times a bare process pool", ray_wall / pool_wall, "", at_most=1.25)


def _without_start_up(few: Cost, many: Cost) -> tuple[float, float]:
    return many.cpu_s - few.cpu_s, many.wall_s - few.wall_s


def sources_of(folder: Path) -> pa.Table:
    """List the clips of a folder, as build-dataset lists them."""
    attempts = Attempts(set(), set(), retry=False)
    batches = list(source_batches(list_sources(str(folder)), RECIPE.cutting.settings(), attempts))
    return pa.Table.from_batches(batches, SOURCES).combine_chunks()


def annotate_sources(sources: pa.Table) -> list[str]:
    """Inspect and annotate some clips by the functions that build-dataset calls, and say how each ended."""
    clips = inspect_rows(sources, RECIPE.cutting.settings(), isolated_process(RECIPE).call)
    work = clips.append_column(WORK.field("voice_reference"), pa.nulls(clips.num_rows, pa.string()))
    [stage] = stages_of(RECIPE)
    return list(run_stage(work, stage)["outcome"].to_pylist())


def annotate_with_a_pool(folder: Path) -> int:
    """Annotate all clips of a folder with two processes, and count them."""
    sources = sources_of(folder)
    tasks = [sources.slice(start, CLIPS_PER_TASK) for start in range(0, sources.num_rows, CLIPS_PER_TASK)]
    with Pool(2) as pool:
        return sum(outcomes.count("annotated") for outcomes in pool.imap_unordered(annotate_sources, tasks))


if __name__ == "__main__":
    main()
