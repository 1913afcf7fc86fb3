from pathlib import Path

import pytest

from affectgpt.clips.storage import filesystem_of
from affectgpt.errors import RequestError
from affectgpt.training.data.media import check_missing, find_clips


def make(folder: Path, *names: str) -> str:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"as good as any")
    return str(folder)


def test_names_are_found_at_any_depth_and_with_any_suffix(tmp_path: Path) -> None:
    root = make(tmp_path, "a.mp4", "x/b.AVI", "x/y/c.wav", "x/notes.txt", "d.v1.mkv")
    found = find_clips(["a", "b", "c", "x/b", "notes", "d.v1", "a.mp4", "missing"], root)
    below = ["a.mp4", "x/b.AVI", "x/y/c.wav", "x/b.AVI", None, "d.v1.mkv", "a.mp4", None]
    assert found == [None if one is None else f"{root}/{one}" for one in below]


def test_the_path_below_the_root_comes_before_the_plain_name(tmp_path: Path) -> None:
    root = make(tmp_path, "a.mp4", "x/a.mp4", "y/a.mp4")
    assert find_clips(["a", "x/a"], root) == [f"{root}/a.mp4", f"{root}/x/a.mp4"]


def test_composed_and_decomposed_letters_are_the_same(tmp_path: Path) -> None:
    root = make(tmp_path, "cafe\u0301.mp4")
    assert find_clips(["caf\u00e9"], root) == [f"{root}/cafe\u0301.mp4"]


def test_names_of_several_files_are_refused_and_listed(tmp_path: Path) -> None:
    root = make(tmp_path, "x/a.mp4", "y/a.mp4", "b.mp4", "b.wav", "c.mp4")
    with pytest.raises(RequestError) as refused:
        find_clips(["a", "b", "c"], root)
    message = str(refused.value)
    assert "2 of 3 names fit several files" in message
    assert f"a fits {root}/x/a.mp4 and {root}/y/a.mp4" in message
    assert f"b fits {root}/b.mp4 and {root}/b.wav" in message
    assert find_clips(["a", "b"], f"{root}/**/[b-y]*.mp4") == [None, f"{root}/b.mp4"]
    assert find_clips(["c"], root) == [f"{root}/c.mp4"]


def test_names_in_an_object_store_are_found_as_they_are_written() -> None:
    root = "mock://store/found-by-name"
    filesystem, path = filesystem_of(root)
    filesystem.create_dir(f"{path}/x")
    for name in ("x/a b.mp4", "cafe\u0301.mp4", "twice.mp4", "twice.wav"):
        with filesystem.open_output_stream(f"{path}/{name}") as stream:
            stream.write(b"as good as any")
    assert find_clips(["a b", "caf\u00e9"], root) == [f"{root}/x/a%20b.mp4", f"{root}/cafe%CC%81.mp4"]
    with pytest.raises(RequestError, match=r"twice fits mock://.*/twice\.mp4 and mock://.*/twice\.wav"):
        find_clips(["twice"], root)


def test_roots_that_cannot_be_listed(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"--media https://host/clips: .*cannot be listed; download"):
        find_clips(["a"], "https://host/clips")
    with pytest.raises(RequestError, match=r"--media: .*does not exist"):
        find_clips(["a"], str(tmp_path / "nowhere"))
    with pytest.raises(RequestError, match="--media: nothing to read"):
        find_clips(["a"], make(tmp_path / "media", "a.txt"))


def test_missing_clips_are_borne_up_to_the_budget() -> None:
    check_missing([], 0, 0.0)
    check_missing(["a"], 20, 0.05)
    with pytest.raises(RequestError) as refused:
        check_missing([f"clip {number}" for number in range(8)], 100, 0.05)
    assert "8 of 100 clips are not found, more than the share of 0.05" in str(refused.value)
    assert "clip 0, clip 1, clip 2, clip 3, clip 4 and 3 others" in str(refused.value)
    assert "--media" in str(refused.value)
    assert "data.missing_budget" in str(refused.value)
    with pytest.raises(RequestError, match="1 of 3 clips"):
        check_missing(["a"], 3, 0.0)
