"""The command ``build-dataset``."""

import argparse
import math
import sys
from collections import Counter
from collections.abc import Sequence
from itertools import islice
from pathlib import PurePosixPath
from typing import Any, Final

from affectgpt.clips.storage import join_uri, local_path
from affectgpt.dataset.build import Request, build
from affectgpt.dataset.checks import check_output
from affectgpt.dataset.forecast import forecast
from affectgpt.dataset.merging import check_is_no_data_set
from affectgpt.dataset.recipe import load_recipe
from affectgpt.dataset.replay import replay
from affectgpt.dataset.shards import SHARDS, Shard
from affectgpt.errors import RequestError
from affectgpt.exit_status import run_command

_DEFAULT_RECIPE: Final = "laptop"
_NOTHING: Final = "no clip is in the data set; rejected/ says of each why"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status: 0 done, 1 failed, 2 refused, 3 stopped half-way and resumable."""
    options = _parser().parse_args(arguments)
    kept = "nothing is kept of the sample" if options.sample else "what is finished is kept"
    again = "begins anew" if options.sample else "continues from there"
    stopped = f"stopped; {kept}, and the same command {again}"
    return run_command("build-dataset", lambda: _run(options), stopped)


def _run(options: argparse.Namespace) -> None:
    if options.report is None and options.input is None and options.manifest is None:
        raise RequestError("--input or --manifest: one of them is needed; or --report FILE, which only looks")
    request = _request(options)
    prices = {"cpu_h": options.price_per_cpu_hour, "gpu_h": options.price_per_gpu_hour}
    prices = {name: price for name, price in prices.items() if price is not None}
    if options.sample is not None and not options.dry_run:
        raise RequestError(f"--sample {options.sample}: it only says what a run would take; give --dry-run with it")
    if prices and options.sample is None:
        raise RequestError("--price-per-cpu-hour, --price-per-gpu-hour: give --dry-run --sample N, which counts hours")
    if options.report is not None:
        _write_replay(options)
    elif options.sample is not None:
        print(forecast(request, options.sample, prices))
    elif options.dry_run:
        _print_plan(request)
    else:
        print_summary(build(request), request.output)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="build-dataset",
        description="Turn raw video and sound clips into EMER-Coarse: clues, descriptions and open-vocabulary labels.",
        epilog="The same command again continues a run that was stopped.",
    )
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--input", help="a folder, a glob, a file, or a URI (s3://, gs://, https://)")
    source.add_argument("--manifest", help="a CSV, Parquet or JSON Lines file with a column uri")
    source.add_argument(
        "--report",
        metavar="FILE",
        help="take nothing in: write the report of --output as it stands, while a run goes on or after it was stopped",
    )
    parser.add_argument("--output", required=True, help="folder or URI of the data set")
    parser.add_argument("--recipe", default=_DEFAULT_RECIPE, help="a shipped recipe or a YAML file (default: laptop)")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="override a setting, e.g. decode.frames=16"
    )
    parser.add_argument("--limit", type=_positive, help="take at most so many sources")
    parser.add_argument(
        "--shard",
        metavar="i/N",
        help="take the i-th of N parts of the input, in a folder of its own below the output; merge-dataset joins them",
    )
    parser.add_argument("--dry-run", action="store_true", help="only say what would be read")
    parser.add_argument(
        "--sample", type=_at_least_two, metavar="N", help="with --dry-run: annotate N sources, say what all would take"
    )
    for kind in ("cpu", "gpu"):
        parser.add_argument(
            f"--price-per-{kind}-hour", type=_price, metavar="PRICE", help="with --sample: say the cost"
        )
    parser.add_argument("--retry-rejected", action="store_true", help="try clips again that were rejected before")
    parser.add_argument(
        "--new-version",
        action="store_true",
        help="by another recipe than the output's: annotate anew only what changed, keep the old data below versions/",
    )
    parser.add_argument("--drop-missing", action="store_true", help="leave out clips that the input has no more")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return number


def _at_least_two(text: str) -> int:
    number = int(text)
    if number < 2:
        raise argparse.ArgumentTypeError(f"{text} would not show how sources differ; give 2 or more")
    return number


def _price(text: str) -> float:
    price = float(text)
    if not 0 <= price < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is no price")
    return price


def _request(options: argparse.Namespace) -> Request:
    shard = None if options.shard is None else Shard.parse(options.shard)
    if shard is not None:
        check_is_no_data_set(options.output)
    return Request(
        input=options.input,
        manifest=options.manifest,
        output=options.output if shard is None else join_uri(options.output, f"{SHARDS}/{shard.folder}"),
        recipe=load_recipe(options.recipe, options.set),
        limit=options.limit,
        retry_rejected=options.retry_rejected,
        drop_missing=options.drop_missing,
        new_version=options.new_version,
        shard=shard,
    )


def _write_replay(options: argparse.Namespace) -> None:
    building = ("limit", "dry_run", "sample", "retry_rejected", "new_version", "drop_missing")
    if any(getattr(options, name) for name in building) or options.set or options.recipe != _DEFAULT_RECIPE:
        raise RequestError("--report: it only looks, and takes --output and --shard alone")
    output = _request(options).output
    file = local_path(options.report)
    if file is None or file.suffix.lower() != ".html":
        raise RequestError(f"--report {options.report}: name a file of this machine that ends in .html")
    place = local_path(output)
    if place is not None and place.resolve() in file.resolve().parents:
        raise RequestError(f"--report {options.report}: name a file outside the output, which only runs write to")
    report, page = replay(output)
    try:
        file.write_text(page, encoding="utf-8")
    except OSError as error:
        raise RequestError(f"--report {options.report}: it cannot be written: {error}; name another file") from error
    print_summary(report, output, options.report)


def _print_plan(request: Request) -> None:
    check_output(request.output, request.recipe, request.new_version)
    sources = list(request.sources())
    kinds = Counter(PurePosixPath(source.uri).suffix.lower() or "(no suffix)" for source in sources)
    problems = [source for source in sources if source.problem]
    print(f"{len(sources)} sources: {', '.join(f'{count} {kind}' for kind, count in kinds.most_common())}")
    for source in islice(sources, 5):
        print(f"  {source.source_id}  <-  {source.uri}")
    if len(sources) > 5:
        print("  ...")
    for source in problems[:5]:
        print(f"would be rejected: {source.source_id}: {source.problem}")
    print(f"would be written to {request.output}; nothing was written")


def print_summary(report: dict[str, Any], output: str, page: str | None = None) -> None:
    """Print what ``report.json`` says, in a few lines, and where the data set and its report are."""
    print(f"{report['inputs']} inputs = {report['annotated']} annotated + {report['filtered']} filtered", end="")
    still_open = f" + {report['open']} open" if report["open"] else ""
    print(f" + {report['rejected']} rejected{still_open}", end="")
    print(f", in {report['wall_s']:.1f} s ({report['start_up_s']:.1f} s to start)")
    if report["uninspected"]:
        print(f"{report['uninspected']} sources have not been looked into yet")
    if report["annotated_before"]:
        print(f"{report['annotated_this_run']} were annotated by the last run, {report['annotated_before']} before it")
    for reason in report["reasons"]:
        print(f"  {reason['outcome']}: {reason['count']} x {reason['reason']} ({reason['stage']})")
    for stage in report["stages"]:
        slowest = "  <- slowest" if stage["name"] == report["bottleneck"] else ""
        rate = "" if stage["clips_per_second"] is None else f"{stage['clips_per_second']:8.1f} clips/s"
        print(f"  {stage['name']:14} {stage['seconds']:8.2f} s {rate}{slowest}".rstrip())
    if report["limit"]:
        print(f"no more than the first {report['limit']} sources were taken (--limit)")
    labels = ", ".join(f"{label['label']} {label['count']}" for label in report["labels"][:8])
    others = f", ... ({report['distinct_labels']} distinct)" if report["distinct_labels"] > 8 else ""
    nothing = "nothing is annotated yet" if report["open"] or report["uninspected"] else _NOTHING
    print(f"labels: {labels}{others}" if labels else nothing)
    print(f"data set: {output}\nreport:   {page or output.rstrip('/') + '/report.html'}")


if __name__ == "__main__":
    sys.exit(main())
