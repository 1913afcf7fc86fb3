"""A run of ``train`` on Ray: the initial model, the clips' features, the stages one after the other, the report."""

import json
from collections.abc import Callable
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq

from affectgpt.dataset.connection import connect
from affectgpt.dataset.ledger import Folder
from affectgpt.errors import RequestError
from affectgpt.training.batches import read_table
from affectgpt.training.features.keys import fingerprints_of
from affectgpt.training.features.preparation import hash_clips, prepare_clips
from affectgpt.training.features.settings import PreparationSettings, Sense
from affectgpt.training.model_folder import is_complete
from affectgpt.training.output import Output, write_recipe
from affectgpt.training.recipe import STAGE_NAMES
from affectgpt.training.reporting import Reporter, reported_stages
from affectgpt.training.room import wait_for_workers
from affectgpt.training.stage_job import SampleTable, StageJob
from affectgpt.training.stages import StageOutcome, check_samples, read_outcome, run_stage_job, stage_is_done
from affectgpt.training.tasks import describe, make_initial_model, run_task, write_samples
from affectgpt.training.train import Request, TrainingClips, with_parts

_DESCRIPTIONS = "descriptions.json"


class Run:
    """One run, from the clips that were read to the report."""

    def __init__(
        self, request: Request, output: Output, clips: TrainingClips, say: Callable[[str], None], began: float
    ) -> None:
        """Take what was asked for and read.

        Args:
            request: what is asked for.
            output: where it goes.
            clips: the clips, not yet prepared.
            say: tells the person who watches.
            began: ``time.monotonic()`` when the command began.
        """
        self._request, self._recipe, self._output = request, request.recipe, output
        self._clips, self._say, self._began = clips, say, began
        self._preparation = PreparationSettings(
            self._recipe.model, self._recipe.features, output.initial, output.features(self._recipe)
        )
        self._digests: dict[Sense, str] = {}

    def run(self) -> str:
        """Run the stages that are asked for and return the URI of the report; see ``training.train.train``."""
        for name in self._request.stages:
            self._start_of(name)
        write_recipe(self._output, self._recipe)
        for note in self._clips.notes:
            self._say(f"note: {note}")
        # Ray Train, DeepSpeed and transformers print much that nobody asked for; what matters is raised or logged.
        connect(show_workers=False)
        wait_for_workers(self._recipe.workers, self._say)
        self._prepare()
        samples = write_samples(self._clips.table, self._output.initial, self._recipe.data, self._output.samples)
        self._note_cut_samples(samples)
        for name in self._request.stages:
            samples.check_trainable(name, self._recipe.stages.by_name()[name])
        described = self._described(samples)
        outcomes: dict[str, StageOutcome] = {}
        done_before = all(stage_is_done(self._output, name) for name in self._request.stages)
        before = self._describe_initial(samples, described)
        for name in self._request.stages:
            outcomes[name] = self._run_stage(name, samples, described)
        for name in STAGE_NAMES:
            if name not in outcomes and stage_is_done(self._output, name):
                outcomes[name] = read_outcome(self._output, name)
        if done_before and reported_stages(self._output) == set(outcomes):
            return self._output.at("report.html")
        reporter = Reporter(self._request, self._output, self._clips, samples, self._began)
        return reporter.write({name: outcomes[name] for name in STAGE_NAMES if name in outcomes}, before, described)

    def _note_cut_samples(self, samples: SampleTable) -> None:
        """Tell of descriptions that fill all the room there is: what is beyond is not learnt."""
        most = self._recipe.data.max_tokens
        cut = int((samples.lengths >= most).sum())
        if cut:
            note = (
                f"{cut} of {len(samples)} samples fill data.max_tokens ({most}): what their descriptions say beyond is "
                "cut off; raise it to learn that too"
            )
            self._clips = replace(self._clips, notes=[*self._clips.notes, note])
            self._say(f"note: {note}")

    def _prepare(self) -> None:
        recipe = self._recipe
        # Clips of one content may have several names: parts are made once the content of all is known.
        hashed, _ = hash_clips(self._clips.table, self._say)
        self._clips = replace(self._clips, table=with_parts(hashed, self._request))
        if not is_complete(Folder.at(self._output.initial)):
            self._say("building the model that training begins with")
            texts = self._clips.texts() if recipe.model.language_model.source is None else []
            run_task(recipe, make_initial_model, self._output.initial, recipe.model, texts, recipe.seed)
        if recipe.features.enabled:
            self._digests = {one.sense: one.digest for one in fingerprints_of(self._preparation)}
        prepared = prepare_clips(self._clips.table, self._preparation, self._say)
        self._clips = replace(self._clips, table=self._as_before(prepared))
        self._clips.check_usable(recipe.data.missing_budget)
        folder, _, name = self._output.clips.rpartition("/")
        sink = pa.BufferOutputStream()
        pq.write_table(self._clips.table, sink)
        Folder.at(folder).write_bytes(name, sink.getvalue())

    def _as_before(self, prepared: pa.Table) -> pa.Table:
        """Leave out what an earlier attempt left out, though it may be readable now: a run keeps to its samples."""
        folder, _, name = self._output.clips.rpartition("/")
        if not Folder.at(folder).exists(name):
            return prepared
        columns = ["dataset", "clip_id", "uri", "error", "message"]
        rows = read_table(self._output.clips).select(columns).to_pylist()
        before = {(row["dataset"], row["clip_id"], row["uri"]): row for row in rows if row["error"] is not None}
        now = prepared.select(columns).to_pylist()
        kept = [before.get((row["dataset"], row["clip_id"], row["uri"]), row) for row in now]
        for column in ("error", "message"):
            place = prepared.schema.get_field_index(column)
            prepared = prepared.set_column(place, column, pa.array([row[column] for row in kept], pa.string()))
        return prepared

    def _start_of(self, name: str) -> str:
        """Return the model that a stage begins with.

        Raises:
            RequestError: it inherits from a stage that has not run and is not to run.
        """
        if self._recipe.stages.by_name()[name].inherit == "initial":
            return self._output.initial
        before = STAGE_NAMES[: STAGE_NAMES.index(name)]
        if not before:
            return self._output.initial
        if before[-1] not in self._request.stages and not stage_is_done(self._output, before[-1]):
            raise RequestError(
                f"stage {name} goes on from stage {before[-1]}, which has not run below {self._output.uri}; run both, "
                f"or let it begin anew: --set stages.{name}.inherit=initial"
            )
        return self._output.stage_model(before[-1])

    def _job(self, name: str, samples_sha256: str) -> StageJob:
        return StageJob(
            name=name,
            recipe=self._recipe,
            output=self._output.uri,
            start=self._start_of(name),
            samples=self._output.samples,
            clips=self._output.clips,
            preparation=self._preparation,
            digests=self._digests,
            samples_sha256=samples_sha256,
        )

    def _run_stage(self, name: str, samples: SampleTable, described: list[int]) -> StageOutcome:
        digest = samples.sha256(self._recipe.stages.by_name()[name])
        check_samples(self._output, name, digest)
        if stage_is_done(self._output, name):
            self._say(f"stage {name}: done before")
            return read_outcome(self._output, name)
        job = self._job(name, digest)
        order = samples.order(job.stage, self._recipe.seed)
        self._say(
            f"stage {name}: {order.samples_per_epoch} samples an epoch, {order.steps_per_epoch} steps an epoch, "
            f"batches of {job.stage.batch_size}"
        )
        outcome = run_stage_job(job, self._output, samples, described, self._say)
        chosen = "" if outcome.chosen_loss is None else f", validation loss {outcome.chosen_loss:.3f}"
        self._say(f"stage {name}: {outcome.steps} steps in {outcome.wall_s:.0f} s{chosen}")
        return outcome

    def _described(self, samples: SampleTable) -> list[int]:
        """Choose the held-out samples that are described after each stage, fine ones before coarse ones."""
        language = self._recipe.data.languages[0]
        for dataset in ("fine", "coarse"):
            places = [
                int(place)
                for place in samples.places("validation", dataset)
                if samples.rows["language"][int(place)].as_py() == language
            ]
            if places:
                return places[: self._recipe.report.described]
        return []

    def _describe_initial(self, samples: SampleTable, described: list[int]) -> list[str]:
        """Describe the held-out clips with the model before any training, once."""
        folder = Folder.at(self._output.at("stages", "initial"))
        if not folder.exists(_DESCRIPTIONS):
            name = self._request.stages[0]
            job = self._job(name, samples.sha256(self._recipe.stages.by_name()[name]))
            descriptions, _ = run_task(self._recipe, describe, job, self._output.initial, described)
            folder.write_text(_DESCRIPTIONS, json.dumps(descriptions, ensure_ascii=False))
        texts: list[str] = json.loads(folder.read_text(_DESCRIPTIONS))
        return texts
