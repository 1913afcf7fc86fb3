"""The recipe of ``train``: every setting of a run, checked before anything starts."""

from collections.abc import Sequence
from typing import Any, Literal

import yaml
from pydantic import Field, model_validator

from affectgpt.recipes.loading import Section, load

Language = Literal["en", "zh"]
DatasetName = Literal["coarse", "fine"]
STAGE_NAMES = ("coarse", "fine")


class LanguageModelSection(Section):
    """The language model: a pretrained one by ``source``, or, without, a small one that is trained from nothing.

    ``source`` is a name on the Hugging Face hub or a folder; the sizes below it are those of the small one, whose
    tokenizer is learnt from the training texts.
    """

    source: str | None = None
    revision: str | None = None
    dtype: Literal["float32", "bfloat16"] = "float32"
    vocabulary: int = Field(2048, ge=300, le=200_000)
    hidden_size: int = Field(128, ge=8, le=65_536)
    layers: int = Field(3, ge=1, le=512)
    heads: int = Field(4, ge=1, le=512)
    context: int = Field(1024, ge=64, le=1_048_576)
    dropout: float = Field(0.0, ge=0, lt=1)


class BranchSection(Section):
    """The way from one sense to the language model: an encoder, and what fuses its features into few tokens.

    ``encoder`` is a name on the Hugging Face hub or a folder, or null for features without weights (patches of the
    frames, log-mel spectra of the sound).
    """

    encoder: str | None = None
    revision: str | None = None
    dtype: Literal["float32", "bfloat16"] = "float32"
    fusion: Literal["qformer", "attention", "mean"] = "qformer"
    queries: int = Field(8, ge=1, le=1024)
    hidden_size: int = Field(128, ge=8, le=65_536)
    layers: int = Field(2, ge=1, le=64)
    heads: int = Field(4, ge=1, le=512)
    dropout: float = Field(0.1, ge=0, lt=1)
    subsampling: int = Field(0, ge=0, le=8)
    statistics: int = Field(0, ge=0, le=64)


class VisionSection(BranchSection):
    """The branch of the frames."""

    queries: int = Field(32, ge=1, le=1024)
    frames: int = Field(8, ge=1, le=512)
    patch_size: int = Field(8, ge=1, le=64)
    frame_size: int = Field(32, ge=8, le=2048)


class AudioSection(BranchSection):
    """The branch of the sound."""

    longest_s: float = Field(30.0, gt=0, le=3600)


class ModelSection(Section):
    """What AffectGPT is made of; without ``vision`` it sees nothing, without ``audio`` it hears nothing."""

    language_model: LanguageModelSection = LanguageModelSection()
    vision: VisionSection | None = VisionSection()
    audio: AudioSection | None = AudioSection()
    pre_fusion: Literal["none", "attention", "qformer"] = "none"

    @model_validator(mode="after")
    def _has_a_sense(self) -> "ModelSection":
        if self.vision is None and self.audio is None:
            raise ValueError("it neither sees nor hears; give vision, audio or both")
        if self.pre_fusion != "none" and (self.vision is None or self.audio is None):
            raise ValueError(f"pre_fusion: {self.pre_fusion} fuses sight and sound; give both vision and audio")
        return self


class DataSection(Section):
    """Which clips are learnt from, and how their texts are used.

    ``label_weight`` is the weight in the loss of tokens that spell one of a clip's labels; all others weigh 1.
    ``missing_budget`` is the share of clips that may be missing or undecodable before the run is refused.
    """

    languages: list[Language] = Field(["en", "zh"], min_length=1)
    max_tokens: int = Field(512, ge=16, le=1_048_576)
    label_weight: float = Field(1.0, gt=0, le=1000)
    validation_fraction: float = Field(0.1, ge=0, lt=1)
    validation_clips: int = Field(256, ge=1)
    missing_budget: float = Field(0.05, ge=0, le=1)
    seed: int = 0


class FeaturesSection(Section):
    """The cache of what frozen encoders give.

    ``cache: null`` puts it below the output; with ``enabled: false`` every clip is decoded and encoded each time anew.
    """

    enabled: bool = True
    cache: str | None = None
    clips_per_block: int = Field(64, ge=1, le=100_000)
    num_cpus: float = Field(1.0, ge=0)
    num_gpus: float = Field(0.0, ge=0)
    batch_size: int = Field(8, ge=1, le=4096)
    timeout_s: float = Field(60.0, gt=0)
    memory_gib: float = Field(4.0, gt=0)


class WorkersSection(Section):
    """The training workers: how many, and what each of them reserves.

    ``count: auto`` is one for each GPU, or one without GPUs. ``loaders`` are processes beside each worker that read
    features ahead of it. ``timeout_s`` is how long the run waits for a cluster that has to grow before all workers fit.
    """

    count: int | Literal["auto"] = 1
    loaders: int = Field(0, ge=0, le=64)
    num_cpus: float = Field(1.0, ge=0)
    gpu: bool = False
    max_failures: int = Field(3, ge=-1)
    timeout_s: float = Field(60.0, gt=0)


