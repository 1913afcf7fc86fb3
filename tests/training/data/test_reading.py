import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from affectgpt.errors import RequestError
from affectgpt.training.data.reading import read_coarse, read_fine
from affectgpt.training.data.schema import CLIPS
from tests.training.data.clip_tables import write_data_set

SPAN = {"pipeline_version": "1", "source": {"start_s": 1.5, "end_s": 4.0}}


def write_csv(path: Path, *rows: tuple[str, ...]) -> str:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    return str(path)


def write_media(folder: Path, *names: str) -> str:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"as good as any")
    return str(folder)


def annotated(clip_id: str, **others: Any) -> dict[str, Any]:
    return {"clip_id": clip_id, "uri": f"/videos/{clip_id}.mp4", "description_en": f"About {clip_id}.", **others}


def test_a_data_set_that_build_dataset_wrote(tmp_path: Path) -> None:
    folder = write_data_set(
        tmp_path / "coarse",
        [annotated("a", content_sha256="aa", subtitle="Hello.", labels=["glad", "calm"], description_zh="高兴。")],
        [annotated("talk#t=1.500,4.000", uri="s3://bucket/talk.mp4", provenance=SPAN)],
    )
    read = read_coarse(folder)
    assert read.missing == []
    assert read.notes == []
    assert read.clips.schema == CLIPS
    first, second = read.clips.to_pylist()
    assert first == {
        "clip_key": None,
        "dataset": "coarse",
        "clip_id": "a",
        "uri": "/videos/a.mp4",
        "start_s": None,
        "end_s": None,
        "content_sha256": "aa",
        "subtitle": "Hello.",
        "part": None,
        "description_en": "About a.",
        "description_zh": "高兴。",
        "labels": ["glad", "calm"],
    }
    assert (second["uri"], second["start_s"], second["end_s"]) == ("s3://bucket/talk.mp4", 1.5, 4.0)
    assert second["labels"] is None
    assert read_coarse(f"{folder}/data/part-1.parquet").clips.to_pylist() == [second]


def test_the_same_rows_in_every_format(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"clip_id": "a", "uri": "in/a.mp4", "start_s": 0.5, "end_s": 2.0, "description_en": "One.", "labels": ["sad"]},
        {"clip_id": "b", "uri": "/b.wav", "start_s": None, "end_s": None, "description_en": "Two.", "labels": []},
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "clips.parquet")
    (tmp_path / "clips.jsonl").write_text("\n".join(map(json.dumps, rows)))
    cells = [["" if cell is None else str(cell) for cell in row.values()] for row in rows]
    write_csv(tmp_path / "clips.csv", tuple(rows[0]), *map(tuple, cells))
    for name in ("clips.parquet", "clips.jsonl", "clips.csv"):
        read = read_coarse(str(tmp_path / name)).clips
        assert read["uri"].to_pylist() == [str(tmp_path / "in" / "a.mp4"), "/b.wav"], name
        assert read["start_s"].to_pylist() == [0.5, None], name
        assert read["end_s"].to_pylist() == [2.0, None], name
        assert read["labels"].to_pylist() == [["sad"], []], name
        assert read["description_en"].to_pylist() == ["One.", "Two."], name


def test_relative_places_are_below_the_data_set(tmp_path: Path) -> None:
    folder = write_data_set(
        tmp_path / "coarse", [annotated("a", uri="videos/a.mp4"), annotated("b", uri="file:///b.mp4")]
    )
    uris = read_coarse(folder).clips["uri"].to_pylist()
    assert uris == [str(tmp_path / "coarse" / "videos" / "a.mp4"), "file:///b.mp4"]


def test_columns_of_a_large_and_of_an_encoded_type_are_text(tmp_path: Path) -> None:
    path = tmp_path / "clips.parquet"
    encoded = pa.array(["One.", "One.", None]).dictionary_encode()
    columns = {
        "clip_id": pa.array([1, 2, 3]),
        "uri": pa.array(["/1.mp4", "/2.mp4", "/3.mp4"], pa.large_string()),
        "description_en": encoded,
        "description_zh": pa.nulls(3),
    }
    pq.write_table(pa.table(columns), path)
    read = read_coarse(str(path))
    assert read.clips["clip_id"].to_pylist() == ["1", "2"]
    assert read.clips["description_en"].to_pylist() == ["One.", "One."]
    assert read.notes == [f"1 of the 3 clips of {path} have no description in en or zh and are left out"]


