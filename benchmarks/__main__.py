"""Runs every benchmark, one after the other, and ends with a table of all figures: ``python -m benchmarks``."""

import subprocess
import sys

from benchmarks.figures import MARK, SEPARATOR

BENCHMARKS = (
    "decode",
    "acoustic",
    "start_up",
    "pipeline",
    "bookkeeping",
    "resume",
    "scale",
    "long_data_set",
    "nodes",
    "peers",
    "annotation_engine",
    "evaluate",
    "training",
    "serving",
    "two_stage",
)
COLUMNS = ("claim", "measured", "target", "")


def main() -> int:
    """Run all of them; the exit status says how many failed."""
    figures: list[list[str]] = [list(COLUMNS)]
    failed = 0
    for name in BENCHMARKS:
        print(f"\n== {name}", flush=True)
        run = subprocess.Popen([sys.executable, "-m", f"benchmarks.{name}"], stdout=subprocess.PIPE, text=True)
        assert run.stdout is not None
        for line in run.stdout:
            print(line, end="", flush=True)
            mark, *figure = line.rstrip("\n").split(SEPARATOR)
            if mark == MARK:
                figures.append(figure)
        failed += run.wait() != 0
    _print_table(figures)
    return failed


def _print_table(rows: list[list[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    print("\n== summary")
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


if __name__ == "__main__":
    sys.exit(main())
