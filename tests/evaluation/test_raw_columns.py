import json
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from affectgpt.errors import RequestError
from affectgpt.evaluation.raw_columns import parts_sha256, read_columns, table_parts

NAMES = ["a", "b"]
TEXTS = ["['happy', 'sad']", "[]"]


def read(path: Path, *wanted: str) -> dict[str, list[Any]]:
    return read_columns(table_parts(str(path)), lambda names: wanted or names)


def save(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def test_utf_16_is_named(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"t\.csv is in UTF-16; save it as CSV in UTF-8"):
        read(save(tmp_path, "t.csv", "name,openset\na,[]\n".encode("utf-16")))


def saved_archive(path: Path, **arrays: Any) -> Path:
    np.savez(path, **arrays)
    return path


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.csv", "name,openset\na,\"['happy', 'sad']\"\nb,[]\n"),
        ("t.CSV", "\ufeffname,openset\r\na,\"['happy', 'sad']\"\r\n\r\nb,[]\r\n"),
        ("semicolons.csv", "\ufeffname;openset\r\na;\"['happy', 'sad']\"\r\nb;[]\r\n;\r\n;\r\n"),
        ("tabs.csv", "name\topenset\na\t['happy', 'sad']\nb\t[]\n"),
        ("t.tsv", "name\topenset\na\t['happy', 'sad']\nb\t[]\n"),
        ("t.jsonl", '{"name": "a", "openset": "[\'happy\', \'sad\']"}\n{"openset": "[]", "name": "b"}\n'),
        ("t.ndjson", '{"name": "a", "openset": "[\'happy\', \'sad\']"}\n\n{"openset": "[]", "name": "b"}'),
    ],
)
def test_text_formats(tmp_path: Path, name: str, content: str) -> None:
    path = save(tmp_path, name, content.encode())
    assert read(path) == {"name": NAMES, "openset": TEXTS}
    assert read(path, "openset") == {"openset": TEXTS}
    assert read_columns(table_parts(path.as_uri()), lambda names: ["name"]) == {"name": NAMES}


def test_keys_that_only_some_lines_have(tmp_path: Path) -> None:
    path = save(tmp_path, "t.jsonl", b'{"name": "a"}\n{"name": "b", "labels": ["x"]}\n')
    assert read(path) == {"name": NAMES, "labels": [None, ["x"]]}


@pytest.mark.parametrize("kind", [pa.list_(pa.string()), pa.large_list(pa.large_string()), pa.list_(pa.string(), 2)])
def test_lists_in_parquet(tmp_path: Path, kind: pa.DataType) -> None:
    lists = [["x", "y"], None, [None, "x"], ["", "z"]] * 3000
    if not pa.types.is_fixed_size_list(kind):
        lists[2:4] = [[], ["x"]]
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"labels": pa.array(lists, kind), "other": range(len(lists))}), path, row_group_size=5000)
    assert read(path, "labels") == {"labels": lists}


def test_arrays(tmp_path: Path) -> None:
    path = saved_archive(tmp_path / "t.npz", filenames=np.array(NAMES), fileitems=np.array(TEXTS, "S"))
    assert read(path) == {"filenames": NAMES, "fileitems": TEXTS}
    np.savez_compressed(path, filenames=np.array(["一"]), score=np.array([0.5]), other=np.zeros((2, 2)))
    assert read(path, "filenames", "score") == {"filenames": ["一"], "score": [0.5]}


