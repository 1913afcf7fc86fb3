"""The feature cache on a cluster: each clip is decoded and encoded once, whatever happens meanwhile."""

import contextlib
import os
import pickle
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import ray
from ray.data import DataContext

from affectgpt.clips.clip import Clip
from affectgpt.clips.storage import content_sha256
from affectgpt.errors import JobError
from affectgpt.training.features.decoding import Preprocessed, preprocess
from affectgpt.training.features.encoding import Encoders
from affectgpt.training.features.keys import clip_key, fingerprints_of
from affectgpt.training.features.preparation import prepare_clips
from affectgpt.training.features.settings import PreparationSettings
from affectgpt.training.features.shards import CachedFeatures
from affectgpt.training.features.streaming import StreamedClips
from tests.integration.conftest import PROJECT
from tests.integration.made import write_clips
from tests.integration.s3_server import S3Server
from tests.media import Sound, Video, write_media
from tests.training.features.made import AUDIO, clips_table, make_settings, with_encoders

CLIPS = 12
CPUS = 2


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """A cluster of this process."""
    ray.init(address="local", num_cpus=CPUS, include_dashboard=False, logging_level="warning")
    DataContext.get_current().enable_progress_bars = False
    yield
    ray.shutdown()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return sorted(write_clips(tmp_path_factory.mktemp("clips"), CLIPS).glob("*.mp4"))


def prepare(clips: pa.Table, settings: PreparationSettings) -> tuple[pa.Table, int]:
    """Prepare clips; say also how many had to be encoded or decoded."""
    said: list[str] = []
    prepared = prepare_clips(clips, settings, said.append)
    (opening,) = [line for line in said if line.startswith(("encoding ", "decoding "))]
    return prepared, int(opening.split()[1])


def cached(settings: PreparationSettings) -> CachedFeatures:
    return CachedFeatures(settings.cache, {one.sense: one.digest for one in fingerprints_of(settings)})


def indexed(settings: PreparationSettings, sense: str) -> list[str]:
    """The keys in the index of a sense, one for each time that a clip was encoded."""
    parts = Path(settings.cache).glob(f"{sense}/*/index/*.parquet")
    return [key for part in parts for key in pq.read_table(part)["clip_key"].to_pylist()]


def direct(file: Path, settings: PreparationSettings) -> Preprocessed:
    return preprocess(Clip(file.stem, str(file)), settings)


def assert_alike(found: object, expected: object) -> None:
    """Compare what two processes computed: with other numbers of threads the last bits differ."""
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


def test_clips_of_two_data_sets_are_encoded_once(cluster: None, files: list[Path], tmp_path: Path) -> None:
    settings = make_settings(tmp_path, clips_per_block=5)
    clips = pa.concat_tables([clips_table(files), clips_table(files[:4], "fine")])
    prepared, encoded = prepare(clips, settings)
    assert encoded == CLIPS
    told = [name for name in clips.schema.names if name not in ("clip_key", "content_sha256")]
    assert prepared.select(told).equals(clips.select(told))
    assert prepared["content_sha256"].null_count == 0
    assert prepared["has_video"].to_pylist() == prepared["has_audio"].to_pylist() == [True] * (CLIPS + 4)
    assert prepared["error"].null_count == CLIPS + 4
    keys = prepared["clip_key"].to_pylist()
    assert keys[:4] == keys[CLIPS:]
    assert sorted(indexed(settings, "vision")) == sorted(indexed(settings, "audio")) == sorted(keys[:CLIPS])
    features = cached(settings)
    for key, file in zip(keys[:CLIPS], files, strict=True):
        _, audio = features.load(key)
        assert_alike(audio, direct(file, settings).sound_inputs)
    again, encoded = prepare(clips, settings)
    assert encoded == 0
    assert again.equals(prepared)


def test_encoders_with_weights(cluster: None, files: list[Path], tmp_path: Path) -> None:
    settings = make_settings(tmp_path, with_encoders(tmp_path), clips_per_block=5, batch_size=2)
    prepared, encoded = prepare(clips_table(files[:7]), settings)
    assert encoded == 7
    expected = Encoders(settings).encode([direct(file, settings) for file in files[:7]])
    features = cached(settings)
    for key, one in zip(prepared["clip_key"].to_pylist(), expected, strict=True):
        video, audio = features.load(key)
        np.testing.assert_allclose(video, one.video_features, rtol=2e-3, atol=2e-3)
        np.testing.assert_allclose(audio, one.audio_features, rtol=2e-3, atol=2e-3)


