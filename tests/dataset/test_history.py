import os
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from affectgpt.dataset.history import ANNOTATED, PLANNED, PUBLISHED, STARTED, Recorder, runs_of
from affectgpt.dataset.ledger import Folder, Ledger

LATE_S = 1000.0


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(Folder.at(str(tmp_path)))


def recorder(ledger: Ledger, begun_before_s: float = 0.0) -> Recorder:
    made = Recorder.of_new_run(ledger, time.monotonic() - begun_before_s)
    made.begin()
    return made


def test_a_run_is_read_out_of_its_events(ledger: Ledger) -> None:
    assert runs_of(ledger) == []
    run = recorder(ledger, begun_before_s=5.0)
    for event in (STARTED, PLANNED, ANNOTATED, PUBLISHED):
        run.add(event, clips=3)
    (found,) = runs_of(ledger)
    assert (found.run_id, found.is_published) == (run.run_id, True)
    assert 5.0 <= found.start_up_s <= found.start_up_s + found.annotate_s <= found.wall_s
    began_at = datetime.fromisoformat(found.began_at)
    assert 5.0 <= (datetime.now(UTC) - began_at).total_seconds() < LATE_S


def commit(ledger: Ledger, name: str, after_s: float) -> None:
    ledger.outcomes.write_bytes(f"{name}.parquet", b"what is in it does not matter")
    at = time.time() + after_s
    os.utime(f"{ledger.outcomes.path}/{name}.parquet", (at, at))


def test_a_run_that_did_not_come_to_its_end_took_until_it_last_committed(ledger: Ledger) -> None:
    stopped = recorder(ledger, begun_before_s=LATE_S)
    stopped.add(PLANNED)
    assert (runs_of(ledger)[0].is_published, runs_of(ledger)[0].annotate_s) == (False, 0.0)
    commit(ledger, "first", after_s=LATE_S)
    (alone,) = runs_of(ledger)
    assert (alone.wall_s, alone.annotate_s) == (pytest.approx(2 * LATE_S, rel=0.1), pytest.approx(LATE_S, rel=0.1))
    next_run = recorder(ledger, begun_before_s=-2 * LATE_S)
    commit(ledger, "second", after_s=3 * LATE_S)
    for finished in (False, True):
        first, second = runs_of(ledger)
        assert (first.run_id, first.wall_s, first.annotate_s) == (stopped.run_id, alone.wall_s, alone.annotate_s)
        if finished:
            assert second.is_published
        else:
            assert second.wall_s == pytest.approx(LATE_S, rel=0.1)
            next_run.add(PUBLISHED)


def test_a_run_that_asks_is_the_last_one_whatever_clocks_say(ledger: Ledger) -> None:
    current, ahead = recorder(ledger), recorder(ledger, begun_before_s=-LATE_S)
    current.add(PUBLISHED)
    assert [run.run_id for run in runs_of(ledger)] == [current.run_id, ahead.run_id]
    assert [run.run_id for run in runs_of(ledger, current.run_id)] == [ahead.run_id, current.run_id]
