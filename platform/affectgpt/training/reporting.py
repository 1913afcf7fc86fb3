"""Writes what a run came to: the final model with its card, ``report.json`` and ``report.html``."""

import datetime
import importlib.metadata
import json
import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

import affectgpt
from affectgpt.dataset.ledger import Folder
from affectgpt.evaluation.api import extract_by_lexicon, score_labels
from affectgpt.training.metrics import read_metrics
from affectgpt.training.model_card import render_model_card
from affectgpt.training.model_folder import copy_model
from affectgpt.training.output import Output
from affectgpt.training.report.content import (
    DatasetSummary,
    LeftOut,
    LeftOutClip,
    ModelPart,
    SampleClip,
    SampleDescription,
    Scores,
    StageSummary,
    TrainingReport,
)
from affectgpt.training.report.render import render_report
from affectgpt.training.room import worker_count
from affectgpt.training.stage_job import SampleTable
from affectgpt.training.stages import StageOutcome
from affectgpt.training.train import Request, TrainingClips
from affectgpt.training.trained_on import fingerprints

_SCORING = (
    "Labels are read out of the descriptions by the emotion vocabulary and grouped by the inner sectors of four "
    "emotion wheels; figures are means over the wheels."
)
_FIRST_LEFT_OUT = 5
_LIBRARIES = ("torch", "transformers", "deepspeed", "ray", "peft")


def reported_stages(output: Output) -> set[str]:
    """Name the stages that the report of an output tells of; none where there is no report."""
    if not output.folder.exists("report.json"):
        return set()
    return {stage["name"] for stage in json.loads(output.folder.read_text("report.json"))["stages"]}


