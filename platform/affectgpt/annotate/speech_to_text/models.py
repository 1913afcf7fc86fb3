"""The engines that write down what is said, for the models that a recipe names."""

from functools import lru_cache

from affectgpt.annotate.language_model.models import ModelSection, OpenAIModel, TransformersModel, VLLMModel
from affectgpt.annotate.speech_to_text.engine import SpeechEngine


@lru_cache(maxsize=8)
def speech_engine_of(section: ModelSection) -> SpeechEngine:
    """Return this process's speech engine for a model, the same one each time.

    Raises:
        RequestError: the key cannot be read on this node, or the model does not run on it.
    """
    match section:
        case OpenAIModel():
            from affectgpt.annotate.speech_to_text.openai import OpenAISpeech

            return OpenAISpeech(section.base_url, section.model, has_answered=True, **section.asking())
        case VLLMModel():
            from affectgpt.annotate.speech_to_text.vllm import VLLMSpeech

            settings = section.loading()
            del settings["frames"]  # It listens, and sees nothing.
            return VLLMSpeech(section.model, **settings)
        case TransformersModel():
            from affectgpt.annotate.speech_to_text.transformers import TransformersSpeech

            return TransformersSpeech(section.model, **section.loading())
