import base64
import copy
import hashlib
import re
import subprocess
import sys
from typing import Any

import jinja2
import pytest

from affectgpt.evaluation.report.examples import Chip, ClipExample, Segment
from affectgpt.evaluation.report.render import render_report, score
from tests.browser import HOSTILE, Browser, Page, section
from tests.evaluation.made_report import (
    BASIC_WHEEL,
    figures,
    made_example,
    made_report,
    wheel,
    wheel_of_size,
)


@pytest.fixture
def report() -> dict[str, Any]:
    return made_report()


def words(report: dict[str, Any], *examples: ClipExample) -> str:
    return Page(render_report(report, examples)).words


# Headline and comparison


def test_the_title_names_the_best_prediction(report: dict[str, Any]) -> None:
    report["predictions"][1]["f_s"] = 0.7
    headline = "Chat-UniVi agrees best of 3 predictions: F\u00a070.0\u00a0% over 328 clips."
    assert f">{headline}</h1>" in render_report(report, [])


def test_the_title_of_one_prediction_makes_no_contest_of_it() -> None:
    source = render_report(made_report(["Qwen-Audio"], clips=1), [])
    assert ">Qwen-Audio agrees with the references at F\u00a062.0\u00a0% over 1 clip.</h1>" in source
    assert "Marked" not in Page(source).words and 'class="best"' not in source


def test_predictions_of_different_clips_are_not_ranked(report: dict[str, Any]) -> None:
    page = Page(render_report({**report, "same_clips": False}, []))
    assert "3 predictions, on different clips: 328, 328 and 328." in page.words
    assert "their rows are not to be ranked. The comparisons below are on the clips that both have." in page.words
    assert " best" not in page.words and "Marked" not in page.words
    many = words({**made_report([f"model {number}" for number in range(7)]), "same_clips": False})
    assert "7 predictions, on different clips: 328, 328, 328, 328, 328, 328 and others." in many
    alone = words({**report, "same_clips": False, "comparisons": []})
    assert "their rows are not to be ranked." in alone and "comparisons below" not in alone


def test_equal_predictions_have_no_best(report: dict[str, Any]) -> None:
    equal = [{**report["predictions"][0], "name": name} for name in "ab"]
    shown = words({**report, "predictions": equal})
    assert "2 predictions agree equally well: F 62.0 % over 328 clips." in shown
    assert " best" not in shown and "Marked" not in shown


def test_predictions_that_the_table_cannot_tell_apart_share_the_best(report: dict[str, Any]) -> None:
    report["predictions"][0]["f_s"], report["predictions"][2]["f_s"] = 0.700012, 0.700034
    source = render_report(report, [])
    assert ">2 of 3 predictions tie for the best: F\u00a070.0\u00a0% over 328 clips.</h1>" in source
    assert section(source, "comparison").count("70.00<span") == 2


def test_the_part_of_a_split_stands_in_the_head(report: dict[str, Any]) -> None:
    head = Page(render_report(report, []).partition("<nav")[0]).words
    assert "part test of emer-fine-split.csv , fingerprint c4c4c4c4c4c4" in head


def test_the_metric_has_its_subscript_in_sentences_too(report: dict[str, Any]) -> None:
    comparison = {
        **report["comparisons"][0],
        "sentence": "<A> beats B by 3.1 points of F_s",
        "one": "<A>",
        "other": "B",
    }
    source = render_report({**report, "comparisons": [comparison]}, [])
    assert "&lt;A&gt; beats B by 3.1 points of F<sub>s</sub>" in source


def test_nothing_is_best_where_nothing_is_right() -> None:
    made = made_report()
    for prediction in made["predictions"]:
        prediction["hit_rate"] = 0.0
    made["predictions"][2]["recall_s"] = made["predictions"][0]["recall_s"]
    shown = section(render_report(made, []), "comparison")
    assert "0.00<span" not in shown and shown.count("63.00<span") == 2


def test_a_comparison_without_clips_says_so() -> None:
    nothing = made_report(["Qwen-Audio"])
    unknown = {**dict.fromkeys(("accuracy_s", "recall_s", "avg", "precision_s", "f_s", "hit_rate")), "n": 0}
    unknown["intervals"] = dict.fromkeys(("accuracy_s", "recall_s", "avg", "precision_s", "f_s"))
    nothing["predictions"][0] |= {**unknown, "sentiment": None}
    shown = words(nothing)
    assert "No clip could be compared." in shown and "Hit rate" not in shown and "Sentiment" not in shown
    assert "1 Qwen-Audio 0 — — — —" in shown


