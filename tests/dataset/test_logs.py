import json
import logging
from collections.abc import Iterator

import pyarrow as pa
import pytest
from ray._common.formatters import JSONFormatter

from affectgpt.dataset import logs
from affectgpt.dataset.logs import MOST_WARNINGS, log_outcomes, log_unusable
from affectgpt.dataset.schema import CLIPS
from tests.dataset import rows


@pytest.fixture(autouse=True)
def _fresh_worker(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    logs._warned.clear()
    with caplog.at_level(logging.INFO):
        yield
    logs._warned.clear()


def test_each_clip_is_logged_with_its_run_and_stage(caplog: pytest.LogCaptureFixture) -> None:
    failed = rows.outcome("b", "rejected", run_id="now", stage="decode", error="undecodable", message="it is\n damaged")
    log_outcomes(rows.outcomes(rows.outcome("a", run_id="now", clip_id="one"), {**failed, "clip_id": "two"}))
    assert caplog.messages == [
        "run now, clip one: annotated",
        "run now, clip two, stage decode: rejected, undecodable: it is damaged",
    ]
    assert [record.levelname for record in caplog.records] == ["INFO", "WARNING"]
    told = json.loads(JSONFormatter().format(caplog.records[1]))
    fields = {name: told[name] for name in ("run", "clip", "stage", "outcome", "reason")}
    assert fields == {"run": "now", "clip": "two", "stage": "decode", "outcome": "rejected", "reason": "undecodable"}


def test_sources_that_cannot_be_used_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    clips = pa.Table.from_pylist([rows.clip("fine"), rows.clip("text", error="not-media", message="text")], CLIPS)
    log_unusable(clips, "now")
    (said,) = caplog.messages
    assert said.startswith("run now, clip text") and said.endswith("stage inspect: rejected, not-media: text")


def test_of_one_reason_a_few_are_warned_of_and_all_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    failed = [rows.outcome(str(number), "rejected") for number in range(MOST_WARNINGS + 5)]
    log_outcomes(rows.outcomes(*failed, rows.outcome("other", "rejected", error="decoder-timeout")))
    levels = [record.levelname for record in caplog.records]
    assert levels == ["WARNING"] * MOST_WARNINGS + ["INFO"] * 5 + ["WARNING"]
