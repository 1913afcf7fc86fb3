"""What a whole run will take, told from a sample of its sources that goes through all the steps.

The sample is built as any data set is, which says how long it takes until everything runs; and then again, by the
workers that run by now, which says how long the work itself takes. Models are asked once only.
"""

import contextlib
import io
import random
import secrets
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from affectgpt.annotate.signal.voice_reference import FEWEST_CLIPS
from affectgpt.clips.sources import Source
from affectgpt.clips.storage import join_uri, split_uri
from affectgpt.dataset.annotating import stages_of
from affectgpt.dataset.build import Request, build
from affectgpt.dataset.checks import check_output
from affectgpt.dataset.extrapolation import Figure, Pool, Sample, Whole, extrapolate
from affectgpt.dataset.ledger import Folder, Ledger
from affectgpt.dataset.progress import say
from affectgpt.dataset.recipe import Recipe
from affectgpt.dataset.schema import CLIPS, DATA, OUTCOMES, SOURCES, WORK
from affectgpt.dataset.voices import MAX_CLIPS_PER_SPEAKER
from affectgpt.errors import RequestError

SEED = 0
REPEATS = 3
TITLES = {
    "clips": "clips",
    "wall_h": "wall clock, h",
    "start_up_h": "  start-up, h",
    "cpu_h": "CPU-hours",
    "gpu_h": "GPU-hours",
    "mib": "output, MiB",
    "cost": "cost",
}


def forecast(request: Request, size: int, prices: Mapping[str, float]) -> str:
    """Build a sample beside the output, remove it again, and say in some lines what the whole input takes.

    Args:
        request: what is asked for; its output is not touched.
        size: how many sources to draw, where the input has as many.
        prices: of an hour, in any currency, where they are known: ``cpu_h``, ``gpu_h``.

    Raises:
        RequestError: the request is wrong, or the input has one source alone.
        JobError: as from ``affectgpt.dataset.build.build``.
        StoppedError: likewise.
    """
    from affectgpt.dataset import cluster

    check_output(request.output, request.recipe, request.new_version)
    sources = list(request.sources())
    if len(sources) < 2:
        raise RequestError("--sample: the input has one source, which does not show how clips differ; build it at once")
    drawn = random.Random(SEED).sample(sources, min(size, len(sources)))
    # That many are rejected is for the forecast to say.
    lenient = request.recipe.run.model_copy(update={"rejected_budget": 1.0})
    recipe = request.recipe.model_copy(update={"run": lenient})
    with _place_beside(request.output) as place:
        sample = _take(_SampleRequest(None, None, place, recipe, drawn=drawn))
        cpus = cluster.cpus()
    whole = Whole(len(sources), _count_voices(sources, recipe), cpus, pools_of(recipe, cpus), prices)
    return "\n".join([*_table(sample, whole), *_notes(sample, whole, request.recipe)])


@dataclass(frozen=True)
class _SampleRequest(Request):
    drawn: Sequence[Source] = ()

    def sources(self) -> Iterator[Source]:
        return iter(self.drawn)


@contextlib.contextmanager
def _place_beside(output: str) -> Iterator[str]:
    """Name a folder beside the output, on storage that every node reaches, and remove what was put there."""
    parent, name = split_uri(output)
    if not name or parent.endswith(":/"):
        raise RequestError(f"--sample: there is no room beside the output {output}; name a folder in it")
    place = join_uri(parent, f"{name}.sample-{secrets.token_hex(3)}")
    try:
        yield place
    finally:
        import ray

        # Workers that are still at work would bring the folder back.
        ray.shutdown()
        folder = Folder.at(place)
        with contextlib.suppress(FileNotFoundError):
            folder.filesystem.delete_dir(folder.path)


def pools_of(recipe: Recipe, cpus: int) -> list[Pool]:
    """Say who does which stages: tasks on the CPUs that actors leave, and actors of their own."""
    in_tasks: list[str] = ["decode"]
    actors: list[Pool] = []
    for stage in stages_of(recipe):
        if stage.workers is None:
            in_tasks += stage.steps
        else:
            actors.append(Pool(stage.steps, stage.workers.actors, stage.workers.num_cpus, stage.workers.num_gpus, True))
    left = cpus - sum(pool.workers * pool.num_cpus for pool in actors)
    return [Pool(tuple(in_tasks), max(1, int(left))), *actors]


