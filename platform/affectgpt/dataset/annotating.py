"""From rows of work to rows of outcomes: the annotation of a block of clips, stage by stage."""

import json
import pickle
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import pyarrow as pa

from affectgpt import __version__
from affectgpt.annotate.annotator import Failure, decode_samples, run_step, without_media
from affectgpt.annotate.engines import STEP_NAMES
from affectgpt.annotate.sample import Clue, Sample
from affectgpt.annotate.step import Step
from affectgpt.clips.clip import Clip
from affectgpt.clips.isolation import IsolatedProcess
from affectgpt.clips.probing import SourceInfo, probe
from affectgpt.dataset.recipe import Recipe, Workers
from affectgpt.dataset.schema import OUTCOMES, WORK
from affectgpt.errors import FilteredClipError

ITEM = pa.field("item", pa.large_binary())


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
        return min((self.recipe.batch_size_of(name) for name in self.steps), default=16)


def stages_of(recipe: Recipe) -> list[Stage]:
    """Lay the recipe's steps out in stages.

    Steps without workers share a stage, those in a row that one resident model does share its actors, and a step with
    workers of its own is alone.
    """
    groups: list[tuple[str | None, list[str]]] = [(None, [])]
    for name in STEP_NAMES:
        place = recipe.place_of(name)
        if place != groups[-1][0]:
            groups.append((place, []))
        groups[-1][1].append(name)
    last = len(groups) - 1
    return [
        Stage(recipe, tuple(names), number == 0, number == last, recipe.workers_of(names[0]) if names else None)
        for number, (_, names) in enumerate(groups)
    ]


@dataclass(frozen=True)
class Ready:
    """What a process keeps to run a stage: its steps, set up, and the process that decodes for it."""

    steps: tuple[Step, ...]
    isolated: IsolatedProcess


@lru_cache(maxsize=8)
def get_ready(stage: Stage) -> Ready:
    """Set a stage up, once per process."""
    steps = tuple(stage.recipe.make_step(name) for name in stage.steps)
    for step in steps:
        step.set_up()
    return Ready(steps, isolated_process(stage.recipe))


@lru_cache(maxsize=8)
def isolated_process(recipe: Recipe) -> IsolatedProcess:
    """Return this process's decoder process for a recipe; it starts with its first call."""
    return IsolatedProcess(timeout_s=recipe.decode.timeout_s, memory_gib=recipe.decode.memory_gib)


@lru_cache(maxsize=8)
def isolated_probe(recipe: Recipe) -> Callable[[str], SourceInfo]:
    """Return the probe that runs in this process's decoder process."""
    isolated = isolated_process(recipe)
    return lambda uri: isolated.call(probe, uri)


def run_stage(table: pa.Table, stage: Stage) -> pa.Table:
    """Run a stage on a table of WORK (with ``item`` after the first stage).

    Returns:
        OUTCOMES after the last stage; else the same rows with the changed ``item``.
    """
    outcomes = [_run_batch(batch, stage) for batch in _slices(table, stage.batch_size)]
    empty = OUTCOMES if stage.is_last else WORK.append(ITEM)
    return pa.concat_tables([empty.empty_table(), *outcomes])


def _slices(table: pa.Table, rows: int) -> Iterator[pa.Table]:
    for start in range(0, table.num_rows, rows):
        yield table.slice(start, rows)


def _run_batch(table: pa.Table, stage: Stage) -> pa.Table:
    ready = get_ready(stage)
    rows = table.to_pylist()
    items = _first_items(rows, stage.recipe, ready) if stage.is_first else [pickle.loads(row["item"]) for row in rows]
    for step in ready.steps:
        items = run_step(step, items)
        if step.needs_media and not _media_wanted_after(stage.recipe, STEP_NAMES.index(step.name)):
            items = without_media(items)
    if stage.is_last:
        provenance = _step_provenances(stage.recipe)
        return pa.Table.from_pylist(
            [_outcome(row, item, provenance) for row, item in zip(rows, items, strict=True)], OUTCOMES
        )
    pickled = pa.array([pickle.dumps(item, protocol=5) for item in items], ITEM.type)
    return table.select(WORK.names).append_column(ITEM, pickled)


def _first_items(rows: Sequence[dict[str, Any]], recipe: Recipe, ready: Ready) -> Sequence[Sample | Failure]:
    samples = [_sample_of(row) for row in rows]
    if not _media_wanted_after(recipe, -1):
        return samples
    return decode_samples(samples, recipe.decode.settings(), ready.isolated)


@lru_cache(maxsize=32)
def _media_wanted_after(recipe: Recipe, position: int) -> bool:
    later = STEP_NAMES[position + 1 :]
    return any(recipe.step_class(name).needs_media for name in later)


@lru_cache(maxsize=8)
def _step_provenances(recipe: Recipe) -> dict[str, dict[str, str | None]]:
    found = {name: recipe.make_step(name).provenance() for name in STEP_NAMES}
    return {
        name: {
            "engine": one.engine,
            "model": one.model,
            "revision": one.revision,
            "prompt_sha256": one.prompt_sha256,
            "sampling": one.sampling,
        }
        for name, one in found.items()
    }


def clip_of(row: dict[str, Any]) -> Clip:
    """Read a clip from a row of WORK or CLIPS."""
    return Clip(
        clip_id=row["clip_id"],
        uri=row["uri"],
        start_s=row["start_s"],
        end_s=row["end_s"],
        subtitle=row["subtitle"],
        subtitle_source=row["subtitle_source"],
        language=row["language"],
        speaker=row["speaker"],
    )


def _sample_of(row: dict[str, Any]) -> Sample:
    reference = json.loads(row["voice_reference"]) if row["voice_reference"] else None
    return Sample(clip_of(row), voice_reference=reference)


def _outcome(row: dict[str, Any], item: Sample | Failure, provenance: dict[str, Any]) -> dict[str, Any]:
    outcome = {name: row[name] for name in ("work_id", "clip_id", "uri", "content_sha256", "attempts")}
    outcome["seconds"] = list(item.seconds.items())
    if isinstance(item, Failure):
        filtered = isinstance(item.error, FilteredClipError)
        return {
            **outcome,
            "outcome": "filtered" if filtered else "rejected",
            "stage": item.stage,
            "error": item.error.reason,
            "message": item.error.message,
        }
    known = item.decoded
    return {
        **outcome,
        "outcome": "annotated",
        "duration_s": known.duration_s if known else row["duration_s"],
        "has_video": known.has_video if known else row["has_video"],
        "has_audio": known.has_audio if known else row["has_audio"],
        "subtitle": item.clip.subtitle,
        "language": item.clip.language,
        "visual_clue": _text(item.visual),
        "acoustic_clue": _text(item.acoustic),
        "description_en": item.description_en,
        "description_zh": item.description_zh,
        "labels": [label.name for label in item.labels],
        "provenance": {
            "pipeline_version": __version__,
            "source": _source_facts(item),
            **provenance,
            **_label_clues(item),
        },
    }


def _text(clue: Clue | None) -> str | None:
    return clue.text_en if clue else None


def _source_facts(sample: Sample) -> dict[str, Any]:
    clip, known = sample.clip, sample.decoded
    return {
        "start_s": clip.start_s,
        "end_s": clip.end_s,
        "subtitle_source": clip.subtitle_source,
        "frames_expected": known.frames_expected if known else None,
        "frames_got": known.frames_got if known else None,
    }


def _label_clues(sample: Sample) -> dict[str, Any]:
    return {"label_clues": [{"label": label.name, "clues": list(label.clues)} for label in sample.labels]}
