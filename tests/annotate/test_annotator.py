from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from affectgpt.annotate.annotator import Failure, decode_samples, run_step, without_media
from affectgpt.annotate.engines import ENGINES, STEP_NAMES, check_engine, step_class
from affectgpt.annotate.sample import Sample
from affectgpt.annotate.step import Step, StepProvenance
from affectgpt.clips.clip import Clip
from affectgpt.clips.decoding import DecodeSettings
from affectgpt.clips.isolation import IsolatedProcess
from affectgpt.errors import ClipError
from tests.integration.made import write_clip


class Describe(Step):
    """Describes every clip but those whose id begins with "bad"."""

    name = "merge"

    def annotate(self, samples: Sequence[Sample]) -> list[Sample | ClipError]:
        return [
            ClipError("too-bad", f"{sample.clip.clip_id} is bad")
            if sample.clip.clip_id.startswith("bad")
            else replace(sample, description_en=f"described {sample.clip.clip_id}")
            for sample in samples
        ]

    def provenance(self) -> StepProvenance:
        return StepProvenance("test", "describe", "1")


class Forgetful(Describe):
    """Answers one sample too few."""

    def annotate(self, samples: Sequence[Sample]) -> list[Sample | ClipError]:
        return super().annotate(samples)[1:]


def sample(clip_id: str) -> Sample:
    return Sample(Clip(clip_id, f"/in/{clip_id}.mp4"), seconds={"decode": 0.5})


def test_a_bad_sample_does_not_take_its_batch_with_it() -> None:
    earlier = Failure(Clip("gone", "/in/gone.mp4"), "decode", ClipError("not-found", "..."), {"decode": 0.1})
    one, kept, bad, two = run_step(Describe(), [sample("one"), earlier, sample("bad"), sample("two")])
    assert kept is earlier
    assert isinstance(one, Sample) and one.description_en == "described one"
    assert isinstance(two, Sample) and two.description_en == "described two"
    assert isinstance(bad, Failure)
    assert (bad.stage, bad.error.reason, bad.clip.clip_id) == ("merge", "too-bad", "bad")
    assert set(one.seconds) == set(bad.seconds) == {"decode", "merge"}


def test_a_step_that_forgets_a_sample_is_an_error_of_the_program() -> None:
    with pytest.raises(RuntimeError, match="merge answered 1 of 2"):
        run_step(Forgetful(), [sample("one"), sample("two")])


def test_decoding_gives_media_or_the_reason(tmp_path: Path) -> None:
    good = Sample(Clip("good", str(write_clip(tmp_path / "good.mp4"))))
    gone = Sample(Clip("gone", str(tmp_path / "gone.mp4")))
    replaced = Sample(replace(good.clip, source_version="of yesterday"))
    with IsolatedProcess() as isolated:
        decoded, failed, stale = decode_samples(
            [good, gone, replaced], DecodeSettings(frames=4, frame_size=32), isolated
        )
    assert isinstance(decoded, Sample) and decoded.media is not None and decoded.decoded is not None
    assert decoded.media.frames.shape == (4, 32, 32, 3)
    assert (decoded.decoded.frames_got, decoded.decoded.has_audio) == (4, True)
    assert isinstance(failed, Failure)
    assert (failed.stage, failed.error.reason) == ("decode", "not-found")
    assert isinstance(stale, Failure) and stale.error.reason == "source-changed"
    [light] = without_media([decoded])
    assert isinstance(light, Sample) and light.media is None and light.decoded == decoded.decoded


def test_every_shipped_engine_is_a_step_of_its_name() -> None:
    for name, engine in ENGINES:
        step = step_class(name, engine)()
        assert step.name == name
        assert step.provenance().engine == engine
    assert {name for name, _ in ENGINES} == set(STEP_NAMES) - {"subtitle"}


def test_engines_of_others_are_named_by_module_and_class() -> None:
    assert step_class("merge", "tests.annotate.test_annotator:Describe").__name__ == "Describe"
    for engine in ("nothing", "no.module:Step", "pathlib:Path", "tests.annotate.test_annotator:Missing"):
        with pytest.raises(ValueError, match="merge"):
            check_engine("merge", engine)
