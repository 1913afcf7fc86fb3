"""Makes the texts to learn of clips: prompt and answer as tokens, one sample for each language of a clip."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import ArrayLike

from affectgpt.errors import RequestError
from affectgpt.training.data.schema import SAMPLES
from affectgpt.training.recipe import Language

_CLIPS_PER_BATCH = 2048
_COLUMNS = ("clip_key", "dataset", "clip_id", "part", "subtitle", "labels", "has_video", "has_audio")

Row = dict[str, Any]


class Tokenizes(Protocol):
    """What is needed of an ``affectgpt.model.processing.AffectGPTProcessor``."""

    video_tokens: int
    audio_tokens: int

    def tokenize(
        self,
        has_video: bool,
        has_audio: bool,
        subtitle: str | None,
        language: Language,
        phrasing: int = 0,
        answer: str | None = None,
        max_tokens: int | None = None,
        emphasised: Sequence[str] = (),
        emphasis: float = 1.0,
    ) -> tuple[ArrayLike, int, ArrayLike | None]:
        """Give the tokens of prompt and answer, where the answer starts, and the weights of the answer's tokens."""


def samples_of(
    clips: pa.Table,
    processor: Tokenizes,
    languages: Sequence[Language],
    max_tokens: int,
    label_weight: float,
    phrasing_seed: int,
) -> pa.Table:
    """Make the samples of prepared clips.

    Args:
        clips: rows of PREPARED_CLIPS with their parts. Those with an error are passed over, and those that the model
            has nothing to describe by: no subtitle, and no sense that it has.
        processor: makes the tokens.
        languages: those to make samples in; a clip has one for each of them that it has a description in.
        max_tokens: of prompt and answer together; longer answers are cut at their end.
        label_weight: the weight in the loss of tokens that spell one of the clip's labels; all others weigh 1.
        phrasing_seed: another one asks a clip in another phrasing.

    Returns:
        Rows of SAMPLES in the order of the clips, ``dataset/clip_id/language`` being their ids.

    Raises:
        RequestError: not even the prompt of a clip fits into ``max_tokens``.
    """
    usable = clips.filter(pc.and_(pc.is_null(clips["error"]), _have_evidence(clips, processor)))
    usable = usable.select([*_COLUMNS, *(f"description_{language}" for language in languages)])
    phrasings = {language: _phrasing_count(language) for language in languages}

    def tokenized(row: Row, language: Language) -> Row:
        sample_id = f"{row['dataset']}/{row['clip_id']}/{language}"
        try:
            input_ids, answer_start, weights = processor.tokenize(
                row["has_video"] and processor.video_tokens > 0,
                row["has_audio"] and processor.audio_tokens > 0,
                row["subtitle"],
                language,
                phrasing=_draw(phrasing_seed, sample_id, phrasings[language]),
                answer=row[f"description_{language}"],
                max_tokens=max_tokens,
                emphasised=[label for label in row["labels"] or () if label],
                emphasis=label_weight,
            )
        except ValueError as error:
            raise RequestError(
                f"data.max_tokens {max_tokens}: the {row['dataset']} clip {row['clip_id']} cannot be written as "
                f"tokens: {error}"
            ) from error
        return _sample(row, sample_id, language, input_ids, answer_start, weights)

    batches = [
        batch
        for block in usable.to_batches(max_chunksize=_CLIPS_PER_BATCH)
        if (batch := _record_batch(list(_tokenized_rows(block, languages, tokenized)))).num_rows
    ]
    return pa.Table.from_batches(batches, SAMPLES)


def _have_evidence(clips: pa.Table, processor: Tokenizes) -> pa.ChunkedArray:
    senses = (("has_video", processor.video_tokens), ("has_audio", processor.audio_tokens))
    has_evidence = pc.is_valid(clips["subtitle"])
    for name, tokens in senses:
        if tokens > 0:
            has_evidence = pc.or_(has_evidence, pc.fill_null(clips[name], False))
    return has_evidence


def _tokenized_rows(
    block: pa.RecordBatch, languages: Sequence[Language], tokenized: Callable[[Row, Language], Row]
) -> Iterator[Row]:
    for row in block.to_pylist():
        for language in languages:
            if row[f"description_{language}"] is not None:
                yield tokenized(row, language)


def _sample(
    row: Row, sample_id: str, language: Language, input_ids: ArrayLike, answer_start: int, weights: ArrayLike | None
) -> Row:
    tokens = np.asarray(input_ids, np.int32)
    token_weights = None if weights is None else np.asarray(weights, np.float32)
    # Weights that are all 1 say nothing that the lengths do not say.
    if token_weights is not None and (token_weights == 1).all():
        token_weights = None
    return {
        "sample_id": sample_id,
        **{name: row[name] for name in ("clip_key", "dataset", "part", "clip_id")},
        "language": language,
        "answer": row[f"description_{language}"],
        "input_ids": tokens,
        "answer_start": answer_start,
        "token_weights": token_weights,
        "length": len(tokens),
        "loss_weight": len(tokens) - answer_start if token_weights is None else float(token_weights.sum()),
    }


def _record_batch(samples: Sequence[Row]) -> pa.RecordBatch:
    arrays = [
        _lists([sample[name] for sample in samples], kind)
        if pa.types.is_list(kind)
        else pa.array([sample[name] for sample in samples], kind)
        for name, kind in zip(SAMPLES.names, SAMPLES.types, strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=SAMPLES)


def _lists(cells: Sequence[np.ndarray[Any, Any] | None], kind: pa.ListType) -> pa.Array:
    """Make a column of lists out of arrays, without a Python object for each number."""
    offsets = [0, *accumulate(0 if cell is None else len(cell) for cell in cells)]
    values = [cell for cell in cells if cell is not None]
    flat = pa.array(np.concatenate(values) if values else np.zeros(0), kind.value_type)
    mask = pa.array([cell is None for cell in cells], pa.bool_())
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), flat, type=kind, mask=mask)


def _draw(seed: int, sample_id: str, count: int) -> int:
    """Draw a number below ``count``, the same on every machine."""
    return int.from_bytes(hashlib.sha256(f"{seed}\t{sample_id}".encode()).digest()[:8]) % count


def _phrasing_count(language: Language) -> int:
    # The model's package imports torch, which whoever has a processor has imported already.
    from affectgpt.model.prompt import phrasings

    return len(phrasings(language))
