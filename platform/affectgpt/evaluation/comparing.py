"""Which clips of references and predictions are compared, and which are left out for what reason."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from affectgpt.clips.sources import printable
from affectgpt.errors import RequestError
from affectgpt.evaluation.labelled_clips import LabelledClips

_SHOWN = 20
_NAMED = 3

_EXPLANATIONS = {
    "no-prediction": "the references have the clip, the predictions do not",
    "no-reference": "the predictions have the clip, the references do not",
    "empty-reference": "the references give the clip no label",
    "outside-split": "the clip is not in the part of the split that is evaluated",
    "no-grouping": "the stored groupings do not have the clip",
}


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Clips that are not compared for one reason.

    Attributes:
        reason: a short stable word.
        explanation: the same for a person.
        count: how many.
        clips: the ids of the first of them.
    """

    reason: str
    explanation: str
    count: int
    clips: Sequence[str]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Predictions beside the references; every list has one value per compared clip.

    Attributes:
        references: where the truth comes from.
        predictions: where the prediction comes from.
        clip_ids: the compared clips, in the order of the references.
        reference_rows: their rows in the references.
        prediction_rows: their rows in the predictions.
        left_out: the other clips, by reason.
    """

    references: LabelledClips
    predictions: LabelledClips
    clip_ids: list[str]
    reference_rows: list[int]
    prediction_rows: list[int]
    left_out: list[LeftOut]

    def truth(self) -> list[list[str]]:
        """The labels of the references."""
        return [self.references.labels[row] for row in self.reference_rows]

    def predicted(self) -> list[list[str]]:
        """The labels of the predictions."""
        return [self.predictions.labels[row] for row in self.prediction_rows]


def compare_clips(
    references: LabelledClips,
    predictions: LabelledClips,
    part: Collection[str] | None = None,
    grouped: Collection[str] | None = None,
    strict: bool = False,
) -> Comparison:
    """Find the clips that both sides have.

    Args:
        references: the truth.
        predictions: the prediction.
        part: the ids that are evaluated, or None for all.
        grouped: the ids whose labels have been grouped, or None where every label can be.
        strict: whether a clip that one side lacks is an error.

    Raises:
        RequestError: no clip is in both, no compared clip has a label in the references, or ``strict`` and one side
            lacks clips.
    """
    row_of = {clip_id: row for row, clip_id in enumerate(predictions.table.clip_ids)}
    known = set(references.table.clip_ids)
    left: dict[str, list[str]] = {reason: [] for reason in _EXPLANATIONS}
    rows: list[tuple[str, int, int]] = []
    for row, clip_id in enumerate(references.table.clip_ids):
        if part is not None and clip_id not in part:
            left["outside-split"].append(clip_id)
        elif clip_id not in row_of:
            left["no-prediction"].append(clip_id)
        elif not references.labels[row]:
            left["empty-reference"].append(clip_id)
        elif grouped is not None and clip_id not in grouped:
            left["no-grouping"].append(clip_id)
        else:
            rows.append((clip_id, row, row_of[clip_id]))
    left["no-reference"] = [clip_id for clip_id in predictions.table.clip_ids if clip_id not in known]
    if strict:
        _refuse_gaps(references, predictions, left)
    if not rows:
        raise _nothing_to_compare(references, predictions, left)
    return Comparison(
        references,
        predictions,
        [clip_id for clip_id, _, _ in rows],
        [row for _, row, _ in rows],
        [row for _, _, row in rows],
        [LeftOut(reason, _EXPLANATIONS[reason], len(ids), ids[:_SHOWN]) for reason, ids in left.items() if ids],
    )


def _refuse_gaps(references: LabelledClips, predictions: LabelledClips, left: dict[str, list[str]]) -> None:
    for reason, lacking in (("no-prediction", predictions), ("no-reference", references)):
        if left[reason]:
            raise RequestError(
                f"{lacking.table.source} lacks {len(left[reason])} clips that the other side has: "
                f"{_first(left[reason])}; complete it, or evaluate without --strict"
            )


def _nothing_to_compare(
    references: LabelledClips, predictions: LabelledClips, left: dict[str, list[str]]
) -> RequestError:
    if len(left["outside-split"]) == len(references.table.clip_ids):
        return RequestError(
            f"the evaluated part of the split has none of the clips of the references {references.table.source} "
            f"({_first(references.table.clip_ids)}); take the split that was made of them, or another part"
        )
    if left["no-grouping"]:
        return RequestError(
            f"the stored groupings have none of the {len(left['no-grouping'])} clips of {predictions.table.source}, "
            f"such as {_first(left['no-grouping'])}; take the groupings that were made of these predictions"
        )
    if left["empty-reference"]:
        return RequestError(
            f"the references {references.table.source} give none of the {len(left['empty-reference'])} compared clips "
            "a label; name the column of labels or of descriptions with --reference-labels or --reference-description"
        )
    return RequestError(
        f"no clip is both in the references {references.table.source} ({_first(references.table.clip_ids)}) and in the "
        f"predictions {predictions.table.source} ({_first(predictions.table.clip_ids)}); "
        f"{_likely_reason(references.table.clip_ids, predictions.table.clip_ids)}"
    )


def _likely_reason(references: Sequence[str], predictions: Sequence[str]) -> str:
    for change, bare in (("their folders and suffixes", _bare), ("the zeros in front", _without_zeros)):
        if {bare(clip_id) for clip_id in references} & {bare(clip_id) for clip_id in predictions}:
            return f"without {change} some are the same: write the ids alike on both sides"
    return "take files of the same clips, or name the columns of their ids with --reference-id and --prediction-id"


def _bare(clip_id: str) -> str:
    return PurePosixPath(clip_id).stem


def _without_zeros(clip_id: str) -> str:
    return clip_id.lstrip("0").removesuffix(".0")


def _first(ids: Sequence[str]) -> str:
    return ", ".join(printable(clip_id) for clip_id in ids[:_NAMED]) + (", ..." if len(ids) > _NAMED else "")
