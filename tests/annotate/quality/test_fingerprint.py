"""Fingerprints of real clips, of copies of them, and of clips that have little to tell by."""

from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from affectgpt.annotate.quality.fingerprint import FINGERPRINT_BYTES, difference, fingerprint
from affectgpt.clips.media import Media
from affectgpt.dataset.filters import NearDuplicate
from tests.annotate.quality.media import decoded, encoded_again, sample_of

MOST = NearDuplicate().most_difference


def words(*clips: Media) -> NDArray[np.uint64]:
    """Fingerprints as ``difference`` takes them."""
    prints = [fingerprint(sample_of(media)) for media in clips]
    return np.frombuffer(b"".join(each or bytes(FINGERPRINT_BYTES) for each in prints), np.uint64).reshape(-1, 8)


def apart(first: Media, second: Media) -> float:
    return float(difference(words(first), words(second))[0])


def least_difference(clips: NDArray[np.uint64]) -> float:
    first, second = np.array(list(combinations(range(len(clips)), 2))).T
    return float(difference(clips[first], clips[second]).min())


@pytest.fixture(scope="module")
def talking_heads(shared_media: Path) -> list[Media]:
    heads = [decoded(path, frames=75) for path in sorted((shared_media / "grid").glob("*.mpg"))]
    assert heads, "the folder with talking heads is empty"
    return heads


def test_a_copy_in_other_codecs_at_half_the_size_is_nearly_the_same(talking_heads: list[Media], tmp_path: Path) -> None:
    for media in talking_heads[:5]:
        copy = decoded(encoded_again(media, tmp_path / "copy.mkv"))
        assert 0 < apart(media, copy) < 0.25


def test_a_quieter_copy_with_fewer_frames_is_the_same(talking_heads: list[Media]) -> None:
    media = talking_heads[0]
    copy = replace(media, frames=media.frames[::3], frame_times_s=media.frame_times_s[::3], sound=media.sound / 8)
    assert apart(media, copy) < 0.05


def test_talking_heads_are_told_apart(talking_heads: list[Media]) -> None:
    assert least_difference(words(*talking_heads)) > MOST + 0.1


def test_recordings_of_the_same_sentence_by_the_same_speaker_are_told_apart(shared_media: Path) -> None:
    paths = sorted((shared_media / "emodb").glob("03a0*.flac")) + sorted((shared_media / "emodb").glob("08a0*.flac"))
    assert len(paths) > 40
    assert least_difference(words(*map(decoded, paths))) > MOST + 0.05


def test_the_same_picture_with_other_speech_is_another_clip(talking_heads: list[Media]) -> None:
    one, other = talking_heads[:2]
    assert apart(one, replace(one, sound=other.sound)) > MOST
    assert apart(one, replace(other, sound=one.sound)) > 0


def test_the_same_speech_with_another_picture_is_another_clip(talking_heads: list[Media]) -> None:
    one, other = talking_heads[0], talking_heads[2]
    upside_down = replace(other, frames=np.ascontiguousarray(other.frames[:, ::-1]), sound=one.sound)
    assert apart(one, upside_down) > MOST


def test_a_clip_is_no_duplicate_of_its_sound_alone(talking_heads: list[Media]) -> None:
    media = talking_heads[0]
    heard = replace(media, frames=media.frames[:0], frame_times_s=media.frame_times_s[:0])
    seen = replace(media, sound=media.sound[:0])
    assert apart(media, heard) > MOST
    assert apart(media, seen) > MOST
    assert apart(heard, seen) == 1.0


def test_without_anything_to_tell_by_there_is_none(talking_heads: list[Media]) -> None:
    media = talking_heads[0]
    dark = replace(media, frames=np.zeros_like(media.frames), sound=np.zeros_like(media.sound))
    nothing = replace(dark, frames=dark.frames[:0], frame_times_s=dark.frame_times_s[:0], sound=dark.sound[:0])
    assert fingerprint(sample_of(dark)) is None
    assert fingerprint(sample_of(nothing)) is None


@pytest.mark.parametrize("samples", [1, 100, 5_000, 16_000 * 40])
def test_sound_of_any_length_has_a_fingerprint(talking_heads: list[Media], samples: int) -> None:
    sound = np.random.default_rng(0).normal(0, 0.1, samples).astype(np.float32)
    media = replace(talking_heads[0], sound=sound, duration_s=samples / 16_000)
    assert len(fingerprint(sample_of(media)) or b"") == FINGERPRINT_BYTES