def _count_voices(sources: Sequence[Source], recipe: Recipe) -> int:
    """Count the clips that are measured for the usual voices of their speakers, if each source is one clip."""
    if not any(recipe.step_class(name).needs_voice_reference for name in recipe.step_names()):
        return 0
    clips = Counter(source.speaker for source in sources if source.speaker is not None)
    return sum(min(count, MAX_CLIPS_PER_SPEAKER) for count in clips.values() if count >= FEWEST_CLIPS)


def _take(request: _SampleRequest) -> Sample:
    """Build the sample, and measure its work on workers that run already: several times, since their load changes."""
    report = build(request)
    folder, recipe = Folder.at(request.output), request.recipe
    ledger = Ledger(folder)
    files = folder.filesystem.get_file_info(pafs.FileSelector(folder.path, recursive=True))
    outcomes = _read(ledger.outcomes, OUTCOMES)
    say("measuring the same on workers that run already")
    clips = _inspect_again(ledger, Ledger(folder / "again"), recipe)
    work = _work_again(ledger, outcomes, recipe)
    repeats = [_annotate_again(work, Ledger(folder / f"again-{number}"), recipe) for number in range(REPEATS)]
    return Sample(
        spent=_by_source(clips, outcomes, repeats),
        voices=_count_voices(request.drawn, recipe),
        stored_bytes=sum(file.size or 0 for file in files),
        bytes_per_clip=_bytes_per_clip(ledger, outcomes, recipe),
        report=report,
    )


def _read(folder: Folder, schema: pa.Schema) -> pa.Table:
    return pa.Table.from_batches(folder.read_batches(schema.names, schema), schema)


def _inspect_again(ledger: Ledger, again: Ledger, recipe: Recipe) -> pa.Table:
    from affectgpt.dataset import cluster

    count = again.uninspected.write_table(ledger.sources.read_batches(SOURCES.names, SOURCES), SOURCES)
    cluster.inspect(again, count, recipe, "again")
    return _read(again.clips, CLIPS)


def _work_again(ledger: Ledger, outcomes: pa.Table, recipe: Recipe) -> pa.Table:
    """Return as work what was annotated, if a step without a model has something to do; what models said is known."""
    by_model = {name for name in recipe.step_names() if recipe.model_of(name)}
    if by_model.issuperset(recipe.all_steps()):
        return WORK.empty_table()
    annotated = outcomes.filter(pc.equal(outcomes["outcome"], "annotated"))
    values = dict(zip(annotated["work_id"].to_pylist(), annotated["values"].to_pylist(), strict=True))
    work = [
        {**row, "known": {name: value for name, value in values[row["work_id"]].items() if name in by_model}}
        for row in _read(ledger.work, WORK).to_pylist()
        if row["work_id"] in values
    ]
    return pa.Table.from_pylist(work, WORK)


def _annotate_again(work: pa.Table, again: Ledger, recipe: Recipe) -> pa.Table:
    from affectgpt.dataset import cluster

    again.work.write_table(work.to_batches(), WORK)
    cluster.annotate(again, work.num_rows, recipe)
    return _read(again.outcomes, OUTCOMES)


def _by_source(clips: pa.Table, first: pa.Table, repeats: Sequence[pa.Table]) -> dict[str, Figure]:
    """Add up what each source spent, as in ``Sample``.

    Args:
        clips: rows of CLIPS.
        first: rows of OUTCOMES: how the clips ended.
        repeats: likewise, of each repetition; their seconds count instead of the first ones, as far as there are any.
    """
    rows = clips.to_pylist()
    place_of = {key: place for place, key in enumerate(dict.fromkeys(row["source_key"] for row in rows))}
    places = {row["clip_id"]: place_of[row["source_key"]] for row in rows}
    spent: dict[str, Figure] = defaultdict(lambda: np.zeros(len(place_of)))
    for row in rows:
        spent["clips"][places[row["clip_id"]]] += 1
        spent["seconds inspect"][places[row["clip_id"]]] += row["inspect_s"]
    repeated: dict[str, Counter[str]] = defaultdict(Counter)
    for row in pa.concat_tables(repeats).to_pylist():
        for stage, seconds in row["seconds"]:
            repeated[row["clip_id"]][stage] += seconds / len(repeats)
    for row in first.to_pylist():
        row["seconds"] = {**dict(row["seconds"]), **repeated[row["clip_id"]]}
        for kind in ("seconds", "prompt_tokens", "completion_tokens"):
            for stage, amount in dict(row[kind]).items():
                spent[f"{kind} {stage}"][places[row["clip_id"]]] += amount
    return dict(spent)


