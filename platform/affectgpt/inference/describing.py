"""``describe`` from beginning to end: list, inspect, describe, write."""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import pyarrow as pa
import pyarrow.compute as pc

from affectgpt.clips.manifest import read_manifest
from affectgpt.clips.sources import Source, list_sources
from affectgpt.dataset.attempts import Attempts
from affectgpt.dataset.checks import BUDGET_FROM_CLIPS
from affectgpt.dataset.inspecting import source_batches
from affectgpt.dataset.progress import say
from affectgpt.dataset.schema import SOURCES
from affectgpt.errors import JobError
from affectgpt.evaluation.text_language import Language
from affectgpt.inference.model_files import check_model
from affectgpt.inference.predictions import check_output, write_predictions
from affectgpt.inference.recipe import Recipe

_REASONS_SHOWN = 10


@dataclass(frozen=True)
class Request:
    """What a user asks of ``describe``.

    Attributes:
        model: folder, URI or hub name of the model.
        input: a folder, glob, file or URI; or None where a manifest is given.
        manifest: a CSV, Parquet or JSON Lines file that lists the clips; or None where an input is given.
        output: file or URI of the table.
        language: that of the descriptions.
        recipe: the settings.
        limit: how many sources to take at most, or None for all.
    """

    model: str
    input: str | None
    manifest: str | None
    output: str
    language: Language
    recipe: Recipe
    limit: int | None = None

    def sources(self) -> Iterator[Source]:
        """List what the input or the manifest holds, up to the limit."""
        found = read_manifest(self.manifest) if self.manifest is not None else list_sources(self.input or "")
        return islice(found, self.limit)


@dataclass(frozen=True)
class Summary:
    """How a run went.

    Attributes:
        clips: how many clips the sources held.
        failed: how many of them could not be described.
        reasons: the most frequent errors, each with how often it occurred, and one clip with its message.
        labels: the most frequent labels, each with the number of clips that have it.
        wall_s: seconds from the beginning to the end.
    """

    clips: int
    failed: int
    reasons: list[tuple[str, int, str]]
    labels: list[tuple[str, int]]
    wall_s: float


def describe_clips(request: Request) -> Summary:
    """Describe the clips and write the table.

    Raises:
        RequestError: the request is wrong; nothing was written.
        JobError: a worker failed, and nothing was written; or more clips failed than the recipe allows, and the table
            says why.
        StoppedError: the cluster failed; nothing was written.
    """
    began = time.monotonic()
    check_output(request.output)
    check_model(request.model)
    cutting = request.recipe.cutting.settings()
    sources = pa.Table.from_batches(source_batches(request.sources(), cutting, Attempts(set(), set(), False)), SOURCES)
    # Importing Ray takes a second, which a request that is refused should not cost.
    from affectgpt.dataset.connection import connect
    from affectgpt.inference.workers import describe_sources

    connect()
    say(f"describing {sources.num_rows} sources")
    table = describe_sources(sources, request.model, request.language, request.recipe, say)
    write_predictions(table, request.output)
    if table.num_rows and table["subtitle"].null_count == table.num_rows:
        say(
            "note: no clip has a subtitle; a model that was trained with them needs them: name a --manifest with a "
            "column subtitle, or put .srt files beside the clips"
        )
    summary = _summary(table, time.monotonic() - began)
    _check_budget(summary, request)
    return summary


def _summary(table: pa.Table, wall_s: float) -> Summary:
    failed = table.filter(pc.is_valid(table["error"]))
    reasons = Counter(failed["error"].to_pylist())
    messages = {row["error"]: f"{row['clip_id']}: {row['message']}" for row in failed.to_pylist()}
    labels = Counter(label for row in table["labels"].to_pylist() for label in row)
    return Summary(
        clips=table.num_rows,
        failed=failed.num_rows,
        reasons=[(reason, count, messages[reason]) for reason, count in reasons.most_common(_REASONS_SHOWN)],
        labels=labels.most_common(),
        wall_s=wall_s,
    )


def _check_budget(summary: Summary, request: Request) -> None:
    budget = request.recipe.failed_budget
    too_many = summary.clips >= BUDGET_FROM_CLIPS and summary.failed > budget * summary.clips
    if not too_many and summary.failed < summary.clips:
        return
    lines = [f"  {count} x {reason}, for example: {message}" for reason, count, message in summary.reasons]
    allowed = f"more than the share of {budget:g} that may fail" if too_many else "all of them"
    raise JobError(
        f"{summary.failed} of {summary.clips} clips could not be described, {allowed}:\n"
        + "\n".join(lines)
        + f"\n{request.output} holds them all with their reasons; repair the clips and run again"
        + (", or allow more with --set failed_budget=..." if too_many else "")
    )