def test_the_table_compares_all_predictions_and_marks_the_best_of_each_column(report: dict[str, Any]) -> None:
    report["predictions"][2] |= {"recall_s": 0.9, "hit_rate": 0.5}
    table = section(render_report(report, []), "comparison")
    rows = [Page(row).words for row in table.split("<tr>")[2:]]
    assert rows[0].startswith(
        "1 AffectGPT, stage 2 328 61.00 best 63.00 62.00 best 61.98 best 58.48 to 65.18 71.00 best 78.00 best"
    )
    assert rows[1].startswith("2 Chat-UniVi 328 56.50 56.80 56.65 56.65 53.15 to 59.85 71.00 best 75.00")
    assert rows[2].startswith("3 Qwen-Audio 328 52.00 90.00 best 51.30 51.29 47.79 to 54.49 50.00 72.00")
    assert "goes from 40 % to 70 % and shows the 95 % interval, from 1,000 resamples" in Page(table).words


def test_each_comparison_is_a_sentence_the_first_ten_in_sight() -> None:
    table = section(render_report(made_report([f"model {number}" for number in range(14)]), []), "comparison")
    in_sight, folded = table.split("All other comparisons: 3")
    assert in_sight.count("model 0 is ahead of") == 10 and folded.count("model 0 is ahead of") == 3


def test_long_names_do_not_push_the_figures_out_of_a_sentence() -> None:
    shown = Page(section(render_report(made_report(["a" * 500, "b" * 500]), []), "comparison")).words
    assert f"{'a' * 60}… is ahead of {'b' * 60}… by 5.3 points of F." in shown
    assert "a" * 61 not in shown


@pytest.mark.parametrize(
    ("share", "written"), [(0.553661, "55.37"), (0.0, "0.00"), (1, "100.00"), (None, "—"), (float("nan"), "—")]
)
def test_scores_are_written_as_published_tables_do(share: float | None, written: str) -> None:
    assert score(share) == written


# Tables


def test_all_groupings_are_listed_in_their_order(report: dict[str, Any]) -> None:
    report["predictions"][0]["groupings"]["llm"] = {
        **copy.deepcopy(report["predictions"][0]["groupings"]["m2"]),
        **figures(0.5, 0.25, 1234),
        "title": "grouped by a language model",
        "skipped": 0,
        "macro": None,
        "out_of_vocabulary": {"references": 0.0, "predictions": 0.256},
    }
    shown = Page(section(render_report(report, []), "groupings")).words
    assert "Unknown labels, truth Unknown labels, prediction as written" in shown
    assert "given as a share of all labels" in shown and "some groupings have fewer clips than the table above" in shown
    assert "level 1, mean of the wheels headline 328 4 skipped 61.00 63.00 61.98 62.00 — 3 % < 1 %" in shown
    assert "M2: and synonyms 328 36.60 37.80 37.19 37.20 25.00 40 labels 3 % < 1 %" in shown
    assert "grouped by a language model 1,234 50.00 25.00 33.33 37.50 — 0 % 26 %" in shown
    assert (
        shown.index("as written") < shown.index("M1:") < shown.index("level 1, Willcox") < shown.index("level 2, mean")
    )


def test_frequencies_of_truth_and_prediction_stand_side_by_side(report: dict[str, Any]) -> None:
    report["predictions"][0]["label_frequencies"] = {
        "references": [["happy", 40], ["calm", 7]],
        "predictions": [["sad", 30], ["happy", 12]],
    }
    shown = Page(section(render_report(report, []), "frequencies")).words
    assert "happy truth 40 prediction 12 sad truth 0 prediction 30 calm truth 7 prediction 0" in shown
    assert "synonyms are counted as one (M2), as in “Label by label”, a label without a wheel word by itself." in shown
    assert "These are the 3 most frequent" in shown and "A dash" not in shown.split("Chat-UniVi")[0]


def test_a_label_that_the_full_list_of_the_other_side_lacks_has_no_count(report: dict[str, Any]) -> None:
    report["predictions"][0]["label_frequencies"] = {
        "references": [[f"label {number}", 200 - number] for number in range(100)],
        "predictions": [["rare", 500]],
    }
    shown = Page(section(render_report(report, []), "frequencies")).words
    assert "rare truth — prediction 500 label 0 truth 200 prediction 0" in shown
    assert "label 28 truth" in shown and "label 29 truth" not in shown.split("Chat-UniVi")[0]
    assert "A dash stands for a label that is not among the 100 most frequent" in shown


