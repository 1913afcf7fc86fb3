"""The recipe of ``describe``: every setting of a run, checked before anything starts."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from affectgpt.dataset.recipe import CuttingSection
from affectgpt.recipes.loading import Section, load


class GenerationSection(Section):
    """How the model writes: at ``temperature`` 0 the likeliest text; with ``dtype`` null in the saved weights' type."""

    max_new_tokens: int = Field(256, ge=1, le=8192)
    temperature: float = Field(0.0, ge=0, le=100)
    dtype: Literal["float32", "bfloat16", "float16"] | None = None


class WorkersSection(Section):
    """The processes that hold a model each.

    ``actors: auto`` is one for each GPU that is reserved, or without GPUs as many as there are CPUs, less one.
    """

    actors: int | Literal["auto"] = "auto"
    num_cpus: float = Field(1.0, ge=0)
    num_gpus: float = Field(0.0, ge=0)
    batch_size: int = Field(8, ge=1, le=4096)


class DecodeSection(Section):
    """What the decoder of a clip may use."""

    timeout_s: float = Field(60.0, gt=0)
    memory_gib: float = Field(4.0, gt=0)


class Recipe(Section):
    """All settings of one ``describe`` run."""

    cutting: CuttingSection = CuttingSection()
    generation: GenerationSection = GenerationSection()
    workers: WorkersSection = WorkersSection()
    decode: DecodeSection = DecodeSection()
    failed_budget: float = Field(0.05, ge=0, le=1)


def load_recipe(name_or_file: str, overrides: Sequence[str] = ()) -> Recipe:
    """Load a recipe of ``describe``; see ``affectgpt.recipes.loading.load``."""
    return load(Recipe, "describe", name_or_file, overrides)
