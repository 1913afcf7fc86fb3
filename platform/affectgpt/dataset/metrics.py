"""What Prometheus learns of a run of ``build-dataset``; Ray collects it from every process and exports it on each node.

Counters count work that was done: a block that is done again, since its worker was lost, counts again. How each clip of
the data set ended is what the report says.
"""

from collections import Counter as Tally
from functools import lru_cache
from typing import Final

import pyarrow as pa
from ray.util.metrics import Counter

NO_STAGE: Final = "none"
"""The stage of clips that none took out: the annotated ones."""


class RunMetrics:
    """What a process that annotates measures."""

    def __init__(self) -> None:
        self._clips = Counter(
            "affectgpt_clips", "Clips by how they ended and the stage that decided it.", ("run", "outcome", "stage")
        )
        self._stage_clips = Counter("affectgpt_stage_clips", "Clips that went through a stage.", ("run", "stage"))
        self._stage_s = Counter("affectgpt_stage_seconds", "Time that they took there.", ("run", "stage"))
        self._tokens = Counter(
            "affectgpt_engine_tokens", "Tokens that models read and wrote.", ("run", "stage", "kind")
        )

    def clips(self, run: str, outcome: str, stage: str | None, count: int) -> None:
        """Take note of clips that ended alike, none or more of them."""
        _add(self._clips, count, run=run, outcome=outcome, stage=stage or NO_STAGE)

    def stage(self, run: str, stage: str, clips: int, seconds: float) -> None:
        """Take note of the clips that went through a stage, and of the seconds that this took."""
        _add(self._stage_clips, clips, run=run, stage=stage)
        _add(self._stage_s, seconds, run=run, stage=stage)

    def tokens(self, run: str, stage: str, kind: str, count: int) -> None:
        """Take note of the tokens of a kind, ``prompt`` or ``completion``, that a stage's model took."""
        _add(self._tokens, count, run=run, stage=stage, kind=kind)


def _add(counter: Counter, amount: float, **tags: str) -> None:
    # Ray refuses to add nothing.
    if amount > 0:
        counter.inc(amount, tags)


@lru_cache(maxsize=1)
def _metrics() -> RunMetrics:
    return RunMetrics()


def count_outcomes(outcomes: pa.Table) -> None:
    """Count the clips of a finished block.

    Args:
        outcomes: of the schema OUTCOMES.
    """
    ended: Tally[tuple[str, str, str | None]] = Tally()
    clips: Tally[tuple[str, str]] = Tally()
    seconds: Tally[tuple[str, str]] = Tally()
    tokens: Tally[tuple[str, str, str]] = Tally()
    columns = ("run_id", "outcome", "stage", "seconds", "prompt_tokens", "completion_tokens")
    for run, outcome, stage, spent_s, prompt, completion in zip(
        *(outcomes[name].to_pylist() for name in columns), strict=True
    ):
        ended[run, outcome, stage] += 1
        for name, value in spent_s:
            clips[run, name] += 1
            seconds[run, name] += value
        for kind, counts in (("prompt", prompt), ("completion", completion)):
            for name, count in counts:
                tokens[run, name, kind] += count
    metrics = _metrics()
    for (run, outcome, stage), count in ended.items():
        metrics.clips(run, outcome, stage, count)
    for (run, name), count in clips.items():
        metrics.stage(run, name, count, seconds[run, name])
    for (run, name, kind), count in tokens.items():
        metrics.tokens(run, name, kind, count)


def count_settled(run: str, settled: pa.Table) -> None:
    """Count the clips whose end was settled before any was annotated.

    Args:
        run: name of the run.
        settled: of the schema REJECTED.
    """
    ends = zip(settled["outcome"].to_pylist(), settled["stage"].to_pylist(), strict=True)
    for (outcome, stage), count in Tally(ends).items():
        _metrics().clips(run, outcome, stage, count)
