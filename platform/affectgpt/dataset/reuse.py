"""What earlier runs found of a clip and still holds: a value is found again only where what decides it has changed."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from affectgpt.annotate.engines import ENGINES
from affectgpt.dataset.ledger import Ledger
from affectgpt.dataset.lookup import Lookup
from affectgpt.dataset.progress import say
from affectgpt.dataset.recipe import Recipe
from affectgpt.dataset.schema import OUTCOMES, VALUES, WORK

KNOWN = WORK.field("known")
# Strings in one Arrow array may have 2 GiB together.
CHUNK_ROWS = 50_000
# What is wanted is hashed anew for each table.
GATHERED_ROWS = 10_000


def settings_of_values(recipe: Recipe) -> dict[str, Any]:
    """Say what of a recipe and of this release decides each value: settings, model, revision, prompt, sampling."""
    content = recipe.content()
    settings: dict[str, Any] = {"decode": content["decode"]}
    for name in recipe.all_steps():
        made = recipe.make_step(name).provenance()
        facts = {part: getattr(made, part) for part in ("engine", "model", "revision", "prompt_sha256", "sampling")}
        settings[name] = {**facts, "settings": content["steps"].get(name)}
    return settings


@lru_cache(maxsize=8)
def _hashed_settings(recipe: Recipe) -> dict[str, str]:
    return {name: _hash(settings) for name, settings in settings_of_values(recipe).items()}


def recipe_key(recipe: Recipe) -> str:
    """Hash all that decides what is found of a clip."""
    return _hash(_hashed_settings(recipe))


def keys_of(row: Mapping[str, Any], recipe: Recipe) -> dict[str, str]:
    """Hash for each value what decides it: facts of the clip, settings, and the keys of the values it builds on.

    Args:
        row: a row of WORK.
        recipe: the settings.
    """
    settings = _hashed_settings(recipe)
    spoken = [row["subtitle"], row["language"]]
    # The settings of decoding concern the frames alone.
    sound = [row["content_sha256"], row["start_s"], row["end_s"]]
    keys = {"decode": _hash([*sound, settings["decode"]])}
    for name in recipe.all_steps():
        if _is_of_the_user(recipe, name):
            facts = [row["clip_id"], row["speaker"], row["voice_reference"], *spoken, *keys.values()]
        elif name in ("translate", "labels", "text_measures"):
            facts = [keys["merge"]]
        elif name == "merge":
            facts = [*spoken, *(keys[step] for step in ("subtitle", "visual_clue", "acoustic_clue") if step in keys)]
        elif name == "subtitle":
            facts = [*sound, *spoken]
        elif name == "media_measures":
            facts = [keys["decode"]]
        else:
            hears = recipe.step_class(name).needs_voice_reference
            seen = [keys["decode"]] if name == "visual_clue" else sound
            facts = [*seen, row["voice_reference"] if hears else None]
        keys[name] = _hash([settings[name], *facts])
    return keys


def _is_of_the_user(recipe: Recipe, step: str) -> bool:
    """Whether a step is a class of the user's own, which may look at all that precedes it."""
    section = recipe.steps.by_name().get(step)
    return section is not None and section.engine is not None and (step, section.engine) not in ENGINES


def _hash(facts: Any) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]


def with_known(work: pa.Table, planned: pa.ChunkedArray, ledger: Ledger, recipe: Recipe) -> pa.Table:
    """Add the column ``known`` of WORK: what earlier attempts at each clip found that still holds.

    Attempts are earlier where they are not planned: those by another recipe, and those that failed and are now
    repeated.

    Args:
        work: the other columns of WORK.
        planned: the ``work_id`` of all clips of the plan, those that are finished among them.
        ledger: where the outcomes of all attempts are.
        recipe: the settings of this run.
    """
    known = {name: _KnownValues(work.num_rows) for name in VALUES}
    earlier = _earlier_values(ledger, Lookup(planned))
    first = next(earlier, None)
    if first is not None:
        keys = _keys_by_value(work, recipe)
        for table in (first, *earlier):
            for name in VALUES:
                known[name].add(keys[name], _part(table, "keys", name), _part(table, "values", name))
        _say_what_is_reused(known)
    return work.append_column(KNOWN, _column(known, work.num_rows))


def _column(known: Mapping[str, "_KnownValues"], rows: int) -> pa.ChunkedArray:
    chunks = []
    for start in range(0, rows, CHUNK_ROWS):
        parts = [known[name].of_rows(start, min(start + CHUNK_ROWS, rows)) for name in VALUES]
        chunks.append(pa.StructArray.from_arrays(parts, fields=list(KNOWN.type)))
    return pa.chunked_array(chunks, KNOWN.type)


def _say_what_is_reused(known: Mapping[str, "_KnownValues"]) -> None:
    counts = {name: values.count for name, values in known.items() if values.count}
    if counts:
        say("taken over from earlier runs: " + ", ".join(f"{name} of {count} clips" for name, count in counts.items()))


def _earlier_values(ledger: Ledger, planned: Lookup) -> Iterator[pa.Table]:
    """Read keys and values of the outcomes that are not planned, ``GATHERED_ROWS`` or a few more at a time."""
    gathered: list[pa.Table] = []
    for info in ledger.outcomes.files(".parquet"):
        columns = ["work_id", "keys", "values"]
        table = pq.read_table(info.path, columns=columns, filesystem=ledger.outcomes.filesystem, schema=OUTCOMES)
        table = table.filter(pc.invert(planned.holds(table["work_id"])))
        gathered.append(table)
        if sum(one.num_rows for one in gathered) >= GATHERED_ROWS:
            yield pa.concat_tables(gathered)
            gathered = []
    if any(table.num_rows for table in gathered):
        yield pa.concat_tables(gathered)


def _keys_by_value(work: pa.Table, recipe: Recipe) -> dict[str, pa.Array]:
    keys: dict[str, list[str | None]] = {name: [] for name in VALUES}
    for batch in work.to_batches(max_chunksize=10_000):
        for row in batch.to_pylist():
            of_row = keys_of(row, recipe)
            for name in VALUES:
                keys[name].append(of_row.get(name))
    return {name: pa.array(of_all, pa.string()) for name, of_all in keys.items()}


def _part(table: pa.Table, struct: str, name: str) -> pa.Array:
    return pc.struct_field(table[struct].combine_chunks(), name)


class _KnownValues:
    """One value of many clips, gathered as Arrow columns: there may be millions."""

    def __init__(self, rows: int) -> None:
        self._places = np.full(rows, -1, np.int64)
        self._values: list[pa.Array] = [pa.nulls(0, pa.string())]
        self._added = 0

    @property
    def count(self) -> int:
        """For how many clips the value is known."""
        return int((self._places >= 0).sum())

    def add(self, wanted: pa.Array, keys: pa.Array, values: pa.Array) -> None:
        """Take those of these values whose keys are wanted, clip by clip; of several with one key any will do."""
        places = pc.index_in(keys, wanted, skip_nulls=True)
        useful = pc.and_(pc.is_valid(places), pc.is_valid(values))
        taken = values.filter(useful)
        self._places[places.filter(useful).to_numpy()] = np.arange(self._added, self._added + len(taken))
        self._values.append(taken)
        self._added += len(taken)

    def of_rows(self, start: int, stop: int) -> pa.Array:
        """Return the value of each clip in a range, null where none is known."""
        places = self._places[start:stop]
        found = pa.chunked_array(self._values).take(pa.array(places, mask=places < 0))
        return found.combine_chunks()
