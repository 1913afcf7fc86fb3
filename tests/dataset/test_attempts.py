import pyarrow as pa

from affectgpt.dataset.attempts import Attempts

FACTS = ["clip", "sha", None, 2.5]


def test_the_key_changes_with_every_fact() -> None:
    attempts = Attempts(set(), set(), retry=False)
    keys = {attempts.of([*FACTS[:position], "other", *FACTS[position + 1 :]])[0] for position in range(len(FACTS))}
    assert len(keys | {attempts.of(FACTS)[0]}) == len(FACTS) + 1


def test_what_succeeded_keeps_its_key() -> None:
    key, number = Attempts(set(), set(), retry=False).of(FACTS)
    assert Attempts({key}, set(), retry=True).of(FACTS) == (key, 1)
    assert number == 1


def test_what_failed_is_tried_again_only_when_asked() -> None:
    first, _ = Attempts(set(), set(), retry=False).of(FACTS)
    assert Attempts({first}, {first}, retry=False).of(FACTS) == (first, 1)
    second, number = Attempts({first}, {first}, retry=True).of(FACTS)
    assert number == 2
    assert second != first


def test_a_second_attempt_counts_from_then_on() -> None:
    first, _ = Attempts(set(), set(), retry=False).of(FACTS)
    second, _ = Attempts({first}, {first}, retry=True).of(FACTS)
    assert Attempts({first, second}, {first}, retry=False).of(FACTS) == (second, 2)
    assert Attempts({first, second}, {first}, retry=True).of(FACTS) == (second, 2)
    both_failed = {first, second}
    assert Attempts(both_failed, both_failed, retry=False).of(FACTS) == (second, 2)
    assert Attempts(both_failed, both_failed, retry=True).of(FACTS)[1] == 3


def test_rows_whose_attempt_was_made_are_left_out() -> None:
    rows = pa.RecordBatch.from_pydict({"key": ["a", "b", "c"], "value": [1, 2, 3]})
    attempts = Attempts({"b", "z"}, {"b"}, retry=False)
    assert attempts.without_known(rows, "key").to_pydict() == {"key": ["a", "c"], "value": [1, 3]}
    assert Attempts({"a", "b", "c"}, set(), retry=False).without_known(rows, "key").num_rows == 0
