"""The report of an output as its ledger stands: of a run that goes on, of one that was stopped, of a finished one."""

from typing import Any

import yaml

from affectgpt.clips.storage import translated_errors
from affectgpt.dataset.attempts import clip_attempts
from affectgpt.dataset.history import runs_of
from affectgpt.dataset.ledger import Folder, Ledger
from affectgpt.dataset.planning import make_plan
from affectgpt.dataset.publishing import find_filtered
from affectgpt.dataset.recipe import Recipe
from affectgpt.dataset.reporting import make_report
from affectgpt.dataset.reuse import recipe_key
from affectgpt.dataset.versions import RECIPE
from affectgpt.errors import ClipError, JobError, RequestError


def replay(uri: str) -> tuple[dict[str, Any], str]:
    """Read the events and the outcomes of an output, and make the report of them; nothing of it is written.

    Args:
        uri: the output.

    Returns:
        What ``report.json`` would say, and the page.

    Raises:
        RequestError: it is no output of ``build-dataset``, or no run has begun there.
        JobError: a run that goes on wrote its ledger anew meanwhile.
    """
    try:
        with translated_errors(uri):
            output = Folder.at(uri)
            if not output.exists(RECIPE) or not (runs := runs_of(Ledger(output))):
                raise RequestError(f"output {uri}: no run of build-dataset has begun there; name the --output of one")
            recipe = Recipe.model_validate(yaml.safe_load(output.read_text(RECIPE)))
    except ClipError as error:
        raise RequestError(f"output {uri}: it cannot be read: {error.message}") from error
    except (ValueError, yaml.YAMLError) as error:
        raise RequestError(f"output {uri}: its recipe.yaml is of another job or version") from error
    ledger = Ledger(output)
    try:
        plan = make_plan(ledger, clip_attempts(ledger, retry=False), recipe_key(recipe))
        return make_report(uri, ledger, plan, find_filtered(ledger, plan, recipe.filters), runs, recipe)
    except FileNotFoundError as error:
        raise JobError(f"output {uri}: a run begins there and writes its ledger anew; ask again in a minute") from error
