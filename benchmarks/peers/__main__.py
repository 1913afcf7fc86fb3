"""build-dataset beside Daft and Data-Juicer, all calling the same functions on the same clips.

    python -m benchmarks.peers [--clips 2000] [--environments FOLDER]

Each peer is installed from the package index into an environment of its own below FOLDER, once. CPU and wall are those
of whole commands without those of the same command on two clips.
"""

import argparse
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
from pyarrow.json import read_json

from benchmarks.figures import show
from benchmarks.many_clips import PROJECT, write_copies
from benchmarks.process_tree import Cost, measure

PEERS = {"daft": "daft", "data-juicer": "py-data-juicer"}
TARGETS = {"daft": 1.0, "data-juicer": 3.0}
MODULES = {"daft": "benchmarks.peers.daft_pipeline", "data-juicer": "benchmarks.peers.juicer_pipeline"}


def main() -> None:
    """Measure all three and print what each costs a clip."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=2000)
    parser.add_argument("--environments", type=Path, default=Path(tempfile.gettempdir()) / "affectgpt-peers")
    options = parser.parse_args()
    pythons = {name: _environment(options.environments / name, package) for name, package in PEERS.items()}
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        print(f"{options.clips} clips, copies of {write_copies(work / 'many', options.clips)}")
        write_copies(work / "few", 2)
        costs = {name: _measure(name, pythons.get(name), work, options.clips) for name in ("build-dataset", *PEERS)}
    ours_cpu, ours_wall = costs["build-dataset"]
    for name, (cpu_s, wall_s) in costs.items():
        print(f"{name:14} {1000 * cpu_s:6.1f} ms CPU and {1000 * wall_s:6.1f} ms wall a clip")
    for name, target in TARGETS.items():
        cpu_s, wall_s = costs[name]
        show(f"peers: {name}, CPU per clip, times build-dataset", cpu_s / ours_cpu, "", at_least=target)
        show(f"peers: {name}, wall per clip, times build-dataset", wall_s / ours_wall, "", at_least=target)


def _environment(folder: Path, package: str) -> Path:
    python = folder / "bin" / "python"
    ready = folder / ".ready"
    if not ready.exists():
        print(f"installing {package} into {folder}", flush=True)
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        for what in (
            [package],
            ["--constraint", str(PROJECT / "cluster/constraints/cpu.txt"), "psutil", "-e", str(PROJECT)],
        ):
            subprocess.run([str(python), "-m", "pip", "install", "--quiet", *what], check=True)
        ready.touch()
    return python


def _measure(name: str, python: Path | None, work: Path, clips: int) -> tuple[float, float]:
    few, many = (_run(name, python, work / size, work / f"{name}-{size}") for size in ("few", "many"))
    return (many.cpu_s - few.cpu_s) / clips, (many.wall_s - few.wall_s) / clips


def _run(name: str, python: Path | None, clips: Path, output: Path) -> Cost:
    if python is None:
        job = [sys.executable, str(PROJECT / "jobs" / "build_dataset.py"), "--input", str(clips)]
        return measure([*job, "--output", str(output)])
    environment = {"PYTHONPATH": str(PROJECT), "OMP_NUM_THREADS": "1"}
    cost = measure([str(python), "-m", MODULES[name], str(clips), str(output)], environment)
    _check_annotated(name, output, clips)
    return cost


def _check_annotated(name: str, output: Path, clips: Path) -> None:
    """A peer that drops what fails, or fails on every clip and ends well, would look fast."""
    tables = [pq.read_table(path) for path in output.glob("*.parquet")]
    tables += [read_json(path) for path in (output / "annotated").glob("*.json")]
    outcomes = Counter(outcome for table in tables for outcome in table["outcome"].to_pylist())
    expected = len(list(clips.iterdir()))
    if outcomes != {"annotated": expected}:
        raise RuntimeError(f"{name}: of {expected} clips: {dict(outcomes)}")


if __name__ == "__main__":
    main()
