"""Writes a tiny language model with random weights, for vLLM, which needs a real one: a Qwen3, or a Qwen2-Audio.

usage: python tiny_model.py FOLDER [hearing] (in the virtual environment of vLLM)
"""

import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    PreTrainedTokenizerFast,
    Qwen2AudioConfig,
    Qwen2AudioForConditionalGeneration,
    Qwen2AudioProcessor,
    Qwen3Config,
    Qwen3ForCausalLM,
    WhisperFeatureExtractor,
)

END, START_OF_TURN = "<|im_end|>", "<|im_start|>"
SOUND = ("<|audio_bos|>", "<|AUDIO|>", "<|audio_eos|>")
CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n"
    "{% if message.content is string %}{{ message.content }}{% else %}{% for part in message.content %}"
    "{{ part.text if part.type == 'text' else '<|audio_bos|><|AUDIO|><|audio_eos|>' }}{% endfor %}{% endif %}"
    "<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def byte_tokenizer() -> PreTrainedTokenizerFast:
    """One token for each byte, so that every text can be said and none must be learned."""
    vocabulary = {symbol: token for token, symbol in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    tokenizer = Tokenizer(models.BPE(vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=END,
        pad_token=END,
        additional_special_tokens=[START_OF_TURN, *SOUND],
        chat_template=CHAT_TEMPLATE,
    )


def write(folder: Path) -> None:
    """Save the model and its tokenizer where vLLM and transformers can load them."""
    tokenizer = byte_tokenizer()
    torch.manual_seed(0)
    config = Qwen3Config(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        head_dim=32,
        max_position_embeddings=8192,
        eos_token_id=tokenizer.eos_token_id,
        initializer_range=0.5,
        dtype=torch.float32,
    )
    Qwen3ForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def write_hearing(folder: Path) -> None:
    """Save a model that takes sound."""
    tokenizer = byte_tokenizer()
    torch.manual_seed(0)
    config = Qwen2AudioConfig(
        audio_config={
            "d_model": 32,
            "encoder_layers": 2,
            "encoder_attention_heads": 2,
            "encoder_ffn_dim": 64,
            "num_mel_bins": 128,
        },
        text_config={
            "model_type": "qwen2",
            "vocab_size": len(tokenizer),
            "hidden_size": 64,
            "intermediate_size": 128,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "num_key_value_heads": 2,
            "eos_token_id": tokenizer.eos_token_id,
            "initializer_range": 0.5,
        },
        audio_token_index=tokenizer.convert_tokens_to_ids(SOUND[1]),
    )
    Qwen2AudioForConditionalGeneration(config).save_pretrained(folder)
    # vLLM knows the names of the weights as they were published.
    weights = {
        name.replace("language_model.model.model.", "language_model.model."): weight
        for name, weight in load_file(folder / "model.safetensors").items()
    }
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    extractor = WhisperFeatureExtractor(feature_size=128)
    Qwen2AudioProcessor(extractor, tokenizer, chat_template=CHAT_TEMPLATE).save_pretrained(folder)


if __name__ == "__main__":
    (write_hearing if "hearing" in sys.argv[2:] else write)(Path(sys.argv[1]))
