"""The command ``merge-dataset``."""

import argparse
import sys
from collections.abc import Sequence

from affectgpt.dataset.command import print_summary
from affectgpt.dataset.merging import merge
from affectgpt.exit_status import run_command


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status: 0 done, 1 clips were lost, 2 refused, 3 stopped."""
    parser = argparse.ArgumentParser(
        prog="merge-dataset",
        description="Make one data set of the shards that build-dataset --shard i/N built, once all of them are done.",
    )
    parser.add_argument("--output", required=True, help="folder or URI that the shards were built below")
    options = parser.parse_args(arguments)
    stopped = "stopped; the shards are as they were, and the same command begins anew"
    return run_command("merge-dataset", lambda: print_summary(merge(options.output), options.output), stopped)


if __name__ == "__main__":
    sys.exit(main())
