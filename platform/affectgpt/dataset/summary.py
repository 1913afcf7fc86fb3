"""What a finished run has to say for itself: the numbers of ``report.json``."""

import platform
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import zip_longest
from typing import Any

import numpy as np

from affectgpt import __version__
from affectgpt.dataset.planning import Plan
from affectgpt.dataset.recipe import Recipe

HISTOGRAM_BINS = 20
REPORTED_VERSIONS = ("ray", "pyarrow", "av", "numpy", "opencv-python-headless")


TALLIED = [
    "work_id",
    "outcome",
    "stage",
    "error",
    "seconds",
    "labels",
    "language",
    "subtitle",
    "has_video",
    "has_audio",
    "duration_s",
]
"""The columns of OUTCOMES that the summary looks at."""


@dataclass
class Tally:
    """Counts over all outcomes of a plan."""

    outcomes: Counter[str] = field(default_factory=Counter)
    reasons: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    seconds: Counter[str] = field(default_factory=Counter)
    stage_clips: Counter[str] = field(default_factory=Counter)
    labels: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    modalities: Counter[str] = field(default_factory=Counter)
    durations: list[float] = field(default_factory=list)

    def add_outcomes(self, rows: Iterable[dict[str, Any]]) -> None:
        """Count rows of OUTCOMES."""
        for row in rows:
            for stage, seconds in row["seconds"]:
                self.seconds[stage] += seconds
                self.stage_clips[stage] += 1
            self.outcomes[row["outcome"]] += 1
            if row["outcome"] == "annotated":
                self._add_annotated(row)
            else:
                self.reasons[row["outcome"], row["stage"], row["error"]] += 1

    def add_settled(self, rows: Iterable[dict[str, Any]]) -> None:
        """Count rows of REJECTED that never reached a worker."""
        for row in rows:
            self.outcomes[row["outcome"]] += 1
            self.reasons[row["outcome"], row["stage"], row["error"]] += 1

    def _add_annotated(self, row: dict[str, Any]) -> None:
        self.labels.update(row["labels"])
        self.languages[row["language"] or "unknown"] += 1
        present = {"video": row["has_video"], "sound": row["has_audio"], "subtitle": row["subtitle"] is not None}
        self.modalities["+".join(name for name, has in present.items() if has) or "none"] += 1
        if row["duration_s"] is not None:
            self.durations.append(row["duration_s"])


@dataclass(frozen=True)
class Timing:
    """Wall clock of a run: seconds until the first work was handed out, and seconds of the whole."""

    start_up_s: float
    wall_s: float


def summarise(tally: Tally, plan: Plan, before: int, timing: Timing, recipe: Recipe, output: str) -> dict[str, Any]:
    """Return the numbers of a run, as ``report.json`` has them."""
    stages = _stages(tally, plan)
    fresh = tally.outcomes["annotated"] - before
    working_s = timing.wall_s - timing.start_up_s
    return {
        "pipeline_version": __version__,
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "inputs": plan.inputs,
        "annotated": tally.outcomes["annotated"],
        "filtered": tally.outcomes["filtered"],
        "rejected": tally.outcomes["rejected"],
        "annotated_this_run": fresh,
        "annotated_before": before,
        "reasons": [
            {"outcome": outcome, "stage": stage, "reason": reason, "count": count}
            for (outcome, stage, reason), count in tally.reasons.most_common()
        ],
        "stages": stages,
        "bottleneck": max(stages, key=lambda stage: stage["seconds"])["name"] if stages else None,
        "wall_s": round(timing.wall_s, 3),
        "start_up_s": round(timing.start_up_s, 3),
        "clips_per_second": round(fresh / working_s, 3) if fresh and working_s > 0 else None,
        "labels": [{"label": label, "count": count} for label, count in tally.labels.most_common()],
        "distinct_labels": len(tally.labels),
        "duration_s": _durations(tally.durations),
        "languages": dict(tally.languages.most_common()),
        "modalities": dict(tally.modalities.most_common()),
        "recipe": recipe.model_dump(),
        "output": output,
        "versions": {"python": platform.python_version()} | {name: version(name) for name in REPORTED_VERSIONS},
    }


def _stages(tally: Tally, plan: Plan) -> list[dict[str, Any]]:
    seconds = {"inspect": plan.inspect_s, **tally.seconds}
    clips = {"inspect": plan.inputs, **tally.stage_clips}
    total = sum(seconds.values())
    return [
        {
            "name": name,
            "seconds": round(spent, 3),
            "clips": clips[name],
            "clips_per_second": round(clips[name] / spent, 2) if spent else None,
            "share": round(spent / total, 4) if total else None,
        }
        for name, spent in seconds.items()
    ]


def _durations(durations: list[float]) -> dict[str, Any]:
    if not durations:
        return {"total": 0.0, "min": None, "median": None, "max": None, "edges": [], "counts": []}
    counts, edges = np.histogram(durations, bins=HISTOGRAM_BINS)
    return {
        "total": round(float(np.sum(durations)), 3),
        "min": round(min(durations), 3),
        "median": round(float(np.median(durations)), 3),
        "max": round(max(durations), 3),
        "edges": [round(float(edge), 3) for edge in edges],
        "counts": [int(count) for count in counts],
    }


class ExampleChoice:
    """Chooses clips to show: the first of each first label in turn, then the second of each; the same every time."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._by_label: dict[str, list[str]] = {}

    def add(self, rows: Iterable[dict[str, Any]]) -> None:
        """Consider rows of OUTCOMES."""
        for row in rows:
            if row["outcome"] == "annotated":
                kept = self._by_label.setdefault(row["labels"][0] if row["labels"] else "", [])
                kept.append(row["work_id"])
                if len(kept) > 2 * self._count:
                    kept[:] = sorted(kept)[: self._count]

    def work_ids(self) -> list[str]:
        """Return the chosen clips' keys, in the order in which to show them."""
        ranked = [sorted(kept) for _, kept in sorted(self._by_label.items())]
        turns = zip_longest(*ranked)
        return [work_id for turn in turns for work_id in turn if work_id is not None][: self._count]
