from affectgpt.evaluation.extraction.lexicon import extract_by_lexicon
from affectgpt.evaluation.labelled_clips import label_clips
from affectgpt.evaluation.tables import ColumnNames
from tests.evaluation.tables import table

TEXTS = {"descriptions": ["She is sad.", None], "description_language": "en"}


def test_labels_are_lower_cased_and_stripped() -> None:
    clips = label_clips(table("t", {"a": [" Happy ", "SAD"]}), ColumnNames(), extract_by_lexicon, english_only=False)
    assert clips.labels == [["happy", "sad"]]
    assert clips.kind == "labels"
    assert clips.languages == {"en": 2}


def test_without_labels_they_are_extracted() -> None:
    described = table("t", {"a": [], "b": []}, labels=None, **TEXTS)
    clips = label_clips(described, ColumnNames(), extract_by_lexicon, english_only=False)
    assert clips.kind == "descriptions"
    assert clips.labels == [["sad"], []]


def test_a_named_column_of_descriptions_is_read_though_there_are_labels() -> None:
    both = table("t", {"a": ["happy"], "b": ["glad"]}, **TEXTS)
    for columns, expected in (
        (ColumnNames(), [["happy"], ["glad"]]),
        (ColumnNames(description="text"), [["sad"], []]),
        (ColumnNames(description="text", labels="labels"), [["happy"], ["glad"]]),
    ):
        assert label_clips(both, columns, extract_by_lexicon, english_only=False).labels == expected


def test_chinese_descriptions_give_english_labels_where_the_wheels_know_no_others() -> None:
    described = table("t", {"a": []}, labels=None, descriptions=["她很伤心。"], description_language="zh")
    assert label_clips(described, ColumnNames(), extract_by_lexicon, english_only=False).labels == [["伤心"]]
    assert label_clips(described, ColumnNames(), extract_by_lexicon, english_only=True).labels == [["sad"]]


def test_released_chinese_labels_stay_as_they_are() -> None:
    clips = label_clips(table("t", {"a": ["伤心"]}), ColumnNames(), extract_by_lexicon, english_only=True)
    assert clips.labels == [["伤心"]]
