"""The command ``split-dataset``: a seeded, stratified split into training, validation and test."""

import argparse
import sys
from collections import Counter
from collections.abc import Sequence

from affectgpt.evaluation.emotion_wheels import shipped_wheels
from affectgpt.evaluation.extraction.lexicon import extract_by_lexicon
from affectgpt.evaluation.labelled_clips import LabelledClips, label_clips
from affectgpt.evaluation.splits import PARTS, Split, check_split_output, make_split, write_split
from affectgpt.evaluation.tables import ColumnNames, read_table
from affectgpt.exit_status import run_command

_STRATA_WHEEL = "plutchik"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status: 0 done, 2 refused, 3 stopped with nothing written."""
    options = _parser().parse_args(arguments)
    return run_command("split-dataset", lambda: _run(options), "stopped; the same command begins anew")


def _run(options: argparse.Namespace) -> None:
    check_split_output(options.output)
    columns = ColumnNames(clip_id=options.id, labels=options.labels, description=options.description, options="--")
    table = read_table(options.references, columns, options.language)
    clips = label_clips(table, columns, extract_by_lexicon, english_only=False)
    strata = sectors_of(clips)
    split = make_split(table.clip_ids, strata, options.fractions, options.seed)
    write_split(split, options.output)
    _print_summary(split, dict(zip(table.clip_ids, strata, strict=True)), options.output)


def sectors_of(clips: LabelledClips) -> list[frozenset[str]]:
    """Give the sectors of Plutchik's wheel that the labels of each clip belong to, by which clips are stratified."""
    wheels = shipped_wheels()
    wheel = next(wheel for wheel in wheels.wheels if wheel.name == _STRATA_WHEEL)
    placed = [{wheels.place(label, wheel, "level1") for label in labels} for labels in clips.labels]
    return [frozenset(sector for sector in sectors if sector is not None) for sectors in placed]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="split-dataset",
        description="Split labelled clips into train, validation and test, each with its share of every emotion.",
        epilog="The same clips, labels and seed give the same split on every machine, in whatever order they stand.",
    )
    parser.add_argument("--references", required=True, help="a table of clips with labels or descriptions")
    parser.add_argument(
        "--output", required=True, help="the CSV file to write; one that is there must be an earlier split"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--fractions", type=float, nargs=3, default=(0.7, 0.1, 0.2), metavar=("TRAIN", "VALIDATION", "TEST")
    )
    for column in ("id", "labels", "description"):
        parser.add_argument(f"--{column}", metavar="COLUMN", help="a column that is not called as usual")
    parser.add_argument("--language", choices=("en", "zh"), help="which descriptions are read where both are there")
    return parser


def _print_summary(split: Split, strata: dict[str, frozenset[str]], output: str) -> None:
    counts = {part: Counter(sector for clip in ids for sector in strata[clip]) for part, ids in split.parts.items()}
    print(" " * 14, *(f"{part:>12}" for part in PARTS))
    print(f"{'clips':14}", *(f"{len(split.parts[part]):12,}" for part in PARTS))
    for sector in sorted({sector for of_part in counts.values() for sector in of_part}):
        print(f"{sector:14}", *(f"{counts[part][sector]:12,}" for part in PARTS))
    print(f"split: {output}\nfingerprint: {split.fingerprint}")


if __name__ == "__main__":
    sys.exit(main())
