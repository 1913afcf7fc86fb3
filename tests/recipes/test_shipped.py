"""Every recipe that is shipped loads, and docs/models.md says of its models what the recipes say."""

import re
import shlex
from importlib import resources
from itertools import pairwise
from pathlib import Path

import pytest

import affectgpt.evaluation.recipe
import affectgpt.inference.recipe
import affectgpt.serving.settings
import affectgpt.training.recipe
from affectgpt.annotate.language_model.models import TransformersModel, VLLMModel
from affectgpt.dataset.annotating import stages_of
from affectgpt.dataset.recipe import Recipe, load_recipe
from affectgpt.recipes.loading import Section, load

JOBS: dict[str, type[Section]] = {
    "build_dataset": Recipe,
    "describe": affectgpt.inference.recipe.Recipe,
    "evaluate": affectgpt.evaluation.recipe.Recipe,
    "serve": affectgpt.serving.settings.Recipe,
    "train": affectgpt.training.recipe.Recipe,
}
FILES = sorted(Path(str(resources.files("affectgpt.recipes"))).glob("*/*.yaml"))
DOCUMENT = (Path(__file__).parents[2] / "docs" / "models.md").read_text(encoding="utf-8")


def documented() -> list[tuple[str, tuple[str, ...]]]:
    """Return the recipe and the settings of each build-dataset command in the document."""
    found = []
    for command in re.findall(r"^build-dataset (?:.*\\\n)*.*", DOCUMENT, re.MULTILINE):
        options = list(pairwise(shlex.split(command.replace("\\\n", " "))))
        settings = tuple(value for name, value in options if name == "--set")
        found.append((dict(options)["--recipe"], settings))
    return found


RECIPES = [load_recipe(*command) for command in documented()]


def residents(recipe: Recipe) -> list[VLLMModel | TransformersModel]:
    """Return the models that the recipe loads, as often as it loads them."""
    steps = [stage.steps[0] for stage in stages_of(recipe) if stage.workers is not None]
    models = [recipe.model_of(step) for step in steps]
    return [model for model in models if isinstance(model, VLLMModel | TransformersModel)]


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_a_shipped_recipe_loads(file: Path) -> None:
    load(JOBS[file.parent.name], file.parent.name, file.stem)


def test_every_job_has_a_recipe_for_a_laptop() -> None:
    assert {file.parent.name for file in FILES if file.stem == "laptop"} == set(JOBS)


def test_the_document_has_the_recipes_with_models_and_settings_for_other_machines() -> None:
    commands = documented()
    assert {name for name, _ in commands} == {"gpu", "cluster"}
    assert len([settings for _, settings in commands if settings]) == 3


@pytest.mark.parametrize("recipe", RECIPES, ids=map(str, documented()))
def test_models_are_pinned_to_the_commit_that_the_document_names(recipe: Recipe) -> None:
    for model in residents(recipe):
        assert isinstance(model.revision, str)
        assert re.fullmatch(r"[0-9a-f]{40}", model.revision)
        assert f"| {model.model} | `{model.revision}` |" in DOCUMENT


@pytest.mark.parametrize("recipe", RECIPES, ids=map(str, documented()))
def test_models_have_whole_gpus_or_share_one_that_they_fit(recipe: Recipe) -> None:
    sharing = [model for model in residents(recipe) if model.num_gpus < 1]
    assert {model.num_gpus for model in residents(recipe) if model not in sharing} <= {1}
    assert all(model.actors == 1 and model.num_gpus > 0 for model in sharing)
    assert sum(model.num_gpus for model in sharing) == pytest.approx(1 if sharing else 0)
    assert sum(model.memory_share for model in sharing if isinstance(model, VLLMModel)) <= 0.9
