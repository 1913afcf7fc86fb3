"""What must hold before, during and after a run, and what to do where it does not."""

from collections import Counter
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from affectgpt.clips.storage import translated_errors
from affectgpt.dataset.ledger import Folder, Ledger
from affectgpt.dataset.lookup import Lookup
from affectgpt.dataset.planning import Plan
from affectgpt.dataset.recipe import Recipe
from affectgpt.dataset.schema import DATA, OUTCOMES
from affectgpt.dataset.versions import changes_since
from affectgpt.errors import ClipError, JobError, RequestError

BUDGET_FROM_CLIPS = 100
REASONS_SHOWN = 10
NAMES_SHOWN = 5
_SPAN = r"#t=[0-9.]*(,[0-9.]*)?$"
"""What ``affectgpt.clips.sources.span_id`` adds to the id of a source."""


def check_output(uri: str, recipe: Recipe, new_version: bool = False) -> Folder:
    """Open the output, which holds nothing else than an earlier run of the same recipe; nothing is written.

    Args:
        uri: folder or URI.
        recipe: what the run is to go by.
        new_version: whether the output may hold a run of another recipe.

    Raises:
        RequestError: it cannot be opened, or holds something else.
    """
    try:
        with translated_errors(uri):
            output = Folder.at(uri)
            changed = changes_since(output, uri, recipe)
    except ClipError as error:
        raise RequestError(f"output {uri}: it cannot be opened: {error.message}; name another --output") from error
    if changed and not new_version:
        raise RequestError(
            f"output {uri}: it holds a run of another recipe ({'; '.join(changed)}); use a new --output, the recipe "
            "that is there, or --new-version, which annotates anew what the change concerns and keeps the old data "
            "below versions/"
        )
    return output


def check_writable(uri: str, output: Folder) -> None:
    """Check that the output can be written.

    Raises:
        RequestError: it cannot.
    """
    try:
        with translated_errors(uri, writing=True):
            output.check_writable()
    except ClipError as error:
        raise RequestError(f"output: {error.message}; name another --output") from error


def check_no_source_is_gone(output: Folder, sources: Sequence[pa.RecordBatch], drop_missing: bool) -> None:
    """Check, before anything is inspected, that each clip of the published data set is of a source that is listed.

    Args:
        output: of the data set.
        sources: rows of SOURCES.
        drop_missing: whether clips may be left out.

    Raises:
        RequestError: some are not, and leaving them out was not asked for.
    """
    if drop_missing or not (output / "data").files(".parquet"):
        return
    listed = Lookup(pa.chunked_array([batch["source_id"] for batch in sources], pa.string()))
    missing: list[str] = []
    for batch in (output / "data").read_batches(["clip_id"], DATA):
        clips = batch["clip_id"]
        of_source = pc.or_(listed.holds(clips), listed.holds(pc.replace_substring_regex(clips, _SPAN, "")))
        missing += clips.filter(pc.invert(of_source)).to_pylist()
    _refuse_to_drop(output, missing)


def check_nothing_is_dropped(output: Folder, plan: Plan, drop_missing: bool) -> None:
    """Check that each clip of the published data set is still among the inputs.

    Raises:
        RequestError: some are not, and leaving them out was not asked for.
    """
    if drop_missing:
        return
    planned = Lookup(pa.chunked_array([*plan.work["clip_id"].chunks, *plan.settled["clip_id"].chunks], pa.string()))
    missing: list[str] = []
    for batch in (output / "data").read_batches(["clip_id"], DATA):
        missing += batch["clip_id"].filter(pc.invert(planned.holds(batch["clip_id"]))).to_pylist()
    _refuse_to_drop(output, missing)


def _refuse_to_drop(output: Folder, missing: list[str]) -> None:
    if missing:
        raise RequestError(
            f"output {output.path}: {len(missing)} of its clips are not in this input ({_names(missing)}), "
            "or beyond --limit; use a new --output, or --drop-missing to leave them out"
        )


def check_budget(rejected: pa.Table, inputs: int, budget: float) -> None:
    """Check that not too many clips were rejected; runs of fewer than ``BUDGET_FROM_CLIPS`` clips are not judged.

    Raises:
        JobError: too many were; the message counts the reasons.
    """
    rejected = rejected.filter(pc.equal(rejected["outcome"], "rejected"))
    if inputs >= BUDGET_FROM_CLIPS and rejected.num_rows > budget * inputs:
        raise _too_many(rejected, inputs, budget)


def check_something_is_left(rejected: pa.Table, inputs: int, budget: float) -> None:
    """Check that a finished run has not rejected all its clips, however few they are; a budget of 1 allows it.

    Raises:
        JobError: it has; the message counts the reasons.
    """
    rejected = rejected.filter(pc.equal(rejected["outcome"], "rejected"))
    if rejected.num_rows == inputs > 0 and budget < 1:
        raise _too_many(rejected, inputs, budget)


def _too_many(rejected: pa.Table, inputs: int, budget: float) -> JobError:
    reasons = Counter(zip(rejected["stage"].to_pylist(), rejected["error"].to_pylist(), strict=True))
    lines = [f"  {count} x {reason} ({stage})" for (stage, reason), count in reasons.most_common(REASONS_SHOWN)]
    return JobError(
        f"{rejected.num_rows} of {inputs} clips were rejected, more than the budget of {budget:.0%}:\n"
        + "\n".join(lines)
        + f"\n  for example {rejected['clip_id'][0]}: {rejected['message'][0]}\n"
        "see rejected/ below the output; repair the clips and run again with --retry-rejected, "
        "or allow more with --set run.rejected_budget=..."
    )


def check_outcomes(ledger: Ledger, plan: Plan) -> None:
    """Check that each clip of the plan has an outcome; of several, from runs at the same time, one is published.

    Raises:
        JobError: clips were lost; the message counts and names them.
    """
    planned = plan.work["work_id"]
    chunks = [batch["work_id"] for batch in ledger.outcomes.read_batches(["work_id"], OUTCOMES)]
    found = pa.chunked_array(chunks, pa.string())
    found = found.filter(pc.is_in(found, planned))
    missing = plan.work.filter(pc.invert(pc.is_in(planned, found)))["clip_id"].to_pylist()
    if missing:
        raise JobError(
            f"{len(missing)} clips have no outcome ({_names(missing)}); "
            "run the same command again, and report it if it persists"
        )


def _names(clip_ids: list[str]) -> str:
    return ", ".join(clip_ids[:NAMES_SHOWN]) + (", ..." if len(clip_ids) > NAMES_SHOWN else "")
