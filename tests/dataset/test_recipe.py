from pathlib import Path

import pytest
import yaml

from affectgpt.dataset.recipe import Recipe, load_recipe
from affectgpt.errors import RequestError
from affectgpt.recipes.loading import differences


def test_the_laptop_recipe_is_the_default() -> None:
    assert load_recipe("laptop") == Recipe()


def test_a_recipe_survives_being_saved(tmp_path: Path) -> None:
    recipe = load_recipe("laptop", ["decode.frames=16", "steps.merge.workers={actors: 2, num_gpus: 0.5}"])
    file = tmp_path / "recipe.yaml"
    file.write_text(recipe.to_yaml())
    assert load_recipe(str(file)) == recipe
    assert recipe.decode.frames == 16
    assert recipe.steps.merge.workers is not None
    assert recipe.steps.merge.workers.num_gpus == 0.5


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("decode.frame=16", "decode.frame: Extra inputs are not permitted; known here: frames, frame_size"),
        ("decode.frames=many", "decode.frames: Input should be a valid integer"),
        ("decode.frames='8'", "decode.frames: Input should be a valid integer"),
        ("decode.frames=0", "decode.frames: Input should be greater than or equal to 1"),
        ("steps.merge.engine=gpt", "merge has no engine 'gpt'; it has: signal"),
        ("steps.merge.engine=no.such.module:Step", "cannot be imported"),
        ("steps.merge.engine=pathlib:Path", "is not a subclass"),
        ("stepz.merge=1", "stepz: Extra inputs are not permitted; known here: cutting, decode, steps, run"),
        ("decode=8", "decode: Input should be a valid dictionary"),
        ("decode", "expected key.key=value"),
        ("decode.frames.x=1", "decode.frames"),
        ("a={", "not readable as YAML"),
    ],
)
def test_wrong_settings_are_refused_with_their_path(override: str, expected: str) -> None:
    with pytest.raises(RequestError) as refused:
        load_recipe("laptop", [override])
    assert expected in str(refused.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("[1, 2]", "expected a mapping"), ("a: [", "not readable as YAML"), ("run: {budget: 1}", "run.budget")],
)
def test_a_broken_recipe_file_is_named(tmp_path: Path, text: str, expected: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with pytest.raises(RequestError) as refused:
        load_recipe(str(file))
    assert expected in str(refused.value)
    assert "mine.yaml" in str(refused.value)


def test_an_unknown_recipe_lists_those_that_there_are() -> None:
    with pytest.raises(RequestError, match=r"name one of .*laptop"):
        load_recipe("desktop")
    with pytest.raises(RequestError, match="no such file"):
        load_recipe("desktop.yaml")


def test_only_what_changes_the_content_counts_as_another_recipe() -> None:
    laptop = load_recipe("laptop").content()
    laid_out_otherwise = ["run.clips_per_block=7", "steps.labels.batch_size=2", "steps.labels.workers={actors: 3}"]
    assert load_recipe("laptop", [*laid_out_otherwise, "decode.timeout_s=5.0"]).content() == laptop
    assert differences(laptop, load_recipe("laptop", ["decode.frames=4"]).content()) == ["decode.frames: 8 -> 4"]


def test_the_shipped_recipes_are_found_below_jobs() -> None:
    recipes = Path(__file__).resolve().parents[2] / "jobs" / "recipes" / "build_dataset"
    assert yaml.safe_load((recipes / "laptop.yaml").read_text())["decode"]["frames"] == 8
