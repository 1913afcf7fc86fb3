import io
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from affectgpt.clips.rows import csv_rows, json_rows, parquet_batches
from affectgpt.errors import RequestError

TABLE = "the table t"


def stream(text: str) -> io.BytesIO:
    return io.BytesIO(text.encode("utf-8"))


def test_headings_are_told_before_the_rows() -> None:
    headings: list[str] = []
    rows = list(csv_rows(TABLE, stream('\ufeff a ,b\r\n\r\n1,"x\ny, z"\n2\n'), headings.extend))
    assert headings == ["a", "b"]
    assert rows == [{"a": "1", "b": "x\ny, z"}, {"a": "2"}]


def test_tabs_between_cells() -> None:
    assert list(csv_rows(TABLE, stream('a\tb\n1,5\t"x\ty"\n'), len, delimiter="\t")) == [{"a": "1,5", "b": "x\ty"}]


def test_keys_of_the_first_line_are_told() -> None:
    keys: list[str] = []
    assert list(json_rows(TABLE, stream('\ufeff{"a": 1}\n\n{"b": [2]}\n'), keys.extend)) == [{"a": 1}, {"b": [2]}]
    assert keys == ["a"]


def test_chosen_columns_of_parquet() -> None:
    file = io.BytesIO()
    pq.write_table(pa.table({"a": range(5000), "b": range(5000), "c": range(5000)}), file)
    batches = list(parquet_batches(TABLE, file, lambda names: [name for name in names if name != "b"]))
    assert pa.Table.from_batches(batches).to_pydict() == {"a": list(range(5000)), "c": list(range(5000))}


@pytest.mark.parametrize("read", [csv_rows, json_rows, parquet_batches])
def test_columns_may_be_refused(read: Any) -> None:
    def refuse(columns: list[str]) -> list[str]:
        raise RequestError(f"no such columns: {', '.join(columns)}")

    file = stream('{"a": 1}\n' if read is json_rows else "a\n1\n")
    if read is parquet_batches:
        file = io.BytesIO()
        pq.write_table(pa.table({"a": [1]}), file)
    with pytest.raises(RequestError, match=r"no such columns: a$"):
        list(read(TABLE, file, refuse))


@pytest.mark.parametrize(
    ("read", "content", "says"),
    [
        (csv_rows, b"a,b\n1,2,3\n", "line 2 of the table t has 3 cells under 2 headings; .* commas"),
        (csv_rows, b'a\n"x" y\n', "line 3 of the table t is broken"),
        (csv_rows, b"a\n\xbf\xaa\n", "the table t, .* byte 0xbf is no UTF-8; .* iconv -f GB18030"),
        (json_rows, b'{"a": 1}\n{\n', "line 2 of the table t is broken"),
        (json_rows, b"5\n", "line 1 of the table t is no object"),
        (parquet_batches, b"PAR1", "the table t is no readable Parquet file"),
    ],
)
def test_broken_tables(read: Any, content: bytes, says: str) -> None:
    with pytest.raises(RequestError, match=says):
        list(read(TABLE, io.BytesIO(content), list))
