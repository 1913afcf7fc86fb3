"""Who speaks and who listens, on real talking heads."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from affectgpt.annotate.quality.faces import face_in_view, mouth_movement
from affectgpt.annotate.quality.voice import voiced_hops
from affectgpt.clips.media import Media
from affectgpt.dataset.filters import NotTheSpeaker
from tests.annotate.quality.media import decoded, encoded_again, sample_of

LEAST = NotTheSpeaker().least


@pytest.fixture(scope="module")
def talking_heads(shared_media: Path) -> dict[str, Media]:
    heads = {path.name: decoded(path) for path in sorted((shared_media / "grid").glob("*.mpg"))}
    assert heads, "the folder with talking heads is empty"
    return heads


def with_frames(media: Media, frames: NDArray[np.uint8]) -> Media:
    """The same clip with other pictures, evenly over its length."""
    times = (np.arange(len(frames)) + 0.5) * media.duration_s / len(frames)
    return replace(media, frames=frames, frame_times_s=times)


def test_a_talking_head_is_in_view_and_speaks(talking_heads: dict[str, Media]) -> None:
    for name, media in talking_heads.items():
        assert face_in_view(sample_of(media)) == 1.0, name
        moved = mouth_movement(sample_of(media))
        assert moved is not None, name
        assert moved > 3 * LEAST, f"{name}: {moved}"


def test_it_speaks_at_half_the_size_and_a_low_bitrate_too(shared_media: Path, tmp_path: Path) -> None:
    for path in sorted((shared_media / "grid").glob("*.mpg"))[:4]:
        small = decoded(encoded_again(decoded(path, frames=75), tmp_path / "small.mkv"))
        moved = mouth_movement(sample_of(small))
        assert moved is not None, path.name
        assert moved > LEAST, f"{path.name}: {moved}"


def test_a_person_who_has_finished_speaking_is_not_the_speaker_of_a_voice_laid_over(shared_media: Path) -> None:
    scores = []
    for path in sorted((shared_media / "grid").glob("*.mpg")):
        media = decoded(path, frames=75)
        end_s = np.flatnonzero(voiced_hops(media.sound))[-1] / 100
        listening = media.frames[media.frame_times_s > end_s + 0.35]
        if len(listening) >= 8:
            picked = listening[np.linspace(0, len(listening) - 1, 8).round().astype(int)]
            scores.append(mouth_movement(sample_of(with_frames(media, picked))))
    assert len(scores) >= 8
    assert sum(score is not None and score < LEAST for score in scores) >= len(scores) - 1, scores


def test_a_still_face_does_not_speak(talking_heads: dict[str, Media]) -> None:
    for name, media in talking_heads.items():
        still = with_frames(media, np.repeat(media.frames[:1], 8, axis=0))
        assert mouth_movement(sample_of(still)) == pytest.approx(0.0, abs=0.01), name


def test_without_voice_nobody_is_denied_to_speak(talking_heads: dict[str, Media]) -> None:
    media = next(iter(talking_heads.values()))
    noise = np.random.default_rng(0).normal(0, 0.1, len(media.sound)).astype(np.float32)
    for sound in (noise[:0], np.zeros_like(noise), noise):
        assert mouth_movement(sample_of(replace(media, sound=sound))) is None


def test_only_what_is_beside_voice_counts(talking_heads: dict[str, Media]) -> None:
    media = next(iter(talking_heads.values()))
    silenced = media.sound.copy()
    silenced[: len(silenced) // 2] = 0
    mixed = media.frames.copy()
    mixed[4:] = mixed[4]
    moved = mouth_movement(sample_of(replace(media, frames=mixed, sound=silenced)))
    assert moved == pytest.approx(0.0, abs=0.01)


def test_without_a_face_or_a_second_frame_no_mouth_is_measured(talking_heads: dict[str, Media]) -> None:
    media = next(iter(talking_heads.values()))
    wall = replace(media, frames=np.full_like(media.frames, 128))
    assert face_in_view(sample_of(wall)) == 0.0
    assert mouth_movement(sample_of(wall)) is None
    assert mouth_movement(sample_of(with_frames(media, media.frames[:1]))) is None
    blind = replace(media, frames=media.frames[:0], frame_times_s=media.frame_times_s[:0])
    assert face_in_view(sample_of(blind)) is None
    assert mouth_movement(sample_of(blind)) is None


def test_half_of_the_frames_with_a_face_is_half(talking_heads: dict[str, Media]) -> None:
    media = next(iter(talking_heads.values()))
    frames = media.frames.copy()
    frames[4:] = 128
    assert face_in_view(sample_of(replace(media, frames=frames))) == 0.5