def test_only_the_sense_that_changed_is_encoded_anew(cluster: None, files: list[Path], tmp_path: Path) -> None:
    settings = make_settings(tmp_path)
    prepare(clips_table(files[:4]), settings)
    audio = AUDIO.model_copy(update={"longest_s": 0.5})
    shorter = replace(settings, model=settings.model.model_copy(update={"audio": audio}))
    prepared, encoded = prepare(clips_table(files[:4]), shorter)
    assert encoded == 4
    assert prepared["has_video"].to_pylist() == [True] * 4
    assert len(indexed(settings, "vision")) == 4
    assert len(indexed(settings, "audio")) == 8
    key = prepared["clip_key"][0].as_py()
    assert [len(cached(one).load(key)[1]) for one in (settings, shorter)] == [
        len(direct(files[0], settings).sound_inputs),
        50,
    ]


def test_clips_that_cannot_be_used_are_tried_again(cluster: None, files: list[Path], tmp_path: Path) -> None:
    settings = make_settings(tmp_path)
    made = {name: tmp_path / f"{name}.mp4" for name in ("broken", "missing", "silent", "whole")}
    made["broken"].write_bytes(b"no video" * 100)
    write_media(made["silent"], Video())
    made["whole"].write_bytes(files[0].read_bytes())
    prepared, encoded = prepare(clips_table(list(made.values())), settings)
    rows = {row["clip_id"]: row for row in prepared.to_pylist()}
    assert encoded == 3
    assert rows["missing"]["error"] == "not-found"
    assert rows["missing"]["clip_key"] is None
    assert "broken.mp4" in rows["broken"]["message"]
    assert [rows["broken"][name] for name in ("has_video", "has_audio")] == [False, False]
    assert [rows["silent"][name] for name in ("has_video", "has_audio", "error")] == [True, False, None]
    assert cached(settings).load(rows["silent"]["clip_key"])[1] is None
    made["broken"].write_bytes(files[1].read_bytes())
    made["missing"].write_bytes(files[2].read_bytes())
    prepared, encoded = prepare(clips_table(list(made.values())), settings)
    assert encoded == 2
    assert prepared["error"].null_count == 4


def test_a_clip_of_which_the_model_perceives_nothing(cluster: None, tmp_path: Path) -> None:
    silent = write_media(tmp_path / "silent.mp4", Video())
    blind = make_settings(tmp_path, with_encoders(tmp_path).model_copy(update={"vision": None}))
    for _ in range(2):
        prepared, _ = prepare(clips_table([silent]), blind)
        assert prepared["error"].to_pylist() == ["nothing-perceived"]
        assert "hears only" in prepared["message"][0].as_py()


def test_without_a_cache_clips_are_only_decoded(cluster: None, files: list[Path], tmp_path: Path) -> None:
    settings = make_settings(tmp_path, with_encoders(tmp_path), enabled=False)
    silent, broken = write_media(tmp_path / "silent.mp4", Video()), tmp_path / "broken.mp4"
    broken.write_bytes(b"no video" * 100)
    prepared, decoded = prepare(clips_table([files[0], silent, broken]), settings)
    assert decoded == 3
    assert prepared["has_video"].to_pylist() == [True, True, False]
    assert prepared["has_audio"].to_pylist() == [True, False, False]
    assert [error is None for error in prepared["error"].to_pylist()] == [True, True, False]
    assert not Path(settings.cache).exists()


def test_a_deleted_shard_is_made_again(cluster: None, files: list[Path], tmp_path: Path) -> None:
    settings = make_settings(tmp_path, clips_per_block=1)
    prepare(clips_table(files[:4]), settings)
    next(Path(settings.cache).glob("vision/*/shards/*.arrow")).unlink()
    prepared, encoded = prepare(clips_table(files[:4]), settings)
    assert 1 <= encoded < 4
    for key in prepared["clip_key"].to_pylist():
        assert cached(settings).load(key)[0] is not None


def test_more_gpus_than_there_are(cluster: None, files: list[Path], tmp_path: Path) -> None:
    settings = make_settings(tmp_path, with_encoders(tmp_path), num_gpus=1.0)
    with pytest.raises(JobError, match=r"features.num_gpus is 1, and the cluster has 0 GPUs"):
        prepare(clips_table(files[:1]), settings)


