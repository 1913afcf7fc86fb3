"""The drawn heads are found by the detector of the visual clue, and do what their emotion says."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from affectgpt.annotate.signal.faces import FaceFinder
from affectgpt.demo.clips import CAST
from affectgpt.demo.face import EXPRESSIONS, FRAME_RATE, HEIGHT, WIDTH, Look, talking_head

OPENING = 0.5 + 0.5 * np.sin(np.arange(2 * FRAME_RATE) * 0.8)


def drawn(look: Look, emotion: str, opening: NDArray[np.float64] = OPENING, seed: int = 0) -> list[NDArray[np.uint8]]:
    return list(talking_head(look, EXPRESSIONS[emotion], opening, np.random.default_rng(seed)))


@pytest.mark.parametrize("person", CAST, ids=lambda person: person.name)
def test_one_face_is_found_in_most_frames_whatever_the_emotion(person) -> None:  # type: ignore[no-untyped-def]
    finder = FaceFinder()
    counts = [
        len(faces)
        for emotion in EXPRESSIONS
        for faces in finder.find(
            [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in drawn(person.look, emotion)[::6]]
        )
    ]
    assert max(counts) == 1
    assert np.mean(counts) > 0.9


def test_frames_have_the_size_and_the_number_that_was_asked_for() -> None:
    frames = drawn(CAST[0].look, "neutral")
    assert len(frames) == len(OPENING)
    assert {(frame.shape, frame.dtype) for frame in frames} == {((HEIGHT, WIDTH, 3), np.dtype(np.uint8))}


def mean_change(frames: list[NDArray[np.uint8]]) -> float:
    return float(np.abs(np.diff(np.stack(frames[::5]).astype(np.float32), axis=0)).mean())


def test_the_mouth_follows_the_voice() -> None:
    look = CAST[0].look
    assert mean_change(drawn(look, "neutral")) > 1.3 * mean_change(drawn(look, "neutral", np.zeros(len(OPENING))))


def test_an_angry_head_moves_more_than_a_bored_one() -> None:
    silent = np.zeros(len(OPENING))
    assert mean_change(drawn(CAST[1].look, "anger", silent)) > 2 * mean_change(drawn(CAST[1].look, "boredom", silent))


def test_people_and_backgrounds_differ_and_a_seed_repeats_them() -> None:
    first = drawn(CAST[0].look, "fear", OPENING[:2])
    assert np.array_equal(first, drawn(CAST[0].look, "fear", OPENING[:2]))
    assert not np.array_equal(first, drawn(CAST[0].look, "fear", OPENING[:2], seed=1))
    assert not np.array_equal(first, drawn(CAST[3].look, "fear", OPENING[:2]))
