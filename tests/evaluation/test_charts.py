import re

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


def test_names_beside_points_never_lie_on_each_other() -> None:
    drawing = charts.scatter([point(number, 0.5, 0.5) for number in range(1, 9)])
    lines = sorted(float(y) for y in re.findall(r'<text class="name" x="[\d.]+%" y="([-\d.]+)"', drawing))
    assert len(lines) == 8 and min(np.diff(lines)) >= 17 and lines[0] > 0 and lines[-1] <= 400


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
