from pathlib import Path

import pytest

from affectgpt.errors import RequestError
from affectgpt.recipes.loading import load
from affectgpt.serving.settings import Recipe, read_settings


def test_the_recipe_says_what_the_settings_are_without_it() -> None:
    assert load(Recipe, "serve", "laptop") == Recipe()


def test_on_gpus_vllm_runs_the_language_model(model: Path) -> None:
    workers = read_settings({"model": str(model), "recipe": "gpu"}).recipe.model_workers
    assert (workers.engine, workers.num_gpus) == ("vllm", 1.0)


def test_settings_come_nested_or_with_dots_as_text_or_as_values(model: Path) -> None:
    nested = read_settings({"model": str(model), "limits": {"requests": 8}, "fetching": {"hosts": ["a.org"]}})
    dotted = read_settings({"model": str(model), "limits.requests": "8", "fetching.hosts": "[a.org]"})
    assert nested == dotted
    assert nested.recipe.limits.requests == 8
    assert nested.recipe.fetching.hosts == ("a.org",)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"model": ""}, "model: name the folder"),
        ({"model": "/nowhere"}, "model /nowhere: there is no such folder"),
        ({"limits.requests": 0}, r"limits\.requests"),
        ({"limits.request": 1}, r"limits\.request.*known here"),
        ({"fetching.schemes": ["file"]}, r"fetching\.schemes"),
        ({"model_workers.replicas": {"least": 2, "most": 1}}, "least 2 is more than most 1"),
        ({"model_workers.engine": "abacus"}, r"model_workers\.engine.*'transformers' or 'vllm'"),
        ({"model_workers.vllm.memory_share": 2}, r"model_workers\.vllm\.memory_share"),
        ({"recipe": "palmtop"}, "recipe palmtop"),
    ],
)
def test_what_is_wrong_is_named(model: Path, arguments: dict, message: str) -> None:
    with pytest.raises(RequestError, match=message):
        read_settings({"model": str(model), **arguments})


def test_the_folder_of_a_model_is_found_from_anywhere(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(model.parent)
    assert read_settings({"model": model.name}).model == str(model)
