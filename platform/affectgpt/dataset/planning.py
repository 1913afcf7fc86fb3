"""From the clips of the ledger to the work of this run: what is to be annotated, and what is settled without."""

from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from affectgpt.dataset.attempts import Attempts
from affectgpt.dataset.ledger import Ledger
from affectgpt.dataset.lookup import Lookup
from affectgpt.dataset.schema import CLIPS, REJECTED, SOURCES


@dataclass(frozen=True)
class Plan:
    """What a run has to do.

    Attributes:
        inputs: how many clips the input holds.
        work: rows of CLIPS that are to be annotated, by ``clip_id``, each under the key of the attempt that counts.
        settled: rows of REJECTED whose outcome is known without annotating: unusable sources and duplicates.
        inspect_s: worker seconds that inspecting took.
        uninspected: how many sources have not been looked into, so that nobody knows their clips; none in a run that
            has come so far.
    """

    inputs: int
    work: pa.Table
    settled: pa.Table
    inspect_s: float
    uninspected: int = 0


def make_plan(ledger: Ledger, attempts: Attempts, recipe_key: str) -> Plan:
    """Decide what is to be annotated of the sources that the ledger lists now.

    Args:
        ledger: with all sources inspected, or as far as it is.
        attempts: which attempt at a clip counts.
        recipe_key: hash of all that decides what is found of a clip.
    """
    sources = [batch["source_key"] for batch in ledger.sources.read_batches(["source_key"], SOURCES)]
    keys = pa.chunked_array(sources, pa.string())
    clips = _clips_of(keys, ledger)
    usable = clips.filter(pc.is_null(clips["error"]))
    first_ids = _first_clip_of_each_content(usable)
    is_first = pa.array([first is None for first in first_ids], pa.bool_())
    return Plan(
        inputs=clips.num_rows,
        work=_with_keys(usable.filter(is_first), attempts, recipe_key),
        settled=pa.concat_tables(
            [
                _unusable(clips.filter(pc.is_valid(clips["error"]))),
                _duplicates(usable.filter(pc.invert(is_first)), [first for first in first_ids if first is not None]),
            ]
        ),
        inspect_s=pc.sum(clips["inspect_s"]).as_py() or 0.0,
        uninspected=len(keys) - pc.count_distinct(clips["source_key"]).as_py(),
    )


def _clips_of(source_keys: pa.ChunkedArray, ledger: Ledger) -> pa.Table:
    keys = Lookup(source_keys)
    current = [batch.filter(keys.holds(batch["source_key"])) for batch in ledger.clips.read_batches(CLIPS.names, CLIPS)]
    return pa.Table.from_batches(current, CLIPS).sort_by([("clip_id", "ascending"), ("uri", "ascending")])


def _first_clip_of_each_content(clips: pa.Table) -> list[str | None]:
    """For each clip, the id of an earlier clip with the same content, or None where it is the first."""
    seen: dict[tuple[str, float | None, float | None], str] = {}
    firsts: list[str | None] = []
    for batch in clips.select(["clip_id", "content_sha256", "start_s", "end_s"]).to_batches():
        for clip_id, *content in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            first = seen.setdefault(tuple(content), clip_id)
            firsts.append(None if first is clip_id else first)
    return firsts


def _with_keys(clips: pa.Table, attempts: Attempts, recipe_key: str) -> pa.Table:
    facts = ["clip_id", "content_sha256", "start_s", "end_s", "subtitle", "language", "speaker"]
    columns = [clips[name].to_pylist() for name in facts]
    keys = [attempts.of([*values, recipe_key]) for values in zip(*columns, strict=True)]
    for name, values in (("work_id", [key for key, _ in keys]), ("attempts", [number for _, number in keys])):
        index = CLIPS.get_field_index(name)
        clips = clips.set_column(index, CLIPS.field(index), pa.array(values, CLIPS.field(index).type))
    return clips


def _unusable(clips: pa.Table) -> pa.Table:
    return _rejected(clips, "rejected", "inspect", clips["error"], clips["message"])


def _duplicates(clips: pa.Table, firsts: list[str]) -> pa.Table:
    messages = [f"the same content as {first}, which is annotated instead" for first in firsts]
    return _rejected(clips, "filtered", "inspect", _repeat("duplicate", clips), pa.array(messages, pa.string()))


def _rejected(clips: pa.Table, outcome: str, stage: str, error: Any, message: Any) -> pa.Table:
    columns = [clips["clip_id"], clips["uri"], _repeat(outcome, clips), _repeat(stage, clips), error, message]
    scores = pa.nulls(clips.num_rows, pa.float64())
    return pa.Table.from_arrays([*columns, clips["attempts"], scores], schema=REJECTED)


def _repeat(value: str, clips: pa.Table) -> pa.Array:
    return pa.array([value] * clips.num_rows, pa.string())
