"""Writes an evaluation: report.json, report.html, the recipe, per-clip rows and the groupings of a language model."""

import re
from collections.abc import Mapping

import pyarrow as pa

from affectgpt.evaluation.evaluating import Evaluation
from affectgpt.evaluation.grouping import ClipGrouping
from affectgpt.evaluation.output_folder import check_folder, json_bytes, parquet_bytes, write_folder
from affectgpt.evaluation.recipe import Recipe
from affectgpt.evaluation.report.render import render_report
from affectgpt.evaluation.scoring import Scored
from affectgpt.evaluation.set_metrics import f_score
from affectgpt.evaluation.stored_groupings import written_groupings

_OURS = re.compile(r"(clips\.parquet|groupings-\d+\.zip|recipe\.yaml|report\.html|report\.json)(\.partial)?")


def check_output(uri: str) -> None:
    """See that a folder can take an evaluation; see ``check_folder``."""
    check_folder(uri, "an evaluation", _OURS)


def write_evaluation(evaluation: Evaluation, recipe: Recipe, uri: str) -> None:
    """Write an evaluation; ``report.json``, which says that it is whole, comes last.

    Raises:
        JobError: it cannot be written.
    """
    write_folder(uri, _contents(evaluation, recipe), _OURS)


def _contents(evaluation: Evaluation, recipe: Recipe) -> dict[str, bytes]:
    """Give the files of an evaluation in the order in which they are written."""
    contents = {"clips.parquet": parquet_bytes(clip_rows(evaluation.scored, evaluation.headline))}
    for number, scored in enumerate(evaluation.scored.values(), start=1):
        grouping = scored.groupings.get("llm")
        if isinstance(grouping, ClipGrouping):
            contents[f"groupings-{number}.zip"] = written_groupings(scored.comparison.clip_ids, grouping.groups)
    contents["recipe.yaml"] = recipe.to_yaml().encode()
    contents["report.html"] = render_report(evaluation.report, evaluation.examples).encode()
    contents["report.json"] = json_bytes(evaluation.report)
    return contents


def clip_rows(scored: Mapping[str, Scored], headline: str) -> pa.Table:
    """Give one row for each prediction and compared clip.

    Its columns are prediction, clip_id, references and predictions (the labels), precision, recall and f of the
    headline, and precision and recall on every grouping, all null where the clip's truth has no group there.
    """
    return pa.concat_tables([_rows(name, one, headline) for name, one in scored.items()])


def _rows(name: str, scored: Scored, headline: str) -> pa.Table:
    comparison = scored.comparison
    precision, recall = scored.precision_recall(headline)
    skipped = ~scored.counted(headline)
    labels = pa.list_(pa.string())
    columns = {
        "prediction": pa.array([name] * len(comparison.clip_ids), pa.string()),
        "clip_id": pa.array(comparison.clip_ids, pa.string()),
        "references": pa.array(comparison.truth(), labels),
        "predictions": pa.array(comparison.predicted(), labels),
        "precision": pa.array(precision, mask=skipped),
        "recall": pa.array(recall, mask=skipped),
        "f": pa.array(f_score(precision, recall), mask=skipped),
    }
    for key, sets in scored.sets.items():
        columns[f"{key}.precision"] = pa.array(sets.precision, mask=~sets.counted)
        columns[f"{key}.recall"] = pa.array(sets.recall, mask=~sets.counted)
    return pa.table(columns)
