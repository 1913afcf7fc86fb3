import pytest

from affectgpt.annotate.generated.judging import Language, fault_of, is_in, is_loop, is_refusal

ENGLISH = "He frowns, looks down and speaks slowly, with long pauses; he seems sad."
CHINESE = "他皱着眉，低着头，说话缓慢，停顿很长，看起来很悲伤。"


def reason(text: str, finish_reason: str = "stop", language: Language | None = "en") -> str | None:
    fault = fault_of(text, finish_reason, language)
    return fault.reason if fault else None


def test_a_good_reply_has_no_fault() -> None:
    assert reason(ENGLISH) is None
    assert reason(CHINESE, language="zh") is None
    assert reason('{"labels": []}', language=None) is None


@pytest.mark.parametrize(
    ("text", "finish_reason", "language", "expected"),
    [
        ("", "stop", "en", "generation-empty"),
        ("... !\n -- 12", "stop", "zh", "generation-empty"),
        ("", "length", "en", "generation-truncated"),
        (ENGLISH, "length", "en", "generation-truncated"),
        (ENGLISH, "abort", "en", "generation-malformed"),
        ("", "refusal", "en", "generation-refused"),
        (ENGLISH, "content_filter", "en", "generation-refused"),
        ("I'm sorry, but I can't help with that.", "stop", "zh", "generation-refused"),
        (ENGLISH + " He is sad." * 40, "length", "en", "generation-repeats"),
        (CHINESE, "stop", "en", "generation-wrong-language"),
        (ENGLISH, "stop", "zh", "generation-wrong-language"),
        ("Он хмурится и говорит медленно.", "stop", "en", "generation-wrong-language"),
    ],
)
def test_what_is_wrong_with_a_reply(text: str, finish_reason: str, language: Language, expected: str) -> None:
    assert reason(text, finish_reason, language) == expected


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't describe the people in these pictures.",
        "I’m very sorry, I am unable to listen to sound.",
        "I cannot see any video.",
        "**I can't assist with this request.**",
        "I am not able to identify people.",
        "We apologize for the inconvenience.",
        "Unfortunately, I do not have access to the clip.",
        "As an AI, I have no eyes.",
        "As a large language model, I cannot listen.",
        "抱歉，我无法描述图片中的人物。",
        "很抱歉，但我不能回答。",
        "对不起！我不能帮助您。",
        "我无法查看视频。",
        "作为一个人工智能，我没有感情。",
    ],
)
def test_refusals_are_told_by_how_they_begin(text: str) -> None:
    assert is_refusal(text)


@pytest.mark.parametrize(
    "text",
    [
        ENGLISH,
        CHINESE,
        "“I can't do this,” she says with a trembling voice.",
        "“对不起，我错了”，他低声说。",
        "He apologizes: I cannot help it.",
        "I see a woman who laughs.",
        "As an aide hands her a paper, she looks up.",
        "她说抱歉，我不能来。",
        "",
    ],
)
def test_what_only_quotes_or_resembles_a_refusal_is_none(text: str) -> None:
    assert not is_refusal(text)


@pytest.mark.parametrize(
    "tail",
    [
        "a" * 60,
        " no" * 30,
        "She looks to the left and then to the right. " * 4,
        "他很悲伤。" * 12,
        ". " * 60,
        ("She looks up, then down, then to the side, and then she looks away for a while. " * 3)[:230] * 4,
    ],
)
def test_a_loop_at_the_end_is_found_whatever_precedes_it(tail: str) -> None:
    assert is_loop(tail)
    assert is_loop(ENGLISH + " " + tail)
    assert is_loop(ENGLISH + "\n" + tail.replace(" ", "\n"))


@pytest.mark.parametrize("text", ["", ENGLISH, CHINESE, "Ha ha ha ha ha!", "very, very, very, very sad", "=" * 59])
def test_what_is_said_twice_or_briefly_is_no_loop(text: str) -> None:
    assert not is_loop(text)


def test_a_loop_that_was_left_is_none() -> None:
    assert not is_loop("no " * 100 + ENGLISH)


def test_quotations_do_not_change_the_language() -> None:
    assert is_in(f"{ENGLISH} He says “我真的没事”.", "en")
    assert is_in(f"{CHINESE}他说“I am fine, really, don't worry”。", "zh")
    assert is_in("Le garçon a l'air déçu.", "en")