def test_languages_choose_the_descriptions_and_the_clips(tmp_path: Path) -> None:
    path = write_csv(
        tmp_path / "clips.csv",
        ("name", "uri", "english", "chinese"),
        ("a", "/a.mp4", "Glad.", "高兴。"),
        ("b", "/b.mp4", "Sad.", "  "),
        ("c", "/c.mp4", "nan", "难过。"),
    )
    both = read_fine(path)
    assert both.clips["clip_id"].to_pylist() == ["a", "b", "c"]
    assert both.clips["description_en"].to_pylist() == ["Glad.", "Sad.", None]
    chinese = read_fine(path, languages=["zh"])
    assert chinese.clips["clip_id"].to_pylist() == ["a", "c"]
    assert chinese.clips["description_en"].to_pylist() == [None, None]
    assert chinese.notes == [f"1 of the 3 clips of {path} have no description in zh and are left out"]


def test_a_language_without_a_column_is_noted(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "clips.csv", ("name", "uri", "english"), ("a", "/a.mp4", "Glad."))
    assert read_fine(path).notes == [f"{path} has no descriptions in zh"]
    with pytest.raises(RequestError, match=r"no column of descriptions .*its columns are name, uri, english"):
        read_fine(path, languages=["zh"])


def test_descriptions_without_a_language_are_told_by_their_letters(tmp_path: Path) -> None:
    path = write_csv(
        tmp_path / "clips.csv",
        ("names", "uri", "reasons"),
        ("a", "/a.mp4", "She smiles."),
        ("b", "/b.mp4", "她在微笑。"),
    )
    clips = read_fine(path).clips
    assert clips["description_en"].to_pylist() == ["She smiles.", None]
    assert clips["description_zh"].to_pylist() == [None, "她在微笑。"]
    assert read_fine(path, languages=["en"]).clips["clip_id"].to_pylist() == ["a"]


@pytest.mark.parametrize(
    ("name", "count", "language", "with_labels"),
    [
        ("v2_bilingual", 332, None, False),
        ("v1_english", 100, "description_zh", True),
        ("v1_chinese", 100, "description_en", True),
    ],
)
def test_the_released_files(
    shared: Path, tmp_path: Path, name: str, count: int, language: str | None, with_labels: bool
) -> None:
    path = shared / "reference" / "emer_fine" / f"{name}.csv"
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    ids = [next(iter(row.values())) for row in rows]
    spoken = [row.get("subtitles") or None for row in rows]
    media = write_media(
        tmp_path, *(f"{number % 3}/{one}.{'mp4' if number % 2 else 'avi'}" for number, one in enumerate(ids))
    )
    (tmp_path / "1" / f"{ids[1]}.mp4").unlink()
    read = read_fine(str(path), media)
    assert len(ids) == count
    assert read.missing == [ids[1]]
    assert read.clips["clip_id"].to_pylist() == [ids[0], *ids[2:]]
    assert read.clips["uri"][0].as_py() == str(tmp_path / "0" / f"{ids[0]}.avi")
    for column in ("description_en", "description_zh"):
        assert read.clips[column].null_count == (count - 1 if column == language else 0)
    assert read.clips["labels"].null_count == (0 if with_labels else count - 1)
    assert read.clips["subtitle"].to_pylist() == [spoken[0], *spoken[2:]]


def test_media_comes_before_a_place_in_the_table(tmp_path: Path) -> None:
    folder = write_data_set(
        tmp_path / "fine", [annotated("a", content_sha256="aa"), annotated("b", content_sha256="bb")]
    )
    media = write_media(tmp_path / "media", "a.mkv")
    clips = read_fine(folder, media).clips
    assert clips["uri"].to_pylist() == [str(tmp_path / "media" / "a.mkv"), "/videos/b.mp4"]
    assert clips["content_sha256"].to_pylist() == [None, "bb"]


