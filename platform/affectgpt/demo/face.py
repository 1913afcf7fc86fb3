"""A drawn talking head: its mouth follows a voice, its brows, eyes, mouth and movement follow an emotion."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT = 320, 240
"""Size of the picture in pixels."""
FRAME_RATE = 25

Frame = NDArray[np.uint8]
Colour = tuple[int, int, int]
Point = tuple[float, float]

_SIDE = 240
_CENTRE = (120.0, 128.0)
_HALF_HEIGHT = 66.0
_EYE_Y, _NOSE_Y, _MOUTH_Y = -9.0, 18.0, 37.0
_SUBPIXEL = 4
_COVERED = (255, 255, 255)
_LIGHT = np.array([-0.4, -0.45, 0.8])


@dataclass(frozen=True, slots=True)
class Look:
    """What a person looks like; colours are RGB."""

    skin: Colour
    hair: Colour
    lips: Colour
    shirt: Colour
    half_width: float
    long_hair: bool = False
    beard: bool = False
    glasses: bool = False


@dataclass(frozen=True, slots=True)
class Expression:
    """What an emotion does to a face.

    Attributes:
        brows_up: how far the brows are raised, in pixels.
        brows_slant: how much higher their inner ends are than their outer ends, in pixels; negative is a frown.
        smile: how far the corners of the mouth are raised, in pixels.
        eyes: how wide the eyes are open; 1 is usual.
        sway: how far the head moves, in pixels.
        sway_hz: how fast.
        nod: how far the head goes down with each loud syllable, in pixels.
    """

    brows_up: float
    brows_slant: float
    smile: float
    eyes: float
    sway: float
    sway_hz: float
    nod: float


EXPRESSIONS = {
    "anger": Expression(-4.0, -7.0, -3.0, 0.95, 17.0, 0.9, 10.0),
    "happiness": Expression(2.0, 0.0, 8.5, 0.9, 15.0, 0.6, 4.0),
    "fear": Expression(5.0, 5.0, -2.0, 1.3, 7.0, 1.6, 1.0),
    "surprise": Expression(6.0, 1.0, 0.0, 1.3, 12.0, 0.5, 4.0),
    "neutral": Expression(0.0, 0.0, 0.0, 1.0, 1.5, 0.3, 1.0),
    "sadness": Expression(1.0, 5.0, -5.0, 0.75, 1.5, 0.2, 0.5),
    "boredom": Expression(-1.0, 0.0, -1.5, 0.6, 1.0, 0.15, 0.3),
}
"""The expression of each emotion that the made people can have."""


def talking_head(
    look: Look, expression: Expression, opening: NDArray[np.float64], rng: np.random.Generator
) -> Iterator[Frame]:
    """Draw a person who speaks.

    Args:
        look: the person.
        expression: how they feel.
        opening: how far the mouth is open in each frame, shape (N,), 0 closed to 1 wide.
        rng: chooses the background, where the person sits, and when they blink and move.

    Yields:
        N frames, uint8 RGB of shape (HEIGHT, WIDTH, 3).
    """
    place = np.array([WIDTH / 2 + rng.uniform(-25, 25), HEIGHT / 2 + rng.uniform(-4, 8)])
    behind = _body(_background(rng), look, place)
    head, outline = _head(look)
    moves = _movement(expression, opening, rng)
    blinks = _blinks(len(opening), rng)
    for open_by, (right, down, tilt), lids in zip(opening, moves, blinks, strict=True):
        face = head.copy()
        _draw_eyes(face, look, expression, lids)
        _draw_mouth(face, look, expression.smile, float(open_by))
        turn = cv2.getRotationMatrix2D((_CENTRE[0], _CENTRE[1] + 40), float(tilt), 1.0)
        turn[:, 2] = turn[:, 2] + place - _CENTRE + (right, down)
        size = (WIDTH, HEIGHT)
        moved = cv2.warpAffine(face, turn, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        weight = cv2.warpAffine(outline, turn, size, flags=cv2.INTER_LINEAR)
        yield np.asarray(cv2.blendLinear(moved, behind, weight, 1.0 - weight), dtype=np.uint8)


def _movement(expression: Expression, opening: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """How far right and down and how tilted the head is in each frame: shape (N, 3), pixels and degrees."""
    seconds = np.arange(len(opening)) / FRAME_RATE
    rates = expression.sway_hz * np.array([1.0, 0.73, 0.58])
    sway = np.sin(2 * np.pi * (rates * seconds[:, None] + rng.uniform(0, 1, 3)))
    loud = np.convolve(np.pad(opening, 2, mode="edge"), np.ones(5) / 5, mode="valid")
    moves: NDArray[np.float64] = sway * expression.sway * (1.0, 0.5, 0.35)
    moves[:, 1] += expression.nod * loud
    return moves


def _blinks(count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """How far the lids are closed in each frame, 0 to 1: a blink of 0.2 s every few seconds."""
    lids = np.zeros(count)
    for start in np.cumsum(rng.uniform(1.5, 3.5, 8) * FRAME_RATE).astype(int):
        span = lids[start : start + 5]
        span[:] = np.array([0.5, 1.0, 1.0, 0.6, 0.2])[: len(span)]
    return lids


def _background(rng: np.random.Generator) -> Frame:
    """A wall with soft light, and on some walls a window, a picture or the folds of a curtain."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH] / (HEIGHT, WIDTH)[0]
    colour = rng.uniform(85, 175) + rng.uniform(-28, 28, 3)
    light = 1.1 - 0.35 * np.hypot(x - rng.uniform(0.2, 1.1), y - 0.2)
    wall = colour * light[..., None]
    kind = rng.integers(3)
    if kind == 1:
        wall *= 1.0 + 0.06 * np.sin(x * rng.uniform(40, 70))[..., None]
    picture = np.clip(wall, 0, 255).astype(np.uint8)
    if kind == 2:
        left = int(rng.choice([8, 240]))
        top = int(rng.integers(15, 50))
        inside = tuple(int(value) for value in rng.uniform(60, 220, 3))
        cv2.rectangle(picture, (left, top), (left + 70, top + 90), (60, 50, 45), -1)
        cv2.rectangle(picture, (left + 5, top + 5), (left + 65, top + 85), inside, -1)
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), 1.5), dtype=np.uint8)


