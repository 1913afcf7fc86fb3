"""What the service costs and stands: beside the bare model, under load, for long, and when a model worker is lost.

    python -m benchmarks.serving [--only NAME ...] [--requests NUMBER]

Everything runs on one machine, two cores are enough, with a small model of random weights. Each figure has a service
on a cluster of its own. The exit status is 1 where something does not hold.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.many_clips import write_copies
from benchmarks.serving import lost_replica, overhead, soak, throughput
from benchmarks.serving.service import save_model

FIGURES = {
    "overhead": overhead.run,
    "throughput": throughput.run,
    "soak": soak.run,
    "lost_replica": lost_replica.run,
}
CLIPS = 32


def main() -> int:
    """Measure all, or those that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=[*FIGURES], default=[*FIGURES])
    parser.add_argument("--requests", type=int, help="how many are sent for each figure, in place of its own number")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        print(f"{CLIPS} clips of 3 s, copies of {write_copies(work / 'clips', CLIPS)}", flush=True)
        clips = sorted((work / "clips").iterdir())
        model = save_model(work / "model")
        held = [FIGURES[name](model, clips, options.requests) for name in options.only]
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
