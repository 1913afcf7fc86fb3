"""The command ``train``."""

import argparse
import sys
from collections.abc import Sequence

from affectgpt.dataset.progress import say
from affectgpt.exit_status import run_command
from affectgpt.training.recipe import STAGE_NAMES, load_recipe
from affectgpt.training.train import Request, train


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status: 0 done, 1 failed, 2 refused, 3 stopped half-way and resumable."""
    options = _parser().parse_args(arguments)
    stopped = "stopped; the checkpoints so far are kept, and the same command goes on from the last of them"
    return run_command("train", lambda: _run(options), stopped)


def _run(options: argparse.Namespace) -> None:
    report = train(_request(options), say)
    print(f"model:  {options.output.rstrip('/')}/model\nreport: {report}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="train",
        description="Train AffectGPT in two stages: a coarse mapping on EMER-Coarse, then alignment on EMER-Fine.",
        epilog="The same command again continues a run that was stopped.",
    )
    parser.add_argument("--coarse", metavar="URI", help="EMER-Coarse: a data set that build-dataset wrote")
    parser.add_argument("--fine", metavar="URI", help="EMER-Fine: its CSV as released, or a table of your own")
    parser.add_argument("--media", metavar="URI", help="where the clips of --fine lie, if its table does not say so")
    parser.add_argument("--split", metavar="FILE", help="a split that split-dataset wrote; its test part is left alone")
    parser.add_argument("--output", required=True, metavar="URI", help="folder or URI of the run")
    parser.add_argument("--recipe", default="laptop", help="a shipped recipe or a YAML file (default: laptop)")
    parser.add_argument(
        "--stages", nargs="+", choices=STAGE_NAMES, default=list(STAGE_NAMES), help="run only these (default: both)"
    )
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="override a setting, e.g. stages.fine.epochs=5"
    )
    return parser


def _request(options: argparse.Namespace) -> Request:
    return Request(
        coarse=options.coarse,
        fine=options.fine,
        media=options.media,
        split=options.split,
        output=options.output,
        recipe=load_recipe(options.recipe, options.set),
        stages=[name for name in STAGE_NAMES if name in options.stages],
    )


if __name__ == "__main__":
    sys.exit(main())
