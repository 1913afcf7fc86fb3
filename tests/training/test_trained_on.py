from typing import Any

import pyarrow as pa
import pytest

from affectgpt.training.data.schema import PREPARED_CLIPS
from affectgpt.training.trained_on import fingerprints


def clip(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "clip_key": f"{number:064x}",
        "dataset": "coarse",
        "clip_id": f"clip-{number}",
        "uri": f"/clips/{number}.mp4",
        "subtitle": "Good morning.",
        "part": "train",
        "description_en": f"She seems calm, {number}.",
        "description_zh": "她很平静。",
        "labels": ["calm"],
        **changes,
    }


def fingerprints_of(*rows: dict[str, Any]) -> dict[str, str]:
    return fingerprints(pa.Table.from_pylist(list(rows), PREPARED_CLIPS))


WHOLE = fingerprints_of(clip(1), clip(2))


def test_each_data_set_has_its_own() -> None:
    assert list(WHOLE) == ["coarse"] and len(WHOLE["coarse"]) == 64
    both = fingerprints_of(clip(3, dataset="fine"), clip(1), clip(2))
    assert both == {**WHOLE, **fingerprints_of(clip(3, dataset="fine"))}
    assert both["fine"] != both["coarse"]
    assert fingerprints_of() == {}


def test_it_is_the_same_wherever_the_files_lie_and_in_any_order() -> None:
    moved = clip(2, uri="s3://bucket/2.mkv", clip_id="other", has_video=True)
    held_out = clip(3, part="validation")
    damaged = clip(4, error="not-media", message="it is no film")
    assert fingerprints_of(held_out, moved, damaged, clip(1)) == WHOLE


@pytest.mark.parametrize(
    "change",
    [
        {"clip_key": "0" * 64},
        {"subtitle": None},
        {"subtitle": ""},
        {"description_en": "She seems sad."},
        {"description_zh": None},
        {"part": "validation"},
    ],
)
def test_it_is_another_where_anything_that_is_learnt_differs(change: dict[str, Any]) -> None:
    assert fingerprints_of(clip(1), clip(2, **change)) != WHOLE
    assert fingerprints_of(clip(1), clip(2), clip(2)) != WHOLE
