"""Takes clips through decoding and the annotation steps; the whole of the work on one clip, without any cluster."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from affectgpt.annotate.sample import Decoded, Sample
from affectgpt.annotate.step import Step
from affectgpt.clips.clip import Clip
from affectgpt.clips.decoding import DecodeSettings, decode
from affectgpt.clips.isolation import IsolatedProcess
from affectgpt.errors import ClipError


@dataclass(frozen=True, slots=True, eq=False)
class Failure:
    """A clip that a stage could not use: where, why, and the time spent on it per stage."""

    clip: Clip
    stage: str
    error: ClipError
    seconds: Mapping[str, float] = field(default_factory=dict)


def decode_samples(
    samples: Sequence[Sample], settings: DecodeSettings, isolated: IsolatedProcess
) -> list[Sample | Failure]:
    """Decode each sample's clip in the isolated process; a clip that cannot be decoded becomes a Failure."""
    decoded: list[Sample | Failure] = []
    for sample in samples:
        start = time.perf_counter()
        try:
            media = isolated.call(decode, sample.clip, settings)
        except ClipError as error:
            decoded.append(Failure(sample.clip, "decode", error, {"decode": time.perf_counter() - start}))
        else:
            found = Decoded(media.duration_s, media.has_video, media.has_audio, media.frames_expected, media.frames_got)
            seconds = {"decode": time.perf_counter() - start}
            decoded.append(replace(sample, media=media, decoded=found, seconds=seconds))
    return decoded


def run_step(step: Step, items: Sequence[Sample | Failure]) -> list[Sample | Failure]:
    """Run one step on the samples among the items; failures pass through, and the order stays."""
    samples = [item for item in items if isinstance(item, Sample)]
    start = time.perf_counter()
    answers = step.annotate(samples) if samples else ()
    seconds = (time.perf_counter() - start) / max(len(samples), 1)
    if len(answers) != len(samples):
        raise RuntimeError(f"step {step.name} answered {len(answers)} of {len(samples)} samples")
    remaining = iter(zip(samples, answers, strict=True))
    return [item if isinstance(item, Failure) else _outcome(step.name, *next(remaining), seconds) for item in items]


def _outcome(stage: str, sample: Sample, answer: Sample | ClipError, seconds: float) -> Sample | Failure:
    spent = {**sample.seconds, stage: seconds}
    if isinstance(answer, ClipError):
        return Failure(sample.clip, stage, answer, spent)
    return replace(answer, seconds=spent)


def without_media(items: Sequence[Sample | Failure]) -> list[Sample | Failure]:
    """Drop frames and sound, which no later step looks at."""
    return [item if isinstance(item, Failure) else replace(item, media=None) for item in items]
