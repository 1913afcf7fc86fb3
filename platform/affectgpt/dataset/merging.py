"""``merge-dataset``: the shards of a data set become one, once all of them are whole."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from affectgpt.clips.storage import translated_errors
from affectgpt.dataset.card import render_card
from affectgpt.dataset.checks import NAMES_SHOWN, check_writable
from affectgpt.dataset.claim import claimed
from affectgpt.dataset.ledger import Folder, Ledger
from affectgpt.dataset.publishing import withdraw_reports
from affectgpt.dataset.recipe import Recipe
from affectgpt.dataset.report.render import render_report
from affectgpt.dataset.reporting import examples_of, first_left_out
from affectgpt.dataset.schema import DATA, REJECTED, SOURCES
from affectgpt.dataset.shards import SHARDS, Shard
from affectgpt.dataset.summary import ExampleChoice, merge_summaries
from affectgpt.errors import ClipError, JobError, RequestError
from affectgpt.recipes.loading import differences

_TABLES = {"data": DATA, "rejected": REJECTED}


@dataclass(frozen=True)
class _Part:
    """A shard that is whole."""

    shard: Shard
    folder: Folder
    report: dict[str, Any]


def merge(uri: str) -> dict[str, Any]:
    """Make one data set of the shards below an output, and return what its ``report.json`` says.

    The shards stay as they are: more clips, or another recipe, are their runs' business, and merged again. Memory is
    that of the ids of one shard.

    Args:
        uri: the output that ``build-dataset --shard`` was given.

    Raises:
        RequestError: there are no shards, some are missing or not whole, or they do not belong together.
        JobError: clips were lost, or are in several shards.
    """
    try:
        with translated_errors(uri):
            output = Folder.at(uri)
            parts = _parts(output, uri)
    except ClipError as error:
        raise RequestError(f"output: {error.message}") from error
    _check_alike(parts)
    check_writable(uri, output)
    with claimed(uri, output) as claim:
        for part in parts:
            _check_whole(part)
        withdraw_reports(output)
        for name in _TABLES:
            _copy_parts(output / name, parts, name)
        if claim is not None:
            claim.check()
        return _write_report(output, uri, parts)


def check_is_no_data_set(uri: str) -> None:
    """See that a folder, below which shards are to be, is not itself what one run builds.

    Raises:
        RequestError: it is, or it cannot be opened.
    """
    try:
        with translated_errors(uri):
            if Folder.at(uri).exists("ledger"):
                raise RequestError(f"output {uri}: it holds a data set that was built whole; name another for shards")
    except ClipError as error:
        raise RequestError(f"output: {error.message}") from error


def _parts(output: Folder, uri: str) -> list[_Part]:
    check_is_no_data_set(uri)
    found = sorted(shard for name in (output / SHARDS).folders() if (shard := Shard.of_folder(name)) is not None)
    if not found:
        raise RequestError(f"output {uri}: there are no shards; build-dataset --shard i/N makes them")
    counts = sorted({shard.count for shard in found})
    if len(counts) > 1:
        raise RequestError(
            f"output {uri}: shards of {' and of '.join(map(str, counts))} lie side by side; delete what is not wanted"
        )
    folders = {shard: output / SHARDS / shard.folder for shard in found}
    missing = [
        str(shard)
        for number in range(1, counts[0] + 1)
        if (shard := Shard(number, counts[0])) not in folders or not folders[shard].exists("report.json")
    ]
    if missing:
        names = ", ".join(missing[:NAMES_SHOWN]) + (", ..." if len(missing) > NAMES_SHOWN else "")
        raise RequestError(f"output {uri}: {len(missing)} of {counts[0]} shards are not finished: {names}; build them")
    return [_Part(shard, folder, json.loads(folder.read_text("report.json"))) for shard, folder in folders.items()]


def _check_alike(parts: Sequence[_Part]) -> None:
    """See that all shards were built by one recipe and one release."""
    first = parts[0]
    recipe = Recipe.model_validate(first.report["recipe"]).content()
    for part in parts[1:]:
        limits = [one.report.get("limit") or "all" for one in (first, part)]
        changed = differences(recipe, Recipe.model_validate(part.report["recipe"]).content())
        versions = [one.report["pipeline_version"] for one in (first, part)]
        if limits[0] != limits[1]:
            changed = [*changed, f"--limit: {limits[0]} -> {limits[1]} sources"]
        if versions[0] != versions[1]:
            changed = [*changed, f"release: {' -> '.join(versions)}"]
        if changed:
            raise RequestError(
                f"shards {first.shard} and {part.shard} were built otherwise ({'; '.join(changed)}); build them alike"
            )


def _check_whole(part: _Part) -> None:
    """See that a shard has all its clips, each once, and no others.

    Clips are named by their sources, so that shards whose sources differ have no clip in common.

    Raises:
        JobError: it has not.
    """
    report = part.report
    ids = {name: _column(part.folder / name, "clip_id", schema) for name, schema in _TABLES.items()}
    expected = {"data": report["annotated"], "rejected": report["filtered"] + report["rejected"]}
    for name, count in expected.items():
        if len(ids[name]) != count:
            raise JobError(f"shard {part.shard}: {name}/ has {len(ids[name])} of {count} clips; build it again")
    if sum(expected.values()) != report["inputs"]:
        raise JobError(f"shard {part.shard}: {expected} are not its {report['inputs']} inputs; build it again")
    if pc.count_distinct(ids["data"]).as_py() != len(ids["data"]):
        raise JobError(f"shard {part.shard}: clips are in data/ twice; build it again")
    for batch in Ledger(part.folder).sources.read_batches(["source_id"], SOURCES):
        strange = [name for name in batch["source_id"].to_pylist() if not part.shard.holds(name)]
        if strange:
            raise JobError(
                f"shard {part.shard}: it holds sources of other shards ({', '.join(strange[:NAMES_SHOWN])}); build it "
                "again, in an empty folder"
            )


def _column(folder: Folder, name: str, schema: pa.Schema) -> pa.ChunkedArray:
    chunks = [batch[name] for batch in folder.read_batches([name], schema)]
    return pa.chunked_array(chunks, schema.field(name).type)


def _copy_parts(target: Folder, parts: Sequence[_Part], name: str) -> None:
    target.clear()
    for part in parts:
        for info in (part.folder / name).files(".parquet"):
            target.filesystem.copy_file(info.path, f"{target.path}/shard-{part.shard.number:04d}-{info.base_name}")


def _write_report(output: Folder, uri: str, parts: Sequence[_Part]) -> dict[str, Any]:
    recipe = Recipe.model_validate(parts[0].report["recipe"])
    durations = _column(output / "data", "duration_s", DATA).drop_null().to_numpy()
    report = merge_summaries([part.report for part in parts], durations, uri)
    examples = examples_of(_example_rows(output, recipe), recipe)
    output.write_text("report.html", render_report(report, examples, first_left_out(output)))
    output.write_text("README.md", render_card(report, PurePosixPath(output.path).name))
    output.write_text("report.json", json.dumps(report, indent=2, ensure_ascii=False) + "\n")
    return report


def _example_rows(output: Folder, recipe: Recipe) -> list[dict[str, Any]]:
    """Choose annotated clips to show, and read them."""
    choice = ExampleChoice(recipe.run.examples)
    for batch in (output / "data").read_batches(["clip_id", "labels"], DATA):
        rows = batch.to_pylist()
        choice.add({"work_id": row["clip_id"], "outcome": "annotated", "labels": row["labels"]} for row in rows)
    wanted = pa.array(choice.work_ids(), pa.string())
    found: dict[str, dict[str, Any]] = {}
    for batch in (output / "data").read_batches(DATA.names, DATA):
        found |= {row["clip_id"]: row for row in batch.filter(pc.is_in(batch["clip_id"], wanted)).to_pylist()}
    return [found[clip_id] for clip_id in wanted.to_pylist()]
