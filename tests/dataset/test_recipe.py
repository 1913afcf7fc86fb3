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
        (
            "stepz.merge=1",
            "stepz: Extra inputs are not permitted; known here: cutting, decode, models, steps, filters, run",
        ),
        ("decode=8", "decode: Input should be a section, with keys and values; known here: frames"),
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


MODEL = "models.big={engine: openai, model: qwen, base_url: 'http://host:8000/v1', api_key_file: /run/key}"
STEPS = load_recipe("laptop").step_names()
BY_MODEL = [MODEL, *(f"steps.{name}={{model: big}}" for name in STEPS)]


def test_a_step_is_done_by_an_engine_or_by_a_model(tmp_path: Path) -> None:
    recipe = load_recipe("laptop", BY_MODEL)
    assert {recipe.steps.by_name()[name].engine for name in STEPS} == {None}
    assert recipe.used_models() == [recipe.models["big"]] == [recipe.model_of("merge")]
    assert load_recipe("laptop").model_of("merge") is None
    file = tmp_path / "recipe.yaml"
    file.write_text(recipe.to_yaml())
    again = load_recipe(str(file))
    assert again == recipe and hash(again) == hash(recipe)
    for name in STEPS:
        step = recipe.make_step(name)
        assert (step.name, step.provenance().engine, step.provenance().model) == (name, "openai", "qwen")
        assert isinstance(step, recipe.step_class(name))
        assert load_recipe("laptop").make_step(name).provenance().engine == "signal"


def test_a_step_for_which_nothing_is_named_is_on_signal() -> None:
    assert load_recipe("laptop", ["steps.merge={batch_size: 2}"]).steps.merge.engine == "signal"
    assert load_recipe("laptop", [MODEL, "steps.labels={model: big}"]).steps.merge.engine == "signal"


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        (
            ["steps.merge.model=big"],
            "steps.merge: Value error, it has the engine 'signal' and the model 'big'; set one",
        ),
        (["steps.labels={model: big}"], "steps.labels.model: there is no model 'big' in models; there is: none"),
        ([MODEL, "steps.labels={model: large}"], "there is no model 'large' in models; there is: big"),
        ([MODEL, "models.big.api_key=secret"], "models.big.api_key: Extra inputs are not permitted"),
        (["models.big={engine: openai}"], "models.big.model: Field required"),
        (["models.big={model: qwen}"], "models.big: Unable to extract tag using discriminator 'engine'"),
        ([MODEL, "models.big.base_url=nowhere"], "models.big.base_url: Value error, 'nowhere' is no URL of an API"),
        (
            [MODEL, "models.big.engine=gpt"],
            "models.big: Input tag 'gpt' found using 'engine' does not match any of the expected tags: 'openai'",
        ),
        ([MODEL, "steps.merge={model: big}"], "translate: the engine signal renders what the engine signal merged"),
        (
            [MODEL, "steps.visual_clue={model: big}"],
            "merge: the engine signal goes by measured evidence, which a model's visual_clue does not hold",
        ),
        ([*BY_MODEL, "steps.labels={engine: signal}"], "labels: the engine signal goes by measured evidence"),
    ],
)
def test_models_that_do_not_fit_are_refused_with_their_path(overrides: list[str], expected: str) -> None:
    with pytest.raises(RequestError) as refused:
        load_recipe("laptop", overrides)
    assert expected in str(refused.value)
    assert "secret" not in str(refused.value)


def test_labels_on_signal_go_with_a_generated_description_of_measured_clues() -> None:
    recipe = load_recipe("laptop", [MODEL, "steps.merge={model: big}", "steps.translate={model: big}"])
    assert recipe.steps.labels.engine == "signal"


def test_a_models_content_counts_where_it_is_used_and_by_what_it_is() -> None:
    content = load_recipe("laptop", BY_MODEL).content()
    elsewhere = ["models.big.base_url=http://other/v1", "models.big.concurrency=3", "models.big.api_key_file=null"]
    unused = ["models.other={engine: openai, model: other}"]
    assert load_recipe("laptop", [*BY_MODEL, *elsewhere, *unused, "models.big.timeout_s=5.0"]).content() == content
    renamed = [one.replace("big", "huge") for one in BY_MODEL]
    assert load_recipe("laptop", renamed).content() == content
    changed = load_recipe("laptop", [*BY_MODEL, "models.big.revision=abc"]).content()
    assert differences(content, changed)[0] == "steps.acoustic_clue.model.revision: None -> abc"
    assert "api_key" not in str(content) and "host" not in str(content)


def test_the_shipped_recipes_are_found_below_jobs() -> None:
    recipes = Path(__file__).resolve().parents[2] / "jobs" / "recipes" / "build_dataset"
    assert yaml.safe_load((recipes / "laptop.yaml").read_text())["decode"]["frames"] == 8
