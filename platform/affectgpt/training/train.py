"""``train`` from beginning to end: read the data, prepare the clips, run the stages, report."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from affectgpt.clips.storage import anchored, join_uri
from affectgpt.dataset.checks import check_writable
from affectgpt.dataset.claim import claimed
from affectgpt.errors import JobError, RequestError
from affectgpt.training.data.media import check_missing
from affectgpt.training.data.parts import assign_parts
from affectgpt.training.data.reading import ClipTable, read_coarse, read_fine
from affectgpt.training.notes import random_weights_notes, subtitle_notes
from affectgpt.training.output import check_output
from affectgpt.training.recipe import STAGE_NAMES, Recipe

Say = Callable[[str], None]
_TOKENIZER_TEXTS = 20_000


@dataclass(frozen=True)
class Request:
    """What a user asks of ``train``.

    Attributes:
        coarse: EMER-Coarse, a data set that ``build-dataset`` wrote; or None.
        fine: EMER-Fine, as released or as a table of our own; or None.
        media: where the clips of EMER-Fine lie, or None where its table says so.
        split: a split that ``split-dataset`` wrote, or None.
        output: folder or URI of the run.
        recipe: the settings.
        stages: those to run, in order.
    """

    coarse: str | None
    fine: str | None
    media: str | None
    split: str | None
    output: str
    recipe: Recipe
    stages: Sequence[str] = STAGE_NAMES


@dataclass(frozen=True)
class TrainingClips:
    """The clips of a run.

    Attributes:
        table: rows of CLIPS of all data sets; after preparation of PREPARED_CLIPS, each in its part.
        sources: where each data set was read from.
        missing: ids of the clips of each data set that lie nowhere.
        undescribed: ids of those that have no description in the languages that are learnt.
        notes: what a reader of the results should know.
    """

    table: pa.Table
    sources: dict[str, str]
    missing: dict[str, list[str]]
    undescribed: dict[str, list[str]]
    notes: list[str]

    def texts(self) -> list[str]:
        """Give texts to learn a tokenizer from: descriptions and subtitles of the training clips, not too many."""
        train = self.table.filter(pc.equal(self.table["part"], "train"))
        columns = ("description_en", "description_zh", "subtitle")
        return [text for name in columns for text in train[name].drop_null().slice(0, _TOKENIZER_TEXTS).to_pylist()]

    def check_usable(self, budget: float) -> None:
        """See that not too many clips are missing or cannot be decoded.

        Raises:
            JobError: they are.
        """
        for dataset, missing in self.missing.items():
            rows = self.table.filter(pc.equal(self.table["dataset"], dataset))
            bad = rows.filter(pc.is_valid(rows["error"]))
            named = [f"{row['clip_id']} ({row['message']})" for row in bad.select(["clip_id", "message"]).to_pylist()]
            try:
                trouble = "are not found or damaged" if named else "are not found"
                check_missing([*missing, *named], rows.num_rows + len(missing), budget, trouble)
            except RequestError as error:
                # By now the run has begun.
                raise JobError(str(error)) from error


def train(request: Request, say: Say) -> str:
    """Train AffectGPT, or go on training it, and return the URI of its report.

    Raises:
        RequestError: the request is wrong; nothing was learnt.
        JobError: the run cannot go on.
        StoppedError: the cluster failed; the same command goes on.
    """
    began = time.monotonic()
    request = replace(request, recipe=_anchored(request.recipe))
    _check_stages(request)
    output = check_output(request.output, request.recipe)
    clips = _read_clips(request)
    # Importing Ray and what it brings takes seconds, which a request that is refused should not cost.
    from affectgpt.training.running import Run

    check_writable(output.uri, output.folder)
    with claimed(output.uri, output.folder):
        return Run(request, output, clips, say, began).run()


def _anchored(recipe: Recipe) -> Recipe:
    """Make the local paths of a recipe absolute, for workers that run elsewhere."""
    settings = recipe.model_dump()
    model = settings["model"]
    for section, key in (
        (model["language_model"], "source"),
        (model["vision"], "encoder"),
        (model["audio"], "encoder"),
    ):
        if section is not None and section[key] is not None:
            section[key] = anchored(section[key])
    if settings["features"]["cache"] is not None:
        settings["features"]["cache"] = join_uri(settings["features"]["cache"], ".")
    return Recipe.model_validate(settings)


def _check_stages(request: Request) -> None:
    given = {"coarse": request.coarse, "fine": request.fine}
    stages = request.recipe.stages.by_name()
    for name in request.stages:
        for dataset in stages[name].data:
            if given[dataset] is None:
                others = [other for other, uri in given.items() if uri is not None]
                instead = f", or let it learn from {others[0]} data: --set 'stages.{name}.data={{{others[0]}: 1.0}}'"
                raise RequestError(
                    f"stage {name} learns from {dataset} data; give --{dataset} URI{instead if others else ''}"
                )


def _read_clips(request: Request) -> TrainingClips:
    """Read the clips, and see that they can be parted."""
    recipe = request.recipe.data
    coarse = None if request.coarse is None else read_coarse(request.coarse, recipe.languages)
    fine = None if request.fine is None else read_fine(request.fine, request.media, recipe.languages)
    read: dict[str, ClipTable] = {
        name: table for name, table in (("coarse", coarse), ("fine", fine)) if table is not None
    }
    for table in read.values():
        check_missing(table.missing, table.clips.num_rows + len(table.missing), recipe.missing_budget)
    clips = pa.concat_tables(table.clips for table in read.values())
    with_parts(clips, request)
    return TrainingClips(
        table=clips,
        sources={name: uri for name, uri in (("coarse", request.coarse), ("fine", request.fine)) if uri is not None},
        missing={name: table.missing for name, table in read.items()},
        undescribed={name: table.undescribed for name, table in read.items()},
        notes=[
            *(f"{name}: {note}" for name, table in read.items() for note in table.notes),
            *subtitle_notes({name: table.clips for name, table in read.items()}),
            *random_weights_notes(request.recipe, request.stages),
        ],
    )


def with_parts(clips: pa.Table, request: Request) -> pa.Table:
    """Say for each clip of all data sets whether it is trained or validated on; see ``data.parts.assign_parts``."""
    recipe = request.recipe.data
    tables = {name: clips.filter(pc.equal(clips["dataset"], name)) for name in ("coarse", "fine")}
    coarse, fine = (tables[name] if tables[name].num_rows else None for name in ("coarse", "fine"))
    assigned = assign_parts(
        coarse, fine, request.split, recipe.validation_fraction, recipe.validation_clips, recipe.seed
    )
    return pa.concat_tables(table for table in assigned if table is not None)
