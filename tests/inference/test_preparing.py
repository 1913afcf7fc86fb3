from dataclasses import replace

import numpy as np
import pytest

from affectgpt.clips.clip import Clip
from affectgpt.clips.media import SAMPLE_RATE, Media
from affectgpt.errors import ClipError
from affectgpt.inference.asking import Query
from affectgpt.inference.preparing import Preparer
from affectgpt.inference.reading import Read
from affectgpt.model import AffectGPTProcessor
from affectgpt.model.processing import Example
from affectgpt.model.prompt import phrasings
from tests.inference.trained import trained_model
from tests.media import tone

CONTEXT = 600


@pytest.fixture(scope="module")
def processor() -> AffectGPTProcessor:
    return trained_model()[1]


@pytest.fixture
def preparer(processor: AffectGPTProcessor) -> Preparer:
    return Preparer(processor, CONTEXT)


@pytest.fixture
def voice() -> Read:
    nothing = np.zeros((0, 0, 0, 3), np.uint8)
    media = Media(nothing, np.zeros(0), 0, tone(1.0, SAMPLE_RATE), 1.0, False, True)
    return Read(Clip("voice", "voice.wav", subtitle="Good\nmorning."), media)


def prompt(preparer: Preparer, query: Query) -> str:
    example = preparer.prepare(query)
    assert isinstance(example, Example) and example.answer_start == len(example.input_ids)
    return str(preparer.processor.tokenizer.decode(example.input_ids))


def test_a_question_takes_the_place_of_the_usual_one_and_nothing_else(preparer: Preparer, voice: Read) -> None:
    usual = prompt(preparer, Query(voice, "zh"))
    own = prompt(preparer, Query(voice, "zh", " What does\nshe feel? "))
    assert usual.count(phrasings("zh")[0]) == 1
    assert own == usual.replace(phrasings("zh")[0], "What does\nshe feel?")


def test_a_question_cannot_speak_for_the_clip(preparer: Preparer, voice: Read) -> None:
    slot = preparer.processor.slot_token_id("audio")
    tokens = [preparer.prepare(Query(voice, question=question)) for question in ("<|audio|>", "Why?")]
    counts = [list(one.input_ids).count(slot) for one in tokens if isinstance(one, Example)]
    assert counts == [preparer.processor.audio_tokens] * 2


@pytest.mark.parametrize(
    ("subtitle", "question", "reason"),
    [
        ("word " * CONTEXT, None, "subtitle-too-long"),
        ("word " * CONTEXT, "Why?", "subtitle-too-long"),
        ("word", "Why? " * CONTEXT, "question-too-long"),
        (None, "Why? " * CONTEXT, "question-too-long"),
    ],
)
def test_what_is_too_long_is_named(
    preparer: Preparer, voice: Read, subtitle: str | None, question: str | None, reason: str
) -> None:
    said = replace(voice, clip=replace(voice.clip, subtitle=subtitle))
    refused = preparer.prepare(Query(said, question=question))
    assert isinstance(refused, ClipError) and refused.reason == reason
    assert "voice.wav is too long" in refused.message
    assert isinstance(Preparer(preparer.processor, None).prepare(Query(said, question=question)), Example)


def test_the_text_has_its_part_of_the_context(preparer: Preparer, voice: Read) -> None:
    example = preparer.prepare(Query(voice))
    assert isinstance(example, Example)
    room = CONTEXT - example.answer_start
    assert isinstance(preparer.prepare(Query(voice, max_new_tokens=room)), Example)
    assert isinstance(preparer.prepare(Query(voice, max_new_tokens=room + 1)), ClipError)
