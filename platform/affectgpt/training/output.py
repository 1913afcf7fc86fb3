"""The output of a run: where everything is, and whether it may be gone on with."""

from dataclasses import dataclass
from typing import Any

import yaml

from affectgpt.clips.storage import join_uri, translated_errors
from affectgpt.dataset.ledger import Folder
from affectgpt.errors import ClipError, RequestError
from affectgpt.recipes.loading import differences
from affectgpt.training.recipe import Recipe

_RECIPE = "recipe.yaml"
_NOT_LEARNT: dict[str, Any] = {"workers": True, "report": True, "features": True, "data": {"missing_budget"}}
"""What says how a run is laid out or when it is refused, and not what is learnt; a run can go on with others."""


@dataclass(frozen=True)
class Output:
    """The folder or URI of a run."""

    uri: str

    @property
    def folder(self) -> Folder:
        """The folder itself."""
        return Folder.at(self.uri)

    def at(self, *names: str) -> str:
        """Return the URI of something below it."""
        return join_uri(self.uri, "/".join(names))

    @property
    def initial(self) -> str:
        """The model as it was built, before any stage."""
        return self.at("stages", "initial", "model")

    def stage_model(self, name: str) -> str:
        """The model that a stage ended with."""
        return self.at("stages", name, "model")

    @property
    def model(self) -> str:
        """The final model."""
        return self.at("model")

    @property
    def clips(self) -> str:
        """The table of prepared clips."""
        return self.at("data", "clips.parquet")

    @property
    def samples(self) -> str:
        """The table of samples."""
        return self.at("data", "samples.parquet")

    def features(self, recipe: Recipe) -> str:
        """The feature cache."""
        return recipe.features.cache or self.at("features")


def check_output(uri: str, recipe: Recipe) -> Output:
    """See that a run can begin or go on below a URI; nothing is written.

    Raises:
        RequestError: it cannot be opened, holds something else, or a run with other settings.
    """
    # Ray Train moves its workers to a folder of their own.
    output = Output(join_uri(uri, "."))
    try:
        with translated_errors(uri):
            folder = output.folder
            if folder.exists(_RECIPE):
                _check_recipe(output, recipe)
            elif not folder.is_empty():
                raise RequestError(
                    f"output {uri}: it holds something else; name a new folder, or one of an earlier run"
                )
    except ClipError as error:
        raise RequestError(f"output: {error.message}; name another") from error
    return output


def write_recipe(output: Output, recipe: Recipe) -> None:
    """Save the settings beside the output.

    Raises:
        RequestError: it cannot be written to.
    """
    try:
        with translated_errors(output.uri, writing=True):
            output.folder.write_text(_RECIPE, recipe.to_yaml())
    except ClipError as error:
        raise RequestError(f"output: {error.message}; name another") from error


def _check_recipe(output: Output, recipe: Recipe) -> None:
    text = output.folder.read_text(_RECIPE)
    try:
        earlier = Recipe.model_validate(yaml.safe_load(text))
    except (ValueError, yaml.YAMLError) as error:
        raise RequestError(
            f"output {output.uri}: its {_RECIPE} is of another job, or of another version of train; name another"
        ) from error
    changed = differences(_content(earlier), _content(recipe))
    if changed:
        raise RequestError(
            f"output {output.uri} belongs to a run with other settings ({'; '.join(changed[:10])}); name a new output, "
            "or use the recipe beside it"
        )


def _content(recipe: Recipe) -> dict[str, object]:
    return recipe.model_dump(exclude=_NOT_LEARNT)
