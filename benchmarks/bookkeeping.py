"""What ledger, metrics and logs add to the annotation of clips that are already inspected.

    python -m benchmarks.bookkeeping [--clips 1500] [--rounds 3]

Kept: as build-dataset does it, from the ledger's clips through plan and work to committed outcomes that are checked.
Bare: the same clips through the same stage on Ray Data into plain Parquet files. CPU seconds are those of the whole
process tree; the rounds take turns, and the start-up is that of a run of few clips.
"""

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import ray

from affectgpt.clips.sources import list_sources
from affectgpt.dataset import cluster
from affectgpt.dataset.annotating import run_stage, stages_of
from affectgpt.dataset.attempts import Attempts, clip_attempts
from affectgpt.dataset.checks import check_outcomes
from affectgpt.dataset.connection import connect
from affectgpt.dataset.history import ANNOTATED, PLANNED, Recorder
from affectgpt.dataset.inspecting import source_batches
from affectgpt.dataset.ledger import Folder, Ledger
from affectgpt.dataset.metrics import count_settled
from affectgpt.dataset.planning import make_plan
from affectgpt.dataset.recipe import load_recipe
from affectgpt.dataset.reuse import recipe_key, with_known
from affectgpt.dataset.schema import CLIPS, SOURCES, WORK
from benchmarks.figures import show
from benchmarks.many_clips import PROJECT, write_copies
from benchmarks.process_tree import Cost, measure

FEW = 8
RECIPE = load_recipe("laptop")


def main() -> None:
    """Measure both ways, in turns, and print what the kept one adds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=1500)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--way", choices=("inspect", "kept", "bare"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.way:
        print({"inspect": inspect, "kept": annotate_kept, "bare": annotate_bare}[options.way](options.folder), "clips")
        return
    with tempfile.TemporaryDirectory() as folder:
        compare(Path(folder), options.clips, options.rounds)


def compare(folder: Path, clips: int, rounds: int) -> None:
    """Let both ways annotate few clips and many, and print the figures."""
    print(f"{clips} clips, copies of {write_copies(folder / 'many' / 'in', clips)}")
    write_copies(folder / "few" / "in", FEW)
    for size in ("few", "many"):
        _run("inspect", folder / size)
    costs: dict[str, list[tuple[float, float]]] = {"kept": [], "bare": []}
    for number in range(rounds):
        for way in ("kept", "bare") if number % 2 else ("bare", "kept"):
            few, many = (_run(way, folder / size) for size in ("few", "many"))
            costs[way].append((many.cpu_s - few.cpu_s, many.wall_s - few.wall_s))
            each_cpu, each_wall = (1000 * seconds / (clips - FEW) for seconds in costs[way][-1])
            print(f"{way}: {each_cpu:.2f} ms CPU and {each_wall:.2f} ms wall a clip", flush=True)
    for place, what in ((0, "CPU"), (1, "wall clock")):
        kept, bare = (statistics.median(cost[place] for cost in costs[way]) for way in ("kept", "bare"))
        show(f"bookkeeping: what ledger, metrics and logs add to the {what}", 100 * (kept / bare - 1), "%", at_most=3)


def _run(way: str, folder: Path) -> Cost:
    command = [sys.executable, "-m", "benchmarks.bookkeeping", "--way", way, "--folder", str(folder)]
    return measure(command, {"PYTHONPATH": str(PROJECT), "RAY_ADDRESS": "local"})


def inspect(folder: Path) -> int:
    """Make the ledger that both ways begin with."""
    connect()
    ledger = Ledger(Folder.at(str(folder / "out")))
    nothing_known = Attempts(set(), set(), retry=False)
    batches = list(source_batches(list_sources(str(folder / "in")), RECIPE.cutting.settings(), nothing_known))
    ledger.uninspected.write_table(batches, SOURCES)
    count = ledger.sources.write_table(batches, SOURCES)
    cluster.inspect(ledger, count, RECIPE, "benchmark")
    return count


def annotate_kept(folder: Path) -> int:
    """Annotate as build-dataset does."""
    connect()
    ledger = Ledger(Folder.at(str(folder / "out")))
    for results in (ledger.outcomes, ledger.outcomes.done):
        results.clear()
    run = Recorder.of_new_run(ledger, 0.0)
    run.begin()
    attempts = clip_attempts(ledger, retry=False)
    plan = make_plan(ledger, attempts, recipe_key(RECIPE))
    work = pa.Table.from_batches([attempts.without_known(batch, "work_id") for batch in plan.work.to_batches()])
    count_settled(run.run_id, plan.settled)
    work = with_known(_as_work(work, run.run_id), plan.work["work_id"], ledger, RECIPE)
    left = ledger.work.write_table(work.to_batches(), work.schema)
    run.add(PLANNED, left=left)
    cluster.annotate(ledger, left, RECIPE)
    run.add(ANNOTATED)
    check_outcomes(ledger, plan)
    return left


def annotate_bare(folder: Path) -> int:
    """Annotate the same clips without plan, ledger, metrics and logs."""
    connect()
    ledger = Ledger(Folder.at(str(folder / "out")))
    clips = pa.Table.from_batches(ledger.clips.read_batches(CLIPS.names, CLIPS), CLIPS)
    work = _as_work(clips, "benchmark").append_column(
        WORK.field("known"), pa.nulls(clips.num_rows, WORK.field("known").type)
    )
    (stage,) = stages_of(RECIPE)
    rounds = max(cluster.BLOCKS_PER_CPU, -(-work.num_rows // (RECIPE.run.clips_per_block * cluster.cpus())))
    dataset = ray.data.from_arrow(work).repartition(min(work.num_rows, rounds * cluster.cpus()))
    done = dataset.map_batches(run_stage, batch_size=None, batch_format="pyarrow", fn_kwargs={"stage": stage})
    results = Folder.at(str(folder / "bare"))
    results.clear()
    done.write_parquet(results.path)
    return sum(pq.read_metadata(info.path).num_rows for info in results.files(".parquet"))


def _as_work(clips: pa.Table, run_id: str) -> pa.Table:
    voices = clips.append_column(WORK.field("voice_reference"), pa.nulls(clips.num_rows, pa.string()))
    return voices.append_column(WORK.field("run_id"), pa.repeat(run_id, clips.num_rows))


if __name__ == "__main__":
    main()
