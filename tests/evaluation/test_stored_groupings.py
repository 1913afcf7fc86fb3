import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from affectgpt.errors import RequestError
from affectgpt.evaluation.stored_groupings import read_groupings, written_groupings


def archive(tmp_path: Path, compression: int = zipfile.ZIP_STORED, **entries: bytes) -> str:
    path = tmp_path / "groups.zip"
    with zipfile.ZipFile(path, "w", compression) as target:
        for name, content in entries.items():
            target.writestr(f"folder/{name}.npy", content)
    return str(path)


def saved(value: object) -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.array(value), allow_pickle=True)
    return stream.getvalue()


def test_groups_of_each_clip(tmp_path: Path) -> None:
    path = archive(tmp_path, clip_1=saved("[['Joyful', 'happy'], [\"can't\"]]"), clip_2=saved("[]"))
    assert read_groupings(path) == {"clip_1": [["joyful", "happy"], ["can", "t"]], "clip_2": []}


def test_the_released_groupings(shared: Path) -> None:
    groups = read_groupings(str(shared / "reference" / "ov_merd" / "example_gpt_grouping.zip"))
    assert len(groups) == 332
    assert groups["sample_00000000"][0] == ["joyful", "happy", "relaxed", "relieved"]


def test_what_is_written_can_be_read(tmp_path: Path) -> None:
    groups = [[["glad", "happy"], ["sad"]], [], [["高兴", "开心"]]]
    ids = ["plain", "with/slash and % sign", "片段"]
    path = tmp_path / "groups.zip"
    path.write_bytes(written_groupings(ids, groups))
    assert read_groupings(str(path)) == dict(zip(ids, groups, strict=True))
    assert written_groupings(ids, groups) == path.read_bytes()


@pytest.mark.parametrize(
    "label",
    ["can't stand it", "sad, but hopeful", "happy [x]", 'a"b', "愤怒、生气", r"\u0061 \ n", "(a; b)", " Glad ", ""],
)
def test_every_label_comes_back_as_it_was(tmp_path: Path, label: str) -> None:
    path = tmp_path / "groups.zip"
    path.write_bytes(written_groupings(["clip"], [[[label, "glad"], ["sad"]]]))
    assert read_groupings(str(path)) == {"clip": [[label, "glad"], ["sad"]]}


@pytest.mark.parametrize(
    ("text", "groups"),
    [
        ('["Glad, merry", "sad"]', [["glad", "merry", "sad"]]),
        ('{"groups": [["sad"]]}', [["{", "groups", ":"], ["sad"], ["}"]]),
        ('[["glad", 5]]', [["glad", "5"]]),
        ("5", [["5"]]),
        ("[" * 200_000, []),
    ],
)
def test_json_of_another_shape_is_split_as_any_text(tmp_path: Path, text: str, groups: list[list[str]]) -> None:
    assert read_groupings(archive(tmp_path, clip=saved(text))) == {"clip": groups}


def test_pickles_are_refused(tmp_path: Path) -> None:
    path = archive(tmp_path, clip=saved({"a": 1}))
    with pytest.raises(RequestError, match=r"clip\.npy"):
        read_groupings(path)


@pytest.mark.parametrize("value", [[1, 2], ["a", "b"], 3.5])
def test_arrays_of_something_else(tmp_path: Path, value: object) -> None:
    with pytest.raises(RequestError, match="a single text is needed"):
        read_groupings(archive(tmp_path, clip=saved(value)))


def npz(text: str) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, groups=np.array(text))
    return stream.getvalue()


def with_header(descr: str) -> bytes:
    """An array file without content, of a type that its header names."""
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": descr, "fortran_order": False, "shape": ()})
    return stream.getvalue()


@pytest.mark.parametrize(
    "content",
    [b"", b"no array", saved("[['a']]")[:-3], npz("[['a']]"), with_header("<U2000000000"), saved("a")[:-1] + b"\xff"],
    ids=["empty", "text", "cut off", "npz", "huge", "no character"],
)
def test_what_is_no_array_is_named(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(RequestError, match=r"clip\.npy in .*groups\.zip is no array of text"):
        read_groupings(archive(tmp_path, clip=content))


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA])
def test_a_damaged_entry_is_named(tmp_path: Path, compression: int) -> None:
    path = Path(archive(tmp_path, compression, clip=saved("[['glad', 'happy'], ['sad']]" * 9)))
    content = bytearray(path.read_bytes())
    begin = 30 + len("folder/clip.npy")
    content[begin + 15 : begin + 45] = b"\xff" * 30
    path.write_bytes(content)
    with pytest.raises(RequestError, match=r"folder/clip\.npy in .*groups\.zip cannot be read"):
        read_groupings(str(path))


def test_an_entry_that_is_too_large(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="the groups of one clip are a few hundred"):
        read_groupings(archive(tmp_path, clip=bytes(2 << 20)))


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04" + bytes(100)])
def test_no_zip(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "groups.zip"
    path.write_bytes(content)
    with pytest.raises(RequestError, match=r"groups\.zip"):
        read_groupings(str(path))


def test_a_zip_without_groups(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"no \.npy file"):
        read_groupings(archive(tmp_path))


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"nowhere\.zip"):
        read_groupings(str(tmp_path / "nowhere.zip"))


def test_a_truncated_zip(tmp_path: Path, shared: Path) -> None:
    whole = (shared / "reference" / "ov_merd" / "example_gpt_grouping.zip").read_bytes()
    path = tmp_path / "cut.zip"
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(RequestError, match=r"cut\.zip"):
        read_groupings(str(path))
