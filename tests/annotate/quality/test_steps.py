from dataclasses import replace

import numpy as np

from affectgpt.annotate.quality.steps import MediaMeasures, TextMeasures
from affectgpt.annotate.sample import Sample
from affectgpt.clips.clip import Clip
from affectgpt.clips.media import Media

NOISE = np.random.default_rng(0)
SEEN = Media(
    frames=NOISE.integers(0, 256, (4, 48, 64, 3), np.uint8),
    frame_times_s=np.arange(4.0),
    frames_expected=4,
    sound=NOISE.normal(0, 0.1, 64_000).astype(np.float32),
    duration_s=4.0,
    has_video=True,
    has_audio=True,
)
SILENT = Sample(Clip("one", "/one.mp4"), description_en="She is happy and proud.", scores={"before": 1.0})


def test_each_step_takes_its_own_measures() -> None:
    wanted = ("face_in_view", "emotion_words")
    media, text = MediaMeasures(wanted, False), TextMeasures(wanted, False)
    assert media.has_work and text.has_work
    assert not MediaMeasures(("emotion_words",), False).has_work
    assert MediaMeasures((), True).has_work and not TextMeasures((), True).has_work
    [measured] = text.annotate([SILENT])
    assert measured.scores == {"before": 1.0, "emotion_words": 2.0} and measured.fingerprint is None
    assert text.provenance().model == "emotion_words"
    assert MediaMeasures(wanted, True).provenance().model == "face_in_view fingerprint"


def test_a_fingerprint_is_taken_while_the_media_are_there() -> None:
    seen = replace(SILENT, media=SEEN)
    [measured] = MediaMeasures((), True).annotate([seen])
    assert measured.fingerprint is not None and len(bytes.fromhex(measured.fingerprint)) == 64
    [kept] = TextMeasures(("emotion_words",), True).annotate([measured])
    assert kept.fingerprint == measured.fingerprint


def test_what_shows_and_sounds_nothing_has_no_fingerprint() -> None:
    nothing = replace(SEEN, frames=SEEN.frames[:0], frame_times_s=SEEN.frame_times_s[:0], sound=np.zeros(0, np.float32))
    [measured] = MediaMeasures(("face_in_view",), True).annotate([replace(SILENT, media=nothing)])
    assert measured.fingerprint is None and measured.scores == {"before": 1.0}
