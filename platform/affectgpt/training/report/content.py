"""What the report of a training run, its ``report.json`` and the model card are made of."""

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from affectgpt.training.metrics import MetricsRow

Trained = Literal["frozen", "lora", "full"]


@dataclass(frozen=True, slots=True)
class ModelPart:
    """One part of the model.

    Attributes:
        name: for example ``language model`` or ``audio branch``.
        architecture: what it is, for example ``Qwen3ForCausalLM``.
        source: where its weights came from, a name on the Hugging Face hub or a folder, or None where this run made it.
        parameters: how many it has, without adapters; 0 where it needs none.
        trained: how each stage, by name, changed it.
    """

    name: str
    architecture: str
    source: str | None
    parameters: int
    trained: Mapping[str, Trained]


@dataclass(frozen=True, slots=True)
class StageSummary:
    """How one stage went.

    Attributes:
        name: its name.
        data: the share of its samples that each data set gave, by name; they add up to 1.
        parameters: the model's, adapters included.
        trainable_parameters: those of them that the stage changed.
        steps: optimizer steps.
        epochs: passes over its samples.
        samples: samples learnt from, with repetition.
        wall_s: from its start to its end, in seconds.
        chosen_step: the step of the checkpoint that was kept, or None where there was no choice: without validation.
        chosen_loss: that checkpoint's validation loss, or None.
    """

    name: str
    data: Mapping[str, float]
    parameters: int
    trainable_parameters: int
    steps: int
    epochs: float
    samples: int
    wall_s: float
    chosen_step: int | None
    chosen_loss: float | None


@dataclass(frozen=True, slots=True)
class DatasetSummary:
    """What one data set gave.

    Attributes:
        name: ``coarse`` or ``fine``.
        source: where it was read from.
        train_clips: clips that were learnt from.
        validation_clips: clips that were held out.
        train_samples: samples, one for each clip and language, by language.
        validation_samples: the same of the held-out clips.
        left_out: clips that could not be used.
    """

    name: str
    source: str
    train_clips: int
    validation_clips: int
    train_samples: Mapping[str, int]
    validation_samples: Mapping[str, int]
    left_out: int


@dataclass(frozen=True, slots=True)
class LeftOutClip:
    """One clip that could not be used, with what happened to it, for a person."""

    clip_id: str
    message: str


@dataclass(frozen=True, slots=True)
class LeftOut:
    """The clips of one data set that could not be used for one reason: how many, and the first few of them."""

    dataset: str
    reason: str
    count: int
    first: Sequence[LeftOutClip]


@dataclass(frozen=True, slots=True)
class Scores:
    """How the labels in descriptions of held-out clips agree with the references; figures in [0, 1].

    Attributes:
        after: the stage that had just ended, or None before the training.
        clips: how many were described.
        accuracy_s: mean precision over the clips.
        recall_s: mean recall over the clips.
        f_s: their harmonic mean.
        f_s_interval: its low and high end, or None where it was not estimated.
    """

    after: str | None
    clips: int
    accuracy_s: float
    recall_s: float
    f_s: float
    f_s_interval: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class SampleDescription:
    """A description of a clip by the model.

    Attributes:
        after: the stage that had just ended, or None before the training.
        text: the description; may be empty.
        labels: the emotions that it names.
        agreeing: those of the labels that the reference names too, by the grouping of the scores.
    """

    after: str | None
    text: str
    labels: Sequence[str]
    agreeing: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class SampleClip:
    """One held-out clip, with its reference and what the model made of it.

    Attributes:
        clip_id: its identity.
        dataset: the data set that it is from.
        language: of the descriptions, ``en`` or ``zh``.
        senses: what of it the model took in, for example ``video`` and ``sound``.
        subtitle: what is said, or None.
        reference: the data set's description.
        reference_labels: the emotions of the reference.
        descriptions: the model's, in the order in which they were made.
    """

    clip_id: str
    dataset: str
    language: str
    senses: Sequence[str]
    subtitle: str | None
    reference: str
    reference_labels: Sequence[str]
    descriptions: Sequence[SampleDescription]


@dataclass(frozen=True, slots=True)
class TrainingReport:
    """All that is shown of one run of ``train``.

    Attributes:
        name: what the model is called.
        created_at: ISO 8601 time at which the run ended.
        pipeline_version: the project's version.
        output: the folder of the run.
        wall_s: from start to end, in seconds.
        start_up_s: of it, until the first step.
        device: what was trained on, for example ``2 CPU workers``.
        parts: the parts of the model.
        base_models: names on the Hugging Face hub of the pretrained parts.
        senses: the inputs that it was built for besides the subtitle: ``video``, ``sound`` or both.
        languages: those of the descriptions, ``en``, ``zh`` or both.
        datasets: the data sets.
        train_clips: clips to learn from; one that is in both data sets counts once.
        validation_clips: clips that were held out, counted likewise.
        stages: the stages that ran, in order.
        metrics: the rows of ``metrics.jsonl`` that count; they are not repeated in ``report.json``.
        scores: agreement on held-out clips, in the order in which it was measured; may be empty.
        scoring: how the labels were found and grouped, in a sentence; may be empty.
        samples: held-out clips to show.
        left_out: clips that could not be used, by data set and reason.
        recipe: the settings.
        notes: what else a reader must know, a sentence each.
        versions: of the libraries, by name.
    """

    name: str
    created_at: str
    pipeline_version: str
    output: str
    wall_s: float
    start_up_s: float | None
    device: str
    parts: Sequence[ModelPart]
    base_models: Sequence[str]
    senses: Sequence[str]
    languages: Sequence[str]
    datasets: Sequence[DatasetSummary]
    train_clips: int
    validation_clips: int
    stages: Sequence[StageSummary]
    metrics: Sequence[MetricsRow]
    scores: Sequence[Scores]
    scoring: str
    samples: Sequence[SampleClip]
    left_out: Sequence[LeftOut]
    recipe: Mapping[str, Any]
    notes: Sequence[str]
    versions: Mapping[str, str]

    @property
    def parameters(self) -> int:
        """How many parameters the model has, adapters that were merged or kept included."""
        return self.stages[-1].parameters if self.stages else sum(part.parameters for part in self.parts)

    def to_json(self) -> str:
        """Write the content of ``report.json``; figures that are not finite become null."""
        content = {
            field.name: _plain(getattr(self, field.name))
            for field in dataclasses.fields(self)
            if field.name != "metrics"
        }
        return json.dumps({"job": "train", **content}, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def _plain(value: Any) -> Any:
    """Turn data classes, mappings and sequences into what JSON has."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
