from fractions import Fraction
from math import inf

import pytest

from affectgpt.clips.sampling import choose_frames, fitted_size

STEADY = [number / 25 for number in range(75)]


def test_takes_the_frame_on_screen_at_the_centre_of_each_part() -> None:
    assert choose_frames(STEADY, 3.0, 0.0, inf, 4) == [9, 28, 46, 65]


def test_spreads_over_the_part_of_the_video_that_lies_in_the_span() -> None:
    late = [1.0 + time_s for time_s in STEADY]
    assert choose_frames(late, 4.0, 0.0, 2.0, 5) == [2, 7, 12, 17, 22]
    assert choose_frames(STEADY, 3.0, 2.0, 9.0, 5) == [52, 57, 62, 67, 72]


def test_takes_each_frame_once_where_there_are_too_few() -> None:
    assert choose_frames([0.0, 0.5, 2.0], 2.1, 0.0, inf, 8) == [0, 1, 2]
    assert choose_frames(STEADY, 3.0, 1.0, 1.08, 8) == [25, 26]


def test_the_frame_that_is_on_screen_when_the_span_begins_belongs_to_it() -> None:
    assert choose_frames([0.0, 1.9, 6.0], 6.1, 2.5, 5.0, 8) == [1]
    assert choose_frames([0.0, 1.0], 9.0, 2.5, 5.0, 8) == [1]


def test_nothing_is_taken_where_the_video_lies_outside_of_the_span() -> None:
    assert choose_frames(STEADY, 3.0, 3.0, 5.0, 8) == []
    assert choose_frames(STEADY, 3.0, 3.5, 5.0, 8) == []
    assert choose_frames([7.0, 7.5], 8.0, 0.0, 5.0, 8) == []


def test_times_that_differ_by_rounding_lie_on_the_same_side_of_an_edge() -> None:
    rounded = [round(time_s, 3) + 0.0004 for time_s in STEADY]
    assert choose_frames(rounded, 3.0, 1.0, 1.12, 8) == [25, 26, 27]


def test_no_frame_is_taken_twice_where_one_stays_for_long() -> None:
    chosen = choose_frames([0.0, *(1.5 + number / 25 for number in range(20))], 2.3, 0.0, inf, 8)
    assert len(set(chosen)) == 8
    assert chosen == sorted(chosen)


def test_a_gap_does_not_eat_up_the_choice() -> None:
    with_gap = [time_s if time_s < 1.5 else time_s + 1000 for time_s in STEADY]
    chosen = choose_frames(with_gap, 1003.0, 0.0, inf, 9)
    assert sum(number < 38 for number in chosen) >= 3
    assert sum(number >= 38 for number in chosen) >= 3


@pytest.mark.parametrize(
    ("stored", "pixel_aspect", "fitted"),
    [
        ((1280, 720), None, (398, 224)),
        ((720, 1280), Fraction(1), (224, 398)),
        ((640, 640), Fraction(0), (224, 224)),
        ((1, 1), None, (224, 224)),
        ((1000, 100), None, (448, 44)),
        ((100, 1000), None, (44, 448)),
        ((16384, 1), None, (448, 2)),
        ((720, 576), Fraction(16, 15), (298, 224)),
        ((352, 288), Fraction(2), (448, 184)),
        ((96, 128), Fraction(2), (336, 224)),
    ],
)
def test_fits_pictures(stored: tuple[int, int], pixel_aspect: Fraction | None, fitted: tuple[int, int]) -> None:
    assert fitted_size(*stored, pixel_aspect, 224) == fitted


def test_odd_sizes_are_kept_where_they_are_asked_for() -> None:
    assert fitted_size(640, 640, None, 225) == (225, 225)
    assert fitted_size(1920, 1080, None, 1) == (2, 1)
