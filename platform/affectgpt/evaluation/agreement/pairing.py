"""Which clips two data sets both hold, and how those ended that only one of them holds."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from affectgpt.clips.inspection import VERSION
from affectgpt.clips.sources import printable
from affectgpt.errors import RequestError
from affectgpt.evaluation.agreement.annotated import AnnotatedDataset, LeftOutClip
from affectgpt.evaluation.comparing import Comparison

OTHER_CONTENT: Final = "other-content"
_NOT_THERE: Final = LeftOutClip("absent", "", "")
_NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class Alone:
    """A clip that is not compared.

    Attributes:
        clip_id: the clip.
        holder: ``first`` or ``second`` where only that one holds it, ``both`` where its content differs.
        other: how it ended in the other data set: ``absent`` where that has never seen it.
    """

    clip_id: str
    holder: str
    other: LeftOutClip


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """Two data sets side by side.

    Attributes:
        first: one of them.
        second: the other.
        comparison: the clips that both hold with the same content, in the order of the first; it is on the side of the
            references.
        alone: the other clips.
    """

    first: AnnotatedDataset
    second: AnnotatedDataset
    comparison: Comparison
    alone: Sequence[Alone]

    @property
    def sides(self) -> tuple[tuple[AnnotatedDataset, list[int]], tuple[AnnotatedDataset, list[int]]]:
        """Both data sets, each with the rows of the compared clips in it."""
        return (self.first, self.comparison.reference_rows), (self.second, self.comparison.prediction_rows)


def pair_datasets(first: AnnotatedDataset, second: AnnotatedDataset, part: Collection[str] | None) -> Pair:
    """Find the clips that both hold: of one id, and of one content where both know it alike.

    Args:
        first: one data set.
        second: another.
        part: the ids that are compared, or None for all.

    Raises:
        RequestError: they share no clip.
    """
    ids, others = first.clips.table.clip_ids, second.clips.table.clip_ids
    contents, other_contents = (side.rows["content_sha256"].to_pylist() for side in (first, second))
    row_of = {clip_id: row for row, clip_id in enumerate(others)}
    known = set(ids)
    rows: list[tuple[str, int, int]] = []
    alone: list[Alone] = []
    for row, clip_id in enumerate(ids):
        at = row_of.get(clip_id)
        if part is not None and clip_id not in part:
            continue
        if at is None:
            alone.append(Alone(clip_id, "first", second.left_out.get(clip_id, _NOT_THERE)))
        elif _differ(contents[row], other_contents[at]):
            alone.append(Alone(clip_id, "both", LeftOutClip(OTHER_CONTENT, "", "")))
        else:
            rows.append((clip_id, row, at))
    alone += [
        Alone(clip_id, "second", first.left_out.get(clip_id, _NOT_THERE))
        for clip_id in others
        if clip_id not in known and (part is None or clip_id in part)
    ]
    if not rows:
        raise _nothing_in_common(first, second, part is not None, any(one.holder == "both" for one in alone))
    compared, first_rows, second_rows = (list(column) for column in zip(*rows, strict=True))
    return Pair(first, second, Comparison(first.clips, second.clips, compared, first_rows, second_rows, []), alone)


def _differ(content: str | None, other: str | None) -> bool:
    """Whether a clip's contents are known to differ; of the hash of a file and that of a version nobody can tell."""
    if not content or not other or content.startswith(VERSION) != other.startswith(VERSION):
        return False
    return content != other


def _nothing_in_common(
    first: AnnotatedDataset, second: AnnotatedDataset, in_part: bool, same_ids: bool
) -> RequestError:
    named = " and ".join(
        f"{side.source} ({', '.join(map(printable, side.clips.table.clip_ids[:_NAMED]))})" for side in (first, second)
    )
    if same_ids:
        return RequestError(
            f"every clip that has one id in {named} differs in its content there; compare data sets of the same clips"
        )
    where = " in the part of the split" if in_part else ""
    return RequestError(
        f"no clip{where} is in both {named}; compare data sets that were built from the same clips under the same ids"
    )
