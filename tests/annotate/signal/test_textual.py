"""The textual clue: what it says, what it does not claim, and hostile subtitles."""

import random

import pytest

from affectgpt.annotate.sample import Clue
from affectgpt.annotate.signal.emotions import EMOTIONS
from affectgpt.annotate.signal.lexicon import chinese_forms, english_forms
from affectgpt.annotate.signal.textual import polarity, read_mentions, textual_clue
from affectgpt.clips.clip import Clip


def clue(subtitle: str, language: str | None = None) -> Clue:
    found = textual_clue(Clip("clip", "clip.mp4", subtitle=subtitle, language=language))
    assert found is not None
    return found


def emotions(found: Clue) -> list[str]:
    return [item.emotion for item in found.evidence]


@pytest.mark.parametrize("subtitle", [None, "", "  \n", "\u200b", "<i></i>"])
def test_no_words_no_clue(subtitle: str | None) -> None:
    assert textual_clue(Clip("clip", "clip.mp4", subtitle=subtitle)) is None


@pytest.mark.parametrize("subtitle", ["bin blue at f two now", "lay red by x nine please", "今天星期三"])
def test_neutral_words_claim_nothing(subtitle: str) -> None:
    found = clue(subtitle)
    assert found.evidence == ()
    assert "neutral" in found.text_en and "中性" in found.text_zh
    assert subtitle in found.text_en and subtitle in found.text_zh


def test_the_neutral_sentence_is_stated_plainly() -> None:
    assert "are neutral: nothing in them names or suggests a feeling" in clue("bin blue at f two now").text_en


@pytest.mark.parametrize(("language", "name"), [("de", "German"), ("de-AT", "German"), ("tlh", "“tlh”")])
def test_a_language_without_lexicon_is_not_assessed(language: str, name: str) -> None:
    found = clue("Ich hasse dich", language)
    assert found.evidence == () and not found.measurements
    assert "not assessed" in found.text_en and name in found.text_en
    assert "未" in found.text_zh and "Ich hasse dich" in found.text_zh


def test_english_words_in_another_language_are_not_read_as_english() -> None:
    assert clue("Die Angst ist groß und die Hand ist kalt").evidence == ()


def test_evidence_names_the_words() -> None:
    found = clue("I'm really relieved, thank you.")
    assert emotions(found) == ["contentment", "gratitude"]
    assert "“relieved”" in found.evidence[0].because_en and "“relieved”" in found.evidence[0].because_zh
    assert "如释重负" in found.text_zh


def test_chinese_words_are_explained_in_english() -> None:
    found = clue("我很生气！")
    assert emotions(found) == ["anger"]
    assert "“生气” (angry, strengthened by “很”)" in found.text_en


def test_a_denial_is_called_a_denial() -> None:
    found = clue("I am not angry")
    assert "denied" in found.text_en and "否定" in found.text_zh
    assert "anger" not in emotions(found)


def test_somebody_elses_feeling_is_no_evidence() -> None:
    found = clue("He is furious.")
    assert found.evidence == ()
    assert "does not tell of the speaker" in found.text_en


def test_wording_may_lean_without_naming_a_feeling() -> None:
    assert clue("We must vindicate and uphold the generous charity").measurements["polarity"] > 0.3
    found = clue("We must vindicate and uphold the generous charity")
    assert "leans to the positive side" in found.text_en
    assert emotions(found) == ["happiness"] and found.evidence[0].strength < 0.4


def test_courtesy_has_no_polarity() -> None:
    assert polarity("lay red by x nine please") == 0.0
    assert polarity("a splendid victory") > 0.3


def test_several_words_strengthen_each_other_moderately() -> None:
    one, three = clue("I'm upset").evidence[0], clue("I'm upset, disappointed, discouraged").evidence[0]
    assert one.strength < three.strength <= one.strength + 0.2 + 1e-9


def test_evidence_is_valid_whatever_the_words() -> None:
    rng = random.Random(7)
    pools = (
        (" ", [*english_forms(), "not", "very", "i", "you", "am", "!", "?", "but", "never", "a bit", "maybe"]),
        ("", [*chinese_forms(), "不", "没有", "很", "我", "你", "！", "，", "别", "可能"]),
    )
    for turn in range(400):
        joiner, pool = pools[turn % 2]
        text = joiner.join(rng.choices(pool, k=rng.randint(1, 12)))
        found = clue(text, ("en", "zh")[turn % 2])
        strengths = [item.strength for item in found.evidence]
        assert all(item.emotion in EMOTIONS and 0 < item.strength <= 1 for item in found.evidence), text
        assert strengths == sorted(strengths, reverse=True)
        assert len({item.emotion for item in found.evidence}) == len(found.evidence)
        assert found.text_en.endswith(".") and found.text_zh.endswith("。")
        assert ",," not in found.text_en and "  " not in found.text_en


HOSTILE = [
    "x" * 100_000,
    "I am so happy " * 8_000,
    "no but " * 15_000,
    "<" * 100_000,
    "<b>" * 30_000 + "sad",
    "!" * 100_000,
    "\n\x00\x1b[2J" * 20_000 + "sad",
    "<script>alert(1)</script>",
    "\ud800\udfff",
    "👩‍👩‍👧" * 20_000,
    "{}%s%n{0}\\",
    "我" * 100_000,
    "很开心" * 40_000,
    "\u202eevil\u202c",
]


@pytest.mark.parametrize("subtitle", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_subtitles_give_short_clean_clues(subtitle: str) -> None:
    found = textual_clue(Clip("clip", "clip.mp4", subtitle=subtitle))
    if found is None:
        return
    for text in (found.text_en, found.text_zh):
        assert len(text) < 600
        assert text.isprintable() or "\u200d" in text
        assert "<script" not in text
        text.encode()


def test_mentions_are_read_in_the_clips_language() -> None:
    assert read_mentions(Clip("c", "u", subtitle="I am sad", language="de")) == ()
    assert [mention.words for mention in read_mentions(Clip("c", "u", subtitle="I am sad"))] == ["sad"]