class Reporter:
    """Puts together what a run came to."""

    def __init__(
        self, request: Request, output: Output, clips: TrainingClips, samples: SampleTable, began: float
    ) -> None:
        """Take what is reported on; ``began`` is ``time.monotonic()`` when the command began."""
        self._request, self._recipe, self._output = request, request.recipe, output
        self._clips, self._samples, self._began = clips, samples, began

    def write(self, outcomes: Mapping[str, StageOutcome], before: Sequence[str], described: Sequence[int]) -> str:
        """Write the model, its card and the report.

        Args:
            outcomes: of the stages that have ended, in order.
            before: descriptions before the training.
            described: the samples whose clips are described.

        Returns:
            The URI of the report.
        """
        last = list(outcomes.values())[-1]
        report = self._report(outcomes, before, described, last)
        trained_on = self._trained_on(outcomes)
        copy_model(
            Folder.at(self._output.stage_model(last.name)),
            Folder.at(self._output.model),
            {"README.md": render_model_card(report, trained_on)},
            {"trained_on": trained_on},
        )
        self._output.folder.write_text("report.json", report.to_json())
        self._output.folder.write_text("report.html", render_report(report))
        return self._output.at("report.html")

    def _trained_on(self, stages: Collection[str]) -> dict[str, str]:
        """Give the fingerprints of the data sets that these stages learnt from."""
        learnt = {name for stage in stages for name in self._recipe.stages.by_name()[stage].data}
        return {name: digest for name, digest in fingerprints(self._clips.table).items() if name in learnt}

    def _report(
        self, outcomes: Mapping[str, StageOutcome], before: Sequence[str], described: Sequence[int], last: StageOutcome
    ) -> TrainingReport:
        recipe, model = self._recipe, self._recipe.model
        texts: dict[str | None, Sequence[str]] = {None: before}
        texts.update({name: outcome.descriptions for name, outcome in outcomes.items()})
        described_clips = _DescribedClips(self._samples, self._clips, described, texts)
        sources = (model.language_model.source, *(branch.encoder for branch in (model.vision, model.audio) if branch))
        return TrainingReport(
            name=self._output.uri.rstrip("/").rpartition("/")[2],
            created_at=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            pipeline_version=affectgpt.__version__,
            output=self._output.uri,
            wall_s=time.monotonic() - self._began,
            start_up_s=self._start_up_s(next(iter(outcomes.values()))),
            device=self._device(),
            parts=[self._part(name, part, outcomes) for name, part in last.parts.items()],
            base_models=[source for source in sources if source is not None and not source.startswith(("/", "."))],
            senses=[name for name, part in (("video", model.vision), ("sound", model.audio)) if part is not None],
            languages=recipe.data.languages,
            datasets=[self._dataset(name, source) for name, source in self._clips.sources.items()],
            train_clips=self._count_clips("train"),
            validation_clips=self._count_clips("validation"),
            stages=[self._stage(outcome) for outcome in outcomes.values()],
            metrics=read_metrics(self._output.folder),
            scores=described_clips.scores(),
            scoring=_SCORING if described else "",
            samples=described_clips.samples(recipe.report.shown),
            left_out=list(self._left_out()),
            recipe=recipe.model_dump(),
            notes=self._clips.notes,
            versions={name: importlib.metadata.version(name) for name in _LIBRARIES},
        )

    def _start_up_s(self, first: StageOutcome) -> float | None:
        """Say how long it took until the first step, if it was this command that took it."""
        if first.first_step_at is None:
            return None
        began_at = time.time() - (time.monotonic() - self._began)
        return first.first_step_at - began_at if first.first_step_at > began_at else None

    def _device(self) -> str:
        workers = self._recipe.workers
        count = worker_count(workers)
        return f"{count} {'GPU' if workers.gpu else 'CPU'} worker{'s' if count > 1 else ''}"

    def _part(self, name: str, part: Sequence[Any], outcomes: Mapping[str, StageOutcome]) -> ModelPart:
        model = self._recipe.model
        key = name.replace(" ", "_")
        sources = {"language_model": model.language_model.source}
        for sense, branch in (("vision", model.vision), ("audio", model.audio)):
            sources[f"{sense}_encoder"] = None if branch is None else branch.encoder
        stages = self._recipe.stages.by_name()
        trained = {
            stage: getattr(stages[stage].trainable, key if key.endswith(("encoder", "model")) else "branches")
            for stage in outcomes
        }
        return ModelPart(name, str(part[0]), sources.get(key), int(part[1]), trained)

    def _stage(self, outcome: StageOutcome) -> StageSummary:
        shares = self._recipe.stages.by_name()[outcome.name].data
        return StageSummary(
            name=outcome.name,
            data={name: share / sum(shares.values()) for name, share in shares.items()},
            parameters=outcome.parameters,
            trainable_parameters=outcome.trained,
            steps=outcome.steps,
            epochs=outcome.epochs,
            samples=outcome.samples,
            wall_s=outcome.wall_s,
            chosen_step=None if outcome.chosen_loss is None else outcome.chosen_step,
            chosen_loss=outcome.chosen_loss,
        )

    def _dataset(self, name: str, source: str) -> DatasetSummary:
        table = self._clips.table
        usable = table.filter(pc.and_(pc.equal(table["dataset"], name), pc.is_null(table["error"])))
        bad = table.filter(pc.and_(pc.equal(table["dataset"], name), pc.is_valid(table["error"])))
        parts = Counter(usable["part"].to_pylist())
        languages = {part: self._languages(part, name) for part in ("train", "validation")}
        return DatasetSummary(
            name,
            source,
            parts["train"],
            parts["validation"],
            languages["train"],
            languages["validation"],
            bad.num_rows + len(self._clips.missing[name]) + len(self._clips.undescribed[name]),
        )

    def _count_clips(self, part: str) -> int:
        """Count the clips of a part; those of one content and span are one, whatever data set they are in."""
        table = self._clips.table
        usable = table.filter(pc.and_(pc.equal(table["part"], part), pc.is_null(table["error"])))
        return int(pc.count_distinct(usable["clip_key"]).as_py())

    def _languages(self, part: str, dataset: str) -> dict[str, int]:
        rows = self._samples.rows.take(self._samples.places(part, dataset))
        return dict(Counter(rows["language"].to_pylist()))

    def _left_out(self) -> list[LeftOut]:
        found = []
        for by_dataset, reason, message in (
            (self._clips.missing, "missing", "no file of that name"),
            (self._clips.undescribed, "no-description", "no description in a language that is learnt"),
        ):
            for name, clip_ids in by_dataset.items():
                first = [LeftOutClip(clip_id, message) for clip_id in clip_ids[:_FIRST_LEFT_OUT]]
                if clip_ids:
                    found.append(LeftOut(name, reason, len(clip_ids), first))
        table = self._clips.table
        bad = table.filter(pc.is_valid(table["error"]))
        for (name, reason), count in Counter(
            zip(bad["dataset"].to_pylist(), bad["error"].to_pylist(), strict=True)
        ).items():
            of_these = bad.filter(pc.and_(pc.equal(bad["dataset"], name), pc.equal(bad["error"], reason)))
            rows = of_these.slice(0, _FIRST_LEFT_OUT).select(["clip_id", "message"]).to_pylist()
            found.append(LeftOut(name, reason, count, [LeftOutClip(row["clip_id"], row["message"]) for row in rows]))
        return found


