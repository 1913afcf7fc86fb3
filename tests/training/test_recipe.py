"""The recipes of ``train``: the shipped ones load, and what makes no sense is refused with its key."""

import pytest
import yaml

from affectgpt.errors import RequestError
from affectgpt.training.recipe import Recipe, load_recipe

SHIPPED = ("laptop", "gpu")


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_recipe_loads_and_comes_back_from_yaml(name: str) -> None:
    recipe = load_recipe(name)
    assert Recipe.model_validate(yaml.safe_load(recipe.to_yaml())) == recipe


@pytest.mark.parametrize(
    ("override", "named"),
    [
        ("stages.fine.epohcs=3", "stages.fine.epohcs"),
        ("stages.fine.epochs=0", "stages.fine.epochs"),
        ("stages.fine.steps=5", "either in epochs or in steps"),
        ("stages.fine.data={}", "share above 0"),
        ("stages.fine.data={fine: -1}", "share above 0"),
        ("stages.fine.data={other: 1}", "stages.fine.data.other"),
        ("stages.fine.micro_batch_size=5", "no multiple of micro_batch_size"),
        ("stages.fine.deepspeed.zero=4", "stages.fine.deepspeed.zero"),
        ("stages.fine.trainable.vision_encoder=full", "features.enabled"),
        ("model={vision: null, audio: null}", "neither sees nor hears"),
        ("model={vision: null, pre_fusion: attention}", "both vision and audio"),
        ("workers.count=many", "workers.count"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_key(override: str, named: str) -> None:
    with pytest.raises(RequestError, match=named):
        load_recipe("laptop", [override])


def test_an_encoder_may_be_trained_where_nothing_is_cached() -> None:
    recipe = load_recipe("laptop", ["features.enabled=false", "stages.fine.trainable.vision_encoder=full"])
    assert recipe.stages.fine.trainable.vision_encoder == "full"
