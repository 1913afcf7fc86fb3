"""What happened in the runs of an output, event by event; a report's times are read out of it again."""

import json
import secrets
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from affectgpt import __version__
from affectgpt.dataset.ledger import Folder, Ledger
from affectgpt.dataset.summary import Run

BEGAN: Final = "began"
STARTED: Final = "started"
PLANNED: Final = "planned"
ANNOTATED: Final = "annotated"
PUBLISHED: Final = "published"
_SUFFIX: Final = ".jsonl"


@dataclass(frozen=True)
class Recorder:
    """Writes down the events of the run that goes on, in ``ledger/runs/RUN.jsonl``.

    Each line is a JSON object: ``event``, ``at`` (UTC), ``after_s`` (seconds since the command began), and facts. How a
    run ended is not written, since a run that is killed could not do so: one without ``published`` was stopped.

    Attributes:
        folder: where the events of all runs are.
        run_id: the run's name: when it began, and something by chance, since two may begin at once.
        began: ``time.monotonic()`` of its beginning.
    """

    folder: Folder
    run_id: str
    began: float

    @staticmethod
    def of_new_run(ledger: Ledger, began: float) -> "Recorder":
        """Name a run; nothing is written yet."""
        return Recorder(ledger.runs, f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}", began)

    def begin(self) -> None:
        """Write down that the run begins, where, and by which release."""
        line = self._line(BEGAN, {"host": socket.gethostname(), "version": __version__})
        self.folder.write_text(f"{self.run_id}{_SUFFIX}", line)

    def add(self, event: str, **facts: int) -> None:
        """Write down that the run has come so far."""
        # Object stores cannot append; a run has a handful of events.
        name = f"{self.run_id}{_SUFFIX}"
        line = self._line(event, facts)
        self.folder.write_text(name, self.folder.read_text(name) + line)

    def _line(self, event: str, facts: Mapping[str, Any]) -> str:
        at, after_s = datetime.now(UTC).isoformat(timespec="milliseconds"), time.monotonic() - self.began
        return json.dumps({"event": event, "at": at, "after_s": round(after_s, 3), **facts}) + "\n"


def runs_of(ledger: Ledger) -> list[Run]:
    """Read the runs of an output out of their events, the first one first.

    The last one, where it goes on or was stopped, took until it last committed an outcome.
    """
    names = [info.base_name for info in ledger.runs.files(_SUFFIX)]
    read = (_run(name.removesuffix(_SUFFIX), _events(ledger.runs.read_text(name))) for name in names)
    runs = sorted(read, key=lambda run: run.began_at)
    if runs and not runs[-1].is_published:
        committed = [info.mtime for info in ledger.outcomes.files(".parquet") if info.mtime is not None]
        runs[-1] = _until(runs[-1], max(committed, default=None))
    return runs


def _events(lines: str) -> dict[str, dict[str, Any]]:
    return {event["event"]: event for event in map(json.loads, lines.splitlines())}


def _run(run_id: str, events: Mapping[str, Mapping[str, Any]]) -> Run:
    after_s = {name: float(event["after_s"]) for name, event in events.items()}
    last_s = max(after_s.values())
    planned_s = after_s.get(PLANNED, last_s)
    began_at = datetime.fromisoformat(events[BEGAN]["at"]) - timedelta(seconds=after_s[BEGAN])
    return Run(
        run_id=run_id,
        began_at=began_at.isoformat(timespec="milliseconds"),
        host=events[BEGAN]["host"],
        start_up_s=after_s.get(STARTED, last_s),
        annotate_s=after_s.get(ANNOTATED, last_s) - planned_s,
        wall_s=last_s,
        is_published=PUBLISHED in after_s,
    )


def _until(run: Run, committed: datetime | None) -> Run:
    """Let a run have lasted, and annotated, until an outcome was committed, if that was after its last event."""
    if committed is None:
        return run
    later_s = (committed - datetime.fromisoformat(run.began_at)).total_seconds() - run.wall_s
    if later_s <= 0:
        return run
    return replace(run, wall_s=run.wall_s + later_s, annotate_s=run.annotate_s + later_s)
