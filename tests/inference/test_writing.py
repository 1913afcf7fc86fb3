from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import torch

from affectgpt.clips.decoding import DecodeSettings
from affectgpt.errors import ClipError
from affectgpt.inference import AffectGPT
from affectgpt.inference.asking import Answer, Query
from affectgpt.inference.reading import Asked, ClipReader, Read
from tests.inference.trained import answer, trained_model
from tests.media import Sound, Video, write_media

TOKENS = 24
ENDLESS = {"max_new_tokens": 60, "temperature": 50.0}
"""Of tokens that are drawn nearly at random, one that ends the text comes late."""


@pytest.fixture(scope="module")
def affectgpt() -> AffectGPT:
    return AffectGPT(*trained_model())


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Read:
    clip = write_media(tmp_path_factory.mktemp("media") / "both.mp4", Video(), Sound())
    return read(clip, DecodeSettings(frames=4, frame_size=64))


@pytest.fixture(scope="module")
def voice(tmp_path_factory: pytest.TempPathFactory) -> Read:
    clip = write_media(tmp_path_factory.mktemp("media") / "voice.wav", sound=Sound(codec="pcm_s16le", seconds=1.3))
    return read(clip, DecodeSettings(frames=0))


def read(clip: Path, settings: DecodeSettings) -> Read:
    with ClipReader() as reader:
        (found,) = reader.read([Asked(clip)], settings)
    assert isinstance(found, Read)
    return found


def answered(affectgpt: AffectGPT, *queries: Query) -> list[Answer]:
    found = [one for one in affectgpt.answer(queries) if isinstance(one, Answer)]
    assert len(found) == len(queries)
    return found


def test_clips_of_a_batch_differ_in_all_that_is_asked(affectgpt: AffectGPT, both: Read, voice: Read) -> None:
    torch.manual_seed(0)
    drawn, english, chinese, short = answered(
        affectgpt,
        Query(both, **ENDLESS),
        Query(both, max_new_tokens=TOKENS),
        Query(voice, "zh", max_new_tokens=TOKENS),
        Query(both, max_new_tokens=2),
    )
    assert english.description.text == answer(True, True)
    assert chinese.description.text == answer(False, True, "zh")
    assert english.complete and chinese.complete
    assert not short.complete and short.new_tokens == 2
    assert answer(True, True).startswith(short.description.text)
    assert drawn.description.text != english.description.text
    assert english.prompt_tokens > voice.media.frames_got


def test_a_text_is_followed_while_it_grows(affectgpt: AffectGPT, both: Read, voice: Read) -> None:
    heard: list[str] = []
    chinese: list[str] = []
    found = answered(
        affectgpt,
        Query(both, max_new_tokens=TOKENS, on_text=heard.append),
        Query(both, max_new_tokens=TOKENS),
        Query(voice, "zh", max_new_tokens=TOKENS, on_text=chinese.append),
    )
    assert heard[-1] == found[0].description.text == answer(True, True)
    assert chinese[-1] == found[2].description.text
    assert all(later.startswith(earlier) for earlier, later in pairwise(heard))
    assert not any("\N{REPLACEMENT CHARACTER}" in text for text in chinese)


def test_the_model_stops_where_nobody_waits(affectgpt: AffectGPT, both: Read) -> None:
    torch.manual_seed(0)
    texts: list[str] = []
    (stopped,) = answered(affectgpt, Query(both, **ENDLESS, on_text=texts.append, is_stopped=lambda: len(texts) > 2))
    assert not stopped.complete
    assert len(texts) < 10


def test_a_question_takes_the_place_of_the_usual_one(affectgpt: AffectGPT, both: Read) -> None:
    said = replace(both, clip=replace(both.clip, subtitle="Good\nmorning."))
    usual, own = answered(
        affectgpt, Query(said, max_new_tokens=1), Query(said, question="What does she feel?", max_new_tokens=1)
    )
    assert own.prompt_tokens != usual.prompt_tokens
    (long,) = affectgpt.answer([Query(both, question="What? " * 2000)])
    assert isinstance(long, ClipError) and long.reason == "question-too-long"


def test_clips_that_exceed_the_context_together_are_described_apart(affectgpt: AffectGPT, both: Read) -> None:
    context = affectgpt.context
    assert context is not None
    usual = Query(both, max_new_tokens=TOKENS)
    prompt = answered(affectgpt, usual)[0].prompt_tokens
    longest = replace(usual, max_new_tokens=context - prompt, is_stopped=lambda: True)
    subtitled = replace(usual, read=replace(both, clip=replace(both.clip, subtitle="Good morning.")))
    assert answered(affectgpt, longest, subtitled)[1] == answered(affectgpt, subtitled)[0]