def test_a_clip_of_fine_data_without_a_place_is_missing(tmp_path: Path) -> None:
    path = write_csv(
        tmp_path / "clips.csv", ("name", "uri", "english"), ("a", "", "Glad."), ("b", "/b.mp4", "Sad."), ("c", "", "")
    )
    read = read_fine(path)
    assert read.missing == ["a"]
    assert read.clips["clip_id"].to_pylist() == ["b"]


def test_fine_data_that_lie_nowhere(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "clips.csv", ("name", "english"), ("a", "Glad."), ("b", "Sad."))
    with pytest.raises(RequestError, match="give --media URI"):
        read_fine(path)
    with pytest.raises(RequestError, match=r"none of the 2 clips .*below --media .*the first is a"):
        read_fine(path, write_media(tmp_path / "media", "c.mp4"))


@pytest.mark.parametrize(
    ("heading", "row", "message"),
    [
        (("clip_id", "description_en"), ("a", "Sad."), r"no column uri.*its columns are clip_id, description_en"),
        (("clip_id", "uri"), ("a", "/a.mp4"), r"no column of descriptions.*its columns are clip_id, uri"),
        (("uri", "description_en"), ("/a.mp4", "Sad."), r"no column with the ids.*its columns are uri"),
        (("clip_id", "uri", "description_en"), ("a", "", "Sad."), r"clip a of .* has no uri"),
        (("clip_id", "uri", "description_en"), ("", "/a.mp4", "Sad."), r"row 1, column clip_id .*the id is empty"),
        (("clip_id", "uri", "description_en"), ("a", "/a.mp4", " "), r"none of the 1 clips .*set data.languages"),
        (("clip_id", "uri", "english", "english"), ("a", "/a.mp4", "", ""), r"the column english twice"),
        (("clip_id", "uri", "english", "start_s"), ("a", "/a", "b", "soon"), r"column start_s .*no number of seconds"),
        (("clip_id", "uri", "english", "start_s"), ("a", "/a", "b", "-1"), r"row 1, column start_s .*holds -1"),
        (("clip_id", "uri", "english", "end_s"), ("a", "/a", "b", "inf"), r"row 1, column end_s .*holds inf"),
        (("clip_id", "uri", "english", "end_s"), ("a", "/a", "b", "0"), r"row 1 of .*ends before it begins"),
        (("clip_id", "uri", "english", "provenance"), ("a", "/a", "b", "{}"), r"column provenance .*is no structure"),
    ],
)
def test_what_cannot_be_read_is_said(
    tmp_path: Path, heading: tuple[str, ...], row: tuple[str, ...], message: str
) -> None:
    with pytest.raises(RequestError, match=message):
        read_coarse(write_csv(tmp_path / "clips.csv", heading, row))


def test_a_file_with_headings_alone_and_none_at_all(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="has no rows"):
        read_coarse(write_csv(tmp_path / "clips.csv", ("clip_id", "uri", "description_en")))
    with pytest.raises(RequestError, match="has no rows"):
        read_coarse(write_data_set(tmp_path / "coarse", []))
    with pytest.raises(RequestError, match="does not exist"):
        read_coarse(str(tmp_path / "nothing.csv"))


def test_two_rows_of_one_clip_are_refused_across_parts(tmp_path: Path) -> None:
    folder = write_data_set(tmp_path / "coarse", [annotated("a"), annotated("b")], [annotated("a")])
    with pytest.raises(RequestError, match=r"row 3, .*the same id a as row 1"):
        read_coarse(folder)


def test_a_span_that_counts_from_the_beginning(tmp_path: Path) -> None:
    provenance = {"source": {"start_s": None, "end_s": 2.0}}
    clips = read_coarse(write_data_set(tmp_path / "coarse", [annotated("a", provenance=provenance)])).clips
    assert (clips["start_s"].to_pylist(), clips["end_s"].to_pylist()) == ([None], [2.0])


def test_reading_loads_neither_ray_nor_torch() -> None:
    program = (
        "import sys\n"
        "import affectgpt.training.data.reading, affectgpt.training.data.parts, affectgpt.training.data.samples\n"
        "print(*{'ray', 'torch', 'transformers'} & sys.modules.keys())"
    )
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert shown.stdout.split() == []
