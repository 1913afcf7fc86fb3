"""Runs every benchmark, one after the other: ``python -m benchmarks``."""

import subprocess
import sys

BENCHMARKS = ("decode", "acoustic", "start_up", "pipeline", "resume", "scale", "peers")


def main() -> int:
    """Run all of them; the exit status says how many failed."""
    failed = 0
    for name in BENCHMARKS:
        print(f"\n== {name}", flush=True)
        failed += subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode != 0
    return failed


if __name__ == "__main__":
    sys.exit(main())
