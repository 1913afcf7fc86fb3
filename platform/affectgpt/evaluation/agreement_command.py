"""The command ``compare-datasets``: how far the annotations agree that different recipes made of the same clips."""

import argparse
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from affectgpt.dataset.progress import say
from affectgpt.errors import RequestError
from affectgpt.evaluation.agreement.comparing import Request, compare_datasets
from affectgpt.evaluation.agreement.label_agreement import RELATIONS
from affectgpt.evaluation.recipe import load_recipe
from affectgpt.evaluation.splits import PARTS
from affectgpt.evaluation.tables import ColumnNames
from affectgpt.evaluation.text_table import print_table
from affectgpt.exit_status import run_command

_COLUMNS = ("id", "labels", "description")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status: 0 done, 1 failed, 2 refused, 3 stopped with nothing written."""
    options = _parser().parse_args(arguments)
    written = arguments if arguments is not None else sys.argv[1:]
    return run_command("compare-datasets", lambda: _run(options, written), "stopped; the same command begins anew")


def _run(options: argparse.Namespace, arguments: Sequence[str]) -> None:
    from affectgpt.evaluation.agreement.writing import check_output, write_comparison

    request = _request(options, arguments)
    check_output(options.output)
    comparison = compare_datasets(request, say)
    write_comparison(comparison, options.output)
    try:
        _print_summary(comparison.report)
        print(f"report: {options.output.rstrip('/')}/comparison.html")
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read the table has seen enough; nothing more can be printed, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="compare-datasets",
        description="Compare the annotations that different recipes made of the same clips, pair by pair.",
        epilog="Settings are those of evaluate: --set bootstrap.seed=7, --set wheel=DIR, --set report.examples=10.",
    )
    parser.add_argument(
        "--datasets", required=True, nargs="+", action="extend", help="two or more data sets that build-dataset wrote"
    )
    parser.add_argument("--output", required=True, help="folder or URI for the report and the per-clip rows")
    parser.add_argument("--references", help="a table with the truth for some of the clips, to judge each data set by")
    parser.add_argument("--split", metavar="FILE", help="compare one part of a split that split-dataset wrote")
    parser.add_argument("--part", choices=PARTS, help="which part of --split (default: validation)")
    parser.add_argument("--recipe", default="laptop", help="a recipe of evaluate, or a YAML file (default: laptop)")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="override a setting")
    group = parser.add_argument_group("columns of the references, where they are not called as usual")
    for column in _COLUMNS:
        group.add_argument(f"--reference-{column}", metavar="COLUMN")
    group.add_argument("--reference-language", choices=("en", "zh"), help="which descriptions are read of both")
    return parser


def _request(options: argparse.Namespace, arguments: Sequence[str]) -> Request:
    if options.part is not None and options.split is None:
        raise RequestError(f"--part {options.part}: there is no --split to take it from; give its file")
    if not options.output.strip():
        raise RequestError("--output is empty; name a folder or a URI")
    columns = ColumnNames(
        options.reference_id, options.reference_labels, options.reference_description, options="--reference-"
    )
    return Request(
        datasets=options.datasets,
        references=options.references,
        recipe=load_recipe(options.recipe, options.set),
        reference_columns=columns,
        reference_language=options.reference_language,
        split=options.split,
        part=options.part or "validation",
        command=shlex.join(["compare-datasets", *arguments]),
    )


def _print_summary(report: Mapping[str, Any]) -> None:
    for note in report["notes"]:
        say(f"note: {note}")
    print(f"level 1, mean of the wheels ({report['wheels']['source']})")
    heading = ["pair", "clips", "F_s", "reversed", "exact F_s", *RELATIONS, "alpha", "kappa", "description F1"]
    print_table([heading, *(_row(number, pair) for number, pair in enumerate(report["pairs"], start=1))])
    for number, pair in enumerate(report["pairs"], start=1):
        print(f"{number}: {pair['first']} and {pair['second']}: {pair['differ']}")
        for left in pair["not_compared"]:
            clips = f"{left['count']:,} clip{'s' if left['count'] != 1 else ''}"
            ended = " ".join(part for part in (left["outcome"], left["stage"], left["error"]) if part)
            print(f"{number}: {clips} not compared, held by {_holder(pair, left['holder'])}: {ended}")
    if report["references"] is not None:
        _print_judged(report["references"], report["confidence"])


def _print_judged(judged: Mapping[str, Any], confidence: float) -> None:
    print(f"against {judged['references']['source']}")
    rows = [
        [
            one["name"],
            f"{one['n']:,}",
            *(_percent(one[key]) for key in ("accuracy_s", "recall_s", "avg", "f_s")),
            " to ".join(_percent(end) for end in one["intervals"]["f_s"]),
        ]
        for one in judged["datasets"]
    ]
    heading = ["data set", "clips", "Accuracy_s", "Recall_s", "Avg", "F_s", f"F_s {100 * confidence:g} % interval"]
    print_table([heading, *rows])
    if not judged["same_clips"]:
        print("the data sets hold different clips: their rows are not to be ranked; these lines are on common clips")
    for test in judged["comparisons"]:
        print(test["sentence"])


def _row(number: int, pair: Mapping[str, Any]) -> list[str]:
    level1 = pair["labels"]["level1"]
    shown = [
        level1["f_s"],
        level1["f_s_reversed"],
        pair["labels"]["exact"]["f_s"],
        *(level1[relation] for relation in RELATIONS),
    ]
    agreed = [pair["alpha"], pair["sentiment"]["kappa"]]
    return [
        f"{number}: {pair['first']} and {pair['second']}",
        f"{pair['clips']:,}",
        *(_percent(one["value"]) for one in shown),
        *("-" if one["value"] is None else f"{one['value']:.3f}" for one in agreed),
        _percent(pair["texts"]["description_en"]["similarity"]["value"]),
    ]


def _holder(pair: Mapping[str, Any], holder: str) -> str:
    return "both" if holder == "both" else str(pair[holder])


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.2f}"


if __name__ == "__main__":
    sys.exit(main())
