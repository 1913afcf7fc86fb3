"""The tables of what is learnt from: the clips of the data sets, and the samples that are made of them."""

import pyarrow as pa

CLIPS = pa.schema(
    [
        ("clip_key", pa.string()),
        ("dataset", pa.string()),
        ("clip_id", pa.string()),
        ("uri", pa.string()),
        ("start_s", pa.float64()),
        ("end_s", pa.float64()),
        ("content_sha256", pa.string()),
        ("subtitle", pa.string()),
        ("part", pa.string()),
        ("description_en", pa.string()),
        ("description_zh", pa.string()),
        ("labels", pa.list_(pa.string())),
    ]
)
"""Clips with their descriptions, one row per clip and data set (``coarse`` or ``fine``).

``clip_key``, the SHA-256 of content and span, is null until the clips are prepared; ``part`` (``train`` or
``validation``) until parts are assigned.
"""

PREPARED_CLIPS = pa.schema(
    [
        *CLIPS,
        ("has_video", pa.bool_()),
        ("has_audio", pa.bool_()),
        ("error", pa.string()),
        ("message", pa.string()),
    ]
)
"""Clips after they were opened: what each holds, or why it cannot be used."""

SAMPLES = pa.schema(
    [
        ("sample_id", pa.string()),
        ("clip_key", pa.string()),
        ("dataset", pa.string()),
        ("part", pa.string()),
        ("clip_id", pa.string()),
        ("language", pa.string()),
        ("answer", pa.string()),
        ("input_ids", pa.list_(pa.int32())),
        ("answer_start", pa.int32()),
        ("token_weights", pa.list_(pa.float32())),
        ("length", pa.int32()),
        ("loss_weight", pa.float32()),
    ]
)
"""Texts to learn, one row per clip and language.

``input_ids`` holds prompt and answer, ``answer_start`` is the place of the answer's first token, ``length`` the number
of tokens; ``token_weights`` (null: all 1) are those of the answer's tokens, and ``loss_weight`` is their sum.
"""