def _body(picture: Frame, look: Look, place: NDArray[np.float64]) -> Frame:
    """Shoulders and neck, drawn over the background."""
    x, y = int(place[0]), int(place[1])
    darker = _shade(look.skin, 0.72)
    cv2.ellipse(picture, (x, y + 148), (115, 72), 0, 0, 360, look.shirt, -1, cv2.LINE_AA)
    cv2.rectangle(picture, (x - 24, y + 40), (x + 24, y + 92), darker, -1)
    cv2.ellipse(picture, (x, y + 90), (24, 12), 0, 0, 360, darker, -1, cv2.LINE_AA)
    return picture


def _head(look: Look) -> tuple[Frame, NDArray[np.float32]]:
    """The head without what moves: RGB, and how much it covers the background in [0, 1]."""
    y, x = (axis.astype(np.float64) for axis in np.mgrid[0:_SIDE, 0:_SIDE])
    x, y = x - _CENTRE[0], y - _CENTRE[1]
    jaw = look.half_width * (1.0 - 0.18 * np.clip(y / _HALF_HEIGHT, 0, 1) ** 2)
    across, along = x / jaw, y / _HALF_HEIGHT
    radius = across**2 + along**2
    depth = np.sqrt(np.clip(1.0 - radius, 0, 1))
    light = 0.5 + 0.6 * np.clip(across * _LIGHT[0] + along * _LIGHT[1] + depth * _LIGHT[2], 0, 1)
    light *= 1.0 - _spot(x, y, (0, _EYE_Y - 3), (look.half_width * 0.75, 9)) * 0.18
    for side in (-1, 1):
        light *= 1.0 - _spot(x, y, (side * 0.42 * look.half_width, _EYE_Y), (11, 8)) * 0.38
        light *= 1.0 + _spot(x, y, (side * 0.5 * look.half_width, 14), (11, 9)) * 0.12
        light *= 1.0 - _spot(x, y, (side * 5, _NOSE_Y + 3), (3, 2.2)) * 0.55
    light *= 1.0 + _spot(x, y, (-1, 4), (3.5, 16)) * 0.2
    light *= 1.0 - _spot(x, y, (7, 8), (3.5, 12)) * 0.2
    light *= 1.0 - _spot(x, y, (0, _MOUTH_Y + 12), (12, 3)) * 0.2
    if look.beard:
        light *= 1.0 - 0.55 * np.clip((along - 0.3) * 5, 0, 1) * (np.abs(across) < 1.2)
    skin = np.clip(np.array(look.skin) * light[..., None], 0, 255)

    cover = np.zeros((_SIDE, _SIDE), np.uint8)
    head = np.empty((_SIDE, _SIDE, 3), np.uint8)
    head[:] = np.array(look.skin) // 2
    _draw_back(head, cover, look)
    inside = np.clip((1.0 - radius) * 12, 0, 1)[..., None]
    head = (head * (1 - inside) + skin * inside).astype(np.uint8)
    _oval(cover, (0, 0), (look.half_width, _HALF_HEIGHT), _COVERED)
    _draw_hair(head, cover, look)
    edge = np.asarray(cv2.GaussianBlur(cover, (0, 0), 0.8), dtype=np.float32) / np.float32(255)
    return head, edge


