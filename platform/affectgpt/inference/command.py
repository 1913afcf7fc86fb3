"""The command ``describe``: clips on Ray by a model that it loads, or by a service that runs already."""

import argparse
import sys
from collections.abc import Sequence

from affectgpt.clips.storage import anchored
from affectgpt.errors import RequestError
from affectgpt.exit_status import run_command
from affectgpt.inference.describing import Request, Summary, describe_clips
from affectgpt.inference.recipe import load_recipe

_LABELS_SHOWN = 8
_CONCURRENCY = 4
_RECIPE = "laptop"
_OF_THE_JOB = ("recipe", "set")
_OF_THE_SERVER = ("concurrency",)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status: 0 done, 1 failed, 2 refused, 3 stopped with nothing written."""
    options = _parser().parse_args(arguments)
    if options.server is not None:
        stopped = f"stopped; {options.output} has the rows so far, and the same command begins anew"
        return run_command("describe", lambda: _run_by_server(options), stopped)
    stopped = "stopped; nothing was written, and the same command begins anew"
    return run_command("describe", lambda: _run(options), stopped)


def _run(options: argparse.Namespace) -> None:
    _refuse(options, _OF_THE_SERVER, "--server")
    _print_summary(describe_clips(_request(options)), options.output)


def _run_by_server(options: argparse.Namespace) -> None:
    # The service has settings of its own.
    _refuse(options, _OF_THE_JOB, "--model")
    from affectgpt.client.describing import ServerRequest, describe_by_server

    concurrency = _CONCURRENCY if options.concurrency is None else options.concurrency
    where = (options.server, options.input, options.manifest, options.output)
    request = ServerRequest(*where, options.language, concurrency, options.limit)
    _print_summary(describe_by_server(request), options.output)


def _refuse(options: argparse.Namespace, names: Sequence[str], only_with: str) -> None:
    for name in names:
        if getattr(options, name):
            raise RequestError(f"--{name} is for {only_with} alone; leave it out")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="describe",
        description="Let a trained AffectGPT describe clips: clues, emotions and open-vocabulary labels.",
        epilog="The table opens as it is with evaluate --predictions. With --server, files are sent whole to a service "
        "that runs already; a key that it wants is read from AFFECTGPT_API_KEY.",
    )
    model = parser.add_mutually_exclusive_group(required=True)
    model.add_argument("--model", metavar="URI", help="a trained model: a folder, its URI, or a hub name")
    model.add_argument("--server", metavar="URL", help="a service that holds a model: http://host:8000")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--input", help="a folder, a glob, a file, or a URI (s3://, gs://, https://)")
    source.add_argument("--manifest", help="a CSV, Parquet or JSON Lines file with a column uri")
    parser.add_argument(
        "--output",
        required=True,
        help="the table to write: .parquet, .csv or .jsonl; with --server .jsonl, whose rows are written as they come",
    )
    parser.add_argument("--language", choices=("en", "zh"), default="en", help="of the descriptions (default: en)")
    parser.add_argument("--recipe", help=f"a shipped recipe or a YAML file (default: {_RECIPE})")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="override a setting, e.g. workers.num_gpus=1"
    )
    parser.add_argument("--limit", type=_positive, help="take at most so many sources")
    parser.add_argument(
        "--concurrency", type=_positive, help=f"how many clips a service gets at a time (default: {_CONCURRENCY})"
    )
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
        recipe=load_recipe(options.recipe or _RECIPE, options.set),
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
