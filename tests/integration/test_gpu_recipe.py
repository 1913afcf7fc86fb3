"""The recipe of real models goes through all its steps, with tiny models of the same architectures in their place."""

import json
import os
import subprocess
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from affectgpt.exit_status import DONE
from tests.annotate.speech_to_text.tiny_whisper import tiny_whisper
from tests.integration import vllm_server
from tests.integration.conftest import PROJECT

SENTENCE, WORDS = "She is rather sad 她现在很悲伤", 5

# What the tiny models say (see tiny_model), and in how many tokens.
# Of the machine, not of the models: no GPU, and three actors beside a decoder on two cores.
SMALL = {"num_gpus": 0, "num_cpus": 0.25, "revision": None}


@pytest.mark.cluster
def test_the_gpu_recipe_goes_through_all_steps_on_real_clips(shared_media: Path, tmp_path: Path) -> None:
    reason = vllm_server.missing()
    if reason is not None:
        pytest.skip(reason)
    talking = sorted((shared_media / "grid").glob("*.mpg"))[:3]
    clips = tmp_path / "clips"
    clips.mkdir()
    for clip in talking:
        (clips / clip.name).symlink_to(clip)
    for name, kind in (("omni", ["omni", "says"]), ("writer", ["says"])):
        command = [vllm_server.PYTHON, vllm_server.TINY_MODEL, tmp_path / name, *kind]
        subprocess.run(command, env=os.environ | vllm_server.SETTINGS, check=True, capture_output=True, timeout=900)
    tiny_whisper(tmp_path / "speech")
    changes = [f"models.{name}.model={tmp_path / name}" for name in ("omni", "speech", "writer")]
    changes += [
        f"models.{name}.{key}={json.dumps(value)}"
        for name in ("omni", "speech", "writer")
        for key, value in SMALL.items()
    ]
    changes += ["models.omni.dtype=float32", "models.writer.dtype=float32"]
    job = [vllm_server.PYTHON, PROJECT / "jobs" / "build_dataset.py", "--recipe", "gpu"]
    job += ["--input", clips, "--output", tmp_path / "out", *(word for change in changes for word in ("--set", change))]
    run = subprocess.run(
        [str(word) for word in job],
        env=os.environ | vllm_server.SETTINGS,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert run.returncode == DONE, run.stderr
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    rows = pq.read_table(tmp_path / "out" / "data").to_pylist()
    assert len(rows) == len(talking) == report["inputs"]
    for row in rows:
        texts = ("visual_clue", "acoustic_clue", "description_en", "description_zh")
        assert [row[name] for name in texts] == [SENTENCE] * 4
        assert row["labels"]
        assert {row["provenance"][step]["model"] for step in ("merge", "translate", "labels")} == {
            str(tmp_path / "writer")
        }
        assert row["provenance"]["visual_clue"]["model"] == str(tmp_path / "omni")
        assert row["provenance"]["subtitle"]["model"] == str(tmp_path / "speech")
    stages = {stage["name"]: stage for stage in report["stages"]}
    assert stages["merge"]["completion_tokens"] == len(talking) * (WORDS + 1)
    assert all(0 < stages[step]["busy_share"] <= 1 for step in ("subtitle", "visual_clue", "merge"))