def _draw_back(head: Frame, cover: Frame, look: Look) -> None:
    """Ears, and the hair behind the face."""
    for side in (-1, 1):
        ear = _shade(look.skin, 0.8)
        for canvas, colour in ((head, ear), (cover, _COVERED)):
            _oval(canvas, (side * look.half_width, 2), (7, 13), colour)
    if look.long_hair:
        for canvas, colour in ((head, look.hair), (cover, _COVERED)):
            _oval(canvas, (0, 12), (look.half_width + 15, 84), colour)
    neck = _shade(look.skin, 0.72)
    for canvas, colour in ((head, neck), (cover, _COVERED)):
        cv2.rectangle(canvas, _pixels((-20, 40)), _pixels((20, 76)), colour, -1, cv2.LINE_AA, _SUBPIXEL)


def _draw_hair(head: Frame, cover: Frame, look: Look) -> None:
    """The hair above the forehead, with a few lighter strands."""
    width = look.half_width
    angles = np.linspace(np.pi, 2 * np.pi, 24)
    outer = [(1.1 * width * np.cos(a), -14 + 66 * np.sin(a)) for a in angles]
    inner = [(0.93 * width * np.cos(a), -20 + 26 * np.sin(a)) for a in angles[::-1]]
    _fill(head, outer + inner, look.hair)
    _fill(cover, outer + inner, _COVERED)
    strand = _shade(look.hair, 1.5)
    for a in np.linspace(1.15 * np.pi, 1.85 * np.pi, 9):
        start, end = (0.95 * width * np.cos(a), -22 + 32 * np.sin(a)), (1.0 * width * np.cos(a), -14 + 60 * np.sin(a))
        cv2.line(head, _pixels(start), _pixels(end), strand, 1, cv2.LINE_AA, _SUBPIXEL)


def _draw_eyes(face: Frame, look: Look, expression: Expression, lids: float) -> None:
    """Eyes, brows and glasses."""
    lid = _shade(look.skin, 0.45)
    brow = _shade(look.hair, 0.8)
    open_by = max(5.2 * expression.eyes * (1.0 - lids), 0.0)
    for side in (-1, 1):
        x = side * 0.42 * look.half_width
        if open_by > 1.0:
            _oval(face, (x, _EYE_Y), (10.0, open_by), (235, 232, 228))
            _oval(face, (x, _EYE_Y), (min(4.8, open_by), min(4.8, open_by)), (60, 42, 30))
            _oval(face, (x, _EYE_Y), (2.2, min(2.2, open_by)), (12, 10, 10))
        _curve(face, (x - 11, _EYE_Y + 1), (x, _EYE_Y - open_by * 1.25), (x + 11, _EYE_Y + 1), lid, 2)
        inner, outer = x - side * 10, x + side * 13
        base = _EYE_Y - 14 - expression.brows_up
        ends = ((inner, base - expression.brows_slant / 2), (outer, base + 2 + expression.brows_slant / 2))
        _curve(face, ends[0], ((inner + outer) / 2, base - 4), ends[1], brow, 4)
        if look.glasses:
            _oval(face, (x, _EYE_Y), (15, 12), (45, 40, 40), thickness=1)
    if look.glasses:
        _curve(face, (-6, _EYE_Y - 1), (0, _EYE_Y - 4), (6, _EYE_Y - 1), (45, 40, 40), 1)


