"""The recipe of ``build-dataset``: every setting of a run, checked before anything starts."""

from collections.abc import Sequence
from typing import Any

import yaml
from pydantic import Field, model_validator

from affectgpt.annotate.engines import STEP_NAMES, check_engine
from affectgpt.clips.decoding import DecodeSettings
from affectgpt.clips.spans import Cutting
from affectgpt.recipes.loading import Section, load


class CuttingSection(Section):
    """How sources become clips; see ``affectgpt.clips.spans.Cutting``."""

    max_clip_s: float = Field(30.0, gt=0, le=3600)
    window_s: float = Field(10.0, gt=0, le=3600)
    min_clip_s: float = Field(1.0, ge=0, le=3600)

    def settings(self) -> Cutting:
        """Return the settings as ``affectgpt.clips`` takes them."""
        return Cutting(**self.model_dump())


class DecodeSection(Section):
    """How a clip is decoded, and what its decoder may use."""

    frames: int = Field(8, ge=1, le=512)
    frame_size: int = Field(224, ge=16, le=2048)
    timeout_s: float = Field(60.0, gt=0)
    memory_gib: float = Field(4.0, gt=0)

    def settings(self) -> DecodeSettings:
        """Return the settings as ``affectgpt.clips`` takes them."""
        return DecodeSettings(frames=self.frames, frame_size=self.frame_size)


class Workers(Section):
    """A pool of actors of its own for one step, each with its resources."""

    actors: int = Field(1, ge=1)
    num_cpus: float = Field(1.0, ge=0)
    num_gpus: float = Field(0.0, ge=0)


class StepSection(Section):
    """The engine of one step.

    ``engine`` is the name of an engine, or ``package.module:Class`` for a step of the user's own. Without ``workers``
    the step runs in the task that decodes the clip, which spares shipping frames; with them it gets actors of its own.
    """

    engine: str = "signal"
    batch_size: int = Field(16, ge=1, le=4096)
    workers: Workers | None = None


class StepsSection(Section):
    """The annotation steps, in the order in which they run."""

    visual_clue: StepSection = StepSection()
    acoustic_clue: StepSection = StepSection()
    merge: StepSection = StepSection()
    translate: StepSection = StepSection()
    labels: StepSection = StepSection()

    @model_validator(mode="after")
    def _engines_exist(self) -> "StepsSection":
        for name in STEP_NAMES:
            check_engine(name, getattr(self, name).engine)
        if self.translate.engine == "signal" and self.merge.engine != "signal":
            raise ValueError("translate: the engine signal renders what the engine signal merged; set merge to it too")
        return self

    def by_name(self) -> dict[str, StepSection]:
        """Return the sections by step name, in order."""
        return {name: getattr(self, name) for name in STEP_NAMES}


class RunSection(Section):
    """How the run is laid out; none of it changes what is annotated."""

    clips_per_block: int = Field(64, ge=1, le=100_000)
    rejected_budget: float = Field(0.05, ge=0, le=1)
    part_mib: int = Field(256, ge=1, le=512)
    examples: int = Field(12, ge=0, le=100)


class Recipe(Section):
    """All settings of one ``build-dataset`` run."""

    cutting: CuttingSection = CuttingSection()
    decode: DecodeSection = DecodeSection()
    steps: StepsSection = StepsSection()
    run: RunSection = RunSection()

    def content(self) -> dict[str, Any]:
        """Return what decides the data set's content: everything but how the run is laid out."""
        settings = self.model_dump(exclude={"run"})
        for step in settings["steps"].values():
            del step["workers"], step["batch_size"]
        for limit in ("timeout_s", "memory_gib"):
            del settings["decode"][limit]
        return settings

    def to_yaml(self) -> str:
        """Return the resolved recipe as YAML."""
        return yaml.safe_dump(self.model_dump(), sort_keys=False)


def load_recipe(name_or_file: str, overrides: Sequence[str] = ()) -> Recipe:
    """Load a recipe of ``build-dataset``; see ``affectgpt.recipes.loading.load``."""
    return load(Recipe, "build_dataset", name_or_file, overrides)
