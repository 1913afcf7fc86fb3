import re
from dataclasses import replace

import numpy as np
import pytest
from markupsafe import Markup

from affectgpt.training.metrics import MetricsRow, TrainRow, ValidationRow
from affectgpt.training.report.charts import Scale, line_chart, loss_chart, loss_scale, written
from tests.training.made_report import made_metrics

ROW = TrainRow("coarse", 10, 0.5, 320, 2.0, 1e-3, 0.7, 400.0, 60_000.0, 4.2)


def split(rows: list[MetricsRow]) -> tuple[list[TrainRow], list[ValidationRow]]:
    return [row for row in rows if isinstance(row, TrainRow)], [row for row in rows if isinstance(row, ValidationRow)]


def path(drawing: Markup, name: str) -> list[tuple[float, float]]:
    """Find the points of a curve: 0 to 1000 across and down."""
    found = re.search(rf'<path class="{name}" d="M([^"]+)"/>', drawing)
    assert found
    return [(float(x), float(y)) for x, y in (point.split() for point in found[1].split("L"))]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.0, "0"),
        (2e-3, "2e-3"),
        (2.5e-5, "2.5e-5"),
        (0.0125, "0.0125"),
        (3.14159, "3.14"),
        (410.4, "410"),
        (1250.0, "1,250"),
        (61_000.0, "61k"),
        (2_500_000.0, "2.5M"),
    ],
)
def test_figures_of_any_size_are_short(value: float, expected: str) -> None:
    assert written(value) == expected


@pytest.mark.parametrize(
    ("scale", "ticks"),
    [
        (Scale(0.0, 600.0), [0, 200, 400, 600]),
        (Scale(0.7, 1.7), [0.75, 1.0, 1.25, 1.5]),
        (Scale(0.8, 8.0, is_log=True), [1, 2, 3, 5]),
        (Scale(0.02, 30.0, is_log=True), [0.03, 0.1, 0.3, 1, 3, 10, 30]),
        (Scale(4.1, 4.9, is_log=True), [4.2, 4.4, 4.6, 4.8]),
    ],
)
def test_ticks_are_round_and_on_the_axis(scale: Scale, ticks: list[float]) -> None:
    found = scale.ticks(7 if scale.low == 0.02 else 5)
    assert found == pytest.approx(ticks)
    assert all(0 <= scale.share(tick) <= 1 + 1e-9 for tick in found)


def test_ticks_of_any_axis_are_few_and_at_least_two() -> None:
    rng = np.random.default_rng(3)
    for _ in range(2000):
        low = 10 ** rng.uniform(-6, 6)
        scale = Scale(low, low * 10 ** rng.uniform(0.01, 8), is_log=bool(rng.random() < 0.5))
        ticks = scale.ticks(6)
        assert 2 <= len(ticks) <= 7, scale
        assert ticks == sorted(set(ticks)) and scale.low * 0.999 <= ticks[0] and ticks[-1] <= scale.high * 1.001


def test_a_loss_that_falls_far_has_a_logarithmic_axis() -> None:
    assert loss_scale([8.0, 0.9]).is_log and not loss_scale([2.0, 0.9]).is_log
    assert not loss_scale([8.0, 0.0]).is_log, "0 has no logarithm"
    for losses in ([8.0, 0.9], [2.0, 0.9], [0.0], [1.0, 1.0], [5.0, 0.0]):
        scale = loss_scale(losses)
        assert all(0 <= scale.share(loss) <= 1 for loss in losses) and scale.high > max(losses)


def test_the_curve_goes_through_the_losses() -> None:
    rows = [replace(ROW, step=step, loss=loss) for step, loss in ((10, 2.0), (20, 1.5), (40, 1.0))]
    curve = path(loss_chart("coarse", rows, [], None), "training")
    assert [x for x, _ in curve] == [250.0, 500.0, 1000.0]
    down = [y for _, y in curve]
    assert down[0] < down[1] < down[2] and down[1] - down[0] == pytest.approx(down[2] - down[1], abs=0.2)


