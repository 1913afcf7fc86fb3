"""The command ``evaluate``."""

import argparse
import json
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from affectgpt.dataset.progress import say
from affectgpt.errors import RequestError
from affectgpt.evaluation.evaluating import Evaluation, Request, evaluate
from affectgpt.evaluation.recipe import load_recipe
from affectgpt.evaluation.splits import PARTS
from affectgpt.evaluation.tables import ColumnNames
from affectgpt.evaluation.text_table import print_table
from affectgpt.exit_status import run_command

_COLUMNS = {
    "reference": ("id", "labels", "description", "basic", "sentiment"),
    "prediction": ("id", "labels", "description"),
}
_SHOWN = (("Accuracy_s", "accuracy_s"), ("Recall_s", "recall_s"), ("Avg", "avg"), ("F_s", "f_s"))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status: 0 done, 1 failed, 2 refused, 3 stopped half-way and resumable."""
    options = _parser().parse_args(arguments)
    written = arguments if arguments is not None else sys.argv[1:]
    stopped = "stopped; the same command goes on, with what a language model has answered so far"
    return run_command("evaluate", lambda: _run(options, written), stopped)


def _run(options: argparse.Namespace, arguments: Sequence[str]) -> None:
    from affectgpt.evaluation.writing import check_output, write_evaluation

    request = _request(options, arguments)
    if options.output is not None:
        check_output(options.output)
    evaluation = evaluate(request, say)
    if options.output is not None:
        write_evaluation(evaluation, request.recipe, options.output)
    try:
        _print_summary(evaluation)
        if options.output is not None:
            print(f"report: {options.output.rstrip('/')}/report.html")
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read the table has seen enough; nothing more can be printed, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="evaluate",
        description="Compare predicted open-vocabulary emotion labels with reference labels, set by set.",
        epilog="A table is a CSV, TSV, Parquet, JSON Lines or NPZ file, or a data set that build-dataset wrote.",
    )
    parser.add_argument("--references", required=True, help="the table with the truth")
    parser.add_argument(
        "--predictions", required=True, nargs="+", action="extend", help="one or more tables with predictions"
    )
    parser.add_argument("--output", type=_not_empty, help="folder or URI for the report and the per-clip rows")
    parser.add_argument("--grouping", help="wheel (default), exact, llm, or a .zip file of stored groupings")
    parser.add_argument("--wheel", metavar="DIR", help="a folder of research wheels in place of those that come along")
    parser.add_argument("--strict", action="store_true", help="refuse clips that only one side has")
    parser.add_argument("--split", metavar="FILE", help="evaluate one part of a split that split-dataset wrote")
    parser.add_argument("--part", choices=PARTS, help="which part of --split (default: test)")
    parser.add_argument("--descriptions", metavar="FILE", help="a table with descriptions to show beside the truth")
    parser.add_argument("--recipe", default="laptop", help="a shipped recipe or a YAML file (default: laptop)")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="override a setting, e.g. bootstrap.seed=7"
    )
    for side, columns in _COLUMNS.items():
        group = parser.add_argument_group(f"columns of the {side}s, where they are not called as usual")
        for column in columns:
            group.add_argument(f"--{side}-{column}", metavar="COLUMN")
        group.add_argument(
            f"--{side}-language", choices=("en", "zh"), help="which descriptions are read where both are there"
        )
    return parser


def _not_empty(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("it is empty; name a folder or a URI")
    return text


def _request(options: argparse.Namespace, arguments: Sequence[str]) -> Request:
    if options.part is not None and options.split is None:
        raise RequestError(f"--part {options.part}: there is no --split to take it from; give its file")
    given = {"grouping": options.grouping, "wheel": options.wheel, "strict": options.strict or None}
    overrides = [f"{key}={json.dumps(value)}" for key, value in given.items() if value is not None]
    return Request(
        references=options.references,
        predictions=options.predictions,
        recipe=load_recipe(options.recipe, [*options.set, *overrides]),
        reference_columns=_columns(options, "reference"),
        prediction_columns=_columns(options, "prediction"),
        reference_language=options.reference_language,
        prediction_language=options.prediction_language,
        descriptions=options.descriptions,
        split=options.split,
        part=options.part or "test",
        command=shlex.join(["evaluate", *arguments]),
    )


def _columns(options: argparse.Namespace, side: str) -> ColumnNames:
    named = {column: getattr(options, f"{side}_{column}") for column in _COLUMNS[side]}
    return ColumnNames(clip_id=named.pop("id"), options=f"--{side}-", **named)


def _print_summary(evaluation: Evaluation) -> None:
    report = evaluation.report
    for note in report["notes"]:
        say(f"note: {note}")
    block = report["predictions"][0]["groupings"][report["headline"]]
    print(f"{block['title']} ({report['wheels']['source']})" if "level" in report["headline"] else block["title"])
    rows = [_row(prediction) for prediction in report["predictions"]]
    heading = ["prediction", "clips", *(title for title, _ in _SHOWN), f"F_s {100 * report['confidence']:g} % interval"]
    extra = [name for name in ("hit rate", "sentiment F1") if any(name in row for row in rows)]
    table = [heading + extra, *([*row["cells"], *(row.get(name, "") for name in extra)] for row in rows)]
    print_table(table)
    if not report["same_clips"]:
        print("the predictions cover different clips: their rows are not to be ranked; these lines are on common clips")
    for test in report["comparisons"]:
        print(test["sentence"])
    for prediction in report["predictions"]:
        for left in prediction["left_out"]:
            clips = f"{left['count']:,} clip{'s' if left['count'] != 1 else ''}"
            print(f"{prediction['name']}: {clips} left out, {left['explanation']} ({left['reason']})")


def _row(prediction: Mapping[str, Any]) -> dict[str, Any]:
    low, high = prediction["intervals"]["f_s"]
    figures = [f"{100 * prediction[key]:.2f}" for _, key in _SHOWN]
    row: dict[str, Any] = {
        "cells": [prediction["name"], f"{prediction['n']:,}", *figures, f"{100 * low:.1f} to {100 * high:.1f}"]
    }
    if prediction["hit_rate"] is not None:
        row["hit rate"] = f"{100 * prediction['hit_rate']:.2f}"
    if prediction["sentiment"] is not None:
        row["sentiment F1"] = f"{100 * prediction['sentiment']['weighted_f1']:.2f}"
    return row


if __name__ == "__main__":
    sys.exit(main())
