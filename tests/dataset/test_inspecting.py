import os
from pathlib import Path

import pyarrow as pa

from affectgpt.clips.sources import Source
from affectgpt.clips.spans import Cutting
from affectgpt.dataset.attempts import Attempts
from affectgpt.dataset.inspecting import inspect_rows, source_batches
from affectgpt.dataset.schema import CLIPS, SOURCES
from affectgpt.errors import ClipError
from tests.integration.made import write_clip

FIRST = Attempts(set(), set(), retry=False)


def rows(*sources: Source) -> pa.Table:
    return pa.Table.from_batches(source_batches(sources, Cutting(), FIRST), SOURCES)


def key(source: Source) -> str:
    return str(rows(source)["source_key"][0])


def test_a_file_that_changes_is_inspected_again(tmp_path: Path) -> None:
    source = Source("a", str(write_clip(tmp_path / "a.mp4")))
    before = key(source)
    assert key(source) == before
    write_clip(tmp_path / "a.mp4", seed=7)
    os.utime(tmp_path / "a.mp4", (1, 1))
    assert key(source) != before


def test_what_a_manifest_says_counts(tmp_path: Path) -> None:
    uri = str(write_clip(tmp_path / "a.mp4"))
    told = [Source("a", uri), Source("b", uri), Source("a", uri, subtitle="x"), Source("a", uri, end_s=0.5)]
    assert len({key(source) for source in told}) == len(told)


def test_each_source_gives_its_clips_or_one_row_that_says_why_not(tmp_path: Path) -> None:
    good = Source("good", str(write_clip(tmp_path / "good.mp4")), subtitle="hello")
    gone = Source("gone", str(tmp_path / "gone.mp4"))
    known = Source("known", "/in/known.mp4", problem=ClipError("duplicate-id", "twice"))
    table = inspect_rows(rows(good, gone, known), Cutting(), lambda function, *arguments: function(*arguments))
    assert table.schema.equals(CLIPS)
    assert table["clip_id"].to_pylist() == ["good", "gone", "known"]
    assert table["error"].to_pylist() == [None, "not-found", "duplicate-id"]
    assert table["subtitle"].to_pylist() == ["hello", None, None]
