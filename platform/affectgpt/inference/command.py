"""The command ``describe``."""

import argparse
import sys
from collections.abc import Sequence

from affectgpt.clips.storage import anchored
from affectgpt.exit_status import run_command
from affectgpt.inference.describing import Request, Summary, describe_clips
from affectgpt.inference.recipe import load_recipe

_LABELS_SHOWN = 8


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status: 0 done, 1 failed, 2 refused, 3 stopped with nothing written."""
    options = _parser().parse_args(arguments)
    stopped = "stopped; nothing was written, and the same command begins anew"
    return run_command("describe", lambda: _run(options), stopped)


def _run(options: argparse.Namespace) -> None:
    _print_summary(describe_clips(_request(options)), options.output)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="describe",
        description="Let a trained AffectGPT describe clips: clues, emotions and open-vocabulary labels.",
        epilog="The table opens as it is with evaluate --predictions.",
    )
    parser.add_argument(
        "--model", required=True, metavar="URI", help="a trained model: a folder, its URI, or a hub name"
    )
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--input", help="a folder, a glob, a file, or a URI (s3://, gs://, https://)")
    source.add_argument("--manifest", help="a CSV, Parquet or JSON Lines file with a column uri")
    parser.add_argument("--output", required=True, help="the table to write: .parquet, .csv or .jsonl")
    parser.add_argument("--language", choices=("en", "zh"), default="en", help="of the descriptions (default: en)")
    parser.add_argument("--recipe", default="laptop", help="a shipped recipe or a YAML file (default: laptop)")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="override a setting, e.g. workers.num_gpus=1"
    )
    parser.add_argument("--limit", type=_positive, help="take at most so many sources")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return number


def _request(options: argparse.Namespace) -> Request:
    return Request(
        model=anchored(options.model),
        input=options.input,
        manifest=options.manifest,
        output=options.output,
        language=options.language,
        recipe=load_recipe(options.recipe, options.set),
        limit=options.limit,
    )


def _print_summary(summary: Summary, output: str) -> None:
    described = summary.clips - summary.failed
    print(f"{summary.clips} clips = {described} described + {summary.failed} failed, in {summary.wall_s:.1f} s")
    for reason, count, message in summary.reasons:
        print(f"  failed: {count} x {reason}, for example: {message}")
    shown = ", ".join(f"{label} {count}" for label, count in summary.labels[:_LABELS_SHOWN])
    more = f", ... ({len(summary.labels)} distinct)" if len(summary.labels) > _LABELS_SHOWN else ""
    print(f"labels: {shown or 'none'}{more}")
    print(f"predictions: {output}")


if __name__ == "__main__":
    sys.exit(main())
