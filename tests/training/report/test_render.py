import base64
import dataclasses
import hashlib
import re
import subprocess
import sys
from typing import Any

import jinja2
import pytest

from affectgpt.training.metrics import ValidationRow
from affectgpt.training.report.content import LeftOutClip, SampleDescription, StageSummary
from affectgpt.training.report.render import headline, parameters, render_report
from tests.browser import HOSTILE, Browser, Page, section
from tests.training.made_report import made_metrics, made_report, made_sample


def words(identity: str, **changes: Any) -> str:
    return Page(section(render_report(made_report(**changes)), identity)).words


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (0, "0"),
        (940, "940"),
        (999_400, "999\u00a0K"),
        (999_600, "1\u00a0M"),
        (4_213_000, "4.21\u00a0M"),
        (7_615_616_512, "7.62\u00a0B"),
    ],
)
def test_parameters_are_counted_as_the_field_does(count: int, expected: str) -> None:
    assert parameters(count) == expected


def test_the_headline_says_what_was_trained_and_what_it_brought() -> None:
    model = "A model of 1.97\u00a0M parameters"
    made = made_report()
    assert headline(made) == (
        f"{model}, trained in 2 stages on 1,380 clips: "
        "F\u00a01.5\u00a0% before training, 46.8\u00a0% after the fine stage."
    )
    assert headline(made_report(scores=made.scores[:1])) == f"{model}, trained in 2 stages on 1,380 clips."
    only_fine = made_report(scores=[], stages=made.stages[1:], datasets=made.datasets[1:], train_clips=298)
    assert headline(only_fine) == f"{model}, trained in one stage on 298 clips."
    assert headline(made_report(stages=[])) == f"{model}, not trained yet."


def test_what_was_trained_is_told_for_each_stage() -> None:
    shown = words("run")
    assert "1.97 M parameters 1,380 clips to learn from 149 clips held out 25,600 samples learnt from" in shown
    assert "3 min 14 s from start to end 32 s of it before the first step" in shown
    assert "Trained on 2 CPU workers (gloo), float32, ZeRO-2 ." in shown
    assert "fine 80 % fine, 20 % coarse" in shown and "200 5.3 6,400 16 s 0.907 step 100" in shown
    assert "language model Qwen3ForCausalLM" in shown and "912 K trained frozen" in shown
    assert "vision encoder patches of 8 × 8 pixels none frozen frozen" in shown
    assert "interrupted once" in shown


def test_a_pretrained_part_names_its_source_and_lora() -> None:
    made = made_report()
    part = dataclasses.replace(made.parts[0], source="Qwen/Qwen3-0.6B", trained={"fine": "lora"})
    assert "Qwen3ForCausalLM , from Qwen/Qwen3-0.6B 912 K — LoRA" in words("run", parts=[part])


def test_each_stage_has_its_loss_with_a_table_of_validation() -> None:
    source = section(render_report(made_report()), "loss")
    assert source.count('<svg class="plot loss"') == 2
    shown = Page(source).words
    assert "Stage coarse" in shown and "chosen: step 500" in shown and "chosen: step 100" in shown
    rows = [row for row in re.findall(r"<tr.*?</tr>", source, re.DOTALL) if 'scope="row"' in row]
    assert len(rows) == 13 + 5
    assert [Page(row).words.split()[0] for row in rows if "chosen" in row] == ["500", "100"]


def test_a_stage_without_validation_or_metrics_says_so() -> None:
    made = made_report()
    stages = [dataclasses.replace(stage, chosen_step=None, chosen_loss=None) for stage in made.stages]
    train = [row for row in made.metrics if row.kind == "train" and row.stage == "coarse"]
    shown = words("loss", stages=stages, metrics=train)
    assert shown.count("Without validation the last checkpoint was kept.") == 2 and "No loss is known." in shown
    assert "Nothing was recorded." in words("speed", stages=stages, metrics=train)
    assert "These clips also chose" in words("scores") and "These clips also chose" not in words(
        "scores", stages=stages
    )


def test_a_loss_that_was_not_finite_is_in_the_table() -> None:
    made = made_report()
    metrics = [dataclasses.replace(row, loss=None, not_finite=True) if row.step == 50 else row for row in made.metrics]
    assert "50 not finite" in words("loss", metrics=metrics)


def test_accuracy_of_tokens_is_shown_where_it_is_known() -> None:
    metrics = [
        dataclasses.replace(row, per_token_accuracy=None) if isinstance(row, ValidationRow) else row
        for row in made_report().metrics
    ]
    assert "Tokens predicted right" in words("loss") and "Tokens predicted right" not in words("loss", metrics=metrics)


def test_scores_are_compared_with_those_before() -> None:
    shown = words("scores")
    assert "before training 33 2.10 1.20 1.53 after the coarse stage 33 31.20 +29.10 28.80 +27.60" in shown
    assert "29.95 21.00 to 39.00 +28.42" in shown
    worse = [dataclasses.replace(score, f_s=0.4 - 0.1 * place) for place, score in enumerate(made_report().scores)]
    source = section(render_report(made_report(scores=worse)), "scores")
    assert '<small class="down">−10.00</small>' in source
    assert "No descriptions were scored." in words("scores", scores=[])


