from collections import Counter

import pytest

from affectgpt.clips.sources import Source
from affectgpt.dataset.shards import Shard
from affectgpt.errors import RequestError


def test_each_source_is_in_exactly_one_shard_whatever_else_there_is() -> None:
    sources = [Source(f"folder/clip-{number}", f"/in/{number}.mp4") for number in range(4000)]
    shards = [Shard(number, 7) for number in range(1, 8)]
    found = Counter(source.source_id for shard in shards for source in shard.of(sources))
    assert found == Counter(source.source_id for source in sources)
    sizes = [len(list(shard.of(sources))) for shard in shards]
    assert all(4000 / 7 * 0.8 < size < 4000 / 7 * 1.2 for size in sizes), sizes
    one = shards[2]
    assert list(one.of(sources[::3])) == [source for source in one.of(sources) if source in set(sources[::3])]


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
