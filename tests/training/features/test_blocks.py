from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from affectgpt.errors import JobError
from affectgpt.training.features.blocks import OUTCOMES, WORK, EncodingActor, Plan, decode_block, encode_block
from affectgpt.training.features.keys import fingerprints_of
from affectgpt.training.features.settings import PreparationSettings
from affectgpt.training.features.shards import CachedFeatures
from tests.media import Sound, Video, write_media
from tests.training.features.made import make_settings, with_encoders


def work(folder: Path, senses: Sequence[str] = ("vision", "audio")) -> pa.Table:
    """Three clips to encode: one with both streams, a silent one and a broken one."""
    write_media(folder / "whole.mp4", Video(), Sound())
    write_media(folder / "silent.mp4", Video())
    (folder / "broken.mp4").write_bytes(b"no video" * 100)
    names = ("whole", "silent", "broken")
    rows = [
        {"clip_key": name, "clip_id": name, "uri": str(folder / f"{name}.mp4"), "senses": list(senses)}
        for name in names
    ]
    return pa.Table.from_pylist(rows, WORK)


def plan_of(settings: PreparationSettings) -> Plan:
    return Plan(settings, fingerprints_of(settings))


def cached(plan: Plan) -> CachedFeatures:
    return CachedFeatures(plan.settings.cache, {one.sense: one.digest for one in plan.fingerprints})


def test_outcomes_say_what_there_is(tmp_path: Path) -> None:
    plan = plan_of(make_settings(tmp_path))
    outcomes = encode_block(work(tmp_path), plan)
    assert outcomes.schema == OUTCOMES
    whole, silent, broken = outcomes.to_pylist()
    assert (whole["has_video"], whole["has_audio"], whole["error"]) == (True, True, None)
    assert (silent["has_video"], silent["has_audio"], silent["error"]) == (True, False, None)
    assert (broken["has_video"], broken["has_audio"]) == (None, None)
    assert "broken.mp4" in broken["message"]
    video, audio = cached(plan).load("silent")
    assert video is not None
    assert audio is None
    with pytest.raises(JobError, match="broken"):
        cached(plan).load("broken")


def test_decoding_elsewhere_gives_the_same(tmp_path: Path) -> None:
    """With GPUs clips are decoded in one process and encoded in another."""
    settings = make_settings(tmp_path, with_encoders(tmp_path), batch_size=2)
    table = work(tmp_path)
    together = plan_of(settings)
    apart = plan_of(replace(settings, cache=str(tmp_path / "apart")))
    pieces = list(decode_block(table, apart.settings))
    assert [piece.num_rows for piece in pieces] == [2, 1]
    outcomes = EncodingActor(apart)(pa.concat_tables(pieces))
    assert outcomes.equals(encode_block(table, together))
    for name in ("whole", "silent"):
        for one, other in zip(cached(apart).load(name), cached(together).load(name), strict=True):
            np.testing.assert_array_equal(one, other)


def test_only_what_is_wanted_is_written(tmp_path: Path) -> None:
    plan = plan_of(make_settings(tmp_path))
    outcomes = encode_block(work(tmp_path, ["audio"]), plan).to_pylist()
    assert [(row["has_video"], row["has_audio"]) for row in outcomes] == [(None, True), (None, False), (None, None)]
    assert not list(Path(plan.settings.cache).glob("vision/*/index/*"))
