"""The command ``train``."""

import argparse
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

from affectgpt.dataset.progress import say
from affectgpt.errors import JobError, RequestError, StoppedError
from affectgpt.training.recipe import STAGE_NAMES, load_recipe
from affectgpt.training.train import Request, train

DONE, FAILED, REFUSED, STOPPED = 0, 1, 2, 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status: 0 done, 1 failed, 2 refused, 3 stopped half-way and resumable."""
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        report = train(_request(options), say)
    except RequestError as error:
        say(f"train: {error}")
        return REFUSED
    except JobError as error:
        say(f"train: {error}")
        return FAILED
    except StoppedError as error:
        say(f"train: {error}")
        return STOPPED
    except KeyboardInterrupt:
        say("train: stopped; the checkpoints so far are kept, and the same command goes on from the last of them")
        return STOPPED
    print(f"model:  {options.output.rstrip('/')}/model\nreport: {report}")
    return DONE


def _interrupt(signum: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


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
