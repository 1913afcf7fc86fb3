"""Writes a comparison of data sets: comparison.json, comparison.html and the rows of every clip and pair."""

import re
from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa

from affectgpt.evaluation.agreement.comparing import DatasetComparison
from affectgpt.evaluation.agreement.label_agreement import RELATIONS, relations
from affectgpt.evaluation.agreement.measuring import Measured
from affectgpt.evaluation.agreement.report import render_comparison
from affectgpt.evaluation.output_folder import check_folder, json_bytes, parquet_bytes, write_folder

_OURS: Final = re.compile(r"(clips\.parquet|comparison\.html|comparison\.json)(\.partial)?")


def check_output(uri: str) -> None:
    """See that a folder can take a comparison; see ``check_folder``."""
    check_folder(uri, "a comparison of data sets", _OURS)


def write_comparison(comparison: DatasetComparison, uri: str) -> None:
    """Write a comparison; ``comparison.json``, which says that it is whole, comes last.

    Raises:
        JobError: it cannot be written.
    """
    contents = {
        "clips.parquet": parquet_bytes(clip_rows(comparison.pairs)),
        "comparison.html": render_comparison(comparison.report, comparison.disagreements).encode(),
        "comparison.json": json_bytes(comparison.report),
    }
    write_folder(uri, contents, _OURS)


def clip_rows(pairs: Sequence[Measured]) -> pa.Table:
    """Give one row for each pair of data sets and each clip that one of them holds.

    Its columns are first, second, clip_id; held_by (both, first, second) and, for a clip that is not compared, how it
    ended in the other: outcome, stage, error. For a clip that is compared: the labels of both sides, their distance
    (MASI, mean of the wheels; null where no wheel knows a label), precision and recall with the first as the truth,
    how the sets relate on every grouping, the sentiments, and of each text the words of both sides and their F1.
    """
    return pa.concat_tables([_rows(one) for one in pairs])


def _rows(measured: Measured) -> pa.Table:
    compared, alone = _compared(measured), _alone(measured)
    table = pa.concat_tables([compared, alone], promote_options="default")
    names = [pa.array([side.name] * len(table), pa.string()) for side in (measured.pair.first, measured.pair.second)]
    return table.add_column(0, "second", names[1]).add_column(0, "first", names[0])


def _compared(measured: Measured) -> pa.Table:
    comparison, scored = measured.pair.comparison, measured.scored
    labels, text, integer = pa.list_(pa.string()), pa.string(), pa.int32()
    precision, recall = scored.precision_recall("level1")
    skipped = ~scored.counted("level1")
    columns = {
        "clip_id": pa.array(comparison.clip_ids, text),
        "held_by": pa.array(["both"] * len(comparison.clip_ids), text),
        "first_labels": pa.array(comparison.truth(), labels),
        "second_labels": pa.array(comparison.predicted(), labels),
        "distance": pa.array(measured.distances, mask=np.isnan(measured.distances)),
        "precision": pa.array(precision, mask=skipped),
        "recall": pa.array(recall, mask=skipped),
        "first_sentiment": pa.array(measured.sentiments[0], text),
        "second_sentiment": pa.array(measured.sentiments[1], text),
    }
    relation_names = pa.array([*RELATIONS, "neither"], text)
    for key, sets in scored.sets.items():
        columns[f"{key}.relation"] = relation_names.take(pa.array(relations(sets)))
    for name, overlap in measured.overlaps.items():
        columns[f"{name}.f1"] = pa.array(overlap.f1, mask=np.isnan(overlap.f1))
        columns[f"{name}.first_words"] = pa.array(overlap.first.astype(np.int32), integer)
        columns[f"{name}.second_words"] = pa.array(overlap.second.astype(np.int32), integer)
    return pa.table(columns)


def _alone(measured: Measured) -> pa.Table:
    alone = measured.pair.alone
    columns = {
        "clip_id": [one.clip_id for one in alone],
        "held_by": [one.holder for one in alone],
        "outcome": [one.other.outcome for one in alone],
        "stage": [one.other.stage or None for one in alone],
        "error": [one.other.error or None for one in alone],
    }
    return pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})
