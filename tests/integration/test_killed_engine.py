"""The process of a model that dies in mid-run is started again, and no clip is lost or annotated twice."""

import contextlib
import json
import os
import signal
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import psutil
import pyarrow.parquet as pq

from affectgpt.exit_status import DONE
from tests.annotate.generated.good_model import PROMPTED, answer_well, step_of
from tests.annotate.language_model.chat_server import Answer, serve
from tests.integration.conftest import run_job
from tests.integration.made import write_clips

CLIPS = 12


def actors_of(folder: Path) -> list[psutil.Process]:
    """The actors of the job that writes below a folder."""
    jobs = [
        process
        for process in psutil.process_iter(["cmdline"])
        if str(folder) in " ".join(process.info["cmdline"] or ())
        and "build_dataset" in " ".join(process.info["cmdline"])
    ]
    found = []
    for process in [child for job in jobs for child in job.children(recursive=True)]:
        # Others may end meanwhile.
        with contextlib.suppress(psutil.NoSuchProcess):
            if "StageActor" in " ".join(process.cmdline()):
                found.append(process)
    return found


def test_an_engine_that_is_killed_is_started_again(tmp_path: Path) -> None:
    output = tmp_path / "out"
    asked: Counter[str] = Counter()
    lock, killed = threading.Lock(), []

    def answer(body: dict[str, Any]) -> Answer:
        with lock:
            asked[step_of(body)] += 1
            if not killed and asked["merge"] >= CLIPS // 2:
                for actor in actors_of(output):
                    killed.append(actor.pid)
                    os.kill(actor.pid, signal.SIGKILL)
        return answer_well(body)

    with serve(answer) as server:
        model = {"engine": "openai", "model": "tiny", "base_url": server.base_url, "max_retries": 0, "concurrency": 1}
        settings = [f"models.big={json.dumps(model)}", *(f"steps.{step}={{model: big}}" for step in PROMPTED)]
        settings += ["steps.merge={model: big, workers: {actors: 1, num_cpus: 0.5}, batch_size: 2}"]
        settings += ["decode.frames=2", "decode.frame_size=32", "run.clips_per_block=4"]
        words = [word for setting in settings for word in ("--set", setting)]
        # A cluster of its own, whose processes are below the job's.
        run = run_job("--input", write_clips(tmp_path / "clips", CLIPS), "--output", output, *words, env={})
    assert killed, "there was no actor to kill"
    assert run.returncode == DONE, run.stderr
    ids = pq.read_table(output / "data")["clip_id"].to_pylist()
    assert len(ids) == len(set(ids)) == CLIPS
    outcomes = pq.read_table(output / "ledger" / "outcomes")["work_id"].to_pylist()
    assert len(outcomes) == len(set(outcomes)) == CLIPS
