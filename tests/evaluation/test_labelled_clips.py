import pytest

from affectgpt.errors import RequestError
from affectgpt.evaluation.extraction.lexicon import extract_by_lexicon
from affectgpt.evaluation.labelled_clips import LabelledClips, label_clips
from affectgpt.evaluation.tables import ColumnNames, LabelTable
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


def test_descriptions_of_both_languages_may_stand_side_by_side() -> None:
    texts = ["她很伤心。", "She is angry.", "他很高兴。"]
    described = table("t", {"a": [], "b": [], "c": []}, labels=None, descriptions=texts, description_language="zh")
    clips = label_clips(described, ColumnNames(), extract_by_lexicon, english_only=False)
    assert clips.labels == [["伤心"], ["angry"], ["高兴"]]
    assert clips.languages == {"zh": 2, "en": 1}


def test_a_column_of_sentiment() -> None:
    labelled = table("t", {"a": ["happy"], "b": ["sad"], "c": ["sad"]}, sentiment=["pos", -0.5, None])
    assert side_of(labelled).sentiments == ["positive", "negative", None]


def test_a_column_called_sentiment_that_holds_something_else() -> None:
    labelled = table("t", {"a": ["happy"]}, sentiment=["mixed"])
    clips = side_of(labelled)
    assert clips.sentiments is None
    assert clips.notes[0].startswith("the column of sentiment is not read: clip a of /t.csv: the sentiment 'mixed'")
    with pytest.raises(RequestError, match=r"clip a of /t\.csv.*correct it, or name another column"):
        side_of(labelled, ColumnNames(sentiment="sentiment"))


def side_of(labelled: LabelTable, columns: ColumnNames | None = None) -> LabelledClips:
    return label_clips(labelled, columns or ColumnNames(), extract_by_lexicon, english_only=False)


def test_released_chinese_labels_stay_as_they_are() -> None:
    clips = label_clips(table("t", {"a": ["伤心"]}), ColumnNames(), extract_by_lexicon, english_only=True)
    assert clips.labels == [["伤心"]]
