"""AffectGPT as the Hugging Face ecosystem knows a model: importing this registers its classes with the Auto classes."""

from transformers import (
    AutoConfig,
    AutoFeatureExtractor,
    AutoImageProcessor,
    AutoModel,
    AutoModelForCausalLM,
    AutoModelForImageTextToText,
    AutoProcessor,
)

from affectgpt.model.configuration import AffectGPTBranchConfig, AffectGPTConfig
from affectgpt.model.encoder_free import LogMelConfig, LogMelModel, PatchFeaturesConfig, PatchFeaturesModel
from affectgpt.model.frame_features import PatchImageProcessor
from affectgpt.model.modeling import AffectGPTForConditionalGeneration, load_strictly
from affectgpt.model.processing import AffectGPTProcessor, ClipInput
from affectgpt.model.sound_features import LogMelFeatureExtractor

__all__ = [
    "AffectGPTBranchConfig",
    "AffectGPTConfig",
    "AffectGPTForConditionalGeneration",
    "AffectGPTProcessor",
    "ClipInput",
    "load_strictly",
]

AutoConfig.register(AffectGPTConfig.model_type, AffectGPTConfig)
AutoConfig.register(PatchFeaturesConfig.model_type, PatchFeaturesConfig)
AutoConfig.register(LogMelConfig.model_type, LogMelConfig)
AutoModel.register(AffectGPTConfig, AffectGPTForConditionalGeneration)
AutoModel.register(PatchFeaturesConfig, PatchFeaturesModel)
AutoModel.register(LogMelConfig, LogMelModel)
AutoModelForCausalLM.register(AffectGPTConfig, AffectGPTForConditionalGeneration)
AutoModelForImageTextToText.register(AffectGPTConfig, AffectGPTForConditionalGeneration)
AutoImageProcessor.register(PatchFeaturesConfig, PatchImageProcessor)
AutoFeatureExtractor.register(LogMelConfig, LogMelFeatureExtractor)
AutoProcessor.register(AffectGPTConfig, AffectGPTProcessor)
