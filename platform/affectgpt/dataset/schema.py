"""The tables of a data set in the making and of the finished one, column by column."""

import pyarrow as pa

from affectgpt.annotate.engines import STEP_NAMES

STEP_PROVENANCE = pa.struct(
    [
        ("engine", pa.string()),
        ("model", pa.string()),
        ("revision", pa.string()),
        ("prompt_sha256", pa.string()),
        ("sampling", pa.string()),
    ]
)

PROVENANCE = pa.struct(
    [
        ("pipeline_version", pa.string()),
        (
            "source",
            pa.struct(
                [
                    ("start_s", pa.float64()),
                    ("end_s", pa.float64()),
                    ("subtitle_source", pa.string()),
                    ("subtitle_confidence", pa.float64()),
                    ("frames_expected", pa.int32()),
                    ("frames_got", pa.int32()),
                ]
            ),
        ),
        *((name, STEP_PROVENANCE) for name in STEP_NAMES),
        ("label_clues", pa.list_(pa.struct([("label", pa.string()), ("clues", pa.list_(pa.string()))]))),
    ]
)

DATA = pa.schema(
    [
        ("clip_id", pa.string()),
        ("uri", pa.string()),
        ("content_sha256", pa.string()),
        ("duration_s", pa.float64()),
        ("has_video", pa.bool_()),
        ("has_audio", pa.bool_()),
        ("subtitle", pa.string()),
        ("language", pa.string()),
        ("visual_clue", pa.string()),
        ("acoustic_clue", pa.string()),
        ("description_en", pa.string()),
        ("description_zh", pa.string()),
        ("labels", pa.list_(pa.string())),
        ("provenance", PROVENANCE),
    ]
)
"""Annotated clips: the published data set."""

VALUES = ("decode", "media_measures", *STEP_NAMES, "text_measures")
"""What is found of a clip piece by piece, each kept with the key of what decided it."""

_BY_VALUE = pa.struct([(name, pa.string()) for name in VALUES])
_TOKENS = pa.map_(pa.string(), pa.int64())

REJECTED = pa.schema(
    [
        ("clip_id", pa.string()),
        ("uri", pa.string()),
        ("outcome", pa.string()),
        ("stage", pa.string()),
        ("error", pa.string()),
        ("message", pa.string()),
        ("attempts", pa.int32()),
        ("score", pa.float64()),
    ]
)
"""Clips that were filtered or rejected, with the stage, the reason and how often they were tried.

``score`` is what a filter measured, null where none did.
"""

SECONDS = pa.map_(pa.string(), pa.float64())

SOURCES = pa.schema(
    [
        ("source_key", pa.string()),
        ("source_id", pa.string()),
        ("uri", pa.string()),
        ("start_s", pa.float64()),
        ("end_s", pa.float64()),
        ("subtitle", pa.string()),
        ("language", pa.string()),
        ("speaker", pa.string()),
        ("problem", pa.string()),
        ("problem_message", pa.string()),
        ("attempt", pa.int32()),
    ]
)
"""Ledger: what the input holds, one row per file or manifest row. ``source_key`` changes when the source does."""

CLIPS = pa.schema(
    [
        ("source_key", pa.string()),
        ("work_id", pa.string()),
        ("clip_id", pa.string()),
        ("uri", pa.string()),
        ("start_s", pa.float64()),
        ("end_s", pa.float64()),
        ("subtitle", pa.string()),
        ("subtitle_source", pa.string()),
        ("language", pa.string()),
        ("speaker", pa.string()),
        ("content_sha256", pa.string()),
        ("source_version", pa.string()),
        ("duration_s", pa.float64()),
        ("has_video", pa.bool_()),
        ("has_audio", pa.bool_()),
        ("error", pa.string()),
        ("message", pa.string()),
        ("attempts", pa.int32()),
        ("inspect_s", pa.float64()),
    ]
)
"""Ledger: the clips of every inspected source. ``work_id`` names one clip with one content to be annotated once."""

WORK = pa.schema([*CLIPS, ("voice_reference", pa.string()), ("run_id", pa.string()), ("known", _BY_VALUE)])
"""Ledger: the clips that this run annotates, each with its speaker's usual voice as JSON where it is known, and with
what earlier runs found of it that still holds, as ``affectgpt.annotate.findings`` writes it."""

OUTCOMES = pa.schema(
    [
        ("work_id", pa.string()),
        *DATA,
        *(field for field in REJECTED if field.name not in DATA.names),
        ("run_id", pa.string()),
        ("seconds", SECONDS),
        ("prompt_tokens", _TOKENS),
        ("completion_tokens", _TOKENS),
        ("keys", _BY_VALUE),
        ("values", _BY_VALUE),
        ("reused", pa.list_(pa.string())),
        ("scores", pa.map_(pa.string(), pa.float64())),
        ("fingerprint", pa.binary()),
    ]
)
"""Ledger: how each clip ended: the columns of DATA and of REJECTED, the seconds and tokens spent on it per stage by the
run ``run_id``, every value found with the key of what decided it, the names of those taken over from earlier runs, and
what the filters go by."""
