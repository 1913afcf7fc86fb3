"""What report.json holds after a build."""

from typing import Any

import pytest


def stage(name: str, **figures: float) -> dict[str, Any]:
    nothing = {"prompt_tokens": 0, "completion_tokens": 0, "tokens_per_second": 0.0, "busy_share": None}
    return {"name": name, **nothing, **figures}


def run(run_id: str, **facts: Any) -> dict[str, Any]:
    usual = {"began_at": "2026-05-03T14:04:50+00:00", "host": "node-1", "wall_s": 21.3, "is_published": True}
    return {"run_id": run_id, **usual, "annotated": 0, "filtered": 0, "rejected": 0, **facts}


@pytest.fixture
def report() -> dict[str, Any]:
    """The content of report.json after a build of 52 clips."""
    return {
        "pipeline_version": "0.1.0",
        "created_at": "2026-05-03T14:05:11+00:00",
        "run_id": "20260503T140450Z-0a1b2c",
        "inputs": 52,
        "annotated": 48,
        "filtered": 2,
        "rejected": 2,
        "open": 0,
        "uninspected": 0,
        "limit": None,
        "annotated_this_run": 48,
        "annotated_before": 0,
        "runs": [run("20260503T140450Z-0a1b2c", annotated=48)],
        "reasons": [
            {"outcome": "rejected", "stage": "inspect", "reason": "not-media", "count": 2},
            {"outcome": "filtered", "stage": "plan", "reason": "duplicate", "count": 2},
        ],
        "stages": [
            stage("decode", seconds=1.9, clips=50, clips_per_second=26.3, share=0.31),
            stage("visual_clue", seconds=4.2, clips=48, clips_per_second=11.4, share=0.69),
        ],
        "reused": {},
        "bottleneck": "visual_clue",
        "wall_s": 21.3,
        "start_up_s": 7.9,
        "clips_per_second": 3.6,
        "labels": [{"label": f"label {place}", "count": 40 - place} for place in range(35)],
        "distinct_labels": 35,
        "duration_s": {
            "total": 130.2,
            "min": 0.8,
            "median": 2.9,
            "max": 6.0,
            "edges": [0.0, 1.5, 3.0, 4.5, 6.0],
            "counts": [4, 30, 12, 2],
        },
        "languages": {"en": 40, "zh": 8, "unknown": 0},
        "modalities": {"video+sound+subtitle": 40, "video+sound": 8},
        "recipe": {
            "decode": {"frames": 8},
            "filters": {"no_face": None, "emotionless": None},
            "steps": {"visual_clue": {"engine": "signal"}, "merge": {"engine": "openai"}},
        },
        "output": "/data/emer-coarse",
        "versions": {"ray": "2.60.0"},
    }


@pytest.fixture
def empty_report(report: dict[str, Any]) -> dict[str, Any]:
    """The content of report.json after a build that annotated nothing: all of its 3 clips were rejected at once."""
    durations = {"total": None, "min": None, "median": None, "max": None, "edges": [], "counts": []}
    nothing = {"annotated": 0, "filtered": 0, "annotated_this_run": 0, "labels": [], "distinct_labels": 0, "stages": []}
    unknown = {"bottleneck": None, "clips_per_second": None, "start_up_s": None, "languages": {}, "modalities": {}}
    reasons = [{"outcome": "rejected", "stage": "inspect", "reason": "not-media", "count": 3}]
    return {**report, **nothing, **unknown, "inputs": 3, "rejected": 3, "reasons": reasons, "duration_s": durations}
