import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from affectgpt.clips.manifest import read_manifest
from affectgpt.clips.sources import Source
from affectgpt.errors import ClipError, RequestError

ROWS = [
    {"uri": "a.mp4", "clip_id": "first/一", "subtitle": 'He said "no",\nthen left.', "language": "en", "speaker": "x"},
    {"uri": "sub/b #1.MP4", "start_s": 1.5, "end_s": 4.0, "other": "ignored"},
    {"uri": "s3://bucket/deep/c%20d.wav", "start_s": 0},
]


def sources(path: Path) -> list[Source]:
    return list(read_manifest(str(path)))


def csv_manifest(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "clips.csv"
    path.write_bytes(text.encode(encoding))
    return path


def problem(source: Source) -> ClipError:
    assert source.problem is not None
    return source.problem


def expected(folder: Path) -> list[Source]:
    return [
        Source("first/一", f"{folder}/a.mp4", subtitle='He said "no",\nthen left.', language="en", speaker="x"),
        Source("sub/b #1#t=1.500,4.000", f"{folder}/sub/b #1.MP4", 1.5, 4.0),
        Source("deep/c d#t=0.000", "s3://bucket/deep/c%20d.wav", 0.0),
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_csv(tmp_path: Path, encoding: str) -> None:
    path = csv_manifest(
        tmp_path,
        "uri, clip_id,subtitle,language,speaker,start_s,end_s,other\r\n"
        'a.mp4,first/一,"He said ""no"",\nthen left.",en,x,,,\r\n'
        "sub/b #1.MP4,,,,,1.5,4.0,ignored\r\n"
        "\r\n"
        "s3://bucket/deep/c%20d.wav,,,,,0\r\n",
        encoding,
    )
    assert sources(path) == expected(tmp_path)
    assert list(read_manifest(path.as_uri())) == expected(tmp_path)


def test_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "clips.JSONL"
    path.write_text("\n".join(map(json.dumps, ROWS)) + "\n\n", encoding="utf-8")
    assert sources(path) == expected(tmp_path)


def test_parquet(tmp_path: Path) -> None:
    path = tmp_path / "clips.parquet"
    columns = ["uri", "clip_id", "subtitle", "language", "speaker", "start_s", "end_s", "other"]
    pq.write_table(pa.table({name: [row.get(name) for row in ROWS] for name in columns}), path)
    assert sources(path) == expected(tmp_path)


def test_relative_paths_start_at_the_manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    csv_manifest(
        tmp_path, f"uri\n./x/../a.mp4\n{tmp_path}/b.mp4\nfile://{tmp_path}/c%20c.mp4\n../out.mp4\n/else/d.mp4\n"
    )
    monkeypatch.chdir(tmp_path)
    found = list(read_manifest("clips.csv"))
    assert [s.uri for s in found] == [
        f"{tmp_path}/a.mp4",
        f"{tmp_path}/b.mp4",
        f"{tmp_path}/c c.mp4",
        f"{tmp_path.parent}/out.mp4",
        "/else/d.mp4",
    ]
    assert [s.source_id for s in found] == ["a", "b", "c c", f"{tmp_path.parent}/out".lstrip("/"), "else/d"]


def test_urls_get_ids_from_their_paths(tmp_path: Path) -> None:
    path = csv_manifest(
        tmp_path, "uri\nhttps://host/a/b%20c.mp4?token=1\nhttps://host/get?id=1\nhttps://host/get?id=2\n"
    )
    assert [s.source_id for s in sources(path)] == ["a/b c", "get?id=1", "get?id=2"]


def test_numbers_as_ids(tmp_path: Path) -> None:
    path = tmp_path / "clips.parquet"
    pq.write_table(pa.table({"uri": ["a.mp4", "b.mp4"], "clip_id": [7, 8]}), path)
    assert [s.source_id for s in sources(path)] == ["7", "8"]


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (",,", "row 1 has no uri"),
        ("a.mp4,5,2", r"row 1 ends at 2.0 s, which is not behind its start at 5.0 s"),
        ("a.mp4,2,2", "not behind"),
        ("a.mp4,,0", "not behind"),
        ("a.mp4,-1,2", r"row 1 has -1.0 for start_s"),
        ("a.mp4,nan,2", "nan for start_s"),
        ("a.mp4,1,inf", "inf for end_s"),
        ("a.mp4,one,2", "'one' for start_s, which is no number"),
    ],
)
def test_bad_values_become_problems(tmp_path: Path, row: str, says: str) -> None:
    found = sources(csv_manifest(tmp_path, f"uri,start_s,end_s\n{row}\ngood.mp4,,\n"))
    assert len(found) == 2
    assert problem(found[0]).reason == "bad-manifest-row"
    with pytest.raises(ClipError, match=says):
        raise problem(found[0])
    assert found[0].source_id
    assert found[1] == Source("good", f"{tmp_path}/good.mp4")