def _draw_mouth(face: Frame, look: Look, smile: float, open_by: float) -> None:
    """Lips, and what is seen between them when they are open."""
    half = 17.0 + 0.8 * max(smile, 0.0) - 3.0 * open_by
    up, down = _MOUTH_Y - 2.5 - 2.0 * open_by + 0.3 * smile, _MOUTH_Y + 1.5 + 15.0 * open_by + 0.3 * smile
    corner = 0.6 * up + 0.4 * down - smile
    left, right = (-half, corner), (half, corner)
    upper, lower = _bow(left, (0, up), right), _bow(left, (0, down), right)
    _fill(face, [*upper, *lower[::-1]], (58, 20, 22))
    gap = down - up
    if smile > 0.0 and gap > 5.0:
        teeth = _bow((-0.8 * half, corner + 1), (0, up + min(0.45 * gap, 5.0)), (0.8 * half, corner + 1))
        _fill(face, [*upper[3:-3], *teeth[::-1]], (232, 228, 220))
    darker = _shade(look.lips, 0.75)
    _curve(face, left, (0, up - 1.0), right, darker, 3)
    _curve(face, left, (0, down + 1.5), right, look.lips, 4)


def _spot(x: NDArray[np.float64], y: NDArray[np.float64], centre: Point, spread: Point) -> NDArray[np.float64]:
    """A soft spot of height 1."""
    return np.asarray(np.exp(-0.5 * (((x - centre[0]) / spread[0]) ** 2 + ((y - centre[1]) / spread[1]) ** 2)))


def _pixels(point: Point) -> tuple[int, int]:
    """A point of the face, counted from its middle, in the fixed-point pixels of OpenCV's drawing."""
    return round((point[0] + _CENTRE[0]) * 2**_SUBPIXEL), round((point[1] + _CENTRE[1]) * 2**_SUBPIXEL)


def _shade(colour: Colour, share: float) -> Colour:
    """A colour made darker, or lighter where the share is above 1."""
    red, green, blue = (min(int(value * share), 255) for value in colour)
    return red, green, blue


def _oval(canvas: Frame, centre: Point, axes: Point, colour: Colour, thickness: int = -1) -> None:
    """An ellipse, filled unless a thickness is given."""
    half = (round(axes[0] * 2**_SUBPIXEL), round(axes[1] * 2**_SUBPIXEL))
    cv2.ellipse(canvas, _pixels(centre), half, 0, 0, 360, colour, thickness, cv2.LINE_AA, _SUBPIXEL)


def _fill(canvas: Frame, corners: Sequence[Point], colour: Colour) -> None:
    cv2.fillPoly(canvas, [_shape(corners)], colour, cv2.LINE_AA, _SUBPIXEL)


def _curve(canvas: Frame, start: Point, middle: Point, end: Point, colour: Colour, thickness: int) -> None:
    cv2.polylines(canvas, [_shape(_bow(start, middle, end))], False, colour, thickness, cv2.LINE_AA, _SUBPIXEL)


def _shape(points: Sequence[Point]) -> NDArray[np.int32]:
    return np.array([_pixels(point) for point in points], np.int32)


def _bow(start: Point, middle: Point, end: Point) -> list[Point]:
    """Points of the quadratic Bezier curve that starts, passes the middle and ends at these points."""
    t = np.linspace(0, 1, 13)
    control = 2 * np.array(middle) - (np.array(start) + np.array(end)) / 2
    curve = np.outer((1 - t) ** 2, start) + np.outer(2 * t * (1 - t), control) + np.outer(t**2, end)
    return [(float(x), float(y)) for x, y in curve]
