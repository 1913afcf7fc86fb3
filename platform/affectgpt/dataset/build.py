"""``build-dataset`` from beginning to end: list, inspect, plan, annotate, publish, report."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import pyarrow as pa

from affectgpt.annotate.language_model.models import check_model
from affectgpt.clips.manifest import read_manifest
from affectgpt.clips.sources import Source, list_sources
from affectgpt.dataset.attempts import clip_attempts, source_attempts
from affectgpt.dataset.checks import (
    check_budget,
    check_no_source_is_gone,
    check_nothing_is_dropped,
    check_outcomes,
    check_output,
    check_something_is_left,
    check_writable,
)
from affectgpt.dataset.claim import claimed
from affectgpt.dataset.history import ANNOTATED, PLANNED, PUBLISHED, STARTED, Recorder, runs_of
from affectgpt.dataset.inspecting import source_batches
from affectgpt.dataset.ledger import Folder, Ledger
from affectgpt.dataset.planning import make_plan
from affectgpt.dataset.progress import progress
from affectgpt.dataset.publishing import find_filtered, publish, publish_rejected, read_rejected
from affectgpt.dataset.recipe import Recipe
from affectgpt.dataset.reporting import write_report
from affectgpt.dataset.reuse import recipe_key, with_known
from affectgpt.dataset.schema import SOURCES, WORK
from affectgpt.dataset.shards import Shard
from affectgpt.dataset.versions import begin
from affectgpt.dataset.voices import with_voices
from affectgpt.errors import JobError


@dataclass(frozen=True)
class Request:
    """What a user asks of ``build-dataset``.

    Attributes:
        input: a folder, glob, file or URI; or None where a manifest is given.
        manifest: a CSV, Parquet or JSON Lines file that lists the clips; or None where an input is given.
        output: folder or URI of the data set.
        recipe: the settings.
        limit: how many sources of the input, or of its shard, to take at most, or None for all.
        retry_rejected: whether clips that were rejected by an earlier run are tried again.
        drop_missing: whether clips that an earlier run annotated may be left out because the input has them no more.
        new_version: whether the output may hold a data set of another recipe, which then becomes a version of its own.
        shard: the part of the input that is taken, or None for all of it.
    """

    input: str | None
    manifest: str | None
    output: str
    recipe: Recipe
    limit: int | None = None
    retry_rejected: bool = False
    drop_missing: bool = False
    new_version: bool = False
    shard: Shard | None = None

    def sources(self) -> Iterator[Source]:
        """List what the input or the manifest holds, of that what is in the shard, and of that the first ones."""
        wanted = None if self.shard is None else self.shard.holds
        listed = (
            read_manifest(self.manifest, wanted)
            if self.manifest is not None
            else list_sources(self.input or "", wanted)
        )
        return islice(listed, self.limit)


def build(request: Request) -> dict[str, Any]:
    """Build the data set, or go on building it, and return what ``report.json`` says.

    Raises:
        RequestError: the request is wrong; nothing was written.
        JobError: too many clips were rejected, the run lost clips, or the endpoint of a model fails before it begins.
        StoppedError: the cluster or the endpoint of a model failed on the way; the same command continues.
    """
    began = time.monotonic()
    output = check_output(request.output, request.recipe, request.new_version)
    check_writable(request.output, output)
    with claimed(request.output, output) as claim:
        return _build(request, output, claim.check if claim is not None else lambda: None, began)


def _build(request: Request, output: Folder, check_claim: Callable[[], None], began: float) -> dict[str, Any]:
    recipe = request.recipe
    ledger = Ledger(output)
    ledger.drop_uncommitted()
    attempts = source_attempts(ledger, request.retry_rejected)
    sources = list(source_batches(request.sources(), recipe.cutting.settings(), attempts))
    check_no_source_is_gone(output, sources, request.drop_missing)
    for model in recipe.used_models():
        check_model(model)
    # Importing Ray takes seconds, which a request that is refused should not cost.
    from affectgpt.dataset import cluster, metrics
    from affectgpt.dataset.connection import connect

    connect()
    cluster.check_models(recipe)
    begin(output, recipe)
    run = Recorder.of_new_run(ledger, began)
    run.begin(request.limit)
    count = ledger.sources.write_table(sources, SOURCES)
    left = ledger.uninspected.write_table((attempts.without_known(batch, "source_key") for batch in sources), SOURCES)
    run.add(STARTED, sources=count, uninspected=left)

    with progress("inspecting", "sources", count, count - left, ledger.clips.done):
        cluster.inspect(ledger, left, recipe, run.run_id)
    attempts = clip_attempts(ledger, request.retry_rejected)
    plan = make_plan(ledger, attempts, recipe_key(recipe))
    check_nothing_is_dropped(output, plan, request.drop_missing)
    try:
        check_budget(plan.settled, plan.inputs, recipe.run.rejected_budget)
    except JobError:
        publish_rejected(output, ledger, plan, check_claim)
        raise

    work = with_voices(plan.work, ledger, recipe, cluster.measure_voices)
    work = pa.Table.from_batches([attempts.without_known(batch, "work_id") for batch in work.to_batches()], work.schema)
    metrics.count_settled(run.run_id, plan.settled)
    work = work.append_column(WORK.field("run_id"), pa.repeat(run.run_id, work.num_rows))
    work = with_known(work, plan.work["work_id"], ledger, recipe)
    left = ledger.work.write_table(work.to_batches(), work.schema)
    run.add(PLANNED, inputs=plan.inputs, settled=plan.settled.num_rows, left=left)
    with progress("annotating", "clips", plan.work.num_rows, plan.work.num_rows - left, ledger.outcomes.done):
        cluster.annotate(ledger, left, recipe)
    run.add(ANNOTATED)
    check_outcomes(ledger, plan)
    filtered = find_filtered(ledger, plan, recipe.filters)
    publish(output, ledger, plan, filtered, recipe.run.part_mib, check_claim)
    run.add(PUBLISHED)
    report = write_report(output, request.output, ledger, plan, filtered, runs_of(ledger, run.run_id), recipe)
    for check in (check_budget, check_something_is_left):
        check(read_rejected(output), plan.inputs, recipe.run.rejected_budget)
    return report
