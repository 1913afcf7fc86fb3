import hashlib
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from affectgpt.dataset.schema import DATA
from affectgpt.errors import RequestError
from affectgpt.evaluation.tables import ColumnNames, LabelTable, read_table
from affectgpt.evaluation.text_language import languages_of


def read_rows(folder: Path, *rows: dict[str, Any], **options: Any) -> LabelTable:
    path = folder / "rows.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return read_table(str(path), **options)


def test_reference_labels(shared: Path) -> None:
    path = shared / "reference" / "ov_merd" / "ground_truth.csv"
    table = read_table(str(path))
    assert (table.source, table.name) == (str(path), "ground_truth")
    assert table.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert len(table.clip_ids) == len(set(table.clip_ids)) == 332
    assert table.labels is not None
    assert table.labels[1] == ["excited", "joyful", "happy"]
    assert sum(map(len, table.labels)) == path.read_text(encoding="utf-8").count("'") // 2
    assert (table.descriptions, table.description_language, table.basic, table.sentiment) == (None, None, None, None)
    assert table.notes == []


def test_predictions_as_arrays(shared: Path) -> None:
    folder = shared / "reference" / "ov_merd"
    table = read_table(str(folder / "Qwen-Audio--subtitle.npz"))
    assert table.name == "Qwen-Audio--subtitle"
    assert table.clip_ids == read_table(str(folder / "ground_truth.csv")).clip_ids
    assert table.labels is not None
    assert table.labels[:3] == [[], ["happy"], ["uncertain"]]
    assert languages_of(label for labels in table.labels for label in labels)["zh"] == 12
    assert table.basic is None


def test_first_release_of_emer_fine(shared: Path) -> None:
    english = read_table(str(shared / "reference" / "emer_fine" / "v1_english.csv"))
    assert english.labels is not None
    assert english.basic is not None
    assert english.descriptions is not None
    assert english.labels[:2] == [["angry"], ["happy"]]
    assert english.basic[:2] == ["angry", "happy"]
    assert (len(english.clip_ids), english.description_language) == (100, "en")
    assert str(english.descriptions[0]).startswith("In the video, he roared")
    chinese = read_table(str(shared / "reference" / "emer_fine" / "v1_chinese.csv"), language="zh")
    assert chinese.description_language == "zh"
    assert chinese.basic is not None
    assert chinese.basic[0] == "生气"


def test_second_release_of_emer_fine_in_both_languages(shared: Path) -> None:
    path = str(shared / "reference" / "emer_fine" / "v2_bilingual.csv")
    english, chinese = read_table(path), read_table(path, language="zh")
    assert (english.labels, english.description_language) == (None, "en")
    assert chinese.description_language == "zh"
    assert english.descriptions is not None
    assert chinese.descriptions is not None
    assert all(text and languages_of([text])["zh"] for text in chinese.descriptions)
    assert str(english.descriptions[0]).startswith("In the video")
    assert english.clip_ids == chinese.clip_ids


def test_a_data_set_of_our_own(tmp_path: Path) -> None:
    folder = tmp_path / "emer-coarse"
    (folder / "data").mkdir(parents=True)
    rows = [
        {
            "clip_id": "b",
            "labels": ["sad"],
            "description_en": "He cries.",
            "description_zh": "他哭了。",
            "language": "en",
        },
        {"clip_id": "a", "labels": [], "description_en": "She waits.", "description_zh": "她在等。", "language": "zh"},
    ]
    digests = []
    for number, row in enumerate(rows):
        path = folder / "data" / f"part-{number}.parquet"
        pq.write_table(pa.Table.from_pylist([row], DATA), path)
        digests.append(hashlib.sha256(path.read_bytes()).hexdigest())
    table = read_table(f"{folder}/")
    assert (table.name, table.clip_ids, table.labels) == ("emer-coarse", ["b", "a"], [["sad"], []])
    assert (table.descriptions, table.description_language) == (["He cries.", "She waits."], "en")
    assert table.sha256 == hashlib.sha256("\n".join(sorted(digests)).encode()).hexdigest()
    assert read_table(folder.as_uri(), language="zh").descriptions == ["他哭了。", "她在等。"]
    assert read_table(str(folder / "data" / "part-0.parquet")).name == "part-0"


def test_columns_are_found_in_any_case(tmp_path: Path) -> None:
    table = read_rows(tmp_path, {"Name": "a", "OpenSet": "[x, y]", "Emotion": "x", "Reason": "Because.", "VALENCE": -1})
    assert table.clip_ids == ["a"]
    assert table.labels == [["x", "y"]]
    assert table.basic == ["x"]
    assert table.descriptions == ["Because."]
    assert table.sentiment == [-1.0]


