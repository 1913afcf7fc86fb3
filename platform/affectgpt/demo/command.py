"""The command behind ``make demo``: makes talking clips and turns them into a data set."""

import argparse
import csv
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from affectgpt.dataset import command
from affectgpt.demo.clips import make_clips

SHOWN = 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the clips, run ``build-dataset`` on them, and show some of what came out."""
    parser = argparse.ArgumentParser(prog="demo", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the clips and the data set go")
    options = parser.parse_args(arguments)
    clips, output = options.folder / "clips", options.folder / "emer-coarse"
    manifest = clips / "manifest.csv"
    if not manifest.exists():
        print(f"making talking clips below {clips}", flush=True)
        make_clips(clips)
    status = command.main(["--manifest", str(manifest), "--output", str(output)])
    if status == command.DONE:
        _show(pq.read_table(output / "data").to_pylist(), _truth(clips))
        print(f"\nLook at {output / 'report.html'}")
        print(f"Compare with what was acted: evaluate --references {clips / 'truth.csv'} --predictions {output}")
    return status


def _truth(clips: Path) -> dict[str, str]:
    with (clips / "truth.csv").open(encoding="utf-8", newline="") as file:
        return {row["clip_id"]: row["emotion"] for row in csv.DictReader(file)}


def _show(rows: list[dict[str, Any]], truth: dict[str, str]) -> None:
    complete = [row for row in rows if row["visual_clue"] and row["acoustic_clue"] and row["subtitle"]]
    one_per_emotion = {truth[row["clip_id"]]: row for row in reversed(complete)}
    for emotion, row in sorted(one_per_emotion.items())[:SHOWN]:
        print(f"\n{row['clip_id']} (acted: {emotion})")
        for name in ("subtitle", "description_en", "description_zh"):
            print(textwrap.fill(row[name], 110, initial_indent=f"  {name}: ", subsequent_indent="    "))
        print(f"  labels: {', '.join(row['labels'])}")