def test_the_most_frequent_labels_of_the_truth_have_their_figures(report: dict[str, Any]) -> None:
    report["predictions"] = report["predictions"][:1]
    report["predictions"][0]["per_label"]["m2"] = [
        {
            "label": f"label {number}",
            "references": number,
            "predictions": 8,
            "hits": 4,
            "precision": 0.5,
            "recall": 4 / number if number else None,
            "f": None if number == 0 else 8 / (8 + number),
        }
        for number in range(1240)
    ]
    shown = Page(section(render_report(report, []), "labels")).words
    assert "F label 1239 1,239 8 4 50 % < 1 % < 1 % label 1238" in shown
    assert "label 1210 1,210" in shown and "label 1209" not in shown
    assert "These are the 30 most frequent in the truth; 1,210 more" in shown


def test_sentiment_is_shown_where_it_is_known(report: dict[str, Any]) -> None:
    report["predictions"][1]["sentiment"] = None
    shown = Page(section(render_report(report, []), "sentiment")).words
    assert "Weighted F1 78.00 (70.00 to 82.00) over 332 clips; the truth is drawn from the references’ labels." in shown
    assert "positive 90 84 80.00 74.00 76.90" in shown
    assert "Chat-UniVi No sentiment is known here." in shown
    for prediction in report["predictions"]:
        prediction["sentiment"] = None
    source = render_report(report, [])
    assert 'id="sentiment"' not in source and "#sentiment" not in source


def test_clips_left_out_are_counted_by_reason(report: dict[str, Any]) -> None:
    report["predictions"][2]["left_out"] = []
    shown = Page(section(render_report(report, []), "left-out")).words
    assert "no-prediction The prediction has no row for the clip. 34 sample_00000000 , sample_00000001" in shown
    assert "sample_00000019 and 14 more" in shown and "Qwen-Audio" not in shown
    for prediction in report["predictions"]:
        prediction["left_out"] = []
    assert "Every clip was compared." in words(report)


def test_the_settings_say_what_was_compared_with_what(report: dict[str, Any]) -> None:
    shown = Page(section(render_report(report, []), "settings")).words
    assert f"references s3://emer/fine/v2_bilingual.csv descriptions 332 en {'5d' * 32}" in shown
    assert f"prediction 2 /results/Chat-UniVi.csv labels 332 en {'1a' * 32}" in shown
    assert "253 words on 2 wheels, 1,255 with synonyms, 7,386 with all their forms" in shown
    assert f"test of emer-fine-split.csv , seed 0, {'c4' * 32}" in shown
    assert "95 %, 1,000 resamples, seed 0" in shown and "numpy 2.3.1" in shown
    assert "evaluate --references truth.csv" in shown
    assert "none: all clips of the references" in words({**report, "split": None})


# The page


def hostile_page() -> str:
    hostile_wheel = wheel(HOSTILE, {f"{HOSTILE}{number}": [HOSTILE, f"{HOSTILE}!"] for number in range(5)})
    made = made_report([HOSTILE, HOSTILE * 2], [hostile_wheel])
    made["references"] |= {"source": HOSTILE, "languages": {HOSTILE: 3}}
    made["split"] |= {"source": HOSTILE, "part": HOSTILE}
    made["wheels"]["source"] = HOSTILE
    made["versions"] = {HOSTILE: HOSTILE}
    for prediction in made["predictions"]:
        prediction["label_frequencies"] = {"references": [[HOSTILE, 3]], "predictions": [[HOSTILE + "2", 3]]}
        prediction["left_out"][0] |= {"clips": [HOSTILE] * 20, "explanation": HOSTILE}
        prediction["groupings"]["level1"]["title"] = HOSTILE
    chips = [Chip(HOSTILE, state, HOSTILE + "2") for state in ("hit", "missed", "wrong", "unknown")]
    description = [Segment(HOSTILE * 10, None, ""), Segment(HOSTILE, "ignored", HOSTILE)] * 20
    clip = made_example(
        prediction=HOSTILE,
        clip_id=HOSTILE,
        references=chips,
        predictions=chips * 1000,
        reference_description=description,
        predicted_description=description[1:2],
    )
    return render_report(made, [clip])


