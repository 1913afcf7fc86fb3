import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from affectgpt.errors import RequestError
from affectgpt.training.data.columns import labels, read_chunks, seconds, texts


def test_blank_texts_are_missing_and_others_stay_as_they_are() -> None:
    cells = pa.array(["a ", "", " \t", "\u3000", None, "None", "nan", "none of it\nis nan"])
    assert texts("c", [cells]).to_pylist() == ["a ", None, None, None, None, "None", "nan", "none of it\nis nan"]
    words = texts("c", [cells], with_missing_words=True).to_pylist()
    assert words == ["a ", None, None, None, None, None, None, "none of it\nis nan"]


def test_texts_of_several_types_become_one_column() -> None:
    chunks = [pa.array(["a"]), pa.nulls(1), pa.array(["b"], pa.large_string()), pa.array(["c"]).dictionary_encode()]
    read = texts("c", chunks)
    assert read.type == pa.string()
    assert read.to_pylist() == ["a", None, "b", "c"]
    with pytest.raises(RequestError, match=r"column c holds values of the type int64; give text"):
        texts("column c", [pa.array([1])])


def test_seconds_are_numbers_or_written_so() -> None:
    chunks = [pa.array([1, None]), pa.array([0.5, float("nan")]), pa.array([" 2.25", "", "nan"]), pa.nulls(1)]
    assert seconds("c", chunks).to_pylist() == [1.0, None, 0.5, None, 2.25, None, None, None]
    with pytest.raises(RequestError, match=r"row 2, c: it holds -3.*and 1 more rows like it"):
        seconds("c", [pa.array([1.0, -3.0, float("inf")])])
    with pytest.raises(RequestError, match="type bool"):
        seconds("c", [pa.array([True])])


def test_labels_are_lists_or_show_one() -> None:
    lists, notes = labels("c", [pa.array([["sad"], None]), pa.array([[]], pa.large_list(pa.large_string()))])
    assert lists is not None
    assert (lists.to_pylist(), notes) == ([["sad"], None, []], [])
    shown, notes = labels("c", [pa.array(["['sad', 'calm']", "难过、平静", None])])
    assert shown is not None
    assert shown.to_pylist() == [["sad", "calm"], ["难过", "平静"], []]
    assert notes == ["c: 1 row without labels (empty cells); the first is row 3"]
    assert labels("c", [pa.array([1, 2])]) == (None, ["c holds numbers alone, no emotion words; it is not read"])


def test_only_the_wanted_part_of_a_structure_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"id": ["a"], "from": pa.array([{"place": {"x": 1}, "rest": "long"}])}), path)
    read = read_chunks([str(path)], lambda names: names, nested={"from": "from.place"})
    assert read["from"][0].to_pylist() == [{"place": {"x": 1}}]


def test_parts_with_other_columns_are_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": ["a"], "text": ["b"]}), tmp_path / "0.parquet")
    pq.write_table(pa.table({"id": ["c"]}), tmp_path / "1.parquet")
    parts = [str(tmp_path / "0.parquet"), str(tmp_path / "1.parquet")]
    with pytest.raises(RequestError, match="have other columns"):
        read_chunks(parts, lambda names: names)


def test_damaged_and_mixed_tables_are_named(tmp_path: Path) -> None:
    damaged = tmp_path / "a.parquet"
    damaged.write_bytes(b"PAR1 and then nothing")
    with pytest.raises(RequestError, match=r"a\.parquet is no readable Parquet file"):
        read_chunks([str(damaged)], lambda names: names)
    mixed = tmp_path / "a.jsonl"
    mixed.write_text("\n".join(json.dumps({"text": value}) for value in ("a", 1)))
    with pytest.raises(RequestError, match=r"column text of .*a\.jsonl mixes kinds of values"):
        read_chunks([str(mixed)], lambda names: names)
    mixed.write_text('{"text": "\\ud83d"}')
    with pytest.raises(RequestError, match=r"column text of .*a\.jsonl .*no valid Unicode"):
        read_chunks([str(mixed)], lambda names: names)
