"""Which frames of a span are taken, and how large they become: arithmetic only, nothing is decoded here."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from fractions import Fraction
from itertools import accumulate, pairwise

# Containers round time stamps to a millisecond or coarser: what touches a span by less does not lie in it.
_CLOCK_S = 1e-3


# Behind a jump of the time stamps, or on a slide, a frame stays for long: more than this does not count.
_LONGEST_HOLD_S = 2.0


def choose_frames(times_s: Sequence[float], until_s: float, start_s: float, end_s: float, count: int) -> list[int]:
    """Choose the frames that are on screen at the centres of ``count`` equal parts of the video's part of a span.

    A frame is on screen from its own time until the next frame's; of a frame that stays for more than 2 s only these
    count, so that a gap in the video does not eat up the choice. Where one frame is on screen at several centres, the
    later ones take the frames that follow: no frame is taken twice.

    Args:
        times_s: when each frame appears, ascending.
        until_s: when the last frame ends.
        start_s: begin of the span.
        end_s: end of the span.
        count: how many frames are asked for.

    Returns:
        Ascending indices into ``times_s``: ``count`` of them, or all frames in the span where it holds fewer, or
        none where the video lies outside of the span.
    """
    first = max(0, bisect_right(times_s, start_s + _CLOCK_S) - 1)
    behind = bisect_left(times_s, end_s - _CLOCK_S)
    ended = first == len(times_s) - 1 and times_s[first] < start_s - _CLOCK_S and until_s <= start_s + _CLOCK_S
    if ended or first >= behind:
        return []
    if behind - first <= count:
        return list(range(first, behind))
    last_end_s = times_s[behind] if behind < len(times_s) else until_s
    edges_s = [max(start_s, times_s[first]), *times_s[first + 1 : behind], min(end_s, last_end_s)]
    holds_s = (min(after - before, _LONGEST_HOLD_S) for before, after in pairwise(edges_s))
    *begins_s, total_s = accumulate(holds_s, initial=0.0)
    chosen: list[int] = []
    for part in range(count):
        on_screen = first + bisect_right(begins_s, (part + 0.5) / count * total_s) - 1
        after_previous = chosen[-1] + 1 if chosen else first
        chosen.append(min(max(on_screen, after_previous), behind - count + part))
    return chosen


def fitted_size(width: int, height: int, pixel_aspect: Fraction | None, frame_size: int) -> tuple[int, int]:
    """Fit a picture into the size that models take, keeping the aspect ratio that viewers see.

    The shorter side becomes ``frame_size``; where that makes the longer one more than twice as long, the longer one
    becomes ``2 * frame_size`` and the shorter one shrinks. The side that follows from the other is even.

    Args:
        width: stored pixels from left to right.
        height: stored pixels from top to bottom.
        pixel_aspect: width of one pixel divided by its height; None or 0 means square.
        frame_size: length of the shorter side in pixels.

    Returns:
        Width and height in pixels, both at least 1.
    """
    aspect = float(Fraction(width, height) * (pixel_aspect or 1))
    longer = max(aspect, 1.0 / aspect) * frame_size
    if longer <= 2 * frame_size:
        shorter, longer = frame_size, max(frame_size, min(2 * frame_size, _even(longer)))
    else:
        shorter, longer = min(frame_size, _even(2 * frame_size**2 / longer)), 2 * frame_size
    return (longer, shorter) if aspect >= 1.0 else (shorter, longer)


def _even(length: float) -> int:
    return max(2, 2 * round(length / 2))
