import os
import pickle
import subprocess
import sys
import tempfile
import unicodedata
from pathlib import Path

import pytest

from affectgpt.clips.sources import Source, list_sources, span_id
from affectgpt.errors import RequestError


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")


def ids(listing: str | Path) -> list[str]:
    return [source.source_id for source in list_sources(str(listing))]


def problems(listing: str | Path) -> dict[str, str]:
    return {s.source_id: s.problem.reason for s in list_sources(str(listing)) if s.problem is not None}


def test_folder_is_listed_recursively_and_sorted(tmp_path: Path) -> None:
    touch(
        tmp_path,
        "b.mp4",
        "a/z.WAV",
        "a/b/with space.Mp4",
        "你好.mkv",
        "notes.txt",
        "a.srt",
        "archive.tar.gz",
        "c.v1.mov",
    )
    sources = list(list_sources(str(tmp_path)))
    assert [s.source_id for s in sources] == ["a/b/with space", "a/z", "b", "c.v1", "你好"]
    assert sources[0] == Source("a/b/with space", str(tmp_path / "a/b/with space.Mp4"))
    assert ids(tmp_path.as_uri()) == [s.source_id for s in sources]


def test_suffixes(tmp_path: Path) -> None:
    suffixes = "mp4 mkv mov avi webm mpg mpeg flv ts m4v wav flac mp3 m4a ogg opus aac MP4 Flac"
    touch(tmp_path, *[f"{suffix}/x.{suffix}" for suffix in suffixes.split(" ")])
    assert ids(tmp_path) == sorted(f"{suffix}/x" for suffix in suffixes.split(" "))


def test_identity_does_not_depend_on_where_the_root_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, "one/s/a.mp4", "two/elsewhere/s/a.mp4")
    assert ids(tmp_path / "one") == ids(tmp_path / "two/elsewhere") == ["s/a"]
    monkeypatch.chdir(tmp_path)
    sources = list(list_sources("one"))
    assert sources == [Source("s/a", str(tmp_path / "one/s/a.mp4"))]


def test_ids_are_in_normal_form_c(tmp_path: Path) -> None:
    touch(tmp_path, unicodedata.normalize("NFD", "é.mp4"))
    (source,) = list_sources(str(tmp_path))
    assert source.source_id == "\u00e9"
    assert Path(source.uri).exists()


def test_hidden_files_and_folders_are_left_out(tmp_path: Path) -> None:
    touch(tmp_path, ".a.mp4", ".hidden/b.mp4", "c.mp4", ".mp4")
    assert ids(tmp_path) == ["c"]
    assert ids(f"{tmp_path}/**/*.mp4") == ["c"]
    assert ids(f"{tmp_path}/.hidden/*.mp4") == ["b"]


def test_symlinks_are_followed_and_loops_end(tmp_path: Path) -> None:
    touch(tmp_path, "real/a.mp4")
    touch(tmp_path.parent / f"{tmp_path.name}-other", "deep/b.mp4")
    (tmp_path / "linked").symlink_to(tmp_path.parent / f"{tmp_path.name}-other")
    (tmp_path / "c.mp4").symlink_to("real/a.mp4")
    (tmp_path / "real/back").symlink_to("..")
    (tmp_path / "self.mp4").symlink_to("self.mp4")
    (tmp_path / "gone.mp4").symlink_to("nowhere.mp4")
    assert ids(tmp_path) == ["c", "gone", "linked/deep/b", "real/a", "self"]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*.mp4", ["1", "a[b]"]),
        ("**/*.mp4", ["1", "a[b]", "s/2", "s/t/3"]),
        ("s/**", ["2", "t/3", "t/4"]),
        ("*/t/?.*", ["s/t/3", "s/t/4"]),
        ("s/[ab]*/[34].mp4", []),
        ("**/t/*.wav", ["s/t/4"]),
        ("a[b].mp4", ["a[b]"]),
    ],
)
def test_globs(tmp_path: Path, pattern: str, expected: list[str]) -> None:
    touch(tmp_path, "1.mp4", "s/2.mp4", "s/t/3.mp4", "s/t/4.wav", "s/t/readme.txt", "a[b].mp4")
    if expected:
        assert ids(f"{tmp_path}/{pattern}") == expected
    else:
        with pytest.raises(RequestError, match="nothing to read"):
            ids(f"{tmp_path}/{pattern}")


