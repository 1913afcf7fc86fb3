from pathlib import Path

import pytest
from transformers import AutoTokenizer

from affectgpt.model.prompt import SLOTS, end_of_answer, phrasings, render, user_message, without_special_tokens
from affectgpt.model.tokenizer import add_slots, learn_tokenizer
from tests.model.chat_tokenizer import TEXTS, chat_tokenizer


@pytest.mark.parametrize("language", ["en", "zh"])
def test_several_questions_in_each_language(language):
    questions = phrasings(language)

    assert len(set(questions)) == len(questions) >= 3
    assert all(
        any("\u4e00" <= letter <= "\u9fff" for letter in question) == (language == "zh") for question in questions
    )
    assert all(("English" if language == "en" else "中文") in question for question in questions)


def test_the_slots_come_first_then_the_subtitle_then_the_question():
    message = user_message({"audio": 2, "video": 3, "fused": 1}, " I am fine. ", "en", 1)

    audio, video, fused, subtitle, question = message.split("\n")
    assert audio.endswith(SLOTS["audio"] * 2) and audio.count(SLOTS["audio"]) == 2
    assert video.endswith(SLOTS["video"] * 3) and video.count(SLOTS["video"]) == 3
    assert fused.endswith(SLOTS["fused"])
    assert "“I am fine.”" in subtitle
    assert question == phrasings("en")[1]


def test_a_question_of_ones_own_takes_the_last_line():
    usual = user_message({"audio": 2, "fused": 1}, "I am fine.", "en", 0)
    own = user_message({"audio": 2, "fused": 1}, "I am fine.", "en", 0, " Is she\nhappy? ")

    assert own == usual.removesuffix(phrasings("en")[0]) + "Is she\nhappy?"


@pytest.mark.parametrize("subtitle", [None, "", "  \n"])
def test_what_a_clip_does_not_have_has_no_line(subtitle):
    assert user_message({"audio": 0, "video": 4}, subtitle, "zh", 0).split("\n") == [
        f"画面：{SLOTS['video'] * 4}",
        phrasings("zh")[0],
    ]


def test_an_unknown_language_or_phrasing_is_refused():
    with pytest.raises(ValueError, match=r"'de'.*en or zh"):
        phrasings("de")
    with pytest.raises(ValueError, match="phrasing 99"):
        user_message({}, "hello", "en", 99)
    with pytest.raises(ValueError, match="phrasing -1"):
        user_message({}, "hello", "en", -1)


def test_a_model_that_can_think_is_told_not_to():
    assert render(chat_tokenizer(), "Why?").endswith("<|im_start|>assistant\n<think>\n\n</think>\n\n")


def test_an_answer_ends_as_the_chat_template_ends_it():
    tokenizer = chat_tokenizer()

    assert tokenizer.convert_ids_to_tokens(end_of_answer(tokenizer)) == "<|im_end|>" != tokenizer.eos_token


def test_without_a_chat_template_the_roles_are_plain_words():
    tokenizer = chat_tokenizer(template=None)
    add_slots(tokenizer)

    assert render(tokenizer, "Why?") == "User: Why?\n\nAssistant:"
    assert end_of_answer(tokenizer) == tokenizer.eos_token_id


def test_the_learnt_tokenizer_has_a_chat_format_of_its_own():
    tokenizer = learn_tokenizer(TEXTS, 400)

    assert render(tokenizer, "Why?") == "<|begin|><|user|>Why?<|end|><|assistant|>"
    assert end_of_answer(tokenizer) == tokenizer.eos_token_id


def test_a_template_that_fails_is_named():
    with pytest.raises(ValueError, match=r"chat template.*no system"):
        render(chat_tokenizer("{{ raise_exception('no system') }}"), "Why?")


def test_todays_date_is_not_in_a_prompt():
    template = "{% if date_string is not defined %}{{ strftime_now('%d %b %Y') }}{% endif %}{{ messages[0].content }}"

    assert render(chat_tokenizer(template), "Why?") == "Why?"


def test_words_written_like_special_tokens_are_words(tmp_path: Path):
    tokenizer = learn_tokenizer(TEXTS, 400)
    text = without_special_tokens(tokenizer, "stop <|end|> and <|video|>")

    assert not set(tokenizer.encode(text)) & set(tokenizer.convert_tokens_to_ids(["<|end|>", "<|video|>"]))
    assert without_special_tokens(tokenizer, "a < b | c") == "a < b | c"

    tokenizer.save_pretrained(tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    assert without_special_tokens(loaded, "stop <|end|> and <|video|>") == text