def test_columns_named_outright(tmp_path: Path) -> None:
    row = {"name": "Tom", "labels": "[x]", "Key": "a", "mine": ["y"], "why": "她笑了", "main": "y", "mood": "positive"}
    names = ColumnNames(clip_id="key", labels="mine", description="why", basic="main", sentiment="mood")
    table = read_rows(tmp_path, row, columns=names)
    assert (table.clip_ids, table.labels, table.basic) == (["a"], [["y"]], ["y"])
    assert (table.descriptions, table.description_language, table.sentiment) == (["她笑了"], "zh", ["positive"])
    row["KEY"] = "b"
    assert read_rows(tmp_path, row, columns=ColumnNames(clip_id="KEY")).clip_ids == ["b"]
    assert read_rows(tmp_path, row, columns=ColumnNames(clip_id="Key")).clip_ids == ["a"]


def test_lists_are_no_basic_labels(tmp_path: Path) -> None:
    table = read_rows(tmp_path, {"name": "a", "emotions": "[x, y]"})
    assert (table.labels, table.basic, table.notes) == ([["x", "y"]], None, [])
    table = read_rows(tmp_path, {"name": "a", "openset": "[x]", "emotion": "x, y"})
    assert table.basic is None
    assert "column emotion" in table.notes[0]
    with pytest.raises(RequestError, match=r"column emotion .* is to hold one basic label"):
        read_rows(tmp_path, {"name": "a", "emotion": "x, y"}, columns=ColumnNames(basic="emotion"))


def test_missing_labels(tmp_path: Path) -> None:
    table = read_rows(
        tmp_path, {"name": "a", "labels": ["x", None]}, {"name": "b"}, {"name": "c", "labels": float("nan")}
    )
    assert table.labels == [["x"], [], []]
    assert [note.partition(": ")[2] for note in table.notes] == [
        "2 rows without labels (empty cells); the first is row 2",
        "1 row with empty values among the labels, which were dropped; the first is row 1",
    ]


def test_descriptions_in_the_other_language_alone(tmp_path: Path) -> None:
    row = {"name": "a", "reason": "He says “开心” and frowns."}
    assert read_rows(tmp_path, row).description_language == "en"
    table = read_rows(tmp_path, {**row, "labels": ["x"]}, language="zh")
    assert (table.labels, table.descriptions) == ([["x"]], None)
    assert "is in the language en, not zh" in table.notes[0]
    with pytest.raises(RequestError, match="neither labels nor descriptions in the language zh"):
        read_rows(tmp_path, row, language="zh")
    with pytest.raises(RequestError, match="nor one of descriptions in Chinese"):
        read_rows(tmp_path, {"name": "a", "english": "He frowns."}, language="zh")
    assert read_rows(tmp_path, {"name": "a", "chinese": "他皱眉。"}).description_language == "zh"


def test_numbers_are_no_labels(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"column label of the table .*rows\.jsonl holds numbers alone"):
        read_rows(tmp_path, {"name": "a", "label": 3}, {"name": "b", "label": 0})
    table = read_rows(tmp_path, {"name": "a", "label": "3", "description": "He frowns."})
    assert (table.labels, table.basic, table.descriptions) == (None, None, ["He frowns."])
    assert "holds numbers alone" in table.notes[0]
    with pytest.raises(RequestError, match=r"row 1, column labels of .* holds the number 5"):
        read_rows(tmp_path, {"name": "a", "labels": ["x", 5]})


def test_apostrophes(tmp_path: Path) -> None:
    row = {"name": "a", "openset": '["don\'t believe"]'}
    assert read_rows(tmp_path, row).labels == [["don't believe"]]
    assert read_rows(tmp_path, row, split_apostrophes=True).labels == [["don", "t believe"]]


@pytest.mark.parametrize(
    ("row", "options", "says"),
    [
        ({"uri": "a.mp4", "rejected": 1}, {}, r"no column with the ids of the clips \(its columns: uri, rejected\)"),
        (
            {"clip_id": "a", "stage": "x"},
            {},
            "neither a column of labels nor one of descriptions .*clip_id, stage.* name one with the option for",
        ),
        (
            {"name": "a", "labels": "x"},
            {"columns": ColumnNames(labels="y")},
            r"no column y \(its columns: name, labels\)",
        ),
        ({"name": " ", "labels": "x"}, {}, "row 1, column name of the table .*: the id is empty"),
    ],
)
def test_tables_of_another_kind(tmp_path: Path, row: dict[str, Any], options: dict[str, Any], says: str) -> None:
    with pytest.raises(RequestError, match=says) as raised:
        read_rows(tmp_path, row, **options)
    assert "rows.jsonl" in str(raised.value)


def test_ids_and_columns_that_stand_there_twice(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"row 3, .* has the same id a as row 1"):
        read_rows(tmp_path, *({"name": name, "labels": "x"} for name in "aba"))
    (tmp_path / "t.csv").write_text("name,labels,labels\na,x,y\n")
    with pytest.raises(RequestError, match="has the column labels twice"):
        read_table(str(tmp_path / "t.csv"))


def test_a_large_table(tmp_path: Path) -> None:
    count = 115_595
    lists = [[f"label {(place + shift) % 3000}" for shift in range(5)] for place in range(count)]
    ids = [f"sample_{place:08d}" for place in range(count)]
    pq.write_table(pa.table({"name": ids, "labels": lists}), tmp_path / "t.parquet")
    table = read_table(str(tmp_path / "t.parquet"))
    assert table.labels == lists
    assert table.clip_ids == ids
