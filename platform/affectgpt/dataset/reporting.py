"""Writes what people look at: ``report.json``, ``report.html`` and the dataset card."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from affectgpt.annotate.annotator import decode_samples
from affectgpt.annotate.engines import STEP_NAMES
from affectgpt.annotate.sample import Sample
from affectgpt.clips.clip import Clip
from affectgpt.clips.media import Media
from affectgpt.dataset.annotating import isolated_process
from affectgpt.dataset.card import render_card
from affectgpt.dataset.filtering import FILTERED
from affectgpt.dataset.history import Run
from affectgpt.dataset.ledger import Folder, Ledger
from affectgpt.dataset.planning import Plan
from affectgpt.dataset.publishing import outcome_batches, read_rejected
from affectgpt.dataset.recipe import Recipe
from affectgpt.dataset.report.examples import Example, RejectedClip
from affectgpt.dataset.report.render import render_report
from affectgpt.dataset.summary import TALLIED, ExampleChoice, Tally, summarise

REJECTED_PER_REASON = 3


def write_report(
    output: Folder,
    output_uri: str,
    ledger: Ledger,
    plan: Plan,
    filtered: pa.Table,
    runs: Sequence[Run],
    recipe: Recipe,
) -> dict[str, Any]:
    """Write the report and the card of a published data set; ``report.json`` comes last and says that it is whole."""
    report, page = make_report(output_uri, ledger, plan, filtered, runs, recipe)
    output.write_text("report.html", page)
    output.write_text("README.md", render_card(report, PurePosixPath(output.path).name))
    output.write_text("report.json", json.dumps(report, indent=2, ensure_ascii=False) + "\n")
    return report


def make_report(
    output_uri: str, ledger: Ledger, plan: Plan, filtered: pa.Table, runs: Sequence[Run], recipe: Recipe
) -> tuple[dict[str, Any], str]:
    """Read the report of a data set, finished or not, out of its ledger: its numbers, and the page that shows them."""
    tally, choice, left_out = Tally(runs[-1].run_id), ExampleChoice(recipe.run.examples), FirstLeftOut()
    settled = plan.settled.to_pylist()
    tally.add_settled(settled)
    left_out.add(settled)
    for table in outcome_batches(ledger, plan, filtered):
        rows = table.select([*TALLIED, "clip_id", "uri", "message"]).to_pylist()
        tally.add_outcomes(rows)
        choice.add(rows)
        left_out.add(row for row in rows if row["outcome"] != "annotated")
    report = summarise(tally, plan, runs, recipe, output_uri)
    examples = examples_of(_chosen(ledger, plan, choice.work_ids()), recipe)
    return report, render_report(report, examples, left_out.clips)


def _chosen(ledger: Ledger, plan: Plan, work_ids: list[str]) -> list[dict[str, Any]]:
    wanted = pa.array(work_ids, pa.string())
    tables = (
        table.filter(pc.is_in(table["work_id"], wanted))
        for table in outcome_batches(ledger, plan, FILTERED.empty_table())
    )
    found = {row["work_id"]: row for table in tables for row in table.to_pylist()}
    return [found[work_id] for work_id in work_ids]


def examples_of(rows: Sequence[dict[str, Any]], recipe: Recipe) -> list[Example]:
    """Decode clips once more for their pictures; those that cannot be read any more are left out.

    Args:
        rows: of DATA, or of OUTCOMES.
        recipe: how to decode.
    """
    samples = [Sample(_clip_of(row)) for row in rows]
    with isolated_process(recipe) as isolated:
        decoded = decode_samples(samples, recipe.decode.settings(), isolated)
    return [
        _example(row, item.media)
        for row, item in zip(rows, decoded, strict=True)
        if isinstance(item, Sample) and item.media is not None
    ]


def _clip_of(row: dict[str, Any]) -> Clip:
    span = row["provenance"]["source"]
    return Clip(row["clip_id"], row["uri"], span["start_s"], span["end_s"])


def _example(row: dict[str, Any], media: Media) -> Example:
    provenance = row["provenance"]
    return Example(
        clip_id=row["clip_id"],
        uri=row["uri"],
        duration_s=row["duration_s"],
        frames=media.frames,
        sound=media.sound,
        subtitle=row["subtitle"],
        language=row["language"],
        visual_clue=row["visual_clue"],
        acoustic_clue=row["acoustic_clue"],
        description_en=row["description_en"],
        description_zh=row["description_zh"],
        labels=[(label["label"], tuple(label["clues"])) for label in provenance["label_clues"]],
        engines={name: provenance[name]["engine"] for name in STEP_NAMES if provenance[name]},
    )


class FirstLeftOut:
    """Chooses clips that were filtered or rejected to show: the first few of each reason.

    Attributes:
        clips: those that were chosen.
    """

    def __init__(self) -> None:
        self.clips: list[RejectedClip] = []
        self._shown: Counter[tuple[str, str, str]] = Counter()

    def add(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Consider rows with the columns of REJECTED."""
        for row in rows:
            key = (row["outcome"], row["stage"], row["error"])
            self._shown[key] += 1
            if self._shown[key] <= REJECTED_PER_REASON:
                self.clips.append(RejectedClip(row["clip_id"], row["uri"], *key, row["message"]))


def first_left_out(output: Folder) -> list[RejectedClip]:
    """Read the first few clips of each reason that are published as filtered or rejected."""
    first = FirstLeftOut()
    first.add(read_rejected(output).to_pylist())
    return first.clips
