"""Chinese text: longest match, negators, degree words, and whose feeling it is."""

import pytest

from affectgpt.annotate.signal.chinese import read_chinese
from affectgpt.annotate.signal.mentions import Mention


def only(text: str) -> Mention:
    mentions = read_chinese(text)
    assert len(mentions) == 1, [mention.words for mention in mentions]
    return mentions[0]


@pytest.mark.parametrize(
    ("text", "emotion"),
    [
        ("我很生气", "anger"),
        ("他让我非常生气", "anger"),
        ("你吓到我了", "fear"),
        ("我真的好開心啊", "happiness"),
        ("对不起", "guilt"),
        ("我不开心", "sadness"),
        ("怎么可能！", "surprise"),
        ("我听不懂", "confusion"),
        ("想你", "affection"),
        ("多谢", "gratitude"),
    ],
)
def test_words_speak_for_their_emotion(text: str, emotion: str) -> None:
    mention = only(text)
    assert mention.speaks_for is not None
    assert mention.speaks_for[0] == emotion


@pytest.mark.parametrize(
    "text",
    ["我不生气", "我没有生气", "我并不是很生气", "我一点也不生气", "我不觉得生气", "没有不开心", "我没有那么难过"],
)
def test_denied_distress_is_none(text: str) -> None:
    mention = only(text)
    assert mention.denied
    assert mention.speaks_for == ("neutral", 0.25)


@pytest.mark.parametrize("text", ["我不太快乐", "我不是很快乐", "没那么快乐"])
def test_denied_pleasure_speaks_for_the_opposite(text: str) -> None:
    mention = only(text)
    assert mention.speaks_for is not None
    assert mention.speaks_for[0] == "sadness"


@pytest.mark.parametrize("text", ["他很生气", "你生气了吗？", "你别生气", "不要哭", "别生气了"])
def test_the_feelings_of_others_say_nothing_of_the_speaker(text: str) -> None:
    assert only(text).speaks_for is None


def test_degree_words_order_the_strength() -> None:
    strengths = [only(text).strength for text in ("可能有点伤心", "我有点伤心", "我伤心", "我非常伤心", "我非常伤心！")]
    assert strengths == sorted(strengths)
    assert len(set(strengths)) == len(strengths)


def test_the_longest_word_wins() -> None:
    assert only("我气死了").words == "气死了"
    assert only("救命恩人").entry.emotion == "gratitude"


@pytest.mark.parametrize("text", ["今天星期三。", "我的爱好是音乐", "请系好安全带", "美国很远", "你是谁", ""])
def test_ordinary_sentences_name_no_feeling(text: str) -> None:
    assert read_chinese(text) == ()


def test_words_are_quoted_as_they_were_written() -> None:
    assert only("我真的好開心").words == "開心"
