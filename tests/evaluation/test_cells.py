import math
from typing import Any

import pytest

from affectgpt.errors import RequestError
from affectgpt.evaluation.cells import are_numbers, clip_ids, label_lists, sentiments, single_labels, texts

COLUMN = "column x of the table t"


def test_ids() -> None:
    assert clip_ids(COLUMN, [" a ", "b/c d", 7, "一", "none"]) == ["a", "b/c d", "7", "一", "none"]


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        (["a", "b", "c", " b"], "row 4, column x of the table t: it has the same id b as row 2"),
        (["1", 1], "row 2, .* the same id 1 as row 1"),
        (["a", " "], "row 2, .* the id is empty"),
        ([None], "row 1, .* the id is empty"),
        (["a", math.nan], "row 2, .* the id is empty"),
        ([0.5], "row 1, .* holds the number 0.5; give the id of a clip as text"),
        ([True], "row 1, .* holds the bool True"),
        (["a\tb"], "row 1, .* characters that do not print"),
        (["a\ud800"], "row 1, .* characters that do not print"),
        (["a" * 512, "b" * 513], "row 2, .* the id has 513 characters; 512 are the most"),
        ([10**600], "row 1, .* the id has 601 characters"),
    ],
)
def test_bad_ids(cells: list[Any], says: str) -> None:
    with pytest.raises(RequestError, match=says):
        clip_ids(COLUMN, cells)


def test_labels_of_text_and_of_lists() -> None:
    cells = ["['Happy', 'sad']", "angry", [" calm ", "a, b"], [], "[]"]
    assert label_lists(COLUMN, cells, split_apostrophes=False) == (
        [["Happy", "sad"], ["angry"], ["calm", "a, b"], [], []],
        [],
    )


def test_lists_are_separate_though_their_text_is_the_same() -> None:
    lists, _ = label_lists(COLUMN, ["[a]", "[a]"], split_apostrophes=False)
    lists[0].append("b")
    assert lists[1] == ["a"]


def test_apostrophes() -> None:
    assert label_lists(COLUMN, ["[can't]"], split_apostrophes=True)[0] == [["can", "t"]]


def test_what_is_missing_is_noted() -> None:
    cells = ["[a]", None, math.nan, " ", "nan", "None", ["a", None, math.nan, ""], "[a, b", "a]"]
    lists, notes = label_lists(COLUMN, cells, split_apostrophes=False)
    assert lists == [["a"], [], [], [], [], [], ["a"], ["a", "b"], ["a"]]
    assert notes == [
        "column x of the table t: 5 rows without labels (empty cells); the first is row 2",
        "column x of the table t: 1 row with empty values among the labels, which were dropped; the first is row 7",
        "column x of the table t: 2 rows with a bracket at one end alone (cut off?); the first is row 8",
    ]


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        ([["a"], ["a", 5]], "row 2, column x of the table t: it holds the number 5; give emotion words alone"),
        ([{"a": 1}], "row 1, .* holds the dict {'a': 1}; give a list of emotion words"),
        ([["a", {"b": 1}]], "row 1, .* holds the dict"),
        ([[["a"]]], "row 1, .* holds the list"),
        (["a", 5], "row 2, .* holds the number 5"),
        ([b"a"], "row 1, .* holds the bytes b'a'"),
        (["\ud800"], "row 1, .* no valid Unicode"),
        ([["é", "\udfff"]], "row 1, .* no valid Unicode"),
    ],
)
def test_what_cannot_be_labels(cells: list[Any], says: str) -> None:
    with pytest.raises(RequestError, match=says):
        label_lists(COLUMN, cells, split_apostrophes=False)


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        ([1, 2.5, None], True),
        (["3", "", "-1e-5"], True),
        (["[1, 0]", "[0, 1]"], True),
        ([[1, 0], []], True),
        (["3", "happy"], False),
        ([["a", 1]], False),
        ([None, "", []], False),
        ([{"a": 1}], False),
    ],
)
def test_numbers_alone(cells: list[Any], numbers: bool) -> None:
    assert are_numbers(cells) is numbers


@pytest.mark.parametrize(
    ("cells", "labels"),
    [
        (["angry", " slightly sad ", "", None], ["angry", "slightly sad", None, None]),
        (["can't say"], ["can't say"]),
        (["angry", "[sad]"], None),
        (["angry, sad"], None),
        (["生气、难过"], None),
        (["'angry'"], None),
        (["angry; sad"], None),
        (["angry|sad"], None),
        (["angry\nsad"], None),
        (["('angry', 'sad')"], None),
        (["{angry}"], None),
        (["(very) angry"], ["(very) angry"]),
        ([["angry"]], None),
    ],
)
def test_single_labels(cells: list[Any], labels: list[str | None] | None) -> None:
    assert single_labels(cells) == labels


def test_texts() -> None:
    assert texts(COLUMN, ["He frowns. ", "", None, math.nan, "他笑"]) == ["He frowns. ", None, None, None, "他笑"]
    with pytest.raises(RequestError, match=r"row 2, .* holds the list .*; give a description"):
        texts(COLUMN, ["x", ["y"]])


def test_sentiments() -> None:
    assert sentiments(COLUMN, ["positive ", "-0.5", 2, 0.25, None, "", math.nan]) == [
        "positive",
        -0.5,
        2.0,
        0.25,
        None,
        None,
        None,
    ]
    for bad in (True, math.inf, [1]):
        with pytest.raises(RequestError, match=r"row 1, .* give a number or one of positive"):
            sentiments(COLUMN, [bad])
