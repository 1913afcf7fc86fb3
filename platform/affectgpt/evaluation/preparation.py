"""Prepares what an evaluation works with: wheels, what reads labels out of descriptions, and what groups labels."""

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from affectgpt.annotate.language_model.engine import TextEngine
from affectgpt.errors import RequestError
from affectgpt.evaluation import language_model
from affectgpt.evaluation.comparing import Comparison
from affectgpt.evaluation.emotion_wheels import EmotionWheels, shipped_wheels
from affectgpt.evaluation.extraction.lexicon import Progress, extract_by_lexicon
from affectgpt.evaluation.grouping import ClipGrouping, Groups
from affectgpt.evaluation.labelled_clips import Extractor
from affectgpt.evaluation.recipe import LanguageModelSection, Recipe
from affectgpt.evaluation.stored_groupings import read_groupings

_HEADLINES: Final = {"wheel": "level1", "exact": "exact"}
_EVERY_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Prepared:
    """What an evaluation works with.

    Attributes:
        wheels: the wheels.
        extract: reads labels out of descriptions.
        groups: groups labels clip by clip, or gives None where the grouping is the same for all clips.
        grouped: the ids of the clips whose labels can be grouped, or None for all.
        headline: the block whose figures stand at the top.
    """

    wheels: EmotionWheels
    extract: Extractor
    groups: Callable[[Comparison], ClipGrouping | None]
    grouped: Collection[str] | None
    headline: str


def prepare(recipe: Recipe, predictions: int, progress: Progress) -> Prepared:
    """Read wheels and stored groupings and make the language model ready, so that what is wrong shows at once.

    Args:
        recipe: the settings.
        predictions: how many there are; stored groupings are of one.
        progress: told, in a line each, what takes long.

    Raises:
        RequestError: wheels or groupings cannot be read, or the endpoint of the language model cannot be used.
    """
    from affectgpt.evaluation.research_wheels import read_research_wheels

    wheels = shipped_wheels() if recipe.wheel is None else read_research_wheels(recipe.wheel)
    uses_model = "llm" in (recipe.grouping, recipe.extraction.engine)
    engine = _make_engine(recipe.language_model, progress) if uses_model else None
    extract: Extractor = partial(extract_by_lexicon, progress=progress)
    if engine is not None and recipe.extraction.engine == "llm":
        extract = partial(language_model.extract_labels, engine)
    if engine is not None and recipe.grouping == "llm":
        return Prepared(wheels, extract, partial(_model_groups, engine), None, "llm")
    if recipe.grouping in _HEADLINES:
        return Prepared(wheels, extract, _no_groups, None, _HEADLINES[recipe.grouping])
    if predictions > 1:
        raise RequestError(
            f"the stored groupings {recipe.grouping} are of one prediction; evaluate one at a time, each with its own"
        )
    stored = read_groupings(recipe.grouping)
    return Prepared(wheels, extract, partial(_stored_groups, stored), stored.keys(), "stored")


def _make_engine(settings: LanguageModelSection, progress: Progress) -> TextEngine:
    from affectgpt.annotate.language_model.cache import CachedEngine

    cache = Path(settings.cache).expanduser()
    try:
        cache.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RequestError(f"language_model.cache: {cache} cannot be made: {error}; name another file") from error
    engine = _openai_engine(settings) if settings.engine == "openai" else _engine_here(settings, progress)
    return CachedEngine(engine, cache, _now_and_then(progress))


def _openai_engine(settings: LanguageModelSection) -> TextEngine:
    from affectgpt.annotate.language_model.openai import OpenAIEngine

    return OpenAIEngine(
        settings.base_url,
        settings.model,
        api_key_file=settings.api_key_file,
        concurrency=settings.concurrency,
        timeout_s=settings.timeout_s,
        max_retries=settings.max_retries,
    )


def _engine_here(settings: LanguageModelSection, progress: Progress) -> TextEngine:
    assert settings.model is not None
    progress(f"loading the language model {settings.model}")
    if settings.engine == "vllm":
        from affectgpt.annotate.language_model.vllm import VLLMEngine

        return VLLMEngine(settings.model, **settings.vllm.model_dump())
    from affectgpt.annotate.language_model.transformers import TransformersEngine

    return TransformersEngine(settings.model, **settings.transformers.model_dump())


def _now_and_then(progress: Progress) -> Callable[[int, int], None]:
    said = -_EVERY_S

    def tell(done: int, total: int) -> None:
        nonlocal said
        if done == total or time.monotonic() - said >= _EVERY_S:
            said = time.monotonic()
            progress(f"language model: {done:,} of {total:,} replies")

    return tell


def _no_groups(comparison: Comparison) -> None:
    return None


def _model_groups(engine: TextEngine, comparison: Comparison) -> ClipGrouping:
    sets = [[*truth, *predicted] for truth, predicted in zip(comparison.truth(), comparison.predicted(), strict=True)]
    return ClipGrouping("llm", "a language model's groups", language_model.group_labels(engine, sets))


def _stored_groups(stored: Mapping[str, Groups], comparison: Comparison) -> ClipGrouping:
    return ClipGrouping("stored", "stored groups", [stored[clip_id] for clip_id in comparison.clip_ids])