def test_folder_of_parts(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for number, name in [(1, "b"), (0, "a")]:
        pq.write_table(pa.table({"clip_id": [name]}), tmp_path / "data" / f"part-{number}.parquet")
    assert read(tmp_path) == {"clip_id": NAMES}
    assert read_columns(table_parts(tmp_path.as_uri() + "/"), lambda names: names) == {"clip_id": NAMES}
    assert len(set(parts_sha256(table_parts(str(tmp_path))))) == 2
    pq.write_table(pa.table({"id": ["c"]}), tmp_path / "data" / "part-2.parquet")
    with pytest.raises(RequestError, match=r"part-2\.parquet has other columns than .*part-0\.parquet"):
        read(tmp_path)


@pytest.mark.parametrize("arrays", [{"name2reason": {"a": "He frowns."}}, {"filenames": ["a", None]}])
def test_pickles_are_refused(tmp_path: Path, arrays: dict[str, Any]) -> None:
    path = tmp_path / "t.npz"
    np.savez(path, **{name: np.array(value, object) for name, value in arrays.items()})
    with pytest.raises(RequestError, match="as a pickled Python object, which can run any code") as raised:
        read(path)
    assert "t.npz" in str(raised.value)


def test_the_remedy_for_pickled_dictionaries_works(tmp_path: Path) -> None:
    reasons = {"a": "He frowns.", "b": "她笑了"}
    np.savez(tmp_path / "OLD.npz", name2reason=np.array(reasons, object))
    with pytest.raises(RequestError) as raised:
        read(tmp_path / "OLD.npz")
    command = str(raised.value).partition("JSON Lines: ")[2]
    subprocess.run(command.replace("python", sys.executable, 1), shell=True, cwd=tmp_path, check=True)
    assert read(tmp_path / "NEW.jsonl") == {"name": list(reasons), "reason": list(reasons.values())}


def truncated(path: Path) -> bytes:
    return path.read_bytes()[: path.stat().st_size // 2]


def test_files_that_were_cut_off(tmp_path: Path) -> None:
    pq.write_table(pa.table({"name": NAMES * 999, "openset": TEXTS * 999}), tmp_path / "whole.parquet")
    saved_archive(tmp_path / "whole.npz", filenames=np.array(NAMES), fileitems=np.array(TEXTS))
    for suffix, says in [("parquet", "no readable Parquet file"), ("npz", "its end is missing")]:
        path = save(tmp_path, f"cut.{suffix}", truncated(tmp_path / f"whole.{suffix}"))
        with pytest.raises(RequestError, match=rf"cut\.{suffix}.* {says}"):
            read(path)


def test_a_damaged_member_of_an_archive(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "t.npz", "w") as archive:
        archive.writestr("filenames.npy", b"\x93NUMPY\x01\x00v\x00{'descr': '<U9', 'fortran_order': False, 'shape': (9")
    with pytest.raises(RequestError, match="is no readable NumPy archive"):
        read(tmp_path / "t.npz")


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("t.csv", b"", "holds no bytes"),
        ("t.csv", b"\n\n", "has no rows"),
        ("t.csv", b"name,openset\n", "has no rows"),
        ("t.csv", b"name,openset\na,[x]\nb\n", "row 2 of the table .* has 1 cells under 2 headings; .* cut off"),
        ("t.csv", b"name,openset\na,\"['x', '", "line [23] of the table .* is broken"),
        ("t.csv", b"name,openset\na,[x, y]\n", "has 3 cells under 2 .* commas"),
        ("t.tsv", b"name\topenset\na\tb\tc\n", "has 3 cells under 2 .* tabs"),
        ("t.csv", "name,openset\na,开心\n".encode("gb18030"), "byte 0xbf is no UTF-8; .*iconv -f GB18030"),
        ("t.csv", b"PAR1\x15\x04\x15\x80\xff\xfe\x00\x00", "is broken: byte .* is no UTF-8"),
        ("t.jsonl", b'{"name": "a"}\n{"name"\n', "line [23] of the table .* is broken"),
        ("t.jsonl", b"[" * 100_000, "line 1 of the table .* is broken"),
        ("t.jsonl", b"[]\n", "line 1 of the table .* is no object"),
        ("t.parquet", b"PAR1 and nothing else", "no readable Parquet file"),
        ("t.npz", b"nothing of the kind", "no NumPy archive"),
        ("t.json", b"{}", r"ends in none of \.csv \.tsv \.parquet \.jsonl \.ndjson \.npz and is no folder"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, name: str, content: bytes, says: str) -> None:
    path = save(tmp_path, name, content)
    with pytest.raises(RequestError, match=says) as raised:
        read(path)
    assert name in str(raised.value)


def test_parquet_without_rows(tmp_path: Path) -> None:
    pq.write_table(pa.table({"name": pa.array([], pa.string())}), tmp_path / "t.parquet")
    with pytest.raises(RequestError, match="has no rows"):
        read(tmp_path / "t.parquet")


def test_arrays_that_do_not_match(tmp_path: Path) -> None:
    path = saved_archive(tmp_path / "t.npz", filenames=np.array(NAMES), fileitems=np.array(["[x]"]))
    with pytest.raises(RequestError, match=r"arrays of several lengths \(filenames 2, fileitems 1\)"):
        read(path)
    saved_archive(path, filenames=np.array([NAMES]))
    with pytest.raises(RequestError, match="the array filenames in 2 dimensions"):
        read(path)


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"missing\.csv does not exist"):
        table_parts(str(tmp_path / "missing.csv"))
    with pytest.raises(RequestError, match=r"holds no data/\*\.parquet"):
        table_parts(str(tmp_path))


def test_columns_may_be_refused(tmp_path: Path) -> None:
    def refuse(names: Sequence[str]) -> Sequence[str]:
        raise RequestError(f"not {json.dumps(names)}")

    path = save(tmp_path, "t.csv", b"x, y\n1,2\n")
    with pytest.raises(RequestError, match=r'not \["x", "y"\]'):
        read_columns([str(path)], refuse)
