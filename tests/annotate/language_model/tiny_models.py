"""Tiny chat models of real architectures, drawn at random and saved as complete folders."""

import json
from pathlib import Path

import torch
from transformers import (
    CLIPVisionConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    PreTrainedTokenizerFast,
    Qwen2AudioConfig,
    Qwen2AudioEncoderConfig,
    Qwen2AudioForConditionalGeneration,
    Qwen2AudioProcessor,
    Qwen2Config,
    Qwen3Config,
    Qwen3ForCausalLM,
    T5Config,
    T5ForConditionalGeneration,
    WhisperFeatureExtractor,
)
from transformers.models.qwen2_5_omni import Qwen2_5OmniConfig, Qwen2_5OmniForConditionalGeneration

from tests.model.tiny import FRAME_SIZE, tiny_tokenizer

CONTEXT = 512
PATCH = 8
TEXT = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": CONTEXT,
    "tie_word_embeddings": True,
    # Large enough that random weights tell prompts apart.
    "initializer_range": 0.5,
}
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "<|im_start|>assistant\n{% if enable_thinking is defined and not enable_thinking %}<think>\n\n</think>\n\n"
    "{% endif %}"
)
PARTS_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{% for part in message.content %}"
    "{% if part.type == 'image' %}<image>{% elif part.type == 'audio' %}<|audio_bos|><|AUDIO|><|audio_eos|>"
    "{% else %}{{ part.text }}{% endif %}{% endfor %}<|im_end|>\n{% endfor %}{{ '<|im_start|>assistant\n' }}"
)
NO_SYSTEM_TEMPLATE = (
    "{% if messages[0].role == 'system' %}{{ raise_exception('no system messages') }}{% endif %}"
    "<|im_start|>user\n{{ messages[0].content }}<|im_end|>\n{{ '<|im_start|>assistant\n' }}"
)


def tiny_chat(folder: Path, template: str | None = TEMPLATE, weights: bool = True, context: int = CONTEXT) -> Path:
    """Qwen3 with its chat format."""
    tokenizer = _tokenizer()
    tokenizer.chat_template = template
    tokenizer.save_pretrained(folder)
    torch.manual_seed(1)
    text = TEXT | {"max_position_embeddings": context}
    model = Qwen3ForCausalLM(Qwen3Config(vocab_size=len(tokenizer), head_dim=8, **_ends(tokenizer), **text))
    if weights:
        # Sampling settings of its own, as released models have them.
        model.generation_config.update(do_sample=True, temperature=0.6, top_k=20, repetition_penalty=1.3)
        model.save_pretrained(folder)
    else:
        model.config.save_pretrained(folder)
    return folder


def tiny_seeing(folder: Path) -> Path:
    """LLaVA; frames of 16 pixels in patches of 8, four tokens each."""
    tokenizer = _tokenizer("<image>")
    tokenizer.chat_template = PARTS_TEMPLATE
    tokenizer.save_pretrained(folder)
    torch.manual_seed(2)
    vision = CLIPVisionConfig(
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        image_size=FRAME_SIZE,
        patch_size=PATCH,
        initializer_factor=20.0,
    )
    text = Qwen2Config(vocab_size=len(tokenizer), **_ends(tokenizer), **TEXT)
    LlavaForConditionalGeneration(
        LlavaConfig(
            vision_config=vision,
            text_config=text,
            image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
            tie_word_embeddings=True,
        )
    ).save_pretrained(folder)
    side = {"height": FRAME_SIZE, "width": FRAME_SIZE}
    pictures = {"image_processor_type": "CLIPImageProcessor", "size": {"shortest_edge": FRAME_SIZE}, "crop_size": side}
    layout = {
        "processor_class": "LlavaProcessor",
        "patch_size": PATCH,
        "num_additional_image_tokens": 1,
        "vision_feature_select_strategy": "default",
    }
    # Written, not saved by its class, which cannot be made where no library for pictures is installed.
    (folder / "preprocessor_config.json").write_text(json.dumps(pictures))
    (folder / "processor_config.json").write_text(json.dumps(layout))
    return folder


def tiny_hearing(folder: Path, sample_rate: int = 16_000) -> Path:
    """Qwen2-Audio; sound of 30 s at most, 25 tokens a second."""
    tokenizer = _tokenizer("<|AUDIO|>", "<|audio_bos|>", "<|audio_eos|>")
    torch.manual_seed(3)
    audio = Qwen2AudioEncoderConfig(
        d_model=32, encoder_layers=1, encoder_attention_heads=2, encoder_ffn_dim=32, num_mel_bins=16, init_std=0.5
    )
    text = Qwen2Config(vocab_size=len(tokenizer), **_ends(tokenizer), **TEXT)
    ear = tokenizer.convert_tokens_to_ids("<|AUDIO|>")
    Qwen2AudioForConditionalGeneration(
        Qwen2AudioConfig(audio_config=audio, text_config=text, audio_token_index=ear, tie_word_embeddings=True)
    ).save_pretrained(folder)
    extractor = WhisperFeatureExtractor(feature_size=16, sampling_rate=sample_rate)
    Qwen2AudioProcessor(extractor, tokenizer, chat_template=PARTS_TEMPLATE).save_pretrained(folder)
    return folder


def tiny_omni(folder: Path) -> Path:
    """The weights of Qwen2.5-Omni without its voice; its processor needs a library for videos."""
    torch.manual_seed(4)
    audio = {"d_model": 32, "encoder_layers": 1, "encoder_attention_heads": 2, "encoder_ffn_dim": 32, "output_dim": 32}
    vision = {"depth": 1, "hidden_size": 32, "intermediate_size": 64, "num_heads": 2, "out_hidden_size": 32}
    text = TEXT | {"vocab_size": 320, "rope_parameters": {"rope_type": "default", "mrope_section": [1, 1, 2]}}
    marks = {"audio": 4, "image": 5, "video": 6, "vision_start": 7, "vision_end": 8, "audio_start": 9, "audio_end": 10}
    tokens = {f"{name}_token_id": token for name, token in marks.items()}
    thinker = {"audio_config": audio, "vision_config": vision, "text_config": text, "tie_word_embeddings": False}
    config = Qwen2_5OmniConfig(thinker_config=thinker | tokens, enable_audio_output=False)
    Qwen2_5OmniForConditionalGeneration(config).save_pretrained(folder)
    return folder


def tiny_translating(folder: Path) -> Path:
    """T5, which reads with one stack and writes with another."""
    torch.manual_seed(5)
    T5ForConditionalGeneration(
        T5Config(vocab_size=64, d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2)
    ).save_pretrained(folder)
    return folder


def _tokenizer(*media: str) -> PreTrainedTokenizerFast:
    return tiny_tokenizer("<|im_end|>", [*SPECIAL, *media])


def _ends(tokenizer: PreTrainedTokenizerFast) -> dict[str, int]:
    return {"eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id}
