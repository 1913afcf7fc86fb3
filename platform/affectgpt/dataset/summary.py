"""What is to be said of a data set and of the runs that built it: the numbers of ``report.json``."""

import platform
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import zip_longest
from typing import Any

import numpy as np
from numpy.typing import NDArray

from affectgpt import __version__
from affectgpt.dataset.history import Run
from affectgpt.dataset.planning import Plan
from affectgpt.dataset.recipe import Recipe

HISTOGRAM_BINS = 20
REPORTED_VERSIONS = ("ray", "pyarrow", "av", "numpy", "opencv-python-headless")

_ADDED = (
    *("inputs", "annotated", "filtered", "rejected", "open", "uninspected", "annotated_this_run", "annotated_before"),
    *("wall_s", "start_up_s", "annotate_s"),
)
_COUNTED = ("reused", "languages", "modalities")

TALLIED = [
    "work_id",
    "outcome",
    "stage",
    "error",
    "run_id",
    "seconds",
    "prompt_tokens",
    "completion_tokens",
    "reused",
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
    """Counts over all outcomes of a plan.

    Attributes:
        run_id: the run whose own share is counted apart.
    """

    run_id: str
    annotated_this_run: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    outcomes_of_runs: Counter[tuple[str, str]] = field(default_factory=Counter)
    reasons: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    seconds: Counter[str] = field(default_factory=Counter)
    seconds_this_run: Counter[str] = field(default_factory=Counter)
    prompt_tokens: Counter[str] = field(default_factory=Counter)
    completion_tokens: Counter[str] = field(default_factory=Counter)
    reused: Counter[str] = field(default_factory=Counter)
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
                if row["run_id"] == self.run_id:
                    self.seconds_this_run[stage] += seconds
            self.prompt_tokens.update(dict(row["prompt_tokens"] or ()))
            self.completion_tokens.update(dict(row["completion_tokens"] or ()))
            self.reused.update(row["reused"] or ())
            self.outcomes[row["outcome"]] += 1
            self.outcomes_of_runs[row["run_id"], row["outcome"]] += 1
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
        self.annotated_this_run += row["run_id"] == self.run_id
        self.labels.update(row["labels"])
        self.languages[row["language"] or "unknown"] += 1
        present = {"video": row["has_video"], "sound": row["has_audio"], "subtitle": row["subtitle"] is not None}
        self.modalities["+".join(name for name, has in present.items() if has) or "none"] += 1
        if row["duration_s"] is not None:
            self.durations.append(row["duration_s"])


def summarise(tally: Tally, plan: Plan, runs: Sequence[Run], recipe: Recipe, output: str) -> dict[str, Any]:
    """Return the numbers of a data set, as ``report.json`` has them.

    Args:
        tally: of all outcomes.
        plan: what was to be done.
        runs: all that worked on it; "this run" is the last one.
        recipe: the settings.
        output: URI of the data set.
    """
    run = runs[-1]
    stages = _stages(tally, plan, run, recipe)
    fresh = tally.annotated_this_run
    working_s = run.wall_s - run.start_up_s
    return {
        "pipeline_version": __version__,
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "run_id": run.run_id,
        "inputs": plan.inputs,
        "annotated": tally.outcomes["annotated"],
        "filtered": tally.outcomes["filtered"],
        "rejected": tally.outcomes["rejected"],
        "open": plan.inputs - tally.outcomes.total(),
        "uninspected": plan.uninspected,
        "limit": run.limit,
        "annotated_this_run": fresh,
        "annotated_before": tally.outcomes["annotated"] - fresh,
        "runs": [_run(one, tally) for one in runs],
        "reasons": _reasons(dict(tally.reasons.most_common())),
        "stages": stages,
        "reused": dict(tally.reused),
        "bottleneck": _slowest(stages),
        "wall_s": round(run.wall_s, 3),
        "start_up_s": round(run.start_up_s, 3),
        "annotate_s": round(run.annotate_s, 3),
        "clips_per_second": round(fresh / working_s, 3) if fresh and working_s > 0 else None,
        "labels": [{"label": label, "count": count} for label, count in tally.labels.most_common()],
        "distinct_labels": len(tally.labels),
        "duration_s": _durations(np.array(tally.durations)),
        "languages": dict(tally.languages.most_common()),
        "modalities": dict(tally.modalities.most_common()),
        "recipe": recipe.model_dump(),
        "output": output,
        "versions": {"python": platform.python_version()} | {name: version(name) for name in REPORTED_VERSIONS},
    }


def _run(run: Run, tally: Tally) -> dict[str, Any]:
    outcomes = {name: tally.outcomes_of_runs[run.run_id, name] for name in ("annotated", "filtered", "rejected")}
    facts = {"run_id": run.run_id, "began_at": run.began_at, "host": run.host, "wall_s": round(run.wall_s, 3)}
    return {**facts, **outcomes, "is_published": run.is_published}


def _reasons(counts: Mapping[tuple[str, str, str], int]) -> list[dict[str, Any]]:
    return [
        {"outcome": outcome, "stage": stage, "reason": reason, "count": count}
        for (outcome, stage, reason), count in counts.items()
    ]


def _slowest(stages: Sequence[Mapping[str, Any]]) -> str | None:
    return max(stages, key=lambda stage: stage["seconds"])["name"] if stages else None


def _stages(tally: Tally, plan: Plan, run: Run, recipe: Recipe) -> list[dict[str, Any]]:
    seconds = {"inspect": plan.inspect_s, **tally.seconds}
    clips = {"inspect": plan.inputs, **tally.stage_clips}
    total = sum(seconds.values())
    return [
        _stage(
            name,
            spent,
            total,
            clips[name],
            (tally.prompt_tokens[name], tally.completion_tokens[name]),
            _busy_share(name, tally, run, recipe),
        )
        for name, spent in seconds.items()
    ]


def _stage(
    name: str, spent: float, total: float, clips: int, tokens: tuple[int, int], busy_share: float | None
) -> dict[str, Any]:
    prompt_tokens, completion_tokens = tokens
    return {
        "name": name,
        "seconds": round(spent, 3),
        "clips": clips,
        "clips_per_second": round(clips / spent, 2) if spent else None,
        "share": round(spent / total, 4) if total else None,
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "tokens_per_second": round(completion_tokens / spent, 1) if spent else None,
        "busy_share": busy_share,
    }


def merge_summaries(
    summaries: Sequence[Mapping[str, Any]], durations: NDArray[np.float64], output: str
) -> dict[str, Any]:
    """Add up what ``report.json`` says of the shards of a data set; times are those of all their runs together.

    Args:
        summaries: of all shards, which were built alike.
        durations: of the annotated clips of all of them, in seconds, of shape (C,).
        output: URI of the whole.
    """
    # Shards that an earlier release built say nothing of what a finished one has none of.
    added = {name: sum(summary.get(name, 0) for summary in summaries) for name in _ADDED}
    counted = {name: _added_counts(summary[name] for summary in summaries) for name in _COUNTED}
    labels = _added_counts({entry["label"]: entry["count"] for entry in summary["labels"]} for summary in summaries)
    reasons = _added_counts(
        {(entry["outcome"], entry["stage"], entry["reason"]): entry["count"] for entry in summary["reasons"]}
        for summary in summaries
    )
    runs = [run for summary in summaries for run in summary.get("runs", ())]
    stages = _added_stages(summaries)
    working_s = added["wall_s"] - added["start_up_s"]
    fresh = added["annotated_this_run"]
    return {
        **summaries[0],
        **added,
        **counted,
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "run_id": f"merged from {len(summaries)} shards",
        "limit": summaries[0].get("limit"),
        "runs": sorted(runs, key=lambda run: str(run["began_at"])),
        "reasons": _reasons(reasons),
        "stages": stages,
        "bottleneck": _slowest(stages),
        "clips_per_second": round(fresh / working_s, 3) if fresh and working_s > 0 else None,
        "labels": [{"label": label, "count": count} for label, count in labels.items()],
        "distinct_labels": len(labels),
        "duration_s": _durations(durations),
        "output": output,
    }


def _added_counts(counts: Iterable[Mapping[Any, int]]) -> dict[Any, int]:
    """Add counts up, the most frequent first."""
    total: Counter[Any] = Counter()
    for one in counts:
        total.update(one)
    return dict(total.most_common())


def _added_stages(summaries: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    stages = [stage for summary in summaries for stage in summary["stages"]]
    total = sum(stage["seconds"] for stage in stages)
    added = []
    for name in dict.fromkeys(stage["name"] for stage in stages):
        of_shards = [stage for stage in stages if stage["name"] == name]
        spent, clips, prompt_tokens, completion_tokens = (
            sum(stage[key] for stage in of_shards) for key in ("seconds", "clips", "prompt_tokens", "completion_tokens")
        )
        added.append(_stage(name, spent, total, clips, (prompt_tokens, completion_tokens), None))
    return added


def _busy_share(stage: str, tally: Tally, run: Run, recipe: Recipe) -> float | None:
    """Of the time that this run annotated, the share in which the actors of a step worked on it; None without actors.

    Steps that share actors share their time: their shares add up to how busy the actors were.
    """
    workers = recipe.workers_of(stage) if stage in recipe.step_names() else None
    if workers is None or not run.annotate_s:
        return None
    return round(tally.seconds_this_run[stage] / (workers.actors * run.annotate_s), 4)


def _durations(durations: NDArray[np.float64]) -> dict[str, Any]:
    if not len(durations):
        return {"total": 0.0, "min": None, "median": None, "max": None, "edges": [], "counts": []}
    counts, edges = np.histogram(durations, bins=HISTOGRAM_BINS)
    return {
        "total": round(float(np.sum(durations)), 3),
        "min": round(float(durations.min()), 3),
        "median": round(float(np.median(durations)), 3),
        "max": round(float(durations.max()), 3),
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
