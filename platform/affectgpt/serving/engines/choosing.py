"""Chooses the engine that a recipe names."""

from affectgpt.serving.engines.engine import Engine
from affectgpt.serving.engines.transformers import TransformersEngine
from affectgpt.serving.engines.vllm import VLLMEngine
from affectgpt.serving.settings import Settings


def load_engine(settings: Settings) -> Engine:
    """Load the model of a service in the engine that its recipe names.

    Raises:
        RequestError: the model cannot be loaded, or the engine is not installed or cannot run it.
    """
    if settings.recipe.model_workers.engine == "vllm":
        return VLLMEngine(settings)
    return TransformersEngine(settings)