class _DescribedClips:
    """The held-out clips that were described, with their references and descriptions."""

    def __init__(
        self,
        samples: SampleTable,
        clips: TrainingClips,
        described: Sequence[int],
        texts: Mapping[str | None, Sequence[str]],
    ) -> None:
        columns = ["dataset", "clip_id", "subtitle", "labels", "has_video", "has_audio"]
        rows = clips.table.filter(pc.equal(clips.table["part"], "validation")).select(columns).to_pylist()
        by_id = {(row["dataset"], row["clip_id"]): row for row in rows}
        chosen = (
            samples.rows.take(pa.array(described, pa.int64()))
            .select(["dataset", "clip_id", "language", "answer"])
            .to_pylist()
        )
        self._rows = [{**row, **by_id[row["dataset"], row["clip_id"]]} for row in chosen]
        self._texts = texts
        read = extract_by_lexicon([row["answer"] for row in self._rows])
        self._truth = [row["labels"] or labels for row, labels in zip(self._rows, read, strict=True)]
        self._found = {after: extract_by_lexicon(list(its)) for after, its in texts.items()}

    def scores(self) -> list[Scores]:
        """Score the labels of the descriptions, before the training and after each stage."""
        ids = [str(number) for number in range(len(self._rows))]
        truth = dict(zip(ids, self._truth, strict=True))
        if not any(truth.values()):
            return []
        scores = []
        for after, found in self._found.items():
            block = score_labels(truth, dict(zip(ids, found, strict=True)))["level1"]
            low, high = block["intervals"]["f_s"]
            scores.append(Scores(after, block["n"], block["accuracy_s"], block["recall_s"], block["f_s"], (low, high)))
        return scores

    def samples(self, count: int) -> list[SampleClip]:
        """Choose the clips that are shown."""
        return [self._sample(number) for number in range(min(count, len(self._rows)))]

    def _sample(self, number: int) -> SampleClip:
        row, truth = self._rows[number], self._truth[number]
        senses = [name for name, there in (("video", row["has_video"]), ("sound", row["has_audio"])) if there]
        return SampleClip(
            clip_id=row["clip_id"],
            dataset=row["dataset"],
            language=row["language"],
            senses=senses,
            subtitle=row["subtitle"],
            reference=row["answer"],
            reference_labels=truth,
            descriptions=[
                SampleDescription(
                    after,
                    texts[number],
                    self._found[after][number],
                    [label for label in self._found[after][number] if label in truth],
                )
                for after, texts in self._texts.items()
            ],
        )
