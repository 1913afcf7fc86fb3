import tracemalloc
from collections import Counter
from pathlib import Path

import pytest

from affectgpt.clips.manifest import read_manifest
from affectgpt.dataset.build import Request
from affectgpt.dataset.recipe import Recipe
from affectgpt.dataset.shards import Shard
from affectgpt.errors import RequestError


def test_each_source_is_in_exactly_one_shard_whatever_else_there_is() -> None:
    ids = [f"folder/clip-{number}" for number in range(4000)]
    shards = [Shard(number, 7) for number in range(1, 8)]
    found = Counter(source_id for shard in shards for source_id in filter(shard.holds, ids))
    assert found == Counter(ids)
    sizes = [len(list(filter(shard.holds, ids))) for shard in shards]
    assert all(4000 / 7 * 0.8 < size < 4000 / 7 * 1.2 for size in sizes), sizes


MANIFEST = """uri,clip_id,subtitle
a.mp4,x,
b.mp4,x,
c.mp4,x#other=2,
,,
,,
d.mp4,e#other=7,
e.mp4,"bad\tname",
f.mp4,"bad\tname",
g.mp4,"bad\\tname",
h.mp4,,
h.mp4,,
"""


def test_shards_list_together_what_the_whole_does(tmp_path: Path) -> None:
    (tmp_path / "clips.csv").write_text(MANIFEST)
    for name in ("x.mp4", "x.mkv", "x.wav", "x#other=2.mp4", "y.mp4", "bad\tname.mp4", "bad\\tname.mp4"):
        (tmp_path / name).touch()

    def listed(**asked: str) -> Counter[tuple[str, str, str | None]]:
        shards = [None, *(Shard(number, 3) for number in range(1, 4))]
        whole, *parts = (
            list(
                Request(**{"input": None, "manifest": None, **asked}, output="", recipe=Recipe(), shard=shard).sources()
            )
            for shard in shards
        )
        for shard, part in zip(shards[1:], parts, strict=True):
            assert shard is not None and all(shard.holds(source.source_id) for source in part)
        found = [
            [(one.source_id, one.uri, one.problem and one.problem.reason) for one in sources]
            for sources in (whole, [one for part in parts for one in part])
        ]
        assert sorted(found[0], key=repr) == sorted(found[1], key=repr)
        return Counter(found[0])

    assert len(listed(manifest=str(tmp_path / "clips.csv"))) == 11
    assert len(listed(input=str(tmp_path))) == 7


def test_what_a_shard_does_not_hold_takes_no_memory(tmp_path: Path) -> None:
    rows = "".join(f"https://host/{'x' * 300}/{number}.mp4\n" for number in range(40_000))
    (tmp_path / "clips.csv").write_text(f"uri\n{rows}")
    shard = Shard(1, 1000)
    tracemalloc.start()
    held = sum(1 for _ in read_manifest(str(tmp_path / "clips.csv"), shard.holds))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert 0 < held < 100
    assert peak < 8 * 2**20, "the ids alone of all rows are 12 MiB"


def test_a_source_stays_where_it_was_in_earlier_releases() -> None:
    names = ["a", "clip-1", "深夜/片段", "\udcff.mp4"]
    assert [next(n for n in range(1, 17) if Shard(n, 16).holds(name)) for name in names] == [11, 2, 9, 14]


def test_what_is_no_shard_is_refused() -> None:
    assert str(Shard.parse("03/16")) == "3/16"
    assert Shard.of_folder(Shard(3, 16).folder) == Shard(3, 16)
    assert Shard.of_folder("data") is None
    for text in ("0/4", "5/4", "1", "1/0", "-1/4", "1/4/2", "a/b", "1/ 4", ""):
        with pytest.raises(RequestError, match="write i/N"):
            Shard.parse(text)
