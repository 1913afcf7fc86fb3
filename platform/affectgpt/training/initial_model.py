"""The model before its training: pretrained parts as the recipe names them, and new ones drawn at random."""

import contextlib
import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import numpy as np
import torch
from safetensors import SafetensorError
from transformers import (
    AutoFeatureExtractor,
    AutoImageProcessor,
    AutoModelForCausalLM,
    AutoTokenizer,
    GenerationConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    Qwen3Config,
    initialization,
)
from transformers.feature_extraction_utils import FeatureExtractionMixin
from transformers.image_processing_utils import BaseImageProcessor

from affectgpt.clips.media import SAMPLE_RATE
from affectgpt.errors import RequestError
from affectgpt.model.configuration import AffectGPTBranchConfig, AffectGPTConfig, Sense
from affectgpt.model.encoder_free import LogMelConfig, PatchFeaturesConfig
from affectgpt.model.encoders import encode_sound, encoder_from_config, load_encoder
from affectgpt.model.frame_features import PatchImageProcessor
from affectgpt.model.modeling import AffectGPTForConditionalGeneration
from affectgpt.model.processing import AffectGPTProcessor
from affectgpt.model.prompt import phrasings
from affectgpt.model.sound_features import LogMelFeatureExtractor
from affectgpt.model.sound_inputs import pad_sounds, prepare_sound
from affectgpt.model.tokenizer import add_slots, learn_tokenizer
from affectgpt.training.recipe import AudioSection, BranchSection, LanguageModelSection, ModelSection, VisionSection

Loaded = TypeVar("Loaded")
# What decoders round up at the end of a clip.
_SLACK_S: Final = 0.1
_LOADING_ERRORS: Final = (OSError, ValueError, ImportError, RuntimeError, KeyError, SafetensorError)


@dataclass(frozen=True, slots=True)
class _Parts:
    """One sense: its encoder, what prepares clips for it, and the branch to the language model."""

    encoder: PreTrainedModel
    preprocessing: Any
    branch: AffectGPTBranchConfig


