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

REJECTED = pa.schema(
    [
        ("clip_id", pa.string()),
        ("uri", pa.string()),
        ("outcome", pa.string()),
        ("stage", pa.string()),
        ("error", pa.string()),
        ("message", pa.string()),
        ("attempts", pa.int32()),
    ]
)
"""Clips that were filtered or rejected, with the stage, the reason and how often they were tried."""

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

WORK = pa.schema([*CLIPS, ("voice_reference", pa.string())])
"""Ledger: the clips that this run annotates, each with its speaker's usual voice as JSON where it is known."""

OUTCOMES = pa.schema(
    [
        ("work_id", pa.string()),
        *DATA,
        *(field for field in REJECTED if field.name not in DATA.names),
        ("seconds", SECONDS),
    ]
)
"""Ledger: how each clip ended; the columns of DATA and of REJECTED, and the seconds spent on it per stage."""
