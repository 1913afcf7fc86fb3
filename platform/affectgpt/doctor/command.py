"""The command ``doctor``: checks a cluster and a recipe before a job costs anything."""

import argparse
import sys
from collections.abc import Sequence
from typing import get_args

from affectgpt.doctor.jobs import Request, needs_of
from affectgpt.doctor.needs import JobName
from affectgpt.errors import JobError, RequestError
from affectgpt.exit_status import run_command


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status: 0 the job can run, 1 it cannot, 2 the request is wrong."""
    options = _parser().parse_args(arguments)
    return run_command("doctor", lambda: _run(options), "stopped; nothing is left behind")


def _run(options: argparse.Namespace) -> None:
    if options.limit_s <= 0:
        raise RequestError(f"--limit-s {options.limit_s:g}: give more than 0 seconds")
    request = Request(options.job, options.recipe, options.set, options.input, options.output, options.model)
    needs = needs_of(request)
    # Importing Ray takes a second, which a request that is refused should not cost.
    from affectgpt.doctor.examination import examine
    from affectgpt.doctor.showing import as_json, as_table

    examination = examine(needs, options.limit_s)
    print(as_json(examination) if options.json else as_table(examination))
    if not examination.healthy:
        raise JobError(f"{options.job} will not run as the recipe {options.recipe} has it; see the remedies above")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="doctor",
        description="Check a cluster and a recipe before a job costs anything: the cluster of RAY_ADDRESS, or this "
        "machine alone where that is not set.",
    )
    parser.add_argument("--job", required=True, choices=get_args(JobName), help="what is to be run")
    parser.add_argument("--recipe", default="laptop", help="a shipped recipe or a YAML file (default: laptop)")
    parser.add_argument("--input", action="append", default=[], metavar="URI", help="what it reads; may be repeated")
    parser.add_argument("--output", metavar="URI", help="folder or URI that it writes")
    parser.add_argument("--model", metavar="URI", help="of --job serve: the model that is served")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="override a setting, e.g. decode.frames=16"
    )
    parser.add_argument("--json", action="store_true", help="print JSON in place of a table")
    parser.add_argument(
        "--limit-s", type=float, default=20.0, help="how long nodes may take to answer, in seconds (default: 20)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
