"""Light, colour, motion and cuts of drawn pictures whose values are known."""

import numpy as np
import pytest
from numpy.typing import NDArray

from affectgpt.annotate.signal.picture import measure_picture

Frames = NDArray[np.uint8]


def striped(colours: list[tuple[int, int, int]], count: int = 4) -> Frames:
    """Frames of vertical stripes in these colours."""
    row = np.repeat(np.array(colours, np.uint8), 240 // len(colours), axis=0)
    return np.broadcast_to(row, (count, 192, *row.shape)).copy()


def test_black_white_and_grey() -> None:
    for level in (0, 128, 255):
        picture = measure_picture(striped([(level, level, level)]))
        assert picture.brightness == pytest.approx(level / 255, abs=0.01)
        assert picture.contrast == pytest.approx(0.0, abs=1e-6)
        assert picture.colourfulness == pytest.approx(0.0, abs=1e-6)
        assert picture.motion == 0.0
        assert picture.cuts == (False,) * 3


def test_contrast_is_the_spread_of_luma() -> None:
    assert measure_picture(striped([(0, 0, 0), (255, 255, 255)])).contrast == pytest.approx(0.5, abs=0.02)


def test_colour_counts_and_light_does_not() -> None:
    pale = measure_picture(striped([(140, 120, 120), (120, 120, 140)])).colourfulness
    vivid = measure_picture(striped([(255, 0, 0), (0, 0, 255)])).colourfulness
    grey = measure_picture(striped([(0, 0, 0), (255, 255, 255)])).colourfulness
    assert grey < pale < vivid
    assert vivid > 109


def test_colourfulness_of_two_stripes_is_that_of_the_formula() -> None:
    # red-green is 255 and 0, yellow-blue 127.5 and -255: spreads 127.5 and 191.25, means 127.5 and -63.75.
    expected = np.hypot(127.5, 191.25) + 0.3 * np.hypot(127.5, 63.75)
    assert measure_picture(striped([(255, 0, 0), (0, 0, 255)])).colourfulness == pytest.approx(expected, rel=1e-3)


def test_a_jump_to_another_picture_is_a_cut_and_no_motion() -> None:
    first = striped([(200, 40, 40), (30, 30, 160), (20, 120, 20)])
    second = striped([(20, 20, 20), (220, 220, 60), (90, 90, 90)])
    picture = measure_picture(np.concatenate([first, second, first]))
    assert [i for i, cut in enumerate(picture.cuts) if cut] == [3, 7]
    assert picture.motion == 0.0


def test_a_change_of_light_is_no_cut() -> None:
    frames = striped([(100, 40, 40), (30, 30, 100), (20, 120, 20)])
    frames[2:] = frames[2:] * 2
    picture = measure_picture(frames)
    assert not any(picture.cuts)
    assert picture.motion is not None
    assert picture.motion > 0.02


def test_more_movement_is_more_motion() -> None:
    frames = striped([(200, 40, 40), (30, 30, 160), (20, 120, 20), (200, 200, 200)], 6)
    slow = np.stack([np.roll(frame, 2 * i, axis=1) for i, frame in enumerate(frames)])
    fast = np.stack([np.roll(frame, 8 * i, axis=1) for i, frame in enumerate(frames)])
    motions = [measure_picture(moving).motion for moving in (frames, slow, fast)]
    assert motions == sorted(motions)
    assert len(set(motions)) == 3


def test_one_frame_says_nothing_about_motion() -> None:
    picture = measure_picture(striped([(200, 40, 40)], 1))
    assert picture.motion is None
    assert picture.cuts == ()


def test_any_size_is_measured() -> None:
    for height, width in ((1, 1), (1, 300), (224, 2)):
        assert measure_picture(np.full((3, height, width, 3), 255, np.uint8)).brightness == pytest.approx(1.0)
