"""Writes a tiny model with random weights, for vLLM, which needs a real one: a Qwen3, a Qwen2-Audio, or a Qwen2.5-Omni.

usage: python tiny_model.py FOLDER [hearing|omni] [says] (in the virtual environment of vLLM)

With ``says`` its weights are not random: it answers ``SENTENCE``, whatever it is asked.
"""

import sys
from itertools import pairwise
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    PreTrainedModel,
    PreTrainedTokenizerFast,
    Qwen2AudioConfig,
    Qwen2AudioForConditionalGeneration,
    Qwen2AudioProcessor,
    Qwen3Config,
    Qwen3ForCausalLM,
    WhisperFeatureExtractor,
)

END, START_OF_TURN = "<|im_end|>", "<|im_start|>"
OMNI = {
    "image_token": "<|IMAGE|>",
    "audio_token": "<|AUDIO|>",
    "video_token": "<|VIDEO|>",
    "vision_bos_token": "<|vision_bos|>",
    "vision_eos_token": "<|vision_eos|>",
    "audio_bos_token": "<|audio_bos|>",
    "audio_eos_token": "<|audio_eos|>",
}
OMNI_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n"
    "{% if message.content is string %}{{ message.content }}{% else %}{% for part in message.content %}"
    "{% if part.type == 'text' %}{{ part.text }}{% elif 'image' in part.type %}<|vision_bos|><|IMAGE|><|vision_eos|>"
    "{% else %}<|audio_bos|><|AUDIO|><|audio_eos|>{% endif %}{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SOUND = ("<|audio_bos|>", "<|AUDIO|>", "<|audio_eos|>")
WORDS = ("She", " is", " rather", " sad", " 她现在很悲伤")
SENTENCE = "".join(WORDS)
"""Of its letters three tenths are Chinese, which passes for a text in English as well as for one in Chinese."""
CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n"
    "{% if message.content is string %}{{ message.content }}{% else %}{% for part in message.content %}"
    "{{ part.text if part.type == 'text' else '<|audio_bos|><|AUDIO|><|audio_eos|>' }}{% endfor %}{% endif %}"
    "<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def byte_tokenizer(says: bool, template: str = CHAT_TEMPLATE, **named: str) -> PreTrainedTokenizerFast:
    """One token for each byte, so that every text can be said and none must be learned."""
    vocabulary = {symbol: token for token, symbol in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    tokenizer = Tokenizer(models.BPE(vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = {"extra_special_tokens": named} if named else {"additional_special_tokens": [START_OF_TURN, *SOUND]}
    made = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token=END, pad_token=END, chat_template=template, **special
    )
    if named:
        made.add_tokens([START_OF_TURN], special_tokens=True)
    if says:
        made.add_tokens(list(WORDS))
    return made


def say_the_sentence(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    """Let a model continue the end of a prompt by the sentence: each token leads to the next one alone."""
    prompt_end = tokenizer.encode("\n", add_special_tokens=False)
    chain = [*prompt_end, *tokenizer.convert_tokens_to_ids(list(WORDS)), tokenizer.eos_token_id]
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.endswith(("o_proj.weight", "down_proj.weight")):
                weight.zero_()
        read, said = model.get_input_embeddings().weight, model.get_output_embeddings().weight
        read.zero_()
        said.zero_()
        for place, (token, following) in enumerate(pairwise(chain)):
            read[token, place] = said[following, place] = 1.0


def write(folder: Path, says: bool) -> None:
    """Save the model and its tokenizer where vLLM and transformers can load them."""
    tokenizer = byte_tokenizer(says)
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
    model = Qwen3ForCausalLM(config)
    if says:
        say_the_sentence(model, tokenizer)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def write_hearing(folder: Path, says: bool) -> None:
    """Save a model that takes sound."""
    tokenizer = byte_tokenizer(says)
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
    model = Qwen2AudioForConditionalGeneration(config)
    if says:
        say_the_sentence(model, tokenizer)
    model.save_pretrained(folder)
    # vLLM knows the names of the weights as they were published.
    weights = {
        name.replace("language_model.model.model.", "language_model.model."): weight
        for name, weight in load_file(folder / "model.safetensors").items()
    }
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    extractor = WhisperFeatureExtractor(feature_size=128)
    Qwen2AudioProcessor(extractor, tokenizer, chat_template=CHAT_TEMPLATE).save_pretrained(folder)


def write_omni(folder: Path, says: bool) -> None:
    """Save a model that takes pictures and sound."""
    from transformers import Qwen2_5OmniProcessor, Qwen2VLImageProcessor, Qwen2VLVideoProcessor
    from transformers.models.qwen2_5_omni import Qwen2_5OmniConfig, Qwen2_5OmniThinkerForConditionalGeneration

    tokenizer = byte_tokenizer(says, OMNI_TEMPLATE, **OMNI)
    named = {name.replace("bos", "start").replace("eos", "end"): token for name, token in OMNI.items()}
    ids = {f"{name}_id": tokenizer.convert_tokens_to_ids(token) for name, token in named.items()}
    torch.manual_seed(0)
    config = Qwen2_5OmniConfig(
        enable_audio_output=False,
        thinker_config={
            **ids,
            "audio_config": {
                "d_model": 32,
                "encoder_layers": 1,
                "encoder_attention_heads": 2,
                "encoder_ffn_dim": 64,
                "num_mel_bins": 128,
                "output_dim": 64,
            },
            "vision_config": {
                "depth": 1,
                "hidden_size": 32,
                "intermediate_size": 64,
                "num_heads": 2,
                "out_hidden_size": 64,
            },
            "text_config": {
                "vocab_size": len(tokenizer),
                "hidden_size": 64,
                "intermediate_size": 128,
                "num_hidden_layers": 2,
                "num_attention_heads": 2,
                "num_key_value_heads": 2,
                "max_position_embeddings": 8192,
                "eos_token_id": tokenizer.eos_token_id,
                "rope_parameters": {"rope_type": "default", "rope_theta": 10_000.0, "mrope_section": [4, 6, 6]},
                "initializer_range": 0.5,
                "tie_word_embeddings": False,
            },
            "tie_word_embeddings": False,
        },
    )
    thinker = Qwen2_5OmniThinkerForConditionalGeneration(config.thinker_config)
    if says:
        say_the_sentence(thinker, tokenizer)
    weights = {f"thinker.{name}": weight.contiguous() for name, weight in thinker.state_dict().items()}
    config.architectures = ["Qwen2_5OmniModel"]
    config.save_pretrained(folder)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    pictures = {"min_pixels": 28 * 28, "max_pixels": 112 * 112}
    Qwen2_5OmniProcessor(
        Qwen2VLImageProcessor(**pictures),
        Qwen2VLVideoProcessor(**pictures),
        WhisperFeatureExtractor(feature_size=128),
        tokenizer,
        chat_template=OMNI_TEMPLATE,
    ).save_pretrained(folder)


if __name__ == "__main__":
    kinds = {"hearing": write_hearing, "omni": write_omni}
    [chosen] = [kinds[word] for word in sys.argv[2:] if word in kinds] or [write]
    chosen(Path(sys.argv[1]), says="says" in sys.argv)
