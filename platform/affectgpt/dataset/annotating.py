"""From rows of work to rows of outcomes: the annotation of a block of clips, stage by stage."""

import pickle
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import Any, Final

import pyarrow as pa

from affectgpt.annotate.annotator import Failure, decode_samples, is_open, run_step, without_media
from affectgpt.annotate.language_model.models import VLLMModel
from affectgpt.annotate.quality.steps import MediaMeasures, TextMeasures
from affectgpt.annotate.sample import Sample
from affectgpt.annotate.step import Step
from affectgpt.clips.isolation import IsolatedProcess
from affectgpt.dataset.outcomes import outcomes_of, sample_of
from affectgpt.dataset.recipe import Recipe, Workers
from affectgpt.dataset.schema import OUTCOMES, WORK

ITEM = pa.field("item", pa.large_binary())
# With fewer, the engine idles while replies are judged and written and the next clips are prepared.
OVERLAPPING_BATCHES: Final = 4
_GETTING_READY = Lock()


@dataclass(frozen=True)
class Stage:
    """Steps that run in one process, one after the other; in actors of their own where there are ``workers``.

    The first stage decodes, and the last one writes outcomes; between two stages samples travel as rows with an
    ``item``, which carries frames and sound only as long as a later step looks at them.
    """

    recipe: Recipe
    steps: tuple[str, ...]
    is_first: bool
    is_last: bool
    workers: Workers | None = None

    @property
    def batch_size(self) -> int:
        """How many clips go through its steps at a time."""
        annotating = [name for name in self.steps if name in self.recipe.step_names()]
        return min((self.recipe.batch_size_of(name) for name in annotating), default=16)

    @property
    def batches_at_once(self) -> int:
        """How many batches an actor works on at once; of the engines, vLLM alone answers several together."""
        annotating = [name for name in self.steps if name in self.recipe.step_names()]
        by_vllm = [isinstance(self.recipe.model_of(name), VLLMModel) and name != "subtitle" for name in annotating]
        return OVERLAPPING_BATCHES if self.workers is not None and by_vllm and all(by_vllm) else 1


def stages_of(recipe: Recipe) -> list[Stage]:
    """Lay the recipe's steps out in stages.

    Steps without workers share a stage, those in a row that one resident model does share its actors, and a step with
    workers of its own is alone. Media are measured where they are decoded, and texts where the last step runs.
    """
    measuring = recipe.measuring_steps()
    groups: list[tuple[str | None, list[str]]] = [(None, [name for name in measuring if name == MediaMeasures.name])]
    for name in recipe.step_names():
        place = recipe.place_of(name)
        if place != groups[-1][0]:
            groups.append((place, []))
        groups[-1][1].append(name)
    groups[-1][1].extend(name for name in measuring if name == TextMeasures.name)
    last = len(groups) - 1
    return [
        Stage(recipe, tuple(names), number == 0, number == last, recipe.workers_of(names[0]) if number else None)
        for number, (_, names) in enumerate(groups)
    ]


def get_ready(stage: Stage) -> tuple[Step, ...]:
    """Set a stage's steps up, once per process, whichever of its threads comes first."""
    with _GETTING_READY:
        return _steps_of(stage)


@lru_cache(maxsize=8)
def _steps_of(stage: Stage) -> tuple[Step, ...]:
    steps = tuple(stage.recipe.make_step(name) for name in stage.steps)
    for step in steps:
        step.set_up()
    return steps


@lru_cache(maxsize=8)
def isolated_process(recipe: Recipe) -> IsolatedProcess:
    """Return this process's decoder process for a recipe; it starts with its first call."""
    return IsolatedProcess(timeout_s=recipe.decode.timeout_s, memory_gib=recipe.decode.memory_gib)


def run_stage(table: pa.Table, stage: Stage) -> pa.Table:
    """Run a stage on a table of WORK (with ``item`` after the first stage).

    Returns:
        OUTCOMES after the last stage; else the same rows with the changed ``item``.
    """
    outcomes = [_run_batch(batch, stage) for batch in _slices(table, stage.batch_size)]
    empty = OUTCOMES if stage.is_last else WORK.append(ITEM)
    # One chunk makes one group of rows in the ledger's file, which takes a quarter of the room of many.
    return pa.concat_tables([empty.empty_table(), *outcomes]).combine_chunks()


def _slices(table: pa.Table, rows: int) -> Iterator[pa.Table]:
    for start in range(0, table.num_rows, rows):
        yield table.slice(start, rows)


def _run_batch(table: pa.Table, stage: Stage) -> pa.Table:
    rows = table.to_pylist()
    items = _first_items(rows, stage.recipe) if stage.is_first else [pickle.loads(row["item"]) for row in rows]
    # A model takes long to load: not for clips of which earlier runs know all that it would find.
    steps = get_ready(stage) if any(is_open(item, name) for name in stage.steps for item in items) else ()
    for step in steps:
        items = run_step(step, items)
    if not _media_wanted_after(stage):
        items = without_media(items)
    if stage.is_last:
        return outcomes_of(rows, items, stage.recipe)
    pickled = pa.array([pickle.dumps(item, protocol=5) for item in items], ITEM.type)
    return table.select(WORK.names).append_column(ITEM, pickled)


def _first_items(rows: Sequence[dict[str, Any]], recipe: Recipe) -> Sequence[Sample | Failure]:
    """Make samples of rows, and decode those of which a step wants frames or sound."""
    samples = [sample_of(row, recipe) for row in rows]
    looking = [name for name in recipe.all_steps() if recipe.make_step(name).needs_media]
    wanting = [sample for sample in samples if any(is_open(sample, name) for name in looking)]
    decoded = iter(decode_samples(wanting, recipe.decode.settings(), isolated_process(recipe)))
    wanted = set(map(id, wanting))
    return [next(decoded) if id(sample) in wanted else sample for sample in samples]


@lru_cache(maxsize=32)
def _media_wanted_after(stage: Stage) -> bool:
    names = stage.recipe.all_steps()
    later = names[names.index(stage.steps[-1]) + 1 :] if stage.steps else names
    return any(stage.recipe.make_step(name).needs_media for name in later)
