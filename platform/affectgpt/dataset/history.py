"""What happened in the runs of an output, event by event; a report's times are read out of it again."""

import json
import secrets
import socket
import time
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from affectgpt import __version__
from affectgpt.dataset.ledger import Folder, Ledger

BEGAN: Final = "began"
STARTED: Final = "started"
PLANNED: Final = "planned"
ANNOTATED: Final = "annotated"
PUBLISHED: Final = "published"
_SUFFIX: Final = ".jsonl"


@dataclass(frozen=True)
class Run:
    """One run of ``build-dataset``.

    Attributes:
        run_id: its name, in the ledger, the logs and the report.
        began_at: when, in UTC.
        host: the machine of its driver.
        start_up_s: seconds until the first work was handed out.
        annotate_s: seconds of annotating.
        wall_s: seconds of the whole; so far, where it was stopped or goes on.
        last_event: how far it has come.
        limit: how many sources it takes at most, or None for all.
    """

    run_id: str
    began_at: str
    host: str
    start_up_s: float
    annotate_s: float
    wall_s: float
    last_event: str
    limit: int | None = None

    @property
    def is_published(self) -> bool:
        """Whether it came to its end."""
        return self.last_event == PUBLISHED


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

    def begin(self, limit: int | None = None) -> None:
        """Write down that the run begins, where, by which release, and how many sources it takes at most."""
        line = self._line(BEGAN, {"host": socket.gethostname(), "version": __version__, "limit": limit})
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


def runs_of(ledger: Ledger, current: str | None = None) -> list[Run]:
    """Read the runs of an output out of their events, the last one last.

    A run that was stopped, or goes on, took until it committed something for the last time.

    Args:
        ledger: of the output.
        current: the run that asks, which is the last one whatever the clocks of machines say; or None where none does.
    """
    names = [info.base_name for info in ledger.runs.files(_SUFFIX)]
    read = (_run(name.removesuffix(_SUFFIX), ledger.runs.read_text(name)) for name in names)
    runs = sorted(read, key=lambda run: (run.run_id == current, run.began_at))
    if all(run.is_published or run.run_id == current for run in runs):
        return runs
    parts = [*ledger.clips.files(".parquet"), *ledger.outcomes.files(".parquet")]
    committed = sorted(info.mtime for info in parts if info.mtime is not None)
    ends = [*(datetime.fromisoformat(run.began_at) for run in runs[1:]), datetime.max.replace(tzinfo=UTC)]
    return [
        run if run.is_published or run.run_id == current else _until_the_last_of(committed, run, end)
        for run, end in zip(runs, ends, strict=True)
    ]


def _run(run_id: str, lines: str) -> Run:
    events = [json.loads(line) for line in lines.splitlines()]
    after_s = {event["event"]: float(event["after_s"]) for event in events}
    last_s = max(after_s.values())
    planned_s = after_s.get(PLANNED, last_s)
    began_at = datetime.fromisoformat(events[0]["at"]) - timedelta(seconds=after_s[BEGAN])
    return Run(
        run_id=run_id,
        began_at=began_at.isoformat(timespec="milliseconds"),
        host=events[0]["host"],
        start_up_s=after_s.get(STARTED, last_s),
        annotate_s=after_s.get(ANNOTATED, last_s) - planned_s,
        wall_s=last_s,
        last_event=events[-1]["event"],
        limit=events[0].get("limit"),
    )


def _until_the_last_of(committed: Sequence[datetime], run: Run, end: datetime) -> Run:
    """Let a run have lasted until what was committed last before an end, if that was after its last event."""
    place = bisect_left(committed, end)
    if not place:
        return run
    later_s = (committed[place - 1] - datetime.fromisoformat(run.began_at)).total_seconds() - run.wall_s
    if later_s <= 0:
        return run
    annotate_s = run.annotate_s + later_s * (run.last_event == PLANNED)
    return replace(run, wall_s=run.wall_s + later_s, annotate_s=annotate_s)
