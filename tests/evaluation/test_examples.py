import re
from typing import Any

import pytest

from affectgpt.evaluation.report.examples import Chip, ClipExample, Segment, beginning
from affectgpt.evaluation.report.render import render_report
from tests.browser import Page, section
from tests.evaluation.made_report import TRUTH_DESCRIPTION, made_example, made_report


@pytest.fixture
def report() -> dict[str, Any]:
    return made_report()


def words(report: dict[str, Any], *examples: ClipExample) -> str:
    return Page(render_report(report, examples)).words


def test_an_example_shows_both_label_sets_and_both_descriptions(report: dict[str, Any]) -> None:
    source = section(render_report(report, [made_example()]), "examples")
    shown = Page(source).words
    assert "sample_00000342 worst precision 50 % recall 50 %" in shown
    assert "Truth ✓ Angry anger , hit ○ disappointed sadness , missed ? self-deprecating , unknown word" in shown
    assert "Prediction ✓ annoyed anger , hit × anxious fear , wrong ? hangry , unknown word" in shown
    assert '<mark class="state hit">angry<' in source and '<mark class="state wrong">anxious<' in source
    assert "is not happy (not counted) denied at all." in shown
    joined = "".join(segment.text for segment in TRUTH_DESCRIPTION)
    description = re.search(r"Description of the truth</h5>\s*<div[^>]*>(.*?)</div>", source, re.DOTALL)
    assert description
    bare = re.sub(r'<span class="spoken">.*?</span>|<small.*?</small>', "", description[1])
    assert Page(bare).text.strip() == joined


def test_each_state_has_a_sign_beside_its_colour(report: dict[str, Any]) -> None:
    key = section(render_report(report, [made_example()]), "examples").split('aria-label="Marks"')[1].split("</ul>")[0]
    signs = re.findall(r'aria-hidden="true">(.)</span>', key)
    assert len(signs) == len(set(signs)) == 5


def test_an_example_without_labels_and_descriptions_says_so(report: dict[str, Any]) -> None:
    bare = made_example(references=[], predictions=[], reference_description=[], predicted_description=[])
    shown = words(report, bare)
    assert "Truth No labels Prediction No labels" in shown and "Description of" not in shown
    assert "there is nothing to show" in words(report)


def test_examples_are_grouped_by_prediction(report: dict[str, Any]) -> None:
    clips = [made_example(choice="best"), made_example(), made_example(prediction="Chat-UniVi", choice="random")]
    first, second = section(render_report(report, clips), "examples").split('<details class="other">')
    assert first.count("<article") == 2 and second.count("<article") == 1 and "Chat-UniVi</span></summary>" in second


def test_examples_carry_their_predictions_number(report: dict[str, Any]) -> None:
    clips = [made_example(prediction="Chat-UniVi"), made_example(prediction="Qwen-Audio")]
    shown = Page(section(render_report(report, clips), "examples")).words
    assert "2 Chat-UniVi sample_00000342" in shown and "3 Qwen-Audio sample_00000342" in shown


def test_the_legend_says_how_several_wheels_agree(report: dict[str, Any]) -> None:
    shown = words(report, made_example())
    assert "on at least half of the wheels that know it; precision and recall are means over all wheels" in shown
    assert "The place that is shown is that on the wheel Plutchik 1980 , or on the first wheel that knows" in shown
    assert "half of the wheels" not in words({**report, "headline": "m2"}, made_example())


def test_hits_stay_in_sight_among_thousands_of_labels(report: dict[str, Any]) -> None:
    many = [Chip(f"label {number}", "missed", None) for number in range(4000)]
    source = render_report(report, [made_example(references=[*many, Chip("found", "hit", None)])])
    shown = Page(source).words
    assert "✓ found , hit ○ label 0 , missed" in shown and "label 22 , missed and 3,977 more" in shown


def test_a_long_description_is_cut_but_never_within_a_label(report: dict[str, Any]) -> None:
    long = [Segment("x" * 598, None, ""), Segment("happy", "hit", ""), Segment(" end", None, "")] * 2
    source = section(render_report(report, [made_example(reference_description=long)]), "examples")
    head = re.search(
        r'<summary><span class="foreign head description" dir="auto">(.*?)</span> <span class="more">', source
    )
    assert head and head[1].strip() == "x" * 598 + "…"
    assert source.count('<mark class="state hit">happy') == 2


def test_the_beginning_of_a_description_is_of_the_length_asked_for() -> None:
    segments = [Segment("abcd", None, ""), Segment("ef", "hit", "why"), Segment("ghij", None, "")]
    assert beginning(segments, 8) == [*segments[:2], Segment("gh", None, "")]
    assert beginning(segments, 5) == segments[:1]
    assert beginning(segments, 100) == segments and beginning([], 5) == []
