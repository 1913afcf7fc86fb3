import pytest

from affectgpt.evaluation.extraction.chinese import read_chinese


def found(text: str) -> list[tuple[str, str]]:
    return [(mention.word.base, mention.standing) for mention in read_chinese(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("他很生气。", [("生气", "held")]),
        ("她可能有些难过。", [("难过", "held")]),
        ("他并不生气，而是有些难过。", [("生气", "denied"), ("难过", "held")]),
        ("没有表现出恐惧或焦虑。", [("恐惧", "denied"), ("焦虑", "denied")]),
        ("他不仅愤怒，而且失望。", [("愤怒", "held"), ("失望", "held")]),
        ("他不禁感到伤心。", [("伤心", "held")]),
        ("他掩饰不住内心的喜悦。", [("喜悦", "held")]),
        ("她不开心。", [("不开心", "held")]),
        ("他表示不满和愤怒。", [("不满", "held"), ("愤怒", "held")]),
        ("他感到紧张、不安和害怕。", [("紧张", "held"), ("不安", "held"), ("害怕", "held")]),
        ("不难看出他很失望。", [("失望", "held")]),
        ("他无法掩饰内心的激动。", [("激动", "held")]),
        ("他因没有得到认可而失落。", [("认可", "denied"), ("失落", "held")]),
    ],
)
def test_denials_and_possibilities(text: str, expected: list[tuple[str, str]]) -> None:
    assert found(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("对方的愤怒让她感到害怕。", [("愤怒", "of another"), ("害怕", "held")]),
        ("她对对方的不满很明显。", [("不满", "held")]),
        ("她让对方感到开心。", [("开心", "of another")]),
        ("他的母亲很生气。", [("生气", "of another")]),
    ],
)
def test_whose_emotion_it_is(text: str, expected: list[tuple[str, str]]) -> None:
    assert found(text) == expected


def test_what_a_sign_means_as_a_rule_is_not_what_the_speaker_feels() -> None:
    assert found("这通常表示惊讶，但他很平静。") == [("惊讶", "in general"), ("平静", "held")]


def test_what_is_said_is_not_what_is_described() -> None:
    assert found("他说“我很高兴”，但语气悲伤。") == [("高兴", "quoted"), ("悲伤", "held")]


def test_traditional_characters() -> None:
    text = "她並不憤怒，而是很傷心。"
    mentions = read_chinese(text)
    assert [(mention.word.base, mention.standing) for mention in mentions] == [("愤怒", "denied"), ("伤心", "held")]
    assert text[mentions[1].start : mentions[1].end] == "傷心"


def test_a_character_inside_another_word_does_not_count() -> None:
    assert found("他的语气平稳，爱人在旁边。") == []


def test_a_long_clause_is_soon_done() -> None:
    assert len(read_chinese("他没有生气" * 20_000)) == 20_000


def test_the_places_are_those_of_the_text() -> None:
    text = "他说“真高兴”，心里却很悲伤。"
    assert [text[mention.start : mention.end] for mention in read_chinese(text)] == ["高兴", "悲伤"]


@pytest.mark.parametrize("text", ["", "。", "“", "不", "没有"])
def test_scraps(text: str) -> None:
    assert read_chinese(text) == []
