"""Ends the cluster that ``make cluster-local`` started, and nothing else: ``make cluster-local-stop``."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from affectgpt.exit_status import run_command
from cluster.local.running import default_folder, end


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status; where no cluster runs there is nothing to do."""
    parser = argparse.ArgumentParser(prog="cluster-local-stop", description=__doc__)
    parser.add_argument("--folder", type=Path, default=default_folder(), help="the one that it was started with")
    options = parser.parse_args(arguments)

    def action() -> None:
        ended = end(options.folder)
        print(f"ended {ended} processes; logs stay below {options.folder}" if ended else "no cluster runs")

    return run_command("cluster-local-stop", action, "stopped; run the same command again")


if __name__ == "__main__":
    sys.exit(main())
