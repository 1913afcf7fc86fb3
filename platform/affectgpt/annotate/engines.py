"""Which engines each step has, and how a step is made by name."""

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

from affectgpt.annotate.step import Step

if TYPE_CHECKING:
    from affectgpt.annotate.language_model.models import ModelSection

STEP_NAMES = ("subtitle", "visual_clue", "acoustic_clue", "merge", "translate", "labels")
"""All steps, in the order in which they run; ``subtitle`` (speech to text) only where a recipe asks for it."""

ENGINES: dict[tuple[str, str], str] = {
    ("visual_clue", "signal"): "affectgpt.annotate.signal.visual:VisualClue",
    ("acoustic_clue", "signal"): "affectgpt.annotate.signal.acoustic:AcousticClue",
    ("merge", "signal"): "affectgpt.annotate.signal.merge:Merge",
    ("translate", "signal"): "affectgpt.annotate.signal.translate:Translate",
    ("labels", "signal"): "affectgpt.annotate.signal.labels:Labels",
}

BY_MODEL: dict[str, str] = {
    "subtitle": "affectgpt.annotate.speech_to_text.subtitle:Subtitle",
    "visual_clue": "affectgpt.annotate.generated.visual_clue:VisualClue",
    "acoustic_clue": "affectgpt.annotate.generated.acoustic_clue:AcousticClue",
    "merge": "affectgpt.annotate.generated.merge:Merge",
    "translate": "affectgpt.annotate.generated.translate:Translate",
    "labels": "affectgpt.annotate.generated.labels:Labels",
}
"""The steps as a model does them, whatever engine runs it."""


def check_engine(step: str, engine: str) -> None:
    """Refuse an engine that the step does not have, without loading the engines that come with the platform.

    Raises:
        ValueError: there is no such engine for this step; the message lists those that there are.
    """
    if ":" in engine:
        step_class(step, engine)
    elif (step, engine) not in ENGINES:
        known = "".join(f"{name}, or " for of, name in ENGINES if of == step)
        raise ValueError(f"{step} has no engine {engine!r}; it has: {known}package.module:Class, or a model")


def step_class(step: str, engine: str) -> type[Step]:
    """Return the class of a step on an engine; ``engine`` may also be ``package.module:Class``.

    Raises:
        ValueError: the class cannot be imported or is no step.
    """
    module, _, name = (engine if ":" in engine else ENGINES[step, engine]).partition(":")
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"{step}: engine {engine!r} cannot be imported: {error}") from error
    if not (isinstance(found, type) and issubclass(found, Step)):
        raise ValueError(f"{step}: engine {engine!r} is not a subclass of affectgpt.annotate.step.Step")
    return found


def make_model_step(step: str, model: "ModelSection") -> Step:
    """Make a step that a model does; it is not set up."""
    make: Callable[[ModelSection], Step] = model_step_class(step)
    return make(model)


def model_step_class(step: str) -> type[Step]:
    """Return the class of a step that a model does."""
    module, _, name = BY_MODEL[step].partition(":")
    found: type[Step] = getattr(import_module(module), name)
    return found
