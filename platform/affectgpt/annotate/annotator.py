"""Takes clips through decoding and the annotation steps; the whole of the work on one clip, without any cluster."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeGuard

from affectgpt.annotate.findings import findings
from affectgpt.annotate.sample import Decoded, Sample, Tokens
from affectgpt.annotate.step import Step
from affectgpt.annotate.working_time import SharedTime
from affectgpt.clips.clip import Clip
from affectgpt.clips.decoding import DecodeSettings, decode
from affectgpt.clips.inspection import check_unchanged
from affectgpt.clips.isolation import IsolatedProcess
from affectgpt.errors import ClipError

_STEPS_OF_THIS_PROCESS = SharedTime()


@dataclass(frozen=True, slots=True, eq=False)
class Failure:
    """A clip that a stage could not use: where, why, and what earlier stages found and spent, as in ``Sample``."""

    clip: Clip
    stage: str
    error: ClipError
    values: Mapping[str, str] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    tokens: Mapping[str, Tokens] = field(default_factory=dict)


def decode_samples(
    samples: Sequence[Sample], settings: DecodeSettings, isolated: IsolatedProcess
) -> list[Sample | Failure]:
    """Decode each sample's clip in the isolated process; what cannot be decoded, or has changed, becomes a Failure."""
    decoded: list[Sample | Failure] = []
    for sample in samples:
        start = time.perf_counter()
        try:
            media = isolated.call(decode, sample.clip, settings)
            check_unchanged(sample.clip)
        except ClipError as error:
            decoded.append(_failure("decode", sample, error, time.perf_counter() - start))
        else:
            found = Decoded(media.duration_s, media.has_video, media.has_audio, media.frames_expected, media.frames_got)
            answer = replace(sample, media=media, decoded=found)
            decoded.append(_found("decode", sample, answer, time.perf_counter() - start))
    return decoded


def run_step(step: Step, items: Sequence[Sample | Failure]) -> list[Sample | Failure]:
    """Run one step on the samples that do not have its value yet; the other items pass through, and the order stays.

    Steps that run at once in threads of this process share the time that they are charged.
    """
    samples = [item for item in items if is_open(item, step.name)]
    began = _STEPS_OF_THIS_PROCESS.begin()
    try:
        answers = step.annotate(samples) if samples else ()
    finally:
        seconds = _STEPS_OF_THIS_PROCESS.end(began) / max(len(samples), 1)
    if len(answers) != len(samples):
        raise RuntimeError(f"step {step.name} answered {len(answers)} of {len(samples)} samples")
    remaining = iter(answers)
    return [_outcome(step.name, item, next(remaining), seconds) if is_open(item, step.name) else item for item in items]


def is_open(item: Sample | Failure, step: str) -> TypeGuard[Sample]:
    """Whether a step has something to do on an item: it is no failure, and has no value of an earlier run."""
    return isinstance(item, Sample) and step not in item.values


def _outcome(stage: str, sample: Sample, answer: Sample | ClipError, seconds: float) -> Sample | Failure:
    if isinstance(answer, ClipError):
        return _failure(stage, sample, answer, seconds)
    return _found(stage, sample, answer, seconds)


def _found(stage: str, sample: Sample, answer: Sample, seconds: float) -> Sample:
    values = {**sample.values, stage: findings(sample, answer)}
    return replace(answer, values=values, seconds={**sample.seconds, stage: seconds})


def _failure(stage: str, sample: Sample, error: ClipError, seconds: float) -> Failure:
    return Failure(sample.clip, stage, error, sample.values, {**sample.seconds, stage: seconds}, sample.tokens)


def without_media(items: Sequence[Sample | Failure]) -> list[Sample | Failure]:
    """Drop frames and sound, which no later step looks at."""
    return [item if isinstance(item, Failure) else replace(item, media=None) for item in items]
