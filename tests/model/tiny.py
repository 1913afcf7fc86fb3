"""Tiny models of real architectures, drawn at random and saved as complete folders that the Auto classes load."""

import json
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    ASTConfig,
    ASTFeatureExtractor,
    ASTModel,
    CLIPConfig,
    CLIPModel,
    Dinov2Config,
    Dinov2Model,
    HubertConfig,
    HubertModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    Qwen3Config,
    Qwen3ForCausalLM,
    SiglipConfig,
    SiglipModel,
    Wav2Vec2Config,
    Wav2Vec2FeatureExtractor,
    Wav2Vec2Model,
    WhisperConfig,
    WhisperFeatureExtractor,
    WhisperForConditionalGeneration,
)

TRANSFORMER = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
FRAME_SIZE = 16
# One feature vector each 320 samples, as the large models have it.
WAVEFORM = {
    "conv_dim": (16, 16, 16, 16),
    "conv_kernel": (10, 8, 8, 8),
    "conv_stride": (5, 4, 4, 4),
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
}
CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' ~ message.role ~ '\n' ~ message.content ~ '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
SENTENCES = (
    "The speaker seems happy, since the voice is bright and the words are kind.",
    "The speaker seems sad, since the voice is low and slow; the face is still.",
    "From which clues can the emotional state be inferred? Answer in English.",
    "从哪些线索可以推断说话人的情绪状态？请用中文回答。声音低沉，显得悲伤。",
)


def tiny_clip(folder: Path) -> Path:
    """CLIP, both towers; frames of 16 pixels in patches of 8."""
    torch.manual_seed(1)
    text = TRANSFORMER | {"vocab_size": 64, "max_position_embeddings": 16}
    vision = TRANSFORMER | {"image_size": FRAME_SIZE, "patch_size": 8}
    CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=16)).save_pretrained(folder)
    crop = {"crop_size": {"height": FRAME_SIZE, "width": FRAME_SIZE}, "do_center_crop": True}
    return _with_pictures(folder, "CLIPImageProcessor", {"size": {"shortest_edge": FRAME_SIZE}} | crop)


def tiny_siglip(folder: Path) -> Path:
    """SigLIP, both towers; frames of 16 pixels in patches of 8."""
    torch.manual_seed(2)
    text = TRANSFORMER | {"vocab_size": 64, "max_position_embeddings": 16}
    vision = TRANSFORMER | {"image_size": FRAME_SIZE, "patch_size": 8}
    SiglipModel(SiglipConfig(text_config=text, vision_config=vision)).save_pretrained(folder)
    return _with_pictures(folder, "SiglipImageProcessor", {"size": {"height": FRAME_SIZE, "width": FRAME_SIZE}})


def tiny_dinov2(folder: Path) -> Path:
    """DINOv2; frames of 16 pixels in patches of 8."""
    torch.manual_seed(3)
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "mlp_ratio": 2}
    Dinov2Model(Dinov2Config(image_size=FRAME_SIZE, patch_size=8, **sizes)).save_pretrained(folder)
    crop = {"crop_size": {"height": FRAME_SIZE, "width": FRAME_SIZE}, "do_center_crop": True}
    return _with_pictures(folder, "BitImageProcessor", {"size": {"shortest_edge": FRAME_SIZE}} | crop)


def tiny_hubert(folder: Path) -> Path:
    """HuBERT as its large models are: layer normalisation in the front end, padding masked."""
    torch.manual_seed(4)
    config = HubertConfig(feat_extract_norm="layer", do_stable_layer_norm=True, **TRANSFORMER, **WAVEFORM)
    HubertModel(config).save_pretrained(folder)
    return _with_waveforms(folder, return_attention_mask=True)


def tiny_wav2vec2(folder: Path) -> Path:
    """wav2vec 2.0 as its base models are: normalisation over the whole time in the front end, no mask."""
    torch.manual_seed(5)
    Wav2Vec2Model(Wav2Vec2Config(feat_extract_norm="group", **TRANSFORMER, **WAVEFORM)).save_pretrained(folder)
    return _with_waveforms(folder, return_attention_mask=False)


def tiny_whisper(folder: Path) -> Path:
    """Whisper, encoder and decoder, with its windows of 30 s."""
    torch.manual_seed(6)
    config = WhisperConfig(
        vocab_size=64,
        d_model=16,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        max_target_positions=16,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        decoder_start_token_id=1,
    )
    WhisperForConditionalGeneration(config).save_pretrained(folder)
    WhisperFeatureExtractor(feature_size=config.num_mel_bins).save_pretrained(folder)
    return folder


def tiny_ast(folder: Path) -> Path:
    """AST, for 1.28 s of 32 mel bands."""
    torch.manual_seed(7)
    config = ASTConfig(num_mel_bins=32, max_length=128, **TRANSFORMER)
    ASTModel(config).save_pretrained(folder)
    ASTFeatureExtractor(num_mel_bins=config.num_mel_bins, max_length=config.max_length).save_pretrained(folder)
    return folder


def tiny_qwen3(folder: Path) -> Path:
    """Qwen3 with tied embeddings, and a tokenizer with its chat format."""
    torch.manual_seed(8)
    tokenizer = tiny_tokenizer("<|im_end|>", ["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
    tokenizer.chat_template = CHATML
    config = Qwen3Config(
        vocab_size=len(tokenizer),
        num_key_value_heads=2,
        head_dim=8,
        tie_word_embeddings=True,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        **TRANSFORMER,
    )
    Qwen3ForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def tiny_llama(folder: Path) -> Path:
    """Llama with embeddings of its own for the output, and a tokenizer that knows no chat format and no padding."""
    torch.manual_seed(9)
    tokenizer = tiny_tokenizer("</s>", ["<unk>", "<s>", "</s>"], bos_token="<s>", pad_token=None)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        num_key_value_heads=4,
        tie_word_embeddings=False,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        **TRANSFORMER,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def tiny_tokenizer(eos_token: str, special: list[str], **options: Any) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer of a few hundred tokens."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=320,
        special_tokens=special,
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    tokenizer.train_from_iterator(SENTENCES, trainer)
    names = {"eos_token": eos_token, "pad_token": special[0]} | options
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=512, **names)


def _with_pictures(folder: Path, kind: str, options: dict[str, Any]) -> Path:
    settings = {
        "image_processor_type": kind,
        "do_convert_rgb": True,
        "do_normalize": True,
        "do_rescale": True,
        "do_resize": True,
        "image_mean": [0.5, 0.5, 0.5],
        "image_std": [0.5, 0.5, 0.5],
        "resample": 3,
        "rescale_factor": 1 / 255,
    }
    # Written, not saved by its class, which cannot be made where no library for pictures is installed.
    (folder / "preprocessor_config.json").write_text(json.dumps(settings | options))
    return folder


def _with_waveforms(folder: Path, return_attention_mask: bool) -> Path:
    Wav2Vec2FeatureExtractor(return_attention_mask=return_attention_mask).save_pretrained(folder)
    return folder
