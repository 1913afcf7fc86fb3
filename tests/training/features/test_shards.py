import pickle
from pathlib import Path

import numpy as np
import pytest

from affectgpt.errors import JobError
from affectgpt.training.features import shards
from affectgpt.training.features.keys import Fingerprint
from affectgpt.training.features.shards import CachedFeatures, SenseCache

VIDEO = {f"clip{number}": np.random.default_rng(number).normal(size=(number + 1, 3, 5)) for number in range(6)}


def write(root: Path) -> None:
    video = SenseCache(str(root), "vision", "v")
    entries = [(key, features.astype(np.float16)) for key, features in VIDEO.items()]
    video.write(entries[:4])
    video.write([*entries[4:], ("blind", None)])
    audio = SenseCache(str(root), "audio", "a")
    audio.write([("clip2", np.full((7, 2), 70_000, np.float32)), ("clip0", None)])


def shard_files(root: Path) -> list[Path]:
    return sorted((root / "vision" / "v" / "shards").iterdir())


def test_what_was_written_is_read_by_key(tmp_path: Path) -> None:
    write(tmp_path)
    cache = CachedFeatures(str(tmp_path), {"vision": "v"})
    for key, features in VIDEO.items():
        video, audio = cache.load(key)
        assert audio is None
        assert video is not None
        assert video.dtype == np.float16
        np.testing.assert_array_equal(video, features.astype(np.float16))


def test_senses_are_apart(tmp_path: Path) -> None:
    write(tmp_path)
    cache = CachedFeatures(str(tmp_path), {"vision": "v", "audio": "a"})
    video, audio = cache.load("clip2")
    assert video is not None
    assert audio is not None
    assert video.shape == (3, 3, 5)
    np.testing.assert_array_equal(audio, np.full((7, 2), 70_000, np.float32))
    video, audio = cache.load("clip0")
    assert video is not None
    assert audio is None
    assert CachedFeatures(str(tmp_path), {"vision": "v"}).load("blind") == (None, None)


def test_an_unknown_clip_is_named(tmp_path: Path) -> None:
    write(tmp_path)
    with pytest.raises(JobError, match="clip5: its features are not in the cache"):
        CachedFeatures(str(tmp_path), {"vision": "v", "audio": "a"}).load("clip5")


def test_features_made_otherwise_are_not_found(tmp_path: Path) -> None:
    write(tmp_path)
    with pytest.raises(JobError, match="clip0"):
        CachedFeatures(str(tmp_path), {"vision": "other"}).load("clip0")


def test_a_clip_is_read_without_the_others(tmp_path: Path) -> None:
    """The array is a view of the mapped file, not a copy."""
    write(tmp_path)
    video, _ = CachedFeatures(str(tmp_path), {"vision": "v"}).load("clip3")
    assert video is not None
    assert not video.flags.owndata
    assert not video.flags.writeable


def test_a_shard_without_index_is_nobodys(tmp_path: Path) -> None:
    write(tmp_path)
    index = tmp_path / "vision" / "v" / "index"
    orphan = shard_files(tmp_path)[0]
    (index / f"{orphan.stem}.parquet").unlink()
    known = set(SenseCache(str(tmp_path), "vision", "v").read_index()["clip_key"].to_pylist())
    assert len(known) in (3, 4)
    assert known < {*VIDEO, "blind"}


def test_clips_of_a_deleted_shard_are_missing(tmp_path: Path) -> None:
    write(tmp_path)
    cache = SenseCache(str(tmp_path), "vision", "v")
    assert cache.read_index().num_rows == len(VIDEO) + 1
    for shard in shard_files(tmp_path):
        shard.unlink()
    assert cache.read_index()["clip_key"].to_pylist() == ["blind"]


def test_a_clip_that_was_written_twice_is_there_once(tmp_path: Path) -> None:
    """Two runs at a time, or one whose worker was tried again, write a clip twice."""
    write(tmp_path)
    write(tmp_path)
    video, _ = CachedFeatures(str(tmp_path), {"vision": "v"}).load("clip4")
    np.testing.assert_array_equal(video, VIDEO["clip4"].astype(np.float16))


@pytest.mark.parametrize("kept", [0, 100, 0.5])
def test_a_damaged_shard_is_named_with_the_remedy(tmp_path: Path, kept: float) -> None:
    write(tmp_path)
    for shard in shard_files(tmp_path):
        content = shard.read_bytes()
        shard.write_bytes(content[: int(kept * len(content)) if kept < 1 else int(kept)])
    with pytest.raises(JobError, match=r"shards/.*\.arrow: not readable .*delete that file"):
        CachedFeatures(str(tmp_path), {"vision": "v"}).load("clip0")


def test_many_shards_with_few_files_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "_OPEN_SHARDS", 2)
    cache = SenseCache(str(tmp_path), "audio", "a")
    for number in range(12):
        cache.write([(f"clip{number}", np.full((2, 2), number, np.float32))])
    opened = CachedFeatures(str(tmp_path), {"audio": "a"})
    for number in [*range(12), *range(12)]:
        _, audio = opened.load(f"clip{number}")
        assert audio is not None
        assert (audio == number).all()
    files = [link.resolve() for link in Path("/proc/self/fd").iterdir() if link.exists()]
    assert sum(file.suffix == ".arrow" for file in files) <= 2


def test_another_process_can_be_handed_the_cache(tmp_path: Path) -> None:
    write(tmp_path)
    cache = CachedFeatures(str(tmp_path), {"vision": "v"})
    cache.load("clip1")
    video, _ = pickle.loads(pickle.dumps(cache)).load("clip1")
    np.testing.assert_array_equal(video, VIDEO["clip1"].astype(np.float16))


def test_an_empty_cache_has_nothing(tmp_path: Path) -> None:
    assert SenseCache(str(tmp_path), "vision", "v").read_index().num_rows == 0
    CachedFeatures(str(tmp_path), {"vision": "v", "audio": "a"})


def test_features_without_a_step_are_kept(tmp_path: Path) -> None:
    SenseCache(str(tmp_path), "audio", "a").write([("clip", np.zeros((0, 4), np.float32))])
    _, audio = CachedFeatures(str(tmp_path), {"audio": "a"}).load("clip")
    assert audio is not None
    assert audio.shape == (0, 4)


def test_people_are_told_how_features_were_made(tmp_path: Path) -> None:
    cache = SenseCache(str(tmp_path), "vision", "v")
    cache.describe(Fingerprint("vision", "v", '{"frames": 8}'))
    assert (tmp_path / "vision" / "v" / "encoder.json").read_text() == '{"frames": 8}'