def test_clips_stream_in_order_into_a_worker_that_holds_every_cpu(
    cluster: None, files: list[Path], tmp_path: Path
) -> None:
    settings = make_settings(tmp_path, enabled=False, batch_size=2)
    write_media(tmp_path / "blind.wav", sound=Sound(codec="pcm_s16le"))
    clips = [*files[:5], tmp_path / "blind.wav"]
    prepared, _ = prepare(clips_table(clips), settings)
    wanted = np.random.default_rng(0).integers(0, len(clips), 25).tolist()

    @ray.remote(num_cpus=CPUS)
    def train(prepared: pa.Table, settings: PreparationSettings, wanted: list[int]) -> list:
        streamed = StreamedClips(prepared, settings)
        keys = [prepared["clip_key"][place].as_py() for place in wanted]
        return [content for _ in range(2) for content in streamed.iterate(keys)]

    contents = ray.get(train.remote(prepared, settings, wanted), timeout=120)
    assert len(contents) == 2 * len(wanted)
    expected = [direct(clip, settings) for clip in clips]
    for place, (pixel_values, sound_inputs) in zip([*wanted, *wanted], contents, strict=True):
        assert_alike(sound_inputs, expected[place].sound_inputs)
        if expected[place].pixel_values is None:
            assert pixel_values is None
        else:
            assert_alike(pixel_values, expected[place].pixel_values)


def test_a_clip_that_breaks_while_it_is_streamed_is_named(cluster: None, files: list[Path], tmp_path: Path) -> None:
    settings = make_settings(tmp_path, enabled=False, batch_size=1)
    changing = tmp_path / "changing.mp4"
    changing.write_bytes(files[0].read_bytes())
    prepared, _ = prepare(clips_table([files[1], changing]), settings)
    changing.write_bytes(b"no video" * 100)
    contents = StreamedClips(prepared, settings).iterate(prepared["clip_key"].to_pylist())
    next(contents)
    with pytest.raises(JobError, match=r"clip changing: .*changing\.mp4"):
        next(contents)


DRIVER = """
import pickle, sys
from affectgpt.dataset.connection import connect
from affectgpt.training.features.preparation import prepare_clips
with open(sys.argv[1], "rb") as request:
    clips, settings = pickle.load(request)
connect()
prepare_clips(clips, settings, print)
"""


def start_driver(folder: Path, clips: pa.Table, settings: PreparationSettings, **env: str) -> subprocess.Popen[str]:
    """Prepare clips in a process of its own, with a cluster of its own."""
    request = folder / "request.pickle"
    request.write_bytes(pickle.dumps((clips, settings)))
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), "RAY_ADDRESS": "local", **env}
    return subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(request)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.cluster
def test_a_killed_driver(cluster: None, tmp_path: Path) -> None:
    """What was in the cache when the run was killed is not encoded again, and nothing is missing in the end."""
    files = sorted(write_clips(tmp_path / "clips", 80).glob("*.mp4"))
    settings = make_settings(tmp_path, clips_per_block=2)
    run = start_driver(tmp_path, clips_table(files), settings)
    while len(indexed(settings, "audio")) < 10:
        assert run.poll() is None, run.communicate()[1]
        time.sleep(0.01)
    processes = psutil.Process(run.pid).children(recursive=True)
    run.kill()
    run.communicate()
    # Its workers may go on for a moment; none may write while this test counts.
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    assert not psutil.wait_procs(processes, timeout=60)[1]
    before = {sense: indexed(settings, sense) for sense in ("vision", "audio")}
    assert 10 <= len(before["audio"]) < len(files)
    prepared, encoded = prepare(clips_table(files), settings)
    assert encoded == len(files) - len(set(before["vision"]) & set(before["audio"]))
    for sense in before:
        keys = indexed(settings, sense)
        assert len(keys) == len(set(keys)) == len(files)
    features = cached(settings)
    for key in prepared["clip_key"].to_pylist():
        assert all(one is not None for one in features.load(key))


@pytest.mark.cluster
def test_the_cache_in_an_object_store(
    s3: S3Server, files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    local = make_settings(tmp_path)
    bucket = f"s3://{s3.bucket}/features"
    s3.upload({f"features/model/{file.name}": file for file in Path(local.checkpoint).iterdir()})
    settings = replace(local, cache=f"{bucket}/cache", checkpoint=f"{bucket}/model")
    run = start_driver(tmp_path, clips_table(files[:5]), settings, **s3.environment())
    said, errors = run.communicate(timeout=120)
    assert "encoding 5 clips" in said, errors
    for name, value in s3.environment().items():
        monkeypatch.setenv(name, value)
    features = cached(settings)
    for file in files[:5]:
        video, audio = features.load(clip_key(content_sha256(str(file)), None, None))
        assert_alike(audio, direct(file, local).sound_inputs)
        assert video is not None