def test_samples_show_reference_and_descriptions_in_order() -> None:
    source = section(render_report(made_report()), "samples")
    shown = Page(source).words
    order = [
        "sample_00000033",
        "fine · English · video + sound",
        "Reference worried pessimistic",
        "Before training No labels",
    ]
    places = [
        shown.index(part) for part in [*order, "After the coarse stage sad angry", "After the fine stage ✓ worried"]
    ]
    assert places == sorted(places)
    assert "Nothing was written" in shown and 'lang="zh">她的声音里带着笑意' in source
    assert shown.count(", as in the reference") == 4
    assert "No clip was described." in words("samples", samples=[])


def test_a_sample_with_nothing_to_go_by_says_what_is_missing() -> None:
    bare = made_sample(senses=[], subtitle=None, reference="", reference_labels=[], descriptions=[])
    shown = words("samples", samples=[bare])
    for missing in ("subtitle alone", "No subtitle", "No labels", "No description"):
        assert missing in shown
    many = SampleDescription("fine", "x", [f"label {number}" for number in range(30)])
    assert "label 11 and 18 more" in words("samples", samples=[made_sample(descriptions=[many])])


def test_data_and_what_was_left_out_are_counted() -> None:
    shown = words("data")
    assert (
        "coarse s3://emer/coarse 1,204 120 2,408 1,204 English, 1,204 Chinese 240 120 English, 120 Chinese 11" in shown
    )
    shown = words("left-out")
    assert "not-found in coarse 9 talks/one /media/talks/one.mp4 does not exist; check its spelling talks/two" in shown
    assert "and 7 more" in shown and "no-description in fine 1 sample_00000099" in shown
    assert "Every clip was used." in words("left-out", left_out=[])


def test_a_run_that_trained_nothing_has_a_report() -> None:
    shown = Page(render_report(made_report(stages=[], metrics=[], scores=[], samples=[], notes=[]))).words
    assert "not trained yet" in shown and shown.count("No stage ran.") == 2


def hostile_page() -> str:
    made = made_report()
    one = SampleDescription("fine", HOSTILE * 40, [HOSTILE] * 30, [HOSTILE])
    clip = made_sample(
        clip_id=HOSTILE,
        dataset=HOSTILE,
        language=HOSTILE,
        subtitle=HOSTILE,
        reference=HOSTILE,
        reference_labels=[HOSTILE],
        senses=[HOSTILE],
        descriptions=[one],
    )
    stage = StageSummary(HOSTILE, {HOSTILE: 1.0}, 10, 5, 600, 1.0, 10, 1.0, 500, 1.0)
    part = dataclasses.replace(
        made.parts[0], name=HOSTILE, architecture=HOSTILE, source=HOSTILE, trained={HOSTILE: "full"}
    )
    dataset = dataclasses.replace(made.datasets[0], name=HOSTILE, source=HOSTILE, train_samples={HOSTILE: 3})
    group = dataclasses.replace(
        made.left_out[0], dataset=HOSTILE, reason=HOSTILE, first=[LeftOutClip(HOSTILE, HOSTILE * 9)]
    )
    return render_report(
        made_report(
            name=HOSTILE,
            output=HOSTILE,
            device=HOSTILE,
            parts=[part],
            stages=[stage],
            datasets=[dataset],
            samples=[clip],
            metrics=made_metrics(HOSTILE),
            scores=[dataclasses.replace(score, after=HOSTILE) for score in made.scores],
            scoring=HOSTILE,
            left_out=[group],
            notes=[HOSTILE],
            recipe={HOSTILE: HOSTILE},
            versions={HOSTILE: HOSTILE},
        )
    )


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


def test_the_policy_allows_the_page_its_own_style_and_nothing_else() -> None:
    source = render_report(made_report())
    style = re.search(r"<style>(.*?)</style>", source, re.DOTALL)
    assert style
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    policy = Page(source).attributes("meta")[1]["content"]
    assert policy and policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:")


def test_every_target_of_the_navigation_is_there_once() -> None:
    page = Page(render_report(made_report()))
    identities = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(identities) == len(set(identities))
    assert {link["href"] for link in page.attributes("a")} <= {f"#{identity}" for identity in identities}


@pytest.mark.parametrize("field", ["parts", "datasets", "left_out", "samples", "stages"])
def test_content_of_the_wrong_kind_is_an_error(field: str) -> None:
    with pytest.raises((AttributeError, jinja2.UndefinedError)):
        render_report(made_report(**{field: [object()]}))


def test_the_report_needs_neither_torch_nor_ray() -> None:
    program = "import sys, affectgpt.training.report.render, affectgpt.training.model_card; print(*sys.modules)"
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "affectgpt.training.report.render" in shown.stdout.split()
    assert not {"cv2", "ray", "torch", "transformers", "tensorboardX"} & set(shown.stdout.split())


@pytest.mark.parametrize("width", [390, 1200])
@pytest.mark.parametrize(
    "source",
    [
        pytest.param(lambda: render_report(made_report()), id="usual"),
        pytest.param(lambda: render_report(made_report(stages=[], metrics=[], scores=[], samples=[])), id="empty"),
        pytest.param(hostile_page, id="hostile"),
    ],
)
def test_no_page_scrolls_sideways_or_reaches_out(browser: Browser, source: Any, width: int) -> None:
    measured = browser.probe(source(), width)
    assert measured["width"] == width and measured["styled"] == "1152px"
    assert measured["console"] == [] and measured["requests"] == []
    assert measured["overflowing"] == 0 and measured["overflowing_opened"] == 0
