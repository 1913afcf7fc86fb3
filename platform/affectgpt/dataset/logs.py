"""What workers log of each clip; Ray keeps it in the log of every worker, and shows it to who started the job.

Each record says run, clip and stage in its text. Ray lets warnings through, or, with
``RAY_LOGGING_CONFIG_ENCODING=JSON``, everything, as JSON with a field for each of these.
"""

import logging
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

MOST_WARNINGS: Final = 20
"""So many clips of one reason are warned of by each worker; the others are logged as information."""

_logger = logging.getLogger(__name__)
_warned: Counter[str] = Counter()


def log_outcomes(outcomes: pa.Table) -> None:
    """Log how each clip of a finished block ended.

    Args:
        outcomes: of the schema OUTCOMES.
    """
    columns = ("run_id", "clip_id", "outcome", "stage", "error", "message")
    for row in outcomes.select(columns).to_pylist():
        _log(row)


def log_unusable(clips: pa.Table, run_id: str) -> None:
    """Log the sources that cannot be used.

    Args:
        clips: of the schema CLIPS.
        run_id: the run that inspected them.
    """
    unusable = clips.filter(pc.is_valid(clips["error"])).select(("clip_id", "error", "message"))
    for row in unusable.to_pylist():
        _log({**row, "run_id": run_id, "outcome": "rejected", "stage": "inspect"})


def _log(row: Mapping[str, Any]) -> None:
    fields = {"run": row["run_id"], "clip": row["clip_id"], "outcome": row["outcome"]}
    if row["outcome"] == "annotated":
        _logger.info("run %s, clip %s: annotated", row["run_id"], row["clip_id"], extra=fields)
        return
    _warned[row["error"]] += row["outcome"] == "rejected"
    level = logging.WARNING if 0 < _warned[row["error"]] <= MOST_WARNINGS else logging.INFO
    # Lines, not paragraphs: what is read line by line would take the rest for records of its own.
    message = " ".join(row["message"].split())
    _logger.log(
        level,
        "run %s, clip %s, stage %s: %s, %s: %s",
        *(row[name] for name in ("run_id", "clip_id", "stage", "outcome", "error")),
        message,
        extra={**fields, "stage": row["stage"], "reason": row["error"]},
    )
