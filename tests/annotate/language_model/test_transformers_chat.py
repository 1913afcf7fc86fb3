from pathlib import Path

import numpy as np
import pytest
from transformers import AutoProcessor, AutoTokenizer

from affectgpt.annotate.language_model.engine import TextRequest
from affectgpt.annotate.language_model.transformers_chat import Chat
from affectgpt.errors import RequestError
from tests.annotate.language_model.tiny_models import (
    NO_SYSTEM_TEMPLATE,
    PARTS_TEMPLATE,
    TEMPLATE,
    tiny_chat,
    tiny_hearing,
    tiny_seeing,
)

FRAME = np.zeros((20, 30, 3), np.uint8)
SOUND = np.zeros(8000, np.float32)
NO_SWITCH = TEMPLATE.replace("enable_thinking", "other_switch")
FORGETS_SYSTEM = (
    "{% for message in messages %}{% if message.role == 'user' %}{{ message.content }}{% endif %}{% endfor %}"
)


def chat(folder: Path, template: str | None = TEMPLATE) -> Chat:
    return Chat("tiny", AutoTokenizer.from_pretrained(tiny_chat(folder, template, weights=False)))


def prompts(one: Chat, *requests: TextRequest) -> list[str]:
    encoded = one.encode(requests)
    rows = zip(encoded["input_ids"], encoded["attention_mask"], strict=True)
    return [str(one.tokenizer.decode(tokens[mask.bool()])) for tokens, mask in rows]


def test_a_prompt_is_the_template_without_thinking(tmp_path: Path) -> None:
    assert prompts(chat(tmp_path), TextRequest("Be kind.", "Is she sad?", None, 8)) == [
        "<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\nIs she sad?<|im_end|>\n"
        "<|im_start|>assistant\n<think>\n\n</think>\n\n"
    ]


def test_a_template_without_the_switch_is_left_alone(tmp_path: Path) -> None:
    [prompt] = prompts(chat(tmp_path, NO_SWITCH), TextRequest("", "Is she sad?", None, 8))
    assert prompt == "<|im_start|>user\nIs she sad?<|im_end|>\n<|im_start|>assistant\n"


@pytest.mark.parametrize("template", [NO_SYSTEM_TEMPLATE, FORGETS_SYSTEM])
def test_where_there_is_no_place_for_a_system_message_it_leads_the_question(tmp_path: Path, template: str) -> None:
    [prompt] = prompts(chat(tmp_path, template), TextRequest("Be kind.", "Is she sad?", None, 8))
    assert "Be kind.\n\nIs she sad?" in prompt


def test_prompts_are_padded_on_the_left(tmp_path: Path) -> None:
    encoded = chat(tmp_path).encode([TextRequest("", "She?", None, 8), TextRequest("", "She? " * 9, None, 8)])
    short, long = encoded["attention_mask"]
    assert long.all()
    assert not short[0]
    assert short.diff().count_nonzero() == 1


def test_a_tokenizer_without_padding_pads_with_its_end(tmp_path: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_chat(tmp_path, weights=False))
    tokenizer.pad_token = None
    one = Chat("tiny", tokenizer)
    assert one.tokenizer.pad_token == "<|im_end|>"
    assert len(one.encode([TextRequest("", "a", None, 8), TextRequest("", "a" * 50, None, 8)])["input_ids"]) == 2


def test_frames_become_the_parts_that_the_template_shows(tmp_path: Path) -> None:
    one = Chat("tiny", AutoProcessor.from_pretrained(tiny_seeing(tmp_path)))
    request = TextRequest("Be kind.", "Is she sad?", None, 8, frames=(FRAME, FRAME))
    assert prompts(one, request) == [
        "<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\n" + "<image>" * 8 + "Is she sad?<|im_end|>\n"
        "<|im_start|>assistant\n"
    ]
    assert one.encode([request])["pixel_values"].shape == (2, 3, 16, 16)


def test_sound_becomes_a_part_as_long_as_it_is(tmp_path: Path) -> None:
    one = Chat("tiny", AutoProcessor.from_pretrained(tiny_hearing(tmp_path)))
    lengths = [prompts(one, TextRequest("", "?", None, 8, sound=SOUND[:n]))[0].count("<|AUDIO|>") for n in (4000, 8000)]
    assert lengths == [6, 12]


def test_a_tokenizer_has_no_senses(tmp_path: Path) -> None:
    one = chat(tmp_path)
    one.check(TextRequest("", "?", None, 8))
    with pytest.raises(
        RequestError, match="tiny reads no pictures, and a request has 2 frames; name a model that does"
    ):
        one.check(TextRequest("", "?", None, 8, frames=(FRAME, FRAME)))
    with pytest.raises(RequestError, match="tiny reads no sound, and a request has some; name a model that does"):
        one.check(TextRequest("", "?", None, 8, sound=SOUND))


def test_a_model_has_the_senses_of_its_processor(tmp_path: Path) -> None:
    seeing = Chat("seeing", AutoProcessor.from_pretrained(tiny_seeing(tmp_path / "seeing")))
    hearing = Chat("hearing", AutoProcessor.from_pretrained(tiny_hearing(tmp_path / "hearing")))
    seeing.check(TextRequest("", "?", None, 8, frames=(FRAME,)))
    hearing.check(TextRequest("", "?", None, 8, sound=SOUND))
    with pytest.raises(RequestError, match="seeing reads no sound"):
        seeing.check(TextRequest("", "?", None, 8, sound=SOUND))
    with pytest.raises(RequestError, match="hearing reads no pictures"):
        hearing.check(TextRequest("", "?", None, 8, frames=(FRAME,)))


def test_a_model_for_another_sample_rate_is_refused(tmp_path: Path) -> None:
    one = Chat("tiny", AutoProcessor.from_pretrained(tiny_hearing(tmp_path, sample_rate=24_000)))
    with pytest.raises(RequestError, match="tiny reads sound at 24000 Hz, and requests have it at 16000 Hz"):
        one.check(TextRequest("", "?", None, 8, sound=SOUND))


def test_a_model_without_a_template_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="model tiny has no chat template; name a model that is tuned for chats"):
        chat(tmp_path, None)


def test_a_template_that_fails_says_so(tmp_path: Path) -> None:
    template = PARTS_TEMPLATE + "{{ raise_exception('she is not to be asked') }}"
    with pytest.raises(RequestError, match="tiny cannot be asked this: she is not to be asked"):
        chat(tmp_path, template).encode([TextRequest("", "?", None, 8)])
