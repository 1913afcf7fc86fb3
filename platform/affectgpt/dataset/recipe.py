"""The recipe of ``build-dataset``: every setting of a run, checked before anything starts."""

from collections.abc import Mapping, Sequence
from typing import Any

import yaml
from pydantic import Field, model_validator

from affectgpt.annotate.engines import STEP_NAMES, check_engine, make_model_step, model_step_class, step_class
from affectgpt.annotate.language_model.models import ModelSection, Resident, VLLMModel
from affectgpt.annotate.quality.steps import MediaMeasures, TextMeasures
from affectgpt.annotate.step import Step
from affectgpt.clips.decoding import DecodeSettings
from affectgpt.clips.spans import Cutting
from affectgpt.dataset.filters import FiltersSection
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
    """How one step is done: by an engine of its own, or by a model; ``signal`` where neither is named.

    ``engine`` is ``signal``, or ``package.module:Class`` for a step of the user's own; ``model`` is the name of one of
    the recipe's ``models``. Without ``workers`` the step runs in the task that decodes the clip, which spares shipping
    frames; with them it gets actors of its own.
    """

    engine: str | None = None
    model: str | None = None
    batch_size: int = Field(16, ge=1, le=4096)
    workers: Workers | None = None

    @model_validator(mode="before")
    @classmethod
    def _by_signal_unless_told(cls, settings: Any) -> Any:
        if isinstance(settings, Mapping) and settings.get("engine") is None and settings.get("model") is None:
            return {**settings, "engine": "signal"}
        return settings

    @model_validator(mode="after")
    def _by_one_of_them(self) -> "StepSection":
        if self.engine is not None and self.model is not None:
            raise ValueError(
                f"it has the engine {self.engine!r} and the model {self.model!r}; set one of engine and model to null"
            )
        return self


class StepsSection(Section):
    """The annotation steps, in the order in which they run.

    ``subtitle`` writes down what is said where nobody gave a subtitle; without a section there is no such step.
    """

    subtitle: StepSection | None = None
    visual_clue: StepSection = StepSection()
    acoustic_clue: StepSection = StepSection()
    merge: StepSection = StepSection()
    translate: StepSection = StepSection()
    labels: StepSection = StepSection()

    @model_validator(mode="after")
    def _engines_exist(self) -> "StepsSection":
        for name, section in self.by_name().items():
            if section.engine is not None:
                check_engine(name, section.engine)
        if self.translate.engine == "signal" and self.merge.engine != "signal":
            raise ValueError(
                "translate: the engine signal renders what the engine signal merged; set merge to it too, or give "
                "translate a model"
            )
        return self

    @model_validator(mode="after")
    def _signal_has_evidence(self) -> "StepsSection":
        """The engine signal weighs the evidence in clues, and a model's clues are text alone."""
        by_model = [name for name in ("visual_clue", "acoustic_clue") if getattr(self, name).model is not None]
        for name in ("merge", "translate", "labels"):
            if by_model and getattr(self, name).engine == "signal":
                raise ValueError(
                    f"{name}: the engine signal goes by measured evidence, which a model's {by_model[0]} does not "
                    f"hold; give {name} a model, or set {' and '.join(by_model)} to the engine signal"
                )
        return self

    def by_name(self) -> dict[str, StepSection]:
        """Return the sections of the steps that there are, by step name, in order."""
        found = {name: getattr(self, name) for name in STEP_NAMES}
        return {name: section for name, section in found.items() if section is not None}


class RunSection(Section):
    """How the run is laid out; none of it changes what is annotated.

    ``timeout_s`` is how long the run waits for a cluster that has to grow before all its actors fit.
    """

    clips_per_block: int = Field(64, ge=1, le=100_000)
    rejected_budget: float = Field(0.05, ge=0, le=1)
    part_mib: int = Field(256, ge=1, le=512)
    examples: int = Field(12, ge=0, le=100)
    timeout_s: float = Field(30.0, gt=0)