def test_wrong_types_in_json_become_problems(tmp_path: Path) -> None:
    path = tmp_path / "clips.jsonl"
    rows = [{"uri": 5}, {"uri": "a.mp4", "start_s": True}, {"uri": "b.mp4", "subtitle": ["x"]}, {"clip_id": "no-uri"}]
    path.write_text('{"uri": "c.mp4", "subtitle": "\\ud800"}\n' + "\n".join(map(json.dumps, rows)), encoding="utf-8")
    found = sources(path)
    assert [problem(s).reason for s in found] == ["bad-manifest-row"] * 5
    assert len({s.source_id for s in found}) == 5


def test_duplicate_ids(tmp_path: Path) -> None:
    found = sources(csv_manifest(tmp_path, "uri,clip_id\na.mp4,x\nb.mp4,x\na.mp4,\na.mp4,\nc.mp4,x\n"))
    assert [s.problem is None for s in found] == [True, False, True, False, False]
    assert len({s.source_id for s in found}) == 5
    assert problem(found[1]).reason == "duplicate-id"
    assert "row 2 has the same id x as row 1" in problem(found[1]).message
    assert "row 4 has the same id a as row 3" in problem(found[3]).message


def test_several_spans_of_one_source_have_ids_of_their_own(tmp_path: Path) -> None:
    found = sources(csv_manifest(tmp_path, "uri,start_s,end_s\na.mp4,0,2\na.mp4,2,4\na.mp4,,\n"))
    assert [s.source_id for s in found] == ["a#t=0.000,2.000", "a#t=2.000,4.000", "a"]
    assert all(s.problem is None for s in found)


def test_ids_with_slashes_pass_and_with_control_characters_do_not(tmp_path: Path) -> None:
    path = csv_manifest(
        tmp_path, f'uri,clip_id\na.mp4,a/b\\c\nb.mp4,"x\ny"\nc.mp4,x\ty\nd.mp4,{"i" * 513}\ne.mp4,"x\ny"\n'
    )
    found = sources(path)
    assert found[0] == Source("a/b\\c", f"{tmp_path}/a.mp4")
    assert [problem(s).reason for s in found[1:]] == ["bad-clip-id"] * 4
    assert len({s.source_id for s in found}) == 5
    assert all(s.source_id.isprintable() and len(s.source_id) <= 512 for s in found)


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_subtitle_of_ten_megabytes(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"clips{suffix}"
    huge = "word " * 2_000_000
    if suffix == ".csv":
        path.write_text(f'uri,subtitle\na.mp4,"{huge}"\nb.mp4,fine\n')
    elif suffix == ".jsonl":
        path.write_text(json.dumps({"uri": "a.mp4", "subtitle": huge}) + '\n{"uri": "b.mp4", "subtitle": "fine"}\n')
    else:
        pq.write_table(pa.table({"uri": ["a.mp4", "b.mp4"], "subtitle": [huge, "fine"]}), path)
    first, second = sources(path)
    assert first.source_id == "a"
    assert first.subtitle is None
    assert problem(first).reason == "subtitle-too-long"
    assert second == Source("b", f"{tmp_path}/b.mp4", subtitle="fine")


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("clips.csv", b"", "holds no bytes"),
        ("clips.csv", b"uri,subtitle\n", "has no rows"),
        ("clips.csv", b"path,subtitle\na.mp4,x\n", r"no column uri \(it has: path, subtitle\)"),
        ("clips.csv", b"uri;subtitle\na.mp4;x\n", "separate the columns of a CSV file by commas"),
        ("clips.csv", b"uri,uri\na.mp4,x\n", "has the column uri twice"),
        ("clips.csv", b"uri,subtitle\na.mp4,x\nb.mp4,well, yes\n", "line 3 of the manifest .* has 3 cells under 2"),
        ("clips.csv", b'uri,subtitle\na.mp4,"x\n', "line [23] of the manifest .* is broken"),
        ("clips.csv", "uri,subtitle\na.mp4,é\n".encode("latin-1"), "is broken: .*UTF-8"),
        ("clips.jsonl", b'{"uri": "a.mp4"}\n{"uri": \n', "line 2 of the manifest .* is broken"),
        ("clips.jsonl", b'[{"uri": "a.mp4"}]\n', "line 1 of the manifest .* is no object"),
        ("clips.jsonl", b'{"path": "a.mp4"}\n', "no column uri"),
        ("clips.parquet", b"no table at all", "no readable Parquet file"),
        ("clips.txt", b"a.mp4\n", r"ends in none of \.csv \.parquet \.jsonl \.ndjson"),
    ],
)
def test_what_is_no_manifest_is_refused(tmp_path: Path, name: str, content: bytes, says: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(RequestError, match=says) as raised:
        sources(tmp_path / name)
    assert name in str(raised.value)


def test_parquet_without_uri_is_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({"path": ["a.mp4"]}), tmp_path / "clips.parquet")
    with pytest.raises(RequestError, match="no column uri"):
        sources(tmp_path / "clips.parquet")


def test_missing_manifest_and_folder_are_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(RequestError, match=r"missing\.csv does not exist"):
        sources(tmp_path / "missing.csv")
    with pytest.raises(RequestError, match=r"folder\.csv is a folder"):
        sources(tmp_path / "folder.csv")