def _bytes_per_clip(ledger: Ledger, outcomes: pa.Table, recipe: Recipe) -> float:
    """Say by how much all tables together grow with each clip."""
    data = outcomes.filter(pc.equal(outcomes["outcome"], "annotated")).select(DATA.names)
    growths = [_growth(table) for table in (data, outcomes, _read(ledger.work, WORK), _read(ledger.clips, CLIPS))]
    # The ledger's outcomes are a file for each block.
    return float(sum(growths) + _parquet_bytes(outcomes.slice(0, 0)) / recipe.run.clips_per_block)


def _growth(table: pa.Table) -> float:
    """Bytes for each row, told from a table and its first half, so that what a file has once does not count."""
    half = table.num_rows // 2
    grown = _parquet_bytes(table) - _parquet_bytes(table.slice(0, half))
    return float(grown / max(table.num_rows - half, 1))


def _parquet_bytes(table: pa.Table) -> int:
    stream = io.BytesIO()
    pq.write_table(table, stream)
    return stream.tell()


def _table(sample: Sample, whole: Whole) -> list[str]:
    figures, report = extrapolate(sample, whole), sample.report
    ended = f"{report['annotated']} annotated + {report['filtered']} filtered + {report['rejected']} rejected"
    lines = [
        f"sample: {len(sample.spent['clips'])} of {whole.sources} sources; {report['inputs']} clips = {ended}",
        f"all sources, as if none were done yet, on {whole.cpus} CPUs as busy as now, take about:",
    ]
    for name, title in TITLES.items():
        if name in figures:
            figure = figures[name]
            lines.append(f"  {title:14} {_number(figure.value):>12}   {_number(figure.low)} to {_number(figure.high)}")
    lines.append(f"  {'':14} {'worker hours':>12} {'tokens read':>14} {'tokens written':>14}")
    for stage in (name.removeprefix("seconds ") for name in figures if name.startswith("seconds ")):
        tokens = [figures.get(f"{kind} {stage}") for kind in ("prompt_tokens", "completion_tokens")]
        counts = " ".join(f"{_number(count.value) if count else '':>14}" for count in tokens)
        lines.append(f"  {stage:14} {_number(figures[f'seconds {stage}'].value / 3600):>12} {counts}".rstrip())
    return lines


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or value == 0 else f"{value:.2f}" if value >= 1 else f"{value:.4f}"


def _notes(sample: Sample, whole: Whole, recipe: Recipe) -> list[str]:
    """Say what the figures rest on, and in what the whole run may differ from them."""
    report = sample.report
    notes = ["the ranges are for 95 of 100 samples of this size; other load, and duplicates, are not in them"]
    if report["rejected"] > recipe.run.rejected_budget * report["inputs"]:
        notes.append(f"more of the sample were rejected than the budget of {recipe.run.rejected_budget:.0%} allows")
    workers = {stage: pool.workers for pool in whole.pools for stage in pool.stages}
    for name in recipe.step_names():
        batch = recipe.batch_size_of(name)
        if recipe.model_of(name) and report["inputs"] < batch * workers[name]:
            notes.append(
                f"{name}: its {workers[name]} workers take {batch} clips at a time, more than the sample had for them: "
                "the whole run may be faster"
            )
    if whole.prices:
        notes.append("the cost is that of these hours: no idle machines, no storage, no tokens")
    return [f"note: {note}" for note in notes]
