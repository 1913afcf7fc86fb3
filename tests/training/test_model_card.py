import dataclasses
import re
from typing import Any

import jinja2
import pytest
import yaml
from huggingface_hub import ModelCard

from affectgpt.training.model_card import render_model_card
from affectgpt.training.report.content import TrainingReport
from tests.browser import HOSTILE
from tests.training.made_report import made_report


def front_matter(card: str) -> dict[str, Any]:
    parsed = yaml.safe_load(card.split("---\n", 2)[1])
    assert isinstance(parsed, dict)
    return parsed


def test_the_hub_reads_the_front_matter() -> None:
    card = ModelCard(render_model_card(made_report()))
    assert card.data.language == ["en", "zh"]
    assert card.data.library_name == "transformers" and card.data.pipeline_tag == "video-text-to-text"
    assert card.data.license == "unknown" and "emotion-recognition" in card.data.tags
    assert card.data.base_model is None and card.data.datasets is None


def test_pretrained_parts_and_data_sets_of_the_hub_are_named() -> None:
    made = made_report(base_models=["Qwen/Qwen3-0.6B", "openai/clip-vit-base-patch32"], senses=["sound"])
    coarse, fine = made.datasets
    sources = [
        dataclasses.replace(coarse, source="hf://datasets/someone/emer-coarse@main/data"),
        dataclasses.replace(coarse, source="hf://datasets/someone/emer-coarse/more"),
        fine,
    ]
    card = ModelCard(render_model_card(dataclasses.replace(made, datasets=sources)))
    assert card.data.base_model == ["Qwen/Qwen3-0.6B", "openai/clip-vit-base-patch32"]
    assert card.data.datasets == ["someone/emer-coarse"]
    assert card.data.pipeline_tag == "audio-text-to-text"
    assert "those of Qwen/Qwen3-0.6B, openai/clip-vit-base-patch32, apply" in card.content
    assert "a person speaking (sound alone)" in card.content


def test_what_was_trained_on_what_is_told() -> None:
    card = render_model_card(made_report())
    assert "1.97\u00a0M parameters, trained in\n2 stages on 1,380 clips: first on what machines" in card
    assert "| language model | Qwen3ForCausalLM | this training | 912\u00a0K | trained | frozen |" in card
    assert "| audio encoder | log-mel spectra | none | 0 | frozen | frozen |" in card
    assert "| coarse | s3://emer/coarse | 1,204 | 120 | 2,408 |" in card
    assert "| fine | 80 % fine, 20 % coarse | 1.05\u00a0M | 200 | 5.3 | 16 s | 0.907 |" in card
    assert "| after the fine stage | 33 | 48.70 | 45.10 | 46.83 |" in card and "figures are on the kind side" in card
    assert "- The run was interrupted once" in card
    assert 'AffectGPT.from_pretrained(".")' in card and "Do not decide about people by it." in card


def test_the_fingerprints_of_the_data_are_told() -> None:
    card = render_model_card(made_report(), {"coarse": "c" * 64, "fine": "f" * 64})
    assert f"as `trained_on`:\n\n- coarse: `{'c' * 64}`\n- fine: `{'f' * 64}`\n\n| stage | data |" in card
    assert "trained_on" not in render_model_card(made_report())


@pytest.mark.parametrize("section", ["What it is made of", "Training", "Figures"])
def test_tables_have_as_many_cells_in_each_row(section: str) -> None:
    part = render_model_card(made_report()).split(f"## {section}\n")[1].split("\n## ")[0]
    tables = [table for table in part.split("\n\n") if table.lstrip().startswith("|")]
    assert tables
    for table in tables:
        lines = table.strip().splitlines()
        rows = [line for line in lines if line.startswith("|")]
        assert len({row.count("|") for row in rows}) == 1 and re.fullmatch(r"[|:\-]+", rows[1])
        assert rows == lines[: len(rows)]


def test_one_stage_without_validation_or_scores() -> None:
    made = made_report()
    stage = dataclasses.replace(made.stages[1], chosen_step=None, chosen_loss=None)
    card = render_model_card(
        dataclasses.replace(made, stages=[stage], datasets=made.datasets[1:], train_clips=298, scores=[])
    )
    assert "trained in\none stage on 298 clips.\n" in card and "None were measured in training." in card
    assert "| 16 s | — |" in card and "described by machines; it has" not in card
    with_scores = render_model_card(dataclasses.replace(made, stages=[stage]))
    assert "on the kind side" not in with_scores


def test_a_long_note_is_told_to_its_end() -> None:
    note = "word " * 100 + "end"
    assert f"- {note}\n" in render_model_card(made_report(notes=[note]))


def hostile(made: TrainingReport) -> TrainingReport:
    part, dataset = made.parts[0], made.datasets[0]
    return dataclasses.replace(
        made,
        name="---\nlicense: mit\n---\n# owned " + HOSTILE,
        device=HOSTILE + "|",
        parts=[dataclasses.replace(part, name=HOSTILE, architecture="a|b", source=HOSTILE)],
        datasets=[dataclasses.replace(dataset, name="a|b", source=f"x\n| y | {HOSTILE}")],
        scoring=HOSTILE,
        notes=[HOSTILE],
    )


def test_foreign_text_stays_text() -> None:
    card = render_model_card(hostile(made_report()))
    assert ModelCard(card).data.license == "unknown" and front_matter(card)["license"] == "unknown"
    body = re.sub(r"```.*?```", "", card.split("---\n", 2)[2], flags=re.DOTALL)
    assert len(re.findall(r"^# ", body, re.MULTILINE)) == 1
    assert not re.search(r"(?<!\\)[<>{}]", body)
    assert r"| a\|b |" in body and r"x \| y \|" in body
    card.encode("utf-8")


def test_something_that_is_missing_is_an_error() -> None:
    made = made_report()
    with pytest.raises((AttributeError, jinja2.UndefinedError)):
        render_model_card(dataclasses.replace(made, parts=[object()]))
