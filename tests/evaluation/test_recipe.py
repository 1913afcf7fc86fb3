import pytest

from affectgpt.errors import RequestError
from affectgpt.evaluation.recipe import Recipe, load_recipe


def test_the_shipped_recipe_is_the_default() -> None:
    assert load_recipe("laptop") == Recipe()


def test_every_key_of_the_shipped_recipe_is_written_out() -> None:
    assert load_recipe("laptop").to_yaml() == Recipe().to_yaml()


@pytest.mark.parametrize("grouping", ["wheel", "exact", "llm", "folder/groups.zip"])
def test_groupings(grouping: str) -> None:
    assert load_recipe("laptop", [f"grouping={grouping}"]).grouping == grouping


@pytest.mark.parametrize(
    "override", ["grouping=gpt", "bootstrap.resamples=10", "bootstrap.confidence=95", "extraction.engine=x"]
)
def test_wrong_values_are_refused_with_their_key(override: str) -> None:
    with pytest.raises(RequestError, match=override.partition("=")[0]):
        load_recipe("laptop", [override])


@pytest.mark.parametrize("engine", ["vllm", "transformers"])
def test_what_runs_here_needs_a_model(engine: str) -> None:
    with pytest.raises(RequestError, match=r"language_model.*needs a name on the Hugging Face hub, or a folder"):
        load_recipe("laptop", [f"language_model.engine={engine}"])
    settings = [f"language_model.engine={engine}", "language_model.model=org/name"]
    assert load_recipe("laptop", settings).language_model.engine == engine
