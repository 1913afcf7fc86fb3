"""Applies the filters to what was measured of the annotated clips."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from affectgpt.annotate.quality.fingerprint import FINGERPRINT_BYTES
from affectgpt.annotate.quality.near_duplicates import near_duplicates
from affectgpt.dataset.filters import DescriptionLength, FiltersSection, NearDuplicate

MEASURED = pa.schema(
    [
        ("work_id", pa.string()),
        ("clip_id", pa.string()),
        ("scores", pa.map_(pa.string(), pa.float64())),
        ("fingerprint", pa.binary()),
    ]
)
"""What was measured of each annotated clip."""

FILTERED = pa.schema(
    [("work_id", pa.string()), ("filter", pa.string()), ("score", pa.float64()), ("message", pa.string())]
)
"""The clips that are left out: by which filter, by what score, and the same for a person."""

Scores = NDArray[np.float64]
Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Limit:
    """What a measure may not be below, or above; ``message`` has places for the score and the limit."""

    filter: str
    measure: str
    limit: float
    message: str
    above: bool = False

    def failing(self, scores: Scores) -> NDArray[np.bool_]:
        """Tell which scores are beyond the limit; what was not measured (NaN) is not."""
        return scores > self.limit if self.above else scores < self.limit


def apply_filters(measured: pa.Table, filters: FiltersSection) -> pa.Table:
    """Find the clips that are left out, each by the first filter that it fails.

    The order of the rows makes no difference. Shares are of all clips that have the measure. Near duplicates are
    looked for among what the other filters keep, and of those the first by ``clip_id`` stays.

    Args:
        measured: rows of MEASURED, one per annotated clip.
        filters: which filters apply.

    Returns:
        Rows of FILTERED, by ``clip_id``.
    """
    clips = measured.select(MEASURED.names).cast(MEASURED).sort_by([("clip_id", "ascending"), ("work_id", "ascending")])
    scores = {name: _scores(clips, name) for name in filters.measures()}
    kept = np.ones(clips.num_rows, np.bool_)
    found: list[tuple[Places, pa.Table]] = [(np.empty(0, np.int64), FILTERED.empty_table())]
    for limit in _limits(filters, scores):
        places = np.flatnonzero(kept & limit.failing(scores[limit.measure]))
        kept[places] = False
        failed = scores[limit.measure][places]
        messages = [limit.message.format(score=score, limit=limit.limit) for score in failed.tolist()]
        found.append((places, _filtered(clips, places, limit.filter, failed, messages)))
    if filters.near_duplicate is not None:
        found.append(_near_duplicates(clips, kept, filters.near_duplicate))
    order = np.argsort(np.concatenate([places for places, _ in found]))
    return pa.concat_tables([table for _, table in found]).take(order)


def _limits(filters: FiltersSection, scores: Mapping[str, Scores]) -> Iterator[_Limit]:
    """The limits of the filters that are on, in the order in which they apply."""
    if filters.description_length is not None:
        fewest, most = _length_limits(filters.description_length, scores["description_words"])
        message = "the description has {score:.0f} words; the shortest that stay have {limit:.0f}"
        yield _Limit("short-description", "description_words", fewest, message)
        message = "the description has {score:.0f} words; the longest that stay have {limit:.0f}"
        yield _Limit("long-description", "description_words", most, message, above=True)
    if filters.emotionless is not None:
        message = "the description names {score:.0f} emotions, fewer than {limit:g}"
        yield _Limit("emotionless", "emotion_words", filters.emotionless.fewest, message)
    if filters.clue_disagreement is not None:
        message = "the visual and the acoustic clue agree in sentiment by {score:.3g} (of -1 to 1), less than {limit:g}"
        yield _Limit("clue-disagreement", "clue_agreement", filters.clue_disagreement.least, message)
    if filters.no_face is not None:
        message = "a face is seen in {score:.3g} of the frames, less than {limit:g}"
        yield _Limit("no-face", "face_in_view", filters.no_face.least, message)
    if filters.not_the_speaker is not None:
        message = "a voice is heard, but the mouth of the person in view moves by {score:.3g}, less than {limit:g}"
        yield _Limit("not-the-speaker", "mouth_movement", filters.not_the_speaker.least, message)
    if filters.unsure_subtitle is not None:
        message = "speech to text is sure of the subtitle by {score:.3g} (of 1), less than {limit:g}"
        yield _Limit("unsure-subtitle", "subtitle_confidence", filters.unsure_subtitle.least, message)


def _length_limits(settings: DescriptionLength, words: Scores) -> tuple[float, float]:
    """The fewest and the most words that a description may have; beyond them lie at most the shares asked for."""
    known = np.sort(words[~np.isnan(words)])
    fewest, most = settings.fewest_words, settings.most_words
    least = -np.inf if fewest is None else fewest
    greatest = np.inf if most is None else most
    if len(known):
        least = max(least, float(known[int(settings.shortest_share * len(known))]))
        greatest = min(greatest, float(known[-1 - int(settings.longest_share * len(known))]))
    return least, greatest


def _near_duplicates(clips: pa.Table, kept: NDArray[np.bool_], settings: NearDuplicate) -> tuple[Places, pa.Table]:
    """The places and rows of the kept clips that nearly equal one that comes before them."""
    compared = np.flatnonzero(kept & pc.is_valid(clips["fingerprint"]).to_numpy())
    found = near_duplicates(_fingerprints(clips["fingerprint"].take(compared)), settings.most_difference)
    places = compared[found.place]
    originals = clips["clip_id"].take(compared[found.original]).to_pylist()
    messages = [
        f"it nearly equals {original}, which stays: they differ by {score:.3g} (of 1), no more than "
        f"{settings.most_difference:g}"
        for original, score in zip(originals, found.difference.tolist(), strict=True)
    ]
    return places, _filtered(clips, places, "near-duplicate", found.difference, messages)


def _fingerprints(column: pa.ChunkedArray) -> NDArray[np.uint8]:
    """Read fingerprints, none of them null, as bytes of shape (N, FINGERPRINT_BYTES)."""
    return np.frombuffer(b"".join(column.to_pylist()), np.uint8).reshape(len(column), FINGERPRINT_BYTES)


def _scores(clips: pa.Table, name: str) -> Scores:
    """The scores of a measure, shape (N,); NaN where a clip has none."""
    values = pc.map_lookup(clips["scores"], pa.scalar(name), "first")
    return np.asarray(values.to_numpy(zero_copy_only=False), np.float64)


def _filtered(clips: pa.Table, places: Places, name: str, scores: Scores, messages: Sequence[str]) -> pa.Table:
    """Rows of FILTERED."""
    columns = {"work_id": clips["work_id"].take(places), "filter": [name] * len(places)}
    return pa.table({**columns, "score": scores, "message": messages}, FILTERED)