class Recipe(Section):
    """All settings of one ``build-dataset`` run.

    ``models`` are the language models that steps can name, by names of the user's own.
    """

    cutting: CuttingSection = CuttingSection()
    decode: DecodeSection = DecodeSection()
    models: dict[str, ModelSection] = Field(default_factory=dict)
    steps: StepsSection = StepsSection()
    filters: FiltersSection = FiltersSection()
    run: RunSection = RunSection()

    @model_validator(mode="after")
    def _models_exist(self) -> "Recipe":
        for name, step in self.steps.by_name().items():
            if step.model is not None and step.model not in self.models:
                known = ", ".join(self.models) or "none"
                raise ValueError(f"steps.{name}.model: there is no model {step.model!r} in models; there is: {known}")
        return self

    @model_validator(mode="after")
    def _models_take_the_frames(self) -> "Recipe":
        name = self.steps.visual_clue.model
        model = None if name is None else self.models.get(name)
        if isinstance(model, VLLMModel) and model.frames < self.decode.frames:
            raise ValueError(
                f"models.{name}.frames: it takes {model.frames} frames of a clip, and decode.frames is "
                f"{self.decode.frames}; set both alike"
            )
        return self

    # A dict has no hash; recipes that differ in their models alone share theirs.
    def __hash__(self) -> int:
        return hash((self.cutting, self.decode, self.steps, self.filters, self.run))

    def step_names(self) -> tuple[str, ...]:
        """Name the annotation steps that there are, in the order in which they run."""
        return tuple(self.steps.by_name())

    def measuring_steps(self) -> dict[str, Step]:
        """Make the steps that measure what the filters go by: of media before all others, of texts after them."""
        wanted = self.filters.measures(), self.filters.needs_fingerprint()
        return {step.name: step for step in (MediaMeasures(*wanted), TextMeasures(*wanted)) if step.has_work}

    def all_steps(self) -> tuple[str, ...]:
        """Name all that is done with a decoded clip, in order: measuring media, annotating, measuring texts."""
        measuring = self.measuring_steps()
        first, last = ([name] if name in measuring else [] for name in (MediaMeasures.name, TextMeasures.name))
        return (*first, *self.step_names(), *last)

    def model_of(self, step: str) -> ModelSection | None:
        """Return the model that does a step, or None where no model does."""
        name = self.steps.by_name()[step].model
        return None if name is None else self.models[name]

    def workers_of(self, step: str) -> Workers | None:
        """Return the actors that do a step: its own, else those of the model that does it; None where it has none."""
        own, model = self.steps.by_name()[step].workers, self.model_of(step)
        if own is None and isinstance(model, Resident):
            return Workers(actors=model.actors, num_cpus=model.num_cpus, num_gpus=model.num_gpus)
        return own

    def batch_size_of(self, step: str) -> int:
        """Return how many clips a step takes at a time: as its resident model says, or its own section."""
        section, model = self.steps.by_name()[step], self.model_of(step)
        return model.clips if isinstance(model, Resident) and section.workers is None else section.batch_size

    def place_of(self, step: str) -> str | None:
        """Name what a step shares its processes with: all steps of one place, or None for where clips are decoded."""
        section = self.steps.by_name()[step]
        if section.workers is not None:
            return f"step {step}"
        return f"model {section.model}" if isinstance(self.model_of(step), Resident) else None

    def used_models(self) -> list[ModelSection]:
        """Return the models that do a step, each once."""
        return list(dict.fromkeys(model for name in self.step_names() if (model := self.model_of(name))))

    def step_class(self, step: str) -> type[Step]:
        """Return the class of an annotation step."""
        engine = self.steps.by_name()[step].engine
        return model_step_class(step) if engine is None else step_class(step, engine)

    def make_step(self, step: str) -> Step:
        """Make a step; it is not set up."""
        measuring = self.measuring_steps()
        if step in measuring:
            return measuring[step]
        model = self.model_of(step)
        return self.step_class(step)() if model is None else make_model_step(step, model)

    def content(self) -> dict[str, Any]:
        """Return what decides the data set's content: everything but how the run is laid out.

        A step's model stands with the step, by what it is and not by its name in the recipe.
        """
        settings = self.model_dump(exclude={"run", "models"})
        for name in self.step_names():
            step = settings["steps"][name]
            del step["workers"], step["batch_size"]
            model = self.model_of(name)
            step["model"] = None if model is None else model.content()
        for limit in ("timeout_s", "memory_gib"):
            del settings["decode"][limit]
        return settings

    def to_yaml(self) -> str:
        """Return the resolved recipe as YAML."""
        return yaml.safe_dump(self.model_dump(), sort_keys=False)


def load_recipe(name_or_file: str, overrides: Sequence[str] = ()) -> Recipe:
    """Load a recipe of ``build-dataset``; see ``affectgpt.recipes.loading.load``."""
    return load(Recipe, "build_dataset", name_or_file, overrides)
