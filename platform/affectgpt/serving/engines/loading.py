"""Loads the model that is served, and the engine that a recipe names for it."""

import time
from dataclasses import dataclass
from pathlib import Path

from transformers.utils.logging import disable_progress_bar

from affectgpt.inference.loading import load_model
from affectgpt.inference.model_files import is_hub_name, local_source
from affectgpt.inference.preparing import Preparer
from affectgpt.model import AffectGPTForConditionalGeneration, AffectGPTProcessor
from affectgpt.serving.exchange import ModelFacts
from affectgpt.serving.fingerprint import fingerprint
from affectgpt.serving.settings import Settings


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model that is to be served.

    Attributes:
        model: the model, in evaluation.
        processor: its processor.
        fingerprint: tells it from others: of its files, or its commit on the hub.
    """

    model: AffectGPTForConditionalGeneration
    processor: AffectGPTProcessor
    fingerprint: str

    def facts(self, preparer: Preparer) -> ModelFacts:
        """Say what is known of the model.

        Args:
            preparer: that of the model.
        """
        trained_on = getattr(self.model.config, "trained_on", {})
        loaded = int(time.time())
        return ModelFacts(self.fingerprint, trained_on, preparer.perception.decoding, preparer.context, loaded)


def load_served(settings: Settings, device: str) -> LoadedModel:
    """Load the model of a service.

    Args:
        settings: those of the service.
        device: where the model shall be.

    Raises:
        RequestError: it cannot be loaded, or the device has not enough memory.
    """
    disable_progress_bar()
    with local_source(settings.model) as source:
        model, processor = load_model(source, device, settings.recipe.generation.dtype)
        model.train(False)
        if is_hub_name(source):
            return LoadedModel(model, processor, str(model.config._commit_hash))
        return LoadedModel(model, processor, fingerprint(Path(source)))


def device_of(settings: Settings) -> str:
    """Say on which kind of device a model worker computes."""
    return "cuda" if settings.recipe.model_workers.num_gpus > 0 else "cpu"