def build_initial_model(
    section: ModelSection, texts: Iterable[str], seed: int
) -> tuple[AffectGPTForConditionalGeneration, AffectGPTProcessor]:
    """Put the model of a recipe together.

    Args:
        section: what it is made of.
        texts: the subtitles and descriptions of the training, from which the tokenizer of a language model without
            ``source`` is learnt; else not looked at.
        seed: for the weights that are drawn.

    Returns:
        The model on the CPU, each pretrained part in its ``dtype`` and new ones in float32, and its processor.

    Raises:
        RequestError: a source is missing or of the wrong kind, or sizes do not fit together.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        language_model, tokenizer = _language_model(section.language_model, texts)
        vision = None if section.vision is None else _vision(section.vision)
        audio = None if section.audio is None else _audio(section.audio)
        fused = 0
        if section.pre_fusion != "none" and section.vision is not None:
            fused = section.vision.queries if section.pre_fusion == "qformer" else 1
        processor = AffectGPTProcessor(
            None if vision is None else vision.preprocessing,
            None if audio is None else audio.preprocessing,
            tokenizer,
            video_tokens=0 if vision is None else vision.branch.tokens,
            audio_tokens=0 if audio is None else audio.branch.tokens,
            fused_tokens=fused,
            frames=8 if section.vision is None else section.vision.frames,
            longest_s=30.0 if section.audio is None else section.audio.longest_s,
        )
        config = AffectGPTConfig(
            text_config=language_model.config,
            vision_config=None if vision is None else vision.encoder.config,
            audio_config=None if audio is None else audio.encoder.config,
            vision_branch=None if vision is None else vision.branch,
            audio_branch=None if audio is None else audio.branch,
            pre_fusion=section.pre_fusion,
            pre_fusion_tokens=max(1, fused),
            video_token_id=processor.slot_token_id("video"),
            audio_token_id=processor.slot_token_id("audio"),
            fused_token_id=processor.slot_token_id("fused"),
        )
        model = _assemble(config, language_model, vision, audio)
    model.generation_config = GenerationConfig(
        bos_token_id=tokenizer.bos_token_id, eos_token_id=processor.end_token_id, pad_token_id=tokenizer.pad_token_id
    )
    return model.train(False), processor


def _assemble(
    config: AffectGPTConfig, language_model: PreTrainedModel, vision: _Parts | None, audio: _Parts | None
) -> AffectGPTForConditionalGeneration:
    # Memory of weights that are not drawn is reserved and never touched, so the parts take no room twice.
    with initialization.no_init_weights():
        model = AffectGPTForConditionalGeneration(config)
    model.language_model = language_model
    model.vision_encoder = None if vision is None else vision.encoder
    model.audio_encoder = None if audio is None else audio.encoder
    # Draws what is not marked as loaded or drawn: the branches.
    model.post_init()  # type: ignore[no-untyped-call]
    return model


def _language_model(
    section: LanguageModelSection, texts: Iterable[str]
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    if section.source is None:
        return _small_language_model(section, texts)
    source, revision = section.source, section.revision
    with _named("model.language_model.source", source, "a causal language model with a fast tokenizer"):
        tokenizer = AutoTokenizer.from_pretrained(source, revision=revision)
        loaded: Any = AutoModelForCausalLM.from_pretrained(
            source, revision=revision, dtype=getattr(torch, section.dtype), output_loading_info=True
        )
        model, info = loaded
        if info["missing_keys"]:
            raise ValueError(f"its checkpoint lacks {', '.join(sorted(info['missing_keys']))}")
        rows = model.get_input_embeddings().weight.shape[0]
        if len(tokenizer) > rows:
            raise ValueError(f"its tokenizer has {len(tokenizer)} tokens, its model knows {rows}")
        add_slots(tokenizer)
        if len(tokenizer) > rows:
            model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    return model, tokenizer


def _small_language_model(
    section: LanguageModelSection, texts: Iterable[str]
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """A Qwen3 of the recipe's sizes, and a tokenizer learnt from the texts and the questions asked about them."""
    width, heads = section.hidden_size, section.heads
    if width % (2 * heads):
        raise RequestError(
            f"model.language_model.hidden_size: {width} does not divide into {heads} heads of an even size; "
            f"give a multiple of {2 * heads}"
        )
    # Each clip is asked one question, so the questions are as frequent among the texts as in the training.
    questions = itertools.cycle((*phrasings("en"), *phrasings("zh")))
    asked = itertools.chain.from_iterable(zip(texts, questions, strict=False))
    try:
        tokenizer = learn_tokenizer(asked, section.vocabulary, section.context)
    except ValueError as error:
        raise RequestError(f"model.language_model: {error}") from error
    config = Qwen3Config(
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=3 * width,
        num_hidden_layers=section.layers,
        num_attention_heads=heads,
        num_key_value_heads=heads,
        head_dim=width // heads,
        max_position_embeddings=section.context,
        attention_dropout=section.dropout,
        tie_word_embeddings=True,
        # The usual 0.02 suits widths of thousands; in a narrow model it would all but silence every layer.
        initializer_range=width**-0.5,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    dtype = getattr(torch, section.dtype)
    model: PreTrainedModel = AutoModelForCausalLM.from_config(config, dtype=dtype)
    return model, tokenizer


def _vision(section: VisionSection) -> _Parts:
    preprocessing: BaseImageProcessor
    if section.encoder is None:
        with _sizes("model.vision"):
            config = PatchFeaturesConfig(patch_size=section.patch_size, frame_size=section.frame_size)
            encoder, preprocessing = encoder_from_config(config, "vision"), PatchImageProcessor(section.frame_size)
    else:
        encoder, preprocessing = _encoder(section, "vision", AutoImageProcessor.from_pretrained)
    return _Parts(encoder, preprocessing, _branch("model.vision", section, section.frames))


def _audio(section: AudioSection) -> _Parts:
    preprocessing: FeatureExtractionMixin
    if section.encoder is None:
        preprocessing = LogMelFeatureExtractor()
        encoder = encoder_from_config(LogMelConfig(feature_size=preprocessing.feature_size), "audio")
    else:
        encoder, preprocessing = _encoder(section, "audio", AutoFeatureExtractor.from_pretrained)
        rate = getattr(preprocessing, "sampling_rate", SAMPLE_RATE)
        if rate != SAMPLE_RATE:
            raise RequestError(
                f"model.audio.encoder: {section.encoder} hears sound at {rate} Hz, clips are decoded at {SAMPLE_RATE} "
                "Hz; name an encoder for that rate"
            )
    steps = _steps(encoder, preprocessing, section.longest_s + _SLACK_S)
    return _Parts(encoder, preprocessing, _branch("model.audio", section, steps))


def _encoder(section: BranchSection, sense: Sense, load: Callable[..., Loaded]) -> tuple[PreTrainedModel, Loaded]:
    source = section.encoder
    assert source is not None
    with _named(f"model.{sense}.encoder", source, f"an encoder for {sense} and its preprocessing"):
        encoder = load_encoder(source, section.revision, sense, getattr(torch, section.dtype))
        return encoder, load(source, revision=section.revision)


def _steps(encoder: PreTrainedModel, preprocessing: FeatureExtractionMixin, longest_s: float) -> int:
    """How many steps in time an encoder makes of the longest sound."""
    samples = math.ceil(longest_s * SAMPLE_RATE)
    if hasattr(encoder.config, "conv_kernel"):
        # It reads the samples themselves, of which there may be too many for a trial.
        return int(encoder._get_feat_extract_output_lengths(samples))  # type: ignore[operator]
    batch, mask = pad_sounds(preprocessing, [prepare_sound(preprocessing, np.zeros(samples, np.float32))])
    with torch.inference_mode():
        features, _ = encode_sound(encoder, torch.from_numpy(batch), torch.from_numpy(mask))
    return features.shape[1]


def _branch(key: str, section: BranchSection, steps: int) -> AffectGPTBranchConfig:
    with _sizes(key):
        return AffectGPTBranchConfig(
            fusion=section.fusion,
            queries=section.queries,
            hidden_size=section.hidden_size,
            layers=section.layers,
            heads=section.heads,
            dropout=section.dropout,
            positions=-(-steps // 2**section.subsampling),
            subsampling=section.subsampling,
            statistics=section.statistics,
        )


@contextlib.contextmanager
def _named(key: str, source: str, wanted: str) -> Iterator[None]:
    try:
        yield
    except _LOADING_ERRORS as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise RequestError(
            f"{key}: {source} cannot be used ({reason}); give the name or the folder of {wanted}"
        ) from error


@contextlib.contextmanager
def _sizes(key: str) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise RequestError(f"{key}: {error}; change one of the two") from error
