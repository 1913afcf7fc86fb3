"""The report of an output as its ledger stands: of a run that goes on, of one that was stopped, of a finished one."""

from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import yaml

from affectgpt.clips.storage import translated_errors
from affectgpt.dataset.attempts import clip_attempts
from affectgpt.dataset.history import ANNOTATED, BEGAN, PLANNED, Run, runs_of
from affectgpt.dataset.ledger import Folder, Ledger
from affectgpt.dataset.lookup import Lookup
from affectgpt.dataset.planning import Plan, make_plan
from affectgpt.dataset.publishing import find_filtered
from affectgpt.dataset.recipe import Recipe
from affectgpt.dataset.reporting import make_report
from affectgpt.dataset.reuse import recipe_key
from affectgpt.dataset.schema import CLIPS, WORK
from affectgpt.dataset.shards import SHARDS
from affectgpt.dataset.versions import RECIPE, changes_since
from affectgpt.errors import ClipError, JobError, RequestError


def replay(uri: str) -> tuple[dict[str, Any], str]:
    """Read the events and the outcomes of an output, and make the report of them; nothing of it is written.

    Args:
        uri: the output.

    Returns:
        What ``report.json`` would say, and the page.

    Raises:
        RequestError: it is no output of ``build-dataset``, or one of another release.
        JobError: a run begins there and writes its ledger anew.
    """
    try:
        with translated_errors(uri):
            output = Folder.at(uri)
            recipe, runs = _recipe_of(output, uri), runs_of(Ledger(output))
            changed = changes_since(output, uri, recipe)
    except ClipError as error:
        raise RequestError(f"output {uri}: it cannot be read: {error.message}") from error
    if changed or not runs:
        why = "; ".join(changed) or "it kept no events of its runs"
        raise RequestError(f"output {uri}: another release built it ({why}); see report.html in it, if it is finished")
    ledger = Ledger(output)
    beginning = f"output {uri}: a run begins there and writes its ledger anew; ask again in a minute"
    if runs[-1].last_event == BEGAN:
        raise JobError(f"{beginning}, or, if it was killed meanwhile, run its command again")
    try:
        plan = _as_it_runs(make_plan(ledger, clip_attempts(ledger, retry=False), recipe_key(recipe)), ledger, runs[-1])
        return make_report(uri, ledger, plan, find_filtered(ledger, plan, recipe.filters), runs, recipe)
    except FileNotFoundError as error:
        raise JobError(beginning) from error


def _recipe_of(output: Folder, uri: str) -> Recipe:
    if not output.exists(RECIPE):
        if output.exists(SHARDS):
            raise RequestError(f"output {uri}: each of its shards has a ledger of its own; give --shard i/N with it")
        raise RequestError(f"output {uri}: no run of build-dataset has begun there; name the --output of one")
    try:
        return Recipe.model_validate(yaml.safe_load(output.read_text(RECIPE)))
    except (ValueError, yaml.YAMLError) as error:
        raise RequestError(f"output {uri}: its recipe.yaml is of another job or version") from error


def _as_it_runs(plan: Plan, ledger: Ledger, run: Run) -> Plan:
    """Let clips that a run tries once more be those that it tries, and not those that failed before."""
    if run.last_event not in (PLANNED, ANNOTATED):
        return plan
    batches = ledger.work.read_batches(["clip_id", "work_id"], WORK)
    work = pa.Table.from_batches(batches, pa.schema([WORK.field("clip_id"), WORK.field("work_id")]))
    again = work.filter(pc.invert(Lookup(plan.work["work_id"]).holds(work["work_id"])))
    if not again.num_rows:
        return plan
    places = pc.index_in(plan.work["clip_id"], again["clip_id"])
    tried = pc.if_else(pc.is_valid(places), again["work_id"].take(places), plan.work["work_id"])
    column = CLIPS.get_field_index("work_id")
    return replace(plan, work=plan.work.set_column(column, CLIPS.field("work_id"), tried))
