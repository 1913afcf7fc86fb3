"""Makes of a decoded clip and a question what the model takes."""

from dataclasses import replace

import numpy as np

from affectgpt.errors import ClipError
from affectgpt.inference.asking import Query
from affectgpt.model import AffectGPTProcessor, ClipInput
from affectgpt.model.processing import Example
from affectgpt.model.prompt import Slot, render, user_message, without_special_tokens


def prepare(processor: AffectGPTProcessor, query: Query, samples: int, room: int | None) -> Example | ClipError:
    """Prepare a clip, or say why the model cannot take it.

    Args:
        processor: that of the model.
        query: the clip and what is asked of it.
        samples: how much of the sound is heard.
        room: how many tokens the prompt may have; None for any number.
    """
    clip, media = query.read.clip, query.read.media
    frames = media.frames if media.frames_got and processor.image_processor is not None else None
    sound = media.sound[:samples]
    if frames is None and not len(sound) and not (clip.subtitle and clip.subtitle.strip()):
        return ClipError("nothing-perceived", f"{clip.uri} has nothing that this model perceives, and no subtitle")
    taken = ClipInput(frames, sound if len(sound) else None, clip.subtitle, query.language)
    try:
        example = processor.example(taken, with_answer=False, max_tokens=room)
    except ValueError as error:
        return ClipError("subtitle-too-long", f"the subtitle of {clip.uri} is too long: {error}")
    if query.question is None:
        return example
    asked = _with_question(processor, example, query, query.question)
    if room is not None and asked.answer_start > room:
        return ClipError(
            "question-too-long",
            f"question and subtitle have {asked.answer_start} tokens of at most {room}; shorten them",
        )
    return asked


def _with_question(processor: AffectGPTProcessor, example: Example, query: Query, question: str) -> Example:
    """Ask something else than usual; the usual question is the last line of what the user says."""
    has_audio, has_video = example.sound_inputs is not None, example.pixel_values is not None
    slots: dict[Slot, int] = {
        "audio": processor.audio_tokens if has_audio else 0,
        "video": processor.video_tokens if has_video else 0,
        "fused": processor.fused_tokens if has_audio or has_video else 0,
    }
    tokenizer, subtitle = processor.tokenizer, query.read.clip.subtitle
    words = None if subtitle is None else without_special_tokens(tokenizer, subtitle)
    usual = user_message(slots, words, query.language, 0)
    message = "\n".join([usual.rpartition("\n")[0], without_special_tokens(tokenizer, question.strip())])
    ids = tokenizer.encode(render(tokenizer, message), add_special_tokens=False)
    return replace(example, input_ids=np.asarray(ids, np.int64), answer_start=len(ids))
