"""What the report shows of single clips: the labels of truth and prediction, and the words they come from."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

LabelState: TypeAlias = Literal["hit", "missed", "wrong", "unknown"]
SegmentState: TypeAlias = Literal["hit", "missed", "wrong", "unknown", "ignored"]


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of a description.

    Attributes:
        text: the stretch; the segments of a description, joined, are the description.
        state: what became of the label that the stretch names, ``ignored`` where it names an emotion and yields no
            label, or None where it names none.
        note: why, in a word or two, for example ``denied``; may be empty.
    """

    text: str
    state: SegmentState | None
    note: str


@dataclass(frozen=True, slots=True)
class Chip:
    """One label of one clip.

    Attributes:
        label: the label as it was written.
        state: ``hit`` (in truth and prediction), ``missed`` (in the truth alone), ``wrong`` (in the prediction alone)
            or ``unknown`` (a word without a group).
        group: the group that the label belongs to, or None where it has none.
    """

    label: str
    state: LabelState
    group: str | None


@dataclass(frozen=True, slots=True)
class ClipExample:
    """One clip with its truth and what one prediction says of it.

    Attributes:
        prediction: the prediction's name.
        choice: why this clip is shown.
        clip_id: the clip's identity.
        references: the labels of the truth.
        predictions: the predicted labels.
        reference_description: the description that the truth's labels come from; may be empty.
        predicted_description: the description that the predicted labels come from; may be empty.
        precision: share of the predicted groups that are in the truth, in [0, 1].
        recall: share of the truth's groups that were predicted, in [0, 1].
    """

    prediction: str
    choice: Literal["best", "worst", "random"]
    clip_id: str
    references: Sequence[Chip]
    predictions: Sequence[Chip]
    reference_description: Sequence[Segment]
    predicted_description: Sequence[Segment]
    precision: float
    recall: float


def beginning(segments: Iterable[Segment], limit: int) -> list[Segment]:
    """Take the segments within the first ``limit`` characters of a description: text may be cut, a label may not."""
    return list(_cut(segments, limit))


def _cut(segments: Iterable[Segment], limit: int) -> Iterator[Segment]:
    left = limit
    for segment in segments:
        if left <= 0 or (segment.state and len(segment.text) > left):
            return
        yield replace(segment, text=segment.text[:left])
        left -= len(segment.text)
