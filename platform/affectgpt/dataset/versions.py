"""Versions of a data set: what another recipe made stays beside the new data, below ``versions/``.

A version is announced by its ``recipe.yaml`` when a run of another recipe begins, and its data follow when that run
publishes; until then the output's own data are those of the announced version.
"""

import json

import yaml

from affectgpt.dataset.ledger import CLAIMS, Folder
from affectgpt.dataset.recipe import Recipe
from affectgpt.dataset.reuse import settings_of_values
from affectgpt.errors import RequestError
from affectgpt.recipes.loading import differences

RECIPE = "recipe.yaml"
REPORT = "report.json"
VALUES = "values.json"


def changes_since(output: Folder, uri: str, recipe: Recipe) -> list[str]:
    """List in what a recipe, or this release of the platform, differs from what the output holds or is becoming.

    Raises:
        RequestError: the output holds something else than a data set.
    """
    if not output.exists(RECIPE):
        if not (output.is_empty() or _has_only_begun(output)):
            raise RequestError(f"output {uri}: it holds other files; name a new or an empty folder")
        return []
    try:
        earlier = Recipe.model_validate(yaml.safe_load(output.read_text(RECIPE)))
    except (ValueError, yaml.YAMLError) as error:
        raise RequestError(f"output {uri}: its recipe.yaml is of another job or version; use a new --output") from error
    return differences(earlier.content(), recipe.content()) or _changes_of_release(output, recipe)


def _has_only_begun(output: Folder) -> bool:
    """Whether all there is comes from a run that could not even write its recipe, as on a full disk."""
    return output.names() <= {CLAIMS, "ledger"} and (output / "ledger").names() <= {VALUES}


def _changes_of_release(output: Folder, recipe: Recipe) -> list[str]:
    """List what this release does otherwise by the same recipe: prompts, methods, samplings."""
    ledger = output / "ledger"
    if not ledger.exists(VALUES):
        return ["made by an earlier release"]
    return differences(json.loads(ledger.read_text(VALUES)), settings_of_values(recipe))


def begin(output: Folder, recipe: Recipe) -> None:
    """Note what the output is becoming; a whole data set of another recipe that it holds is announced as a version."""
    changed = changes_since(output, output.path, recipe)
    if changed and output.exists(REPORT) and _announced(output) is None:
        version = output / "versions" / str(1 + max(_numbers(output), default=0))
        version.write_text(RECIPE, output.read_text(RECIPE))
    (output / "ledger").write_text(VALUES, json.dumps(settings_of_values(recipe), indent=2) + "\n")
    output.write_text(RECIPE, recipe.to_yaml())


def archive(output: Folder) -> None:
    """Move the data of an announced version to its folder; its ``report.json`` comes last and says that it is whole."""
    version = _announced(output)
    if version is None:
        return
    for name in ("data", "rejected"):
        (version / name).take_files(output / name)
    for name in ("report.html", "README.md", REPORT):
        if output.exists(name):
            version.write_text(name, output.read_text(name))
            output.delete(name)


def _announced(output: Folder) -> Folder | None:
    """Return the version whose data have not been moved yet, or None."""
    versions = [output / "versions" / str(number) for number in _numbers(output)]
    return next((version for version in versions if not version.exists(REPORT)), None)


def _numbers(output: Folder) -> list[int]:
    return sorted(int(name) for name in (output / "versions").folders() if name.isdecimal())