class LoraSection(Section):
    """Low-rank adapters (Hu et al., LoRA, arXiv 2106.09685); null as target is all linear layers."""

    rank: int = Field(16, ge=1)
    alpha: int = Field(32, ge=1)
    dropout: float = Field(0.05, ge=0, lt=1)
    targets: list[str] | None = None


class TrainableSection(Section):
    """What a stage changes: each part frozen or full, the language model by LoRA too."""

    language_model: Literal["frozen", "lora", "full"] = "frozen"
    branches: Literal["frozen", "full"] = "full"
    vision_encoder: Literal["frozen", "full"] = "frozen"
    audio_encoder: Literal["frozen", "full"] = "frozen"
    lora: LoraSection = LoraSection()

    @model_validator(mode="after")
    def _something_is(self) -> "TrainableSection":
        if {self.language_model, self.branches, self.vision_encoder, self.audio_encoder} == {"frozen"}:
            raise ValueError("every part is frozen; let one of them be full")
        return self


class DeepSpeedSection(Section):
    """How DeepSpeed spreads the model's states; ``offload`` keeps the optimizer's on the CPU."""

    zero: Literal[1, 2, 3] = 2
    offload: Literal["none", "optimizer", "parameters"] = "none"
    dtype: Literal["float32", "bfloat16"] = "float32"
    gradient_checkpointing: bool = False
    extra: dict[str, Any] = Field(default_factory=dict)


class StageSection(Section):
    """One stage of the training.

    ``data`` gives each data set its share of the samples; ``batch_size`` is that of one optimizer step over all
    workers. Its length is ``epochs`` or ``steps``. ``inherit`` is what it starts from: the stage before, where one ran,
    or the model as it was built.
    """

    data: dict[DatasetName, float]
    epochs: float | None = Field(None, gt=0)
    steps: int | None = Field(None, ge=1)
    batch_size: int = Field(32, ge=1)
    micro_batch_size: int = Field(8, ge=1)
    learning_rate: float = Field(1e-4, gt=0)
    final_learning_rate: float = Field(0.0, ge=0)
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    warmup: float = Field(0.1, ge=0, lt=1)
    weight_decay: float = Field(0.05, ge=0)
    gradient_clipping: float = Field(1.0, ge=0)
    inherit: Literal["previous", "initial"] = "previous"
    trainable: TrainableSection = TrainableSection()
    deepspeed: DeepSpeedSection = DeepSpeedSection()

    @model_validator(mode="after")
    def _fits(self) -> "StageSection":
        if (self.epochs is None) == (self.steps is None):
            raise ValueError("give its length either in epochs or in steps, and set the other of them to null")
        if not self.data or any(share <= 0 for share in self.data.values()):
            raise ValueError("data: give each data set a share above 0, for example {fine: 0.8, coarse: 0.2}")
        if self.batch_size % self.micro_batch_size:
            raise ValueError(f"batch_size {self.batch_size} is no multiple of micro_batch_size {self.micro_batch_size}")
        return self


class StagesSection(Section):
    """The two stages, in the order in which they run."""

    coarse: StageSection = StageSection(data={"coarse": 1.0}, epochs=1)
    fine: StageSection = StageSection(data={"fine": 1.0}, epochs=1)

    def by_name(self) -> dict[str, StageSection]:
        """Return the sections by the name of their stage, in order."""
        return {name: getattr(self, name) for name in STAGE_NAMES}


class CheckpointsSection(Section):
    """When a stage is validated and saved, and how many checkpoints are kept: the best by validation, and the last."""

    every_steps: int = Field(200, ge=1)
    keep: int = Field(2, ge=1)


class ReportSection(Section):
    """What the report shows: ``described`` held-out clips are described after each stage and scored, some are shown."""

    log_every_steps: int = Field(10, ge=1)
    described: int = Field(64, ge=0, le=10_000)
    shown: int = Field(6, ge=0, le=64)
    batch_size: int = Field(8, ge=1, le=1024)
    max_new_tokens: int = Field(256, ge=1, le=8192)


class Recipe(Section):
    """All settings of one ``train`` run."""

    model: ModelSection = ModelSection()
    data: DataSection = DataSection()
    features: FeaturesSection = FeaturesSection()
    stages: StagesSection = StagesSection()
    workers: WorkersSection = WorkersSection()
    checkpoints: CheckpointsSection = CheckpointsSection()
    report: ReportSection = ReportSection()
    seed: int = 0

    @model_validator(mode="after")
    def _encoders_can_be_cached(self) -> "Recipe":
        for name, stage in self.stages.by_name().items():
            if self.features.enabled and "full" in (stage.trainable.vision_encoder, stage.trainable.audio_encoder):
                raise ValueError(
                    f"stages.{name}.trainable: an encoder that is trained gives other features with each step; "
                    "set features.enabled to false"
                )
        return self

    def to_yaml(self) -> str:
        """Return the resolved recipe as YAML."""
        return yaml.safe_dump(self.model_dump(), sort_keys=False, allow_unicode=True)


def load_recipe(name_or_file: str, overrides: Sequence[str] = ()) -> Recipe:
    """Load a recipe of ``train``; see ``affectgpt.recipes.loading.load``."""
    return load(Recipe, "train", name_or_file, overrides)
