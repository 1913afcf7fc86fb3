import itertools
import math
import re
from typing import Any

import numpy as np
import pytest

from affectgpt.evaluation.report.render import confusion_of, render_report
from affectgpt.evaluation.report.wheel_drawing import Ribbon, draw_wheel, ribbons, sector_arcs
from tests.browser import Page, section
from tests.evaluation.made_report import BASIC_WHEEL, FOUR, NO_CONFUSION, made_report, wheel_of_size


@pytest.fixture
def report() -> dict[str, Any]:
    return made_report()


def angle(x: float, y: float) -> float:
    return math.atan2(x, -y) % (2 * math.pi)


def drawn_arcs(drawing: str, radius: int) -> list[tuple[float, float]]:
    """Find the stretches of the circle whose outer edge has a radius, in the order they are drawn."""
    arcs = re.findall(rf'd="M(\S+) (\S+?)A{radius} {radius} 0 \d 1 (\S+) (\S+?)L', drawing)
    return [(angle(float(x), float(y)), angle(float(u), float(v))) for x, y, u, v in arcs]


@pytest.mark.parametrize("counts", [[3, 3, 3, 3], [15] * 4, [1, 0, 12, 5, 7], [0, 0, 0, 0], [3, 2] * 12])
def test_sectors_share_out_the_whole_circle(counts: list[int]) -> None:
    arcs = sector_arcs(counts)
    assert arcs[0].start == 0 and arcs[-1].end == pytest.approx(2 * math.pi)
    assert all(one.end == other.start for one, other in itertools.pairwise(arcs))
    assert sum(arc.span for arc in arcs) == pytest.approx(2 * math.pi)
    by_words = [arc.span for _, arc in sorted(zip(counts, arcs, strict=True), key=lambda pair: pair[0])]
    assert min(by_words) > 0.05 and by_words == pytest.approx(sorted(by_words))


@pytest.mark.parametrize(("sectors", "middle"), [(4, 60), (6, 36), (8, 0), (24, 60)])
def test_both_rings_go_round_without_gaps(sectors: int, middle: int) -> None:
    made = wheel_of_size("any", sectors, middle)
    confusion = {**NO_CONFUSION, "sectors": [sector["name"] for sector in made["sectors"]]}
    confusion |= {"matrix": np.zeros((sectors, sectors + 1)), "counts": [0] * sectors, "missed": [0.0] * sectors}
    drawing = draw_wheel("w", made, [], [], confusion)
    for radius, parts in ((170, sectors), (212, middle)):
        arcs = drawn_arcs(drawing, radius)
        assert len(arcs) == parts
        spans = [(end - start) % (2 * math.pi) for start, end in arcs]
        assert not parts or sum(spans) == pytest.approx(2 * math.pi, abs=0.01)
        for (_, end), (start, _) in itertools.pairwise(arcs):
            assert end == pytest.approx(start, abs=0.002)


def scores(**recalls: float | None) -> list[dict[str, Any]]:
    return [
        {
            "label": label,
            "references": 0 if recall is None else 20,
            "predictions": 7,
            "precision": 0.5,
            "recall": recall,
        }
        for label, recall in recalls.items()
    ]


def test_colours_are_the_fuller_the_higher_the_recall() -> None:
    drawing = draw_wheel("w", FOUR, scores(joy=0.0, fear=0.5, anger=1.0), scores(happy=1.0, mad=None), NO_CONFUSION)
    shown = re.findall(
        r'<path class="part( never)?"(?: fill-opacity="([\d.]+)")?.*?<title>(\w+): (.*?)</title>', drawing
    )
    opacity = {name: float(value) for _, value, name, _ in shown if value}
    assert opacity == {"joy": 0.08, "happy": 1.0, "fear": pytest.approx(0.54), "anger": 1.0}
    assert {name for never, _, name, _ in shown if never} == {"proud", "scared", "mad", "bitter", "grief"}
    titles = {name: title for _, _, name, title in shown}
    assert titles["fear"] == "recall 50 %, precision 50 %; 20 times in the truth, predicted 7 times"
    assert titles["mad"] == "never in the truth, predicted 7 times"
    assert "recall by sector: joy 0 %, fear 50 %, anger 100 %" in drawing


def test_ribbons_are_there_only_where_one_emotion_was_taken_for_another() -> None:
    matrix = np.zeros((4, 5))
    matrix[0, 2], matrix[0, 4], matrix[1, 0], matrix[1, 3] = 0.75, 0.25, 0.97, 0.03
    confusion = {**NO_CONFUSION, "matrix": matrix.tolist(), "missed": [0.4, 0.5, 0.0, 0.0]}
    assert ribbons(NO_CONFUSION) == []
    assert 'class="ribbon' not in draw_wheel("w", FOUR, [], [], NO_CONFUSION)
    # The last one, 3 % of the half that was missed, is too narrow to be seen.
    assert ribbons(confusion) == [Ribbon(0, 2, pytest.approx(0.3)), Ribbon(1, 0, pytest.approx(0.485))]
    drawing = draw_wheel("w", FOUR, [], [], confusion)
    titles = re.findall(r'<path class="(?:ribbon|nothing).*?<title>(.*?)</title>', drawing)
    assert titles == [
        "anger instead of joy: 30 % of its 10 clips",
        "nothing predicted for joy: 10 % of its 10 clips",
        "joy instead of fear: 48 % of its 20 clips",
    ]


