import math
import re
from dataclasses import replace

import numpy as np
import pytest

from affectgpt.evaluation.report import charts


def point(number: int, precision: float, recall: float) -> charts.Point:
    return charts.Point(number, f"model {number}", precision, recall, (precision - 0.03, precision + 0.03), None)


def test_points_lie_at_their_recall_and_precision() -> None:
    drawing = charts.scatter([point(1, 0.50, 0.45), point(2, 0.36, 0.60)])
    marks = [
        tuple(map(float, mark))
        for mark in re.findall(r'<circle class="point" cx="([\d.]+)%" cy="([\d.]+)" r="10"', drawing)
    ]
    # The axes go from 30 to 70 percent; the plot is 400 pixels high.
    assert marks == [(37.5, 200.0), (75.0, 340.0)]
    assert drawing.count('class="whisker"') == 2
    assert ">1 model 1</text>" in drawing and "model 2: recall 60.0 %, precision 36.0 %" in drawing


def test_curves_join_points_of_equal_f() -> None:
    drawing = charts.scatter([point(1, 0.50, 0.45), point(2, 0.36, 0.60)])
    curves = re.findall(r'<path d="M(.*?)"/>', drawing)
    named = [float(name) / 100 for name in re.findall(r">F (\d+)</text>", drawing)]
    assert named == [0.4, 0.5, 0.6]
    for curve, f in zip(curves, named, strict=True):
        across, down = np.array(curve.split(), float).reshape(-1, 2).T
        recall, precision = 0.3 + 0.4 * across / 1000, 0.7 - 0.4 * down / 1000
        np.testing.assert_allclose(2 * precision * recall / (precision + recall), f, atol=2e-4)
        assert across.min() >= 0 and across.max() <= 1000 and down.min() >= 0 and down.max() <= 1000
        assert {0.0, 1000.0} & {*across, *down}, "the curve goes on to an edge of the plot"


Box = tuple[float, float, float, float]


def drawn_names(drawing: str, width: float) -> dict[int, Box]:
    """Find where each number with a name stands in a plot of a width in pixels: left, right, top and bottom."""
    found: dict[int, Box] = {}
    pattern = (
        r'<text class="name" x="([\d.]+)%" y="([\d.]+)" dx="(-?15)" dy="-0.4em" text-anchor="(\w+)">(\d+)( [^<]+)<'
    )
    for across, down, gap, anchor, number, name in re.findall(pattern, drawing):
        edge, length = float(across) * width / 100 + float(gap), 8 * len(number + name)
        left = edge if anchor == "start" else edge - length
        found[int(number)] = (left, left + length, float(down) - 18, float(down))
    return found


def drawn_points(drawing: str, width: float) -> dict[int, tuple[float, float]]:
    marks = re.findall(r'cx="([\d.]+)%" cy="([\d.]+)" r="10"/><text class="inside"[^>]*>(\d+)<', drawing)
    return {int(number): (float(across) * width / 100, float(down)) for across, down, number in marks}


def distance(box: Box, x: float, y: float) -> float:
    left, right, top, bottom = box
    return math.hypot(max(left - x, x - right, 0), max(top - y, y - bottom, 0))


@pytest.mark.parametrize("width", [760, 800])
@pytest.mark.parametrize("spread", [0.02, 0.05, 0.3])
def test_each_name_is_clearly_nearest_to_its_own_point(spread: float, width: int) -> None:
    rng = np.random.default_rng(7)
    written = 0
    for _ in range(60):
        values = 0.5 + spread * rng.uniform(-1, 1, (8, 2))
        drawing = charts.scatter([point(number, *pair) for number, pair in enumerate(values.tolist(), start=1)])
        places, names = drawn_points(drawing, width), drawn_names(drawing, width)
        assert len(places) == 8
        for number, box in names.items():
            nearest = min(distance(box, *place) for other, place in places.items() if other != number)
            assert distance(box, *places[number]) + 8 < nearest
            assert box[0] >= 0 and box[1] <= width
        boxes = list(names.values())
        for index, (left, right, top, bottom) in enumerate(boxes):
            for other in boxes[index + 1 :]:
                assert right < other[0] or other[1] < left or bottom <= other[2] or other[3] <= top
        written += len(names)
    assert written >= 60, "some point has room for its name"


def test_points_on_one_spot_carry_numbers_alone() -> None:
    drawing = charts.scatter([point(1, 0.5, 0.5), point(2, 0.5, 0.5), point(3, 0.35, 0.3)])
    assert list(drawn_names(drawing, 800)) == [3] and len(drawn_points(drawing, 800)) == 3


def test_a_chinese_name_is_twice_as_wide() -> None:
    middle = point(1, 0.5, 0.4)
    names = ["x" * 24, "预测" * 12]
    drawings = [charts.scatter([replace(middle, name=name), point(2, 0.5, 0.3)]) for name in names]
    assert [">1 " in drawing for drawing in drawings] == [True, False]


def test_a_name_stands_on_the_side_without_another_point() -> None:
    drawing = charts.scatter([point(1, 0.60, 0.52), point(2, 0.59, 0.54), point(3, 0.4, 0.35)])
    anchors = re.findall(r'<text class="name"[^>]*text-anchor="(\w+)">\d (model \d)<', drawing)
    assert anchors == [("end", "model 1"), ("start", "model 2"), ("start", "model 3")]


def test_many_points_carry_numbers_alone() -> None:
    drawing = charts.scatter([point(number, 0.3 + 0.01 * number, 0.4) for number in range(1, 31)])
    assert 'class="name"' not in drawing and drawing.count('class="inside"') == 30


@pytest.mark.parametrize(
    ("values", "limits"),
    [([], (0.0, 1.0)), ([0.0], (0.0, 0.2)), ([1.0], (0.8, 1.0)), ([0.55], (0.4, 0.6)), ([0.31, 0.69], (0.2, 0.8))],
)
def test_axes_span_the_tenths_around_the_values(values: list[float], limits: tuple[float, float]) -> None:
    assert charts.tenths_around(values) == pytest.approx(limits)


def test_an_interval_is_drawn_where_it_lies() -> None:
    drawing = charts.interval(0.55, (0.5, 0.65), (0.4, 0.8))
    assert 'x1="25.00%" x2="62.50%"' in drawing and 'cx="37.50%"' in drawing
