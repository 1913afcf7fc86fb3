"""What ``train`` costs: its loop, its feature cache, its workers, its start, and, on a GPU, what it makes of that.

    python -m benchmarks.training [--clips 48] [--only NAME ...]

The clips are annotated by ``build-dataset``. All but the GPU's figures are of a machine's CPU cores, two are enough.
"""

import argparse
import tempfile
from pathlib import Path

from benchmarks.training import bare_loop, feature_cache, first_step, gpu, two_workers
from benchmarks.training.runs import annotate_clips

FIGURES = {
    "bare_loop": bare_loop.run,
    "feature_cache": feature_cache.run,
    "two_workers": two_workers.run,
    "first_step": first_step.run,
}


def main() -> None:
    """Measure all, or those that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=48)
    parser.add_argument("--only", nargs="+", choices=[*FIGURES, "gpu"], default=[*FIGURES, "gpu"])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        chosen = {name: measure for name, measure in FIGURES.items() if name in options.only}
        if chosen:
            data = annotate_clips(work, options.clips)
        for name, measure in chosen.items():
            (work / name).mkdir()
            measure(data, work / name)
    if "gpu" in options.only:
        gpu.main([])


if __name__ == "__main__":
    main()
