"""Writes an evaluation: report.json, report.html, the recipe, per-clip rows and the groupings of a language model."""

import json
import re
from collections.abc import Mapping

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow.fs import FileSelector

from affectgpt.clips.storage import translated_errors
from affectgpt.dataset.ledger import Folder
from affectgpt.errors import ClipError, JobError, RequestError
from affectgpt.evaluation.evaluating import Evaluation
from affectgpt.evaluation.grouping import ClipGrouping
from affectgpt.evaluation.recipe import Recipe
from affectgpt.evaluation.report.render import render_report
from affectgpt.evaluation.scoring import Scored
from affectgpt.evaluation.set_metrics import f_score
from affectgpt.evaluation.stored_groupings import written_groupings

_ROWS = "clips.parquet"
_REPORT = "report.json"
_OURS = re.compile(r"(clips\.parquet|groupings-\d+\.zip|recipe\.yaml|report\.html|report\.json)(\.partial)?")


def check_output(uri: str) -> None:
    """See that a folder can take an evaluation: it is new, empty, or holds an earlier evaluation, whole or not.

    Raises:
        RequestError: it holds something else, is a file, or cannot be written.
    """
    try:
        with translated_errors(uri, writing=True):
            folder = Folder.at(uri)
            if not folder.is_empty() and not _holds_evaluation(folder):
                raise RequestError(
                    f"the output {uri} holds something else than an evaluation; name a new folder, or empty this one"
                )
            folder.check_writable()
    except ClipError as error:
        raise RequestError(f"output: {error.message}; name another --output") from error


def _holds_evaluation(folder: Folder) -> bool:
    names = [info.base_name for info in folder.filesystem.get_file_info(FileSelector(folder.path))]
    return any(name.startswith(_ROWS) for name in names) and all(_OURS.fullmatch(name) for name in names)


def write_evaluation(evaluation: Evaluation, recipe: Recipe, uri: str) -> None:
    """Write an evaluation; ``report.json``, which says that it is whole, comes last.

    Raises:
        JobError: it cannot be written.
    """
    contents = _contents(evaluation, recipe)
    try:
        with translated_errors(uri, writing=True):
            folder = Folder.at(uri)
            folder.delete(_REPORT)
            for earlier in folder.files(".zip"):
                folder.delete(earlier.base_name)
            for name, content in contents.items():
                folder.write_bytes(name, content)
    except ClipError as error:
        raise JobError(f"output: {error.message}; mend that and run again") from error


def _contents(evaluation: Evaluation, recipe: Recipe) -> dict[str, bytes]:
    """Give the files of an evaluation in the order in which they are written."""
    sink = pa.BufferOutputStream()
    pq.write_table(clip_rows(evaluation.scored, evaluation.headline), sink, compression="zstd")
    contents = {_ROWS: sink.getvalue().to_pybytes()}
    for number, scored in enumerate(evaluation.scored.values(), start=1):
        grouping = scored.groupings.get("llm")
        if isinstance(grouping, ClipGrouping):
            contents[f"groupings-{number}.zip"] = written_groupings(scored.comparison.clip_ids, grouping.groups)
    contents["recipe.yaml"] = recipe.to_yaml().encode()
    contents["report.html"] = render_report(evaluation.report, evaluation.examples).encode()
    contents[_REPORT] = (json.dumps(evaluation.report, ensure_ascii=False, indent=1) + "\n").encode()
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
