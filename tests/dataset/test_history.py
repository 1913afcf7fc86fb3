import os
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from affectgpt.dataset.history import ANNOTATED, PLANNED, PUBLISHED, STARTED, Recorder, runs_of
from affectgpt.dataset.ledger import Folder, Ledger
from affectgpt.dataset.schema import OUTCOMES
from tests.dataset import rows

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


def test_a_run_that_did_not_come_to_its_end_took_until_it_last_committed(ledger: Ledger) -> None:
    stopped = recorder(ledger)
    stopped.add(PLANNED)
    assert (runs_of(ledger)[0].is_published, runs_of(ledger)[0].annotate_s) == (False, 0.0)
    ledger.outcomes.write_table([rows.outcomes(rows.outcome("1"))], OUTCOMES)
    (part,) = ledger.outcomes.files()
    later = time.time() + LATE_S
    os.utime(part.path, (later, later))
    (found,) = runs_of(ledger)
    assert found.wall_s == pytest.approx(LATE_S, abs=LATE_S / 10)
    assert found.annotate_s == pytest.approx(LATE_S, abs=LATE_S / 10)
    recorder(ledger).add(PUBLISHED)
    lengths = {run.is_published: run.wall_s for run in runs_of(ledger)}
    assert all(seconds < LATE_S / 2 for seconds in lengths.values()), "the part may be of any run by now"