def test_foreign_text_cannot_become_markup() -> None:
    source = hostile_page()
    page = Page(source)
    assert "<script>alert(1)</script>" in page.text and "{{ 7 * 7 }}" in page.text
    assert not page.attributes("script") and not page.attributes("img")
    attributes = [name for _, attributes in page.elements for name in attributes]
    assert not [name for name in attributes if name.startswith("on") or name == "style"]
    targets = [value or "" for _, all_of in page.elements for name, value in all_of.items() if name in ("src", "href")]
    assert targets and all(target.startswith(("data:", "#")) for target in targets)
    assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]", source)
    source.encode("utf-8")


def test_the_policy_allows_the_page_its_own_style_and_nothing_else(report: dict[str, Any]) -> None:
    source = render_report(report, [])
    style = re.search(r"<style>(.*?)</style>", source, re.DOTALL)
    assert style
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    policy = Page(source).attributes("meta")[1]["content"]
    assert policy and policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:")


def without(report: dict[str, Any], *path: Any) -> dict[str, Any]:
    place = report
    for key in path[:-1]:
        place = place[key]
    del place[path[-1]]
    return report


@pytest.mark.parametrize(
    "path",
    [
        ("created",),
        ("split",),
        ("clips_sha256",),
        ("same_clips",),
        ("wheels", "sizes", "surface_forms"),
        ("references", "sha256"),
        ("predictions", 0, "hit_rate"),
        ("predictions", 1, "intervals", "f_s"),
        ("predictions", 0, "groupings", "m1", "skipped"),
        ("predictions", 0, "groupings", "m2", "macro", "labels"),
        ("predictions", 0, "per_label", "level2.Plutchik 1980"),
        ("predictions", 0, "per_label", "m2", 3, "hits"),
        ("predictions", 0, "confusion", "Plutchik 1980", "missed"),
        ("predictions", 0, "label_frequencies", "predictions"),
        ("predictions", 2, "left_out", 0, "explanation"),
        ("comparisons", 0, "sentence"),
    ],
)
def test_a_missing_key_is_an_error_that_names_it(report: dict[str, Any], path: tuple[Any, ...]) -> None:
    with pytest.raises((KeyError, jinja2.UndefinedError), match=re.escape(str(path[-1]))):
        render_report(without(report, *path), [])


def test_thirty_predictions_keep_the_page_small() -> None:
    wheels = [wheel_of_size(f"wheel {number}", 8, 40) for number in range(5)]
    source = render_report(made_report([f"model {number}" for number in range(30)], wheels), [])
    assert len(source.encode()) < 4_000_000
    assert section(source, "wheels").count('<svg class="wheel') == 12 * 5
    assert "The other 18 predictions: report.json" in " ".join(Page(source).text.split())


def test_the_report_needs_no_picture_library() -> None:
    program = "import sys, affectgpt.evaluation.report.render; print(*sys.modules)"
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "affectgpt.evaluation.report.render" in shown.stdout.split()
    assert not {"cv2", "ray", "torch", "pyarrow"} & set(shown.stdout.split())


CHINESE = wheel("情绪轮", {"快乐": ["高兴", "满足"], "悲伤": ["失望"], "愤怒": ["生气", "不耐烦"], "恐惧": ["焦虑"]})


def zero_report() -> dict[str, Any]:
    made = made_report(["nothing right"], [wheel("basic", BASIC_WHEEL)], clips=1)
    prediction = made["predictions"][0]
    prediction |= {**figures(0.0, 0.0, 1), "sentiment": None, "left_out": []}
    prediction["per_label"] = {key: [] for key in prediction["per_label"]}
    prediction["label_frequencies"] = {"references": [], "predictions": []}
    return made


def many_predictions() -> dict[str, Any]:
    names = ["x" * 500, "很长的预测名称" * 40, *(f"model {number}" for number in range(28))]
    return made_report(names, [wheel_of_size("large", 24, 60), wheel_of_size("four", 4, 60), CHINESE])


@pytest.mark.parametrize("width", [390, 1200])
@pytest.mark.parametrize(
    "source",
    [
        pytest.param(lambda: render_report(made_report(), [made_example()]), id="usual"),
        pytest.param(lambda: render_report(many_predictions(), [made_example(prediction="x" * 500)]), id="many"),
        pytest.param(lambda: render_report(zero_report(), []), id="zero"),
        pytest.param(hostile_page, id="hostile"),
    ],
)
def test_no_page_scrolls_sideways_or_reaches_out(browser: Browser, source: Any, width: int) -> None:
    measured = browser.probe(source(), width)
    assert measured["width"] == width and measured["styled"] == "1152px"
    assert measured["console"] == [] and measured["requests"] == []
    assert measured["overflowing"] == 0 and measured["overflowing_opened"] == 0
