import pyarrow as pa

from affectgpt.dataset.lookup import Lookup


def test_values_are_found_where_they_are_first() -> None:
    lookup = Lookup(pa.chunked_array([["b", "a"], ["b", "c"]]))
    assert lookup.places(pa.chunked_array([["c", "z"], ["b", None]])).tolist() == [3, -1, 0, -1]
    assert lookup.holds(pa.array(["a", "", "b"])).to_pylist() == [True, False, True]


def test_nothing_is_found_in_nothing() -> None:
    lookup = Lookup(pa.chunked_array([], pa.string()))
    assert lookup.places(pa.array(["a"])).tolist() == [-1]
    assert lookup.holds(pa.array([], pa.string())).to_pylist() == []