def test_validation_points_lie_on_their_curve_and_say_what_they_are() -> None:
    train, validation = split(made_metrics())
    drawing = loss_chart("coarse", train, validation, 500)
    marks = re.findall(r'<circle class="validation( chosen)?" cx="([\d.]+)%" cy="([\d.]+)" r', drawing)
    curve = path(drawing, "validation")
    assert len(marks) == len(curve) == 13
    for (_, x, y), (across, down) in zip(sorted(marks, key=lambda mark: float(mark[1])), curve, strict=True):
        assert float(x) * 10 == pytest.approx(across, abs=0.1) and float(y) / 0.26 == pytest.approx(down, abs=0.3)
    assert marks[-1][0], "the chosen one is drawn over the others"
    assert [float(x) for is_chosen, x, _ in marks if is_chosen] == [pytest.approx(100 * 500 / 600, abs=0.01)]
    assert "chosen: step 500</text>" in drawing and "<title>step 500: validation loss " in drawing


def test_of_many_validations_the_chosen_one_alone_is_marked() -> None:
    train, validation = split(made_metrics(steps=20_000))
    drawing = loss_chart("coarse", train, validation, 12_000)
    assert len(validation) == 401 and drawing.count("<title>step") == 1 and "<title>step 12,000: validation" in drawing
    assert 60 < len(path(drawing, "validation")) <= 302


def test_the_chart_is_told_to_a_screen_reader() -> None:
    rows = [replace(ROW, step=10, loss=2.0), replace(ROW, step=1200, loss=0.5)]
    held_out = [ValidationRow("coarse", 0, 64, 4.25, None), ValidationRow("coarse", 1000, 64, 0.75, None)]
    drawing = loss_chart("coarse", rows, held_out, 1000)
    assert (
        'aria-label="Stage coarse: training loss from 2 at step 10 to 0.5 at step 1,200, lowest 0.5; validation loss '
        'from 4.25 at step 0 to 0.75 at step 1,000, lowest 0.75; the checkpoint of step 1,000 was chosen"'
    ) in drawing
    assert (
        'aria-label="Learning rate over 20 steps: 1e-3 at first, 5e-4 at the end, 5e-4 at the least, 1e-3 at the most"'
        in (line_chart("Learning rate", [(10.0, 1e-3), (20.0, 5e-4)]))
    )


def test_many_losses_have_their_running_mean_on_top_and_lose_no_spike() -> None:
    rng = np.random.default_rng(0)
    losses = 2.0 + rng.normal(0, 0.1, 20_000)
    losses[7_777] = 9.0
    drawing = loss_chart(
        "coarse", [replace(ROW, step=n + 1, loss=loss) for n, loss in enumerate(losses.tolist())], [], None
    )
    raw, mean = path(drawing, "raw"), path(drawing, "training")
    assert len(raw) <= 302 and len(mean) <= 302 and len(drawing) < 20_000
    spike = min(raw, key=lambda point: point[1])
    assert spike[0] == pytest.approx(1000 * 7_778 / 20_000, abs=0.1) and spike[1] < 60
    inner = [down for across, down in mean if 50 < across < 300]
    assert np.ptp(inner) < 0.1 * np.ptp([down for across, down in raw if 50 < across < 300])


def test_few_losses_are_drawn_as_they_are() -> None:
    assert 'class="raw"' not in loss_chart(
        "coarse", [replace(ROW, step=n, loss=float(n)) for n in range(1, 40)], [], None
    )


def test_one_loss_alone_is_a_dot() -> None:
    drawing = loss_chart("coarse", [ROW], [], None)
    assert '<circle class="training" cx="100.00%"' in drawing and "<path" not in drawing
    assert '<circle class="training"' in line_chart("Gradient norm", [(10.0, 0.0)])


def test_a_loss_that_was_not_finite_is_marked_where_it_happened() -> None:
    rows = [replace(ROW, step=10), replace(ROW, step=20, loss=None, not_finite=True)]
    drawing = loss_chart("coarse", rows, [], None)
    assert re.search(r'<text class="not-finite" x="100.00%"[^>]*>×<title>step 20: the loss was not finite<', drawing)
    with pytest.raises(ValueError, match="stage coarse: no loss to draw"):
        loss_chart("coarse", rows[1:], [], None)


def test_other_figures_begin_at_zero() -> None:
    curve = path(line_chart("Samples per second", [(0.0, 0.0), (50.0, 200.0), (100.0, 100.0)]), "training")
    assert [down for _, down in curve] == pytest.approx([1000.0, 74.1, 537.0], abs=0.1)