def test_a_ribbon_is_as_wide_as_its_share_and_points_at_what_was_predicted() -> None:
    matrix = np.zeros((4, 5))
    matrix[0, 2], matrix[0, 1] = 0.5, 0.5
    confusion = {**NO_CONFUSION, "matrix": matrix.tolist(), "missed": [0.8, 0.0, 0.0, 0.0]}
    arcs = sector_arcs([2, 1, 2, 0])
    drawing = draw_wheel("w", FOUR, [], [], confusion)
    edges = []
    for path, target in re.findall(r'<path class="ribbon .*?d="M(.*?)Z"><title>(\w+) instead of joy', drawing):
        numbers = [float(number) for number in re.findall(r"-?[\d.]+", path)]
        start, end, tip = angle(*numbers[:2]), angle(*numbers[7:9]), angle(*numbers[11:13])
        assert end - start == pytest.approx(0.4 * arcs[0].span, abs=0.002)
        aimed = arcs[{"fear": 1, "anger": 2}[target]]
        assert aimed.start < tip < aimed.end
        edges += [(start, end)]
    # Side by side, within the sector that they leave.
    assert len(edges) == 2 and edges[0][0] == pytest.approx(0, abs=0.002)
    assert edges[0][1] == pytest.approx(edges[1][0], abs=0.002) and edges[1][1] < arcs[0].end


# On the page


def test_hues_differ_between_sectors_and_table_and_wheel_agree(report: dict[str, Any]) -> None:
    source = section(render_report(report, []), "wheels")
    drawing, table = source.split('<table class="confusion">')[:2]
    hues = re.findall(r'<g class="(hue-\d+)">', drawing)
    assert len(set(hues)) == len(BASIC_WHEEL)
    assert re.findall(r'<i class="swatch (hue-\d+)">', table.split("</table>")[0]) == hues


def test_a_confusion_comes_in_the_order_of_the_wheel() -> None:
    given = {
        "sectors": ["joy", "anger", "fear"],
        "matrix": [[0.0, 0.1, 0.2, 0.7], [0.3, 0.0, 0.4, 0.3], [0.5, 0.5, 0.0, 0.0]],
        "counts": [1, 2, 3],
        "missed": [0.1, 0.2, 0.3],
    }
    assert confusion_of(FOUR, given) == {
        "sectors": ["joy", "fear", "anger", "grief"],
        "matrix": [[0.0, 0.2, 0.1, 0.0, 0.7], [0.5, 0.0, 0.5, 0.0, 0.0], [0.3, 0.4, 0.0, 0.0, 0.3], [0.0] * 5],
        "counts": [1, 3, 2, 0],
        "missed": [0.1, 0.3, 0.2, 0.0],
    }
    empty: dict[str, Any] = {"sectors": [], "matrix": [], "counts": [], "missed": []}
    assert confusion_of(FOUR, empty)["counts"] == [0, 0, 0, 0]


def test_a_confusion_of_another_wheel_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"wheel 'four' has no sectors \['awe'\]"):
        confusion_of(FOUR, {**NO_CONFUSION, "sectors": ["joy", "fear", "awe", "grief"]})


def test_wheels_names_refer_to_themselves_alone(report: dict[str, Any]) -> None:
    page = Page(render_report(report, []))
    identities = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(identities) == len(set(identities))
    targets = [attributes["href"] for attributes in page.attributes("textpath")]
    assert len(targets) == 3 * 2 * (8 + 6) and {str(target)[1:] for target in targets} <= set(identities)


def test_the_confusion_stands_in_a_table_too() -> None:
    made = made_report(["one"], [FOUR])
    matrix = np.zeros((4, 5))
    matrix[1] = [0.6, 0.0, 0.004, 0.0, 0.396]
    made["predictions"][0]["confusion"]["four"] = {**NO_CONFUSION, "matrix": matrix, "missed": [0.0, 0.5, 0.0, 0.0]}
    shown = section(render_report(made, []), "wheels")
    rows = [Page(row).words for row in shown.split("<tbody>")[1].split("<tr>")[1:]]
    assert rows[0].startswith("joy 10 0 % · · · · ·")
    assert rows[1].startswith("fear 20 50 % 60 · 0 · 40")
    assert rows[3].startswith("grief 0 — · · · · ·")
    assert 'class="share level-6">60<' in shown and 'class="share level-4">40<' in shown


def test_one_wheel_is_open_and_the_others_are_a_keystroke_away(report: dict[str, Any]) -> None:
    shown = section(render_report(report, []), "wheels")
    assert shown.count('<svg class="wheel') == 6
    assert shown.split("<details")[0].count('<svg class="wheel') == 1


def test_a_report_without_wheels_has_no_section_of_them(report: dict[str, Any]) -> None:
    report["wheels"]["wheels"] = []
    assert 'id="wheels"' not in render_report(report, [])
