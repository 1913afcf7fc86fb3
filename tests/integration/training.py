"""Small data sets to train on, and runs of ``train`` in processes of their own."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.integration.conftest import PROJECT
from tests.integration.made import write_clips
from tests.integration.shared_cluster import SHARED_CLUSTER

FEELINGS = (("happy", "高兴"), ("sad", "悲伤"), ("angry", "愤怒"))
SMALL: dict[str, Any] = {
    "model.language_model": {"vocabulary": 320, "hidden_size": 32, "layers": 1, "heads": 2},
    "model.vision": {"frames": 2, "queries": 2, "hidden_size": 16, "layers": 1, "heads": 2, "dropout": 0.0},
    "model.audio": {"queries": 2, "hidden_size": 16, "layers": 1, "heads": 2, "subsampling": 3, "dropout": 0.0},
    "data.languages": ["en"],
    "data.validation_fraction": 0.2,
    "report.log_every_steps": 1,
    "report.described": 2,
    "report.max_new_tokens": 8,
    "stages.coarse": {
        "data": {"coarse": 1.0},
        "steps": 12,
        "batch_size": 4,
        "micro_batch_size": 2,
        "learning_rate": 1e-3,
        "trainable": {"language_model": "full"},
        "deepspeed": {"zero": 1},
    },
    "checkpoints.every_steps": 4,
}
"""Settings of a run that is over soon."""


def make_data(folder: Path, clips: int = 20) -> Path:
    """Write clips, and beside them ``coarse/data/part.parquet`` and ``fine.csv`` as EMER-Fine was released."""
    media = write_clips(folder / "media", clips)
    names = [path.stem for path in sorted(media.glob("*.mp4"))]
    feelings = [FEELINGS[number % len(FEELINGS)] for number in range(len(names))]
    coarse = {
        "clip_id": names,
        "uri": [str(media / f"{name}.mp4") for name in names],
        "description_en": [f"The voice hums, and the speaker may be {english}." for english, _ in feelings],
        "description_zh": [f"声音低沉，说话人可能{chinese}。" for _, chinese in feelings],
        "labels": [[english] for english, _ in feelings],
    }
    (folder / "coarse" / "data").mkdir(parents=True)
    pq.write_table(pa.table(coarse), folder / "coarse" / "data" / "part.parquet")
    with (folder / "fine.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["name", "chinese", "english"])
        for name, (english, chinese) in zip(names[: clips // 2], feelings, strict=False):
            writer.writerow([name, f"说话人{chinese}。", f"The speaker is {english}."])
    return folder


def command(data: Path, output: Path, settings: dict[str, object], *options: str, small: bool = True) -> list[str]:
    """Give the command of a run on data of ``make_data``."""
    every = (SMALL if small else {}) | settings
    overrides = [f"{key}={json.dumps(value)}" for key, value in every.items()]
    return [
        sys.executable,
        str(PROJECT / "jobs" / "train.py"),
        *("--coarse", str(data / "coarse"), "--output", str(output)),
        *options,
        *(part for override in overrides for part in ("--set", override)),
    ]


def run_train(
    data: Path,
    output: Path | str,
    settings: dict[str, object],
    *options: str,
    small: bool = True,
    env: dict[str, str] | None = None,
    cwd: Path | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run ``train`` to its end; with an environment it has a cluster of its own, else it joins the shared one."""
    return subprocess.run(
        command(data, output, settings, *options, small=small),
        env={**os.environ, **(SHARED_CLUSTER.environment() if env is None else env)},
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )


def losses(output: Path, stage: str) -> dict[int, float]:
    """Read the loss of each step of a stage, the newest of each."""
    rows = [json.loads(line) for line in (output / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    return {row["step"]: row["loss"] for row in rows if row["kind"] == "train" and row["stage"] == stage}
