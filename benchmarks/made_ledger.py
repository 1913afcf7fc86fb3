"""Ledgers of clips that nobody annotated, with texts as long and as varied as real ones."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from affectgpt.clips.manifest import read_manifest
from affectgpt.dataset.annotating import isolated_process
from affectgpt.dataset.attempts import Attempts
from affectgpt.dataset.cluster import SOURCES_PER_BLOCK
from affectgpt.dataset.inspecting import inspect_rows, source_batches
from affectgpt.dataset.ledger import Folder, Ledger
from affectgpt.dataset.planning import make_plan
from affectgpt.dataset.recipe import Recipe
from affectgpt.dataset.reuse import recipe_key
from affectgpt.dataset.schema import CLIPS, OUTCOMES, SOURCES
from affectgpt.dataset.versions import begin

_NOTHING_KNOWN = Attempts(set(), set(), retry=False)
_OF_THE_CLIP = ("work_id", "clip_id", "uri", "start_s", "end_s")


def write_ledger(output: Path, manifest: Path, recipe: Recipe, real: pa.Table, unfinished: int) -> None:
    """Write what a run over a manifest leaves behind that was stopped shortly before its end.

    Args:
        output: of the run.
        manifest: its rows are spans of one file.
        recipe: of the run.
        real: rows of OUTCOMES of real clips; their texts are given to the others, each with its words in another order.
        unfinished: how many clips have no outcome.
    """
    folder = Folder.at(str(output))
    begin(folder, recipe)
    ledger = Ledger(folder)
    batches = list(source_batches(read_manifest(str(manifest)), recipe.cutting.settings(), _NOTHING_KNOWN))
    ledger.sources.write_table(batches, SOURCES)
    sources = pa.Table.from_batches(batches)
    _commit(ledger.clips, ledger.clips.done, _inspected(sources, recipe), "source_key")
    work = make_plan(ledger, _NOTHING_KNOWN, recipe_key(recipe)).work
    finished = work.slice(0, work.num_rows - unfinished)
    _commit(ledger.outcomes, ledger.outcomes.done, _outcomes(finished, real, recipe.run.clips_per_block), "work_id")


def _inspected(sources: pa.Table, recipe: Recipe) -> Iterator[pa.Table]:
    """Say of all sources what one of them is found to be, but for what the source itself says."""
    (found,) = inspect_rows(sources.slice(0, 1), recipe.cutting.settings(), isolated_process(recipe).call).to_pylist()
    if found["error"] is not None:
        raise RuntimeError(f"the file of the made rows cannot be used: {found['message']}")
    for start in range(0, sources.num_rows, SOURCES_PER_BLOCK):
        rows = [
            {**found, **{name: row[name] for name in ("source_key", "start_s", "end_s")}, "clip_id": row["source_id"]}
            for row in sources.slice(start, SOURCES_PER_BLOCK).to_pylist()
        ]
        yield pa.Table.from_pylist(rows, CLIPS)


def _outcomes(work: pa.Table, real: pa.Table, rows_per_block: int) -> Iterator[pa.Table]:
    chance = random.Random(0)
    models = real.to_pylist()
    clips = work.select(_OF_THE_CLIP).to_pylist()
    for start in range(0, len(clips), rows_per_block):
        rows = []
        for number in range(start, min(start + rows_per_block, len(clips))):
            row = _shuffled(models[number % len(models)], chance)
            span = {name: clips[number].pop(name) for name in ("start_s", "end_s")}
            row["provenance"] = {**row["provenance"], "source": {**row["provenance"]["source"], **span}}
            rows.append({**row, **clips[number]})
        yield pa.Table.from_pylist(rows, OUTCOMES)


def _shuffled(value: Any, chance: random.Random) -> Any:
    """Put the words of all texts in another order, so that no two rows compress to one."""
    if isinstance(value, str):
        words = value.split(" ")
        chance.shuffle(words)
        return " ".join(words)
    if isinstance(value, dict):
        # What is the same for all clips of a run stays so.
        return {
            name: part if name in ("provenance", "keys") else _shuffled(part, chance) for name, part in value.items()
        }
    return value


def _commit(results: Folder, done: Folder, tables: Iterator[pa.Table], id_column: str) -> None:
    """Write blocks and their identifiers as Ray Data's checkpoint does."""
    for folder in (results, done):
        folder.clear()
    for number, table in enumerate(tables):
        pq.write_table(table, f"{results.path}/made_{number:06d}-0.parquet", filesystem=results.filesystem)
        pq.write_table(table.select([id_column]), f"{done.path}/made_{number:06d}.parquet", filesystem=done.filesystem)