def test_one_file(tmp_path: Path) -> None:
    touch(tmp_path, "a b#.MP4", "table.csv")
    assert list(list_sources(str(tmp_path / "a b#.MP4"))) == [Source("a b#", str(tmp_path / "a b#.MP4"))]
    with pytest.raises(RequestError, match=r"table\.csv has none of the suffixes .*\.mp4.*manifest"):
        ids(tmp_path / "table.csv")


def test_one_url() -> None:
    uri = "https://host/folder/a%20b.mp4?signature=x"
    assert list(list_sources(uri)) == [Source("a b", uri)]


def test_folders_named_like_files(tmp_path: Path) -> None:
    touch(tmp_path, "full.mp4/inside.mp4", "useless.mp4/readme.txt")
    (tmp_path / "empty.mp4").mkdir()
    assert ids(tmp_path) == ["empty", "full.mp4/inside", "useless"]
    assert problems(tmp_path) == {"empty": "is-a-directory", "useless": "is-a-directory"}


def test_files_with_one_id(tmp_path: Path) -> None:
    touch(tmp_path, "a.mp4", "a.wav", "a.MP4", "b.mp4")
    sources = list(list_sources(str(tmp_path)))
    assert [(s.source_id, Path(s.uri).name) for s in sources if s.problem is None] == [("a", "a.MP4"), ("b", "b.mp4")]
    refused = [s for s in sources if s.problem is not None]
    assert [Path(s.uri).name for s in refused] == ["a.mp4", "a.wav"]
    assert len({s.source_id for s in sources}) == 4
    assert all(s.problem and s.problem.reason == "duplicate-id" and "a.MP4" in s.problem.message for s in refused)


def test_names_that_make_no_id(tmp_path: Path) -> None:
    touch(tmp_path, "line\nbreak.mp4", "/".join(["d" * 200] * 3) + "/x.mp4", "good.mp4")
    (tmp_path / os.fsdecode(b"latin-\xe9.mp4")).write_bytes(b"x")
    sources = list(list_sources(str(tmp_path)))
    assert [s.source_id for s in sources if s.problem is None] == ["good"]
    refused = [s for s in sources if s.problem is not None]
    assert len(refused) == 3
    for source in refused:
        assert source.problem is not None
        assert source.problem.reason == "bad-clip-id"
        assert source.source_id.isprintable()
        assert len(source.source_id) <= 512
        (source.source_id + source.uri + source.problem.message).encode("utf-8")


def test_sources_can_be_pickled(tmp_path: Path) -> None:
    touch(tmp_path, "a.mp4", "a.wav")
    first, second = pickle.loads(pickle.dumps(list(list_sources(str(tmp_path)))))
    assert first.source_id == "a"
    assert second.problem.reason == "duplicate-id"


def test_missing_and_empty_inputs(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"missing does not exist"):
        ids(tmp_path / "missing")
    with pytest.raises(RequestError, match=r"nothing to read in .*\.aac .*\.mp4"):
        ids(tmp_path)
    with pytest.raises(RequestError, match="gone"):
        ids(tmp_path / "gone/*.mp4")
    with pytest.raises(RequestError, match="nonsense"):
        ids("nonsense://x")


def test_unreadable_sub_folder() -> None:
    code = """
import os, sys
from affectgpt.clips.sources import list_sources
from affectgpt.errors import RequestError
if os.geteuid() == 0:
    os.setgid(65534), os.setuid(65534)
try:
    list(list_sources(sys.argv[1]))
except RequestError as error:
    print(error)
"""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        touch(Path(folder), "open/a.mp4", "shut/b.mp4")
        (Path(folder) / "shut").chmod(0)
        answer = subprocess.run([sys.executable, "-c", code, folder], capture_output=True, text=True, check=True)
        (Path(folder) / "shut").chmod(0o755)
    assert answer.stdout.startswith(f"the folder {folder}/shut cannot be listed")


def test_span_id() -> None:
    assert span_id("a", None, None) == "a"
    assert span_id("a", 1.5, 4.0) == "a#t=1.500,4.000"
    assert span_id("a", None, 4.0) == "a#t=0.000,4.000"
    assert span_id("a", 2, None) == "a#t=2.000"
