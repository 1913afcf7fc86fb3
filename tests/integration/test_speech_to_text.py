"""One small speech model on every engine (transformers, vLLM, a server of vLLM), and in the making of a data set."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from affectgpt.annotate.speech_to_text.engine import Speech
from affectgpt.annotate.speech_to_text.openai import OpenAISpeech
from affectgpt.annotate.speech_to_text.transformers import TransformersSpeech
from affectgpt.errors import RequestError
from affectgpt.exit_status import DONE
from tests.annotate.speech_to_text.tiny_whisper import tiny_whisper
from tests.integration.conftest import PROJECT, run_job
from tests.integration.made import write_clips
from tests.integration.transcribe import tone
from tests.integration.vllm_server import KEY, MODEL, PYTHON, SETTINGS, VLLMServer, missing

TONES: list[tuple[float, float, str | None, float]] = [
    (150, 0.5, "en", 0.0),
    (3000, 1.0, "de", 0.0),
    (900, 31.0, "zh", 0.0),
    (150, 0.5, None, 0.0),
]
CLIPS = 3


@pytest.fixture(scope="module")
def whisper(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_whisper(tmp_path_factory.mktemp("whisper") / "model")


@pytest.fixture(scope="module")
def texts(whisper: Path) -> list[str]:
    """What transformers writes down of the tones."""
    heard = TransformersSpeech(str(whisper)).transcribe([Speech(tone(hz, s), to, heat) for hz, s, to, heat in TONES])
    return [transcript.text for transcript in heard]


def in_vllm(model: Path, tones: list[Any]) -> Any:
    reason = missing()
    if reason is not None:
        pytest.skip(reason)
    done = subprocess.run(
        [PYTHON, Path(__file__).with_name("transcribe.py"), model],
        input=json.dumps(tones),
        env=os.environ | SETTINGS,
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.cluster
def test_vllm_writes_what_transformers_writes(whisper: Path, texts: list[str]) -> None:
    heard = in_vllm(whisper, TONES)
    assert [one["text"] for one in heard] == texts
    assert [one["language"] for one in heard[:3]] == ["en", "de", "zh"]
    assert all(0 < one["confidence"] < 1 for one in heard)


def test_vllm_says_which_models_write_no_speech(tmp_path: Path) -> None:
    said = in_vllm(tmp_path / "nothing", TONES[:1])
    assert f"model {tmp_path / 'nothing'}: vLLM cannot run it here" in said


def test_a_server_of_vllm_is_asked(whisper: Path, tmp_path: Path) -> None:
    reason = missing()
    if reason is not None:
        pytest.skip(reason)
    server = VLLMServer(tmp_path, model=whisper, options=["--max-model-len=32", "--max-num-batched-tokens=2048"])
    server.start()
    try:
        engine = OpenAISpeech(server.base_url, MODEL, api_key=KEY, max_retries=0)
        low, high, long = engine.transcribe([Speech(tone(hz, s), to) for hz, s, to, _ in TONES[:3]])
        assert low.text and high.text and low.text != high.text and len(long.text) > len(low.text)
        with pytest.raises(RequestError, match="has no model 'other'; it has: tiny"):
            OpenAISpeech(server.base_url, "other", api_key=KEY, max_retries=0).transcribe([Speech(tone(150, 0.5))])
    finally:
        server.stop()


def test_a_data_set_gets_the_subtitles_that_nobody_gave(whisper: Path, tmp_path: Path) -> None:
    clips = write_clips(tmp_path / "clips", CLIPS)
    (clips / "00000.srt").write_text("1\n00:00:00,000 --> 00:00:01,000\nI am glad.\n")
    model = {"engine": "transformers", "model": str(whisper)}
    run = run_job(
        "--input", clips, "--output", tmp_path / "out",
        "--set", f"models.speech={json.dumps(model)}", "--set", "steps.subtitle={model: speech}",
    )  # fmt: skip
    assert run.returncode == DONE, run.stderr
    rows = {row["clip_id"]: row for row in pq.read_table(tmp_path / "out" / "data").to_pylist()}
    assert len(rows) == CLIPS
    given = rows.pop("00000")
    assert (given["subtitle"], given["provenance"]["source"]["subtitle_source"]) == ("I am glad.", "sidecar")
    for row in rows.values():
        assert row["provenance"]["subtitle"]["model"] == str(whisper)
        source = row["provenance"]["source"]
        if row["subtitle"] is None:
            assert source["subtitle_source"] in ("none", "speech-unclear") and source["subtitle_confidence"] is None
        else:
            assert source["subtitle_source"] == "speech-to-text" and 0 < source["subtitle_confidence"] < 1
            assert row["language"] in ("en", "zh", "de")
            assert row["subtitle"][:10] in row["description_en"]


def test_silence_is_no_speech(whisper: Path) -> None:
    """What is not there is not made up: a clip of nothing has no transcript, whatever the model would write."""
    engine = TransformersSpeech(str(whisper))
    assert engine.transcribe([Speech(np.zeros(0, np.float32))])[0].text == ""
